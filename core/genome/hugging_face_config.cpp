// SPDX-License-Identifier: GPL-3.0-or-later
// config.json. Field names and defaults: GPT2Config and LlamaConfig of Hugging Face's transformers.
#include <algorithm>
#include <array>
#include <string_view>

#include "core/genome/hugging_face.h"

namespace ratchet
{
namespace
{

// Fields that say nothing about how the model computes its logits.
constexpr std::array harmless{
    "_name_or_path", "architectures", "transformers_version", "torch_dtype", "dtype", "use_cache", "initializer_range",
    "attn_pdrop", "embd_pdrop", "resid_pdrop", "attention_dropout", "hidden_dropout", "summary_activation",
    "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "task_specific_params",
    "gradient_checkpointing", "reorder_and_upcast_attn", "pretraining_tp", "pad_token_id", "sep_token_id",
    "decoder_start_token_id", "id2label", "label2id", "return_dict", "temperature", "top_k", "top_p", "typical_p",
    "do_sample", "max_length", "min_length", "num_beams", "num_beam_groups", "diversity_penalty", "repetition_penalty",
    "length_penalty", "num_return_sequences", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
    "chunk_size_feed_forward", "is_llama_config", "transformers.js_config", "_attn_implementation_autoset"};

tl::unexpected<Error> refuse(const std::string& text)
{
    return fail(Code::BadInput, fmt::format("In config.json: {}.", text),
                "Known are GPT-2- and Llama-shaped models; docs/commands.md says what of them.");
}

bool isNothing(const Json& value)
{
    return value.is_null() || value == false || (value.is_structured() && value.empty());
}

// Reads named fields and remembers them, so that the rest can be looked at.
class Config
{
public:
    explicit Config(const Json& json) : m_json(json), m_fields(json, "config.json") {}
    template <typename T> Config& need(const std::string& name, T& target)
    {
        m_known.push_back(name);
        m_fields.read(name, target);
        return *this;
    }
    // Null counts as absent.
    template <typename T> Config& may(const std::string& name, T& target)
    {
        m_known.push_back(name);
        if (m_json.is_object() && m_json.contains(name) && !m_json[name].is_null())
            m_fields.read(name, target);
        return *this;
    }
    // A switch that must have this value where it is given.
    Config& fixed(const std::string& name, const Json& value)
    {
        Json given = value;
        if (may(name, given); given != value)
            m_fields.fault(fmt::format("\"{}\" is {}, which this model cannot do", name, given.dump()));
        return *this;
    }
    Config& fault(const std::string& text)
    {
        m_fields.fault(text);
        return *this;
    }
    [[nodiscard]] Status status() const
    {
        RATCHET_CHECK(m_fields.status());
        for (const auto& [name, value] : m_json.items()) {
            const bool known = std::find(m_known.begin(), m_known.end(), name) != m_known.end() ||
                               std::find(harmless.begin(), harmless.end(), std::string_view(name)) != harmless.end();
            if (!known && !isNothing(value))
                return refuse(fmt::format("\"{}\" is not known", name));
        }
        return {};
    }

private:
    const Json& m_json;
    Fields m_fields;
    std::vector<std::string> m_known;
};

// bos_token_id and eos_token_id; of a list of ends the first counts.
void readSpecial(Config& in, HuggingFaceConfig& config)
{
    Json begin, end;
    in.may("bos_token_id", begin).may("eos_token_id", end);
    if (end.is_array() && !end.empty())
        end = end[0];
    if (begin.is_null())
        begin = end;
    const auto isToken = [&](const Json& id) {
        return id.is_number_integer() && id.get<std::int64_t>() >= 0 && id.get<std::int64_t>() < config.vocabulary;
    };
    if (!isToken(end) || !isToken(begin)) {
        in.fault("\"eos_token_id\" or \"bos_token_id\" is missing or no token");
        return;
    }
    config.begin = begin.get<int>();
    config.end = end.get<int>();
}

Status readGpt2(Config& in, HuggingFaceConfig& config)
{
    Architecture& a = config.architecture;
    a.feedForwardWidth = 0;
    std::string activation = "gelu_new";
    int context = 0;
    in.need("n_embd", a.width).need("n_layer", a.layers).need("n_head", a.heads).need("n_positions", a.context);
    in.may("n_ctx", context).may("n_inner", a.feedForwardWidth).may("activation_function", activation);
    in.may("layer_norm_epsilon", a.normEpsilon).may("tie_word_embeddings", a.tied);
    in.fixed("scale_attn_weights", true).fixed("scale_attn_by_inverse_layer_idx", false).fixed("add_cross_attention", false);
    if (context != 0 && context != a.context)
        in.fault("\"n_ctx\" and \"n_positions\" differ");
    if (activation != "gelu_new" && activation != "gelu_pytorch_tanh" && activation != "gelu")
        in.fault(fmt::format("\"activation_function\" is \"{}\", which this model cannot do", activation));
    a.kvHeads = a.heads;
    a.feedForwardWidth = a.feedForwardWidth == 0 ? 4 * a.width : a.feedForwardWidth;
    a.feedForward = activation == "gelu" ? "gelu" : "gelu-tanh";
    a.norm = "layernorm";
    a.positions = "learned";
    a.bias = true;
    return in.status();
}

// "rope_scaling" and, of later versions, "rope_parameters": the plain kind only.
void readRotation(Config& in, Architecture& a)
{
    Json scaling, parameters;
    in.may("rope_theta", a.ropeBase).may("rope_scaling", scaling).may("rope_parameters", parameters);
    for (const auto& [name, json] : {std::pair("rope_scaling", &scaling), std::pair("rope_parameters", &parameters)}) {
        if (json->is_null())
            continue;
        if (!json->is_object()) {
            in.fault(fmt::format("\"{}\" is not an object", name));
            return;
        }
        const Json kind = json->value("rope_type", json->value("type", Json("default")));
        if (kind != "default")
            in.fault(fmt::format("\"{}\" asks for {}, which this model cannot do", name, kind.dump()));
        const Json base = json->value("rope_theta", Json(a.ropeBase));
        if (!base.is_number())
            in.fault(fmt::format("\"{}\" has a \"rope_theta\" that is no number", name));
        else
            a.ropeBase = base.get<double>();
    }
}

Status readLlama(Config& in, HuggingFaceConfig& config)
{
    Architecture& a = config.architecture;
    a.kvHeads = 0;
    a.tied = false;
    a.normEpsilon = 1e-6;
    bool mapBias = false;
    int headWidth = 0;
    in.need("hidden_size", a.width).need("num_hidden_layers", a.layers).need("num_attention_heads", a.heads);
    in.need("intermediate_size", a.feedForwardWidth).need("max_position_embeddings", a.context);
    in.may("num_key_value_heads", a.kvHeads).may("rms_norm_eps", a.normEpsilon).may("tie_word_embeddings", a.tied);
    in.may("attention_bias", a.bias).may("mlp_bias", mapBias).may("head_dim", headWidth);
    in.fixed("hidden_act", "silu").fixed("partial_rotary_factor", 1.0);
    readRotation(in, a);
    if (a.bias != mapBias)
        in.fault("\"attention_bias\" and \"mlp_bias\" differ, which this model cannot do");
    if (headWidth != 0 && (a.heads < 1 || headWidth * a.heads != a.width))
        in.fault(fmt::format("\"head_dim\" is {}, but only hidden_size / num_attention_heads is known", headWidth));
    a.kvHeads = a.kvHeads == 0 ? a.heads : a.kvHeads;
    a.feedForward = "swiglu";
    a.norm = "rmsnorm";
    a.positions = "rope";
    return in.status();
}

} // namespace

Result<HuggingFaceConfig> readHuggingFaceConfig(const Json& json)
{
    HuggingFaceConfig config;
    std::string kind;
    Config in(json);
    in.need("model_type", kind).need("vocab_size", config.vocabulary);
    if (json.is_object() && json.contains("quantization_config") && !isNothing(json["quantization_config"]))
        in.fault("\"quantization_config\" asks for quantised weights, which cannot be read");
    if (!json.is_object() || !json.contains("model_type") || (kind != "gpt2" && kind != "llama"))
        return refuse(json.is_object() ? fmt::format("\"model_type\" is \"{}\", but only gpt2 and llama are known", kind)
                                       : std::string("it is not an object"));
    readSpecial(in, config);
    config.shape = kind == "gpt2" ? HuggingFaceShape::Gpt2 : HuggingFaceShape::Llama;
    RATCHET_CHECK(kind == "gpt2" ? readGpt2(in, config) : readLlama(in, config));
    Genome genome; // its own rules: heads divide the width, and so on
    genome.architecture = config.architecture;
    if (const auto valid = Genome::fromJson(genome.toJson()); !valid)
        return refuse(valid.error().text.substr(0, valid.error().text.size() - 1));
    return config;
}

} // namespace ratchet
