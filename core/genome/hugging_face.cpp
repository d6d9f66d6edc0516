// SPDX-License-Identifier: GPL-3.0-or-later
// The folder: which tensors of theirs make up which of ours, read from one file or shards and written back.
#include "core/genome/hugging_face.h"

#include <algorithm>
#include <cstring>

#include "core/base/file.h"
#include "core/base/whole_folder.h"

namespace ratchet
{
namespace
{

namespace fs = std::filesystem;

constexpr const char* singleFile = "model.safetensors";
constexpr const char* indexFile = "model.safetensors.index.json";

// A tensor of theirs that is all of one of ours, or the next rows of it.
struct Part {
    std::string name;
    std::vector<std::int64_t> shape; // theirs
    bool transposed = false;         // GPT-2 keeps its linear maps as [in, out]
    [[nodiscard]] std::size_t count() const
    {
        std::size_t product = 1;
        for (const std::int64_t extent : shape)
            product *= static_cast<std::size_t>(extent);
        return product;
    }
};
using Parts = std::map<std::string, std::vector<Part>>; // by the name of ours

Parts gpt2Parts(const Architecture& a, std::int64_t vocabulary)
{
    const std::int64_t width = a.width, hidden = a.feedForwardWidth;
    Parts parts;
    const auto norm = [&](const std::string& ours, const std::string& theirs) {
        parts[ours + ".weight"] = {{theirs + ".weight", {width}}};
        parts[ours + ".bias"] = {{theirs + ".bias", {width}}};
    };
    const auto map = [&](const std::string& ours, const std::string& theirs, std::int64_t out, std::int64_t in) {
        parts[ours + ".weight"] = {{theirs + ".weight", {in, out}, true}};
        parts[ours + ".bias"] = {{theirs + ".bias", {out}}};
    };
    parts["embedding.token.weight"] = {{"transformer.wte.weight", {vocabulary, width}}};
    parts["embedding.position.weight"] = {{"transformer.wpe.weight", {a.context, width}}};
    for (int layer = 0; layer < a.layers; ++layer) {
        const std::string ours = fmt::format("blocks.{}.", layer), theirs = fmt::format("transformer.h.{}.", layer);
        norm(ours + "attention.norm", theirs + "ln_1");
        map(ours + "attention.qkv", theirs + "attn.c_attn", 3 * width, width);
        map(ours + "attention.output", theirs + "attn.c_proj", width, width);
        norm(ours + "feedForward.norm", theirs + "ln_2");
        map(ours + "feedForward.up", theirs + "mlp.c_fc", hidden, width);
        map(ours + "feedForward.down", theirs + "mlp.c_proj", width, hidden);
    }
    norm("norm", "transformer.ln_f");
    return parts;
}

Parts llamaParts(const Architecture& a, std::int64_t vocabulary)
{
    const std::int64_t width = a.width, hidden = a.feedForwardWidth, keys = width / a.heads * a.kvHeads;
    Parts parts;
    // Several maps of theirs, one above the other, with their heights.
    const auto map = [&](const std::string& ours, std::int64_t in, const std::vector<std::pair<std::string, std::int64_t>>& theirs) {
        for (const auto& [name, out] : theirs) {
            parts[ours + ".weight"].push_back({name + ".weight", {out, in}});
            if (a.bias)
                parts[ours + ".bias"].push_back({name + ".bias", {out}});
        }
    };
    parts["embedding.token.weight"] = {{"model.embed_tokens.weight", {vocabulary, width}}};
    for (int layer = 0; layer < a.layers; ++layer) {
        const std::string ours = fmt::format("blocks.{}.", layer), theirs = fmt::format("model.layers.{}.", layer),
                          attention = theirs + "self_attn.";
        parts[ours + "attention.norm.weight"] = {{theirs + "input_layernorm.weight", {width}}};
        map(ours + "attention.qkv", width,
            {{attention + "q_proj", width}, {attention + "k_proj", keys}, {attention + "v_proj", keys}});
        map(ours + "attention.output", width, {{attention + "o_proj", width}});
        parts[ours + "feedForward.norm.weight"] = {{theirs + "post_attention_layernorm.weight", {width}}};
        map(ours + "feedForward.gate", width, {{theirs + "mlp.gate_proj", hidden}});
        map(ours + "feedForward.up", width, {{theirs + "mlp.up_proj", hidden}});
        map(ours + "feedForward.down", hidden, {{theirs + "mlp.down_proj", width}});
    }
    parts["norm.weight"] = {{"model.norm.weight", {width}}};
    return parts;
}

Parts partsOf(HuggingFaceShape shape, const Architecture& architecture, std::int64_t vocabulary)
{
    Parts parts = shape == HuggingFaceShape::Gpt2 ? gpt2Parts(architecture, vocabulary) : llamaParts(architecture, vocabulary);
    if (!architecture.tied)
        parts["head.weight"] = {{"lm_head.weight", {vocabulary, architecture.width}}};
    return parts;
}

std::string toText(const std::vector<std::int64_t>& shape)
{
    return fmt::format("{}", fmt::join(shape, " x "));
}

// to[c, r] = from[r, c]
void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to)
{
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c)
            to[c * rows + r] = from[r * columns + c];
}

// Tensors that hold no weight: causal masks of old GPT-2 files, rotation frequencies of old Llama files.
bool isBuffer(const std::string& name)
{
    return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") || name.ends_with(".rotary_emb.inv_freq");
}

// Files of a base model leave out the prefix.
std::string fullName(const std::string& name, HuggingFaceShape shape)
{
    const std::string prefix = shape == HuggingFaceShape::Gpt2 ? "transformer." : "model.";
    return name == "lm_head.weight" || name.starts_with(prefix) ? name : prefix + name;
}

class Importer
{
public:
    Importer(const fs::path& folder, const HuggingFaceConfig& config)
        : m_folder(folder), m_shape(config.shape), m_parts(partsOf(config.shape, config.architecture, config.vocabulary))
    {
        for (const auto& [ours, parts] : m_parts) {
            std::size_t at = 0;
            for (const Part& part : parts) {
                m_places[part.name] = {&part, ours, at};
                at += part.count();
            }
            m_values[ours].resize(at);
        }
        if (config.architecture.tied) // may be there once more
            m_places["lm_head.weight"] = {&m_parts["embedding.token.weight"][0], "", 0};
    }
    Status read();
    [[nodiscard]] Result<WeightsFile> weights(const Architecture& architecture, int vocabulary);

private:
    struct Place {
        const Part* part = nullptr;
        std::string ours; // empty: a second copy of a tied embedding
        std::size_t at = 0;
        bool found = false;
    };
    Status readShards();
    Status readOne(const std::string& file, const std::map<std::string, std::string>* index);
    Status take(const std::string& file, const WeightsFile& content, const TensorEntry& entry);

    fs::path m_folder;
    HuggingFaceShape m_shape;
    Parts m_parts;
    std::map<std::string, Place> m_places; // by full name
    std::map<std::string, std::vector<float>> m_values;
    std::vector<float> m_head; // a second copy of a tied embedding
};

Status Importer::read()
{
    std::error_code error;
    if (fs::exists(m_folder / singleFile, error))
        RATCHET_CHECK(readOne(singleFile, nullptr));
    else if (fs::exists(m_folder / indexFile, error))
        RATCHET_CHECK(readShards());
    else {
        for (const auto& entry : fs::directory_iterator(m_folder, error))
            if (const auto kind = entry.path().extension(); kind == ".bin" || kind == ".pt" || kind == ".pth" || kind == ".ckpt")
                return fail(Code::BadInput, fmt::format("{} has its weights in {} only, a pickle, which may run any program when it is read.",
                                                        m_folder.string(), entry.path().filename().string()),
                            "Take the model's safetensors, or convert it where you trust it.");
        return fail(Code::NotFound, fmt::format("There is no {} in {}.", singleFile, m_folder.string()),
                    "Name a folder with config.json, tokenizer.json and model.safetensors.");
    }
    for (const auto& [name, place] : m_places)
        if (!place.found && !place.ours.empty())
            return fail(Code::BadInput, fmt::format("The tensor \"{}\" is missing in {}.", name, m_folder.string()), "Take a whole copy of the folder.");
    if (!m_head.empty() && m_head != m_values["embedding.token.weight"])
        return fail(Code::BadInput, "The tensor \"lm_head.weight\" differs from the embedding, but config.json ties them.",
                    "Set \"tie_word_embeddings\" to false in config.json.");
    return {};
}

Status Importer::readShards()
{
    RATCHET_TRY(text, readFile(m_folder / indexFile, 64 << 20));
    RATCHET_TRY(json, parseJson(text, indexFile));
    std::map<std::string, std::string> index;
    RATCHET_CHECK(Fields(json, indexFile).read("weight_map", index).status());
    std::set<std::string> files;
    for (const auto& [tensor, file] : index) {
        if (file.empty() || fs::path(file).filename() != file || !file.ends_with(".safetensors"))
            return fail(Code::BadInput, fmt::format("In {}: \"{}\" is no name of a safetensors file beside it.", indexFile, file));
        files.insert(file);
    }
    std::error_code error;
    for (const std::string& file : files)
        if (!fs::exists(m_folder / file, error))
            return fail(Code::BadInput, fmt::format("The shard {} that {} names is missing.", file, indexFile), "Take a whole copy of the folder.");
    for (const std::string& file : files)
        RATCHET_CHECK(readOne(file, &index));
    return {};
}

Status Importer::readOne(const std::string& file, const std::map<std::string, std::string>* index)
{
    RATCHET_TRY(content, readForeignWeights(m_folder / file));
    for (const auto& [name, entry] : content.tensors) {
        if (index && (!index->contains(name) || index->at(name) != file))
            return fail(Code::BadInput, fmt::format("{} holds the tensor \"{}\", which {} does not say.", file, name, indexFile));
        if (!isBuffer(name))
            RATCHET_CHECK(take(file, content, entry));
    }
    if (index)
        for (const auto& [name, where] : *index)
            if (where == file && !content.tensors.contains(name))
                return fail(Code::BadInput, fmt::format("{} says that the tensor \"{}\" is in {}, but it is not.", indexFile, name, file));
    return {};
}

Status Importer::take(const std::string& file, const WeightsFile& content, const TensorEntry& entry)
{
    const auto found = m_places.find(fullName(entry.name, m_shape));
    if (found == m_places.end())
        return fail(Code::BadInput, fmt::format("In {}: the tensor \"{}\" is no part of the model that config.json describes.", file, entry.name));
    Place& place = found->second;
    if (place.found)
        return fail(Code::BadInput, fmt::format("In {}: the tensor \"{}\" is there twice.", file, entry.name));
    if (entry.shape != place.part->shape)
        return fail(Code::BadInput, fmt::format("In {}: the tensor \"{}\" has the shape {}, but config.json asks for {}.", file, entry.name,
                                                toText(entry.shape), toText(place.part->shape)));
    auto values = floatsOf(content, entry);
    if (!values)
        return fail(values.error().code, fmt::format("In {}: {}", file, values.error().text), values.error().hint);
    place.found = true;
    if (place.ours.empty()) {
        m_head = std::move(*values);
        return {};
    }
    float* const target = m_values[place.ours].data() + place.at;
    if (place.part->transposed)
        transpose(values->data(), place.part->shape[0], place.part->shape[1], target);
    else
        std::copy(values->begin(), values->end(), target);
    return {};
}

Result<WeightsFile> Importer::weights(const Architecture& architecture, int vocabulary)
{
    WeightsFile content;
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary)) {
        content.add(name, "F32", shape, m_values.at(name).data());
        m_values.erase(name); // a large model is not held twice
    }
    RATCHET_CHECK(checkWeights(content, architecture, vocabulary));
    return content;
}

Result<Json> readJson(const fs::path& folder, const char* name)
{
    std::error_code error;
    if (!fs::exists(folder / name, error))
        return fail(Code::NotFound, fmt::format("There is no {} in {}.", name, folder.string()),
                    "Name a folder with config.json, tokenizer.json and model.safetensors.");
    RATCHET_TRY(text, readFile(folder / name, 256 << 20));
    return parseJson(text, name);
}

Result<HuggingFaceShape> shapeOf(const Architecture& a)
{
    const auto no = [](const std::string& path, const std::string& value) {
        return fail(Code::Refused, fmt::format("The version has {} = {}, which neither a GPT-2 nor a Llama folder can say.", path, value),
                    "Only models of these two shapes can be written for Hugging Face's tools.");
    };
    if (a.experts > 0)
        return no("/architecture/experts", std::to_string(a.experts));
    if (a.window > 0)
        return no("/architecture/window", std::to_string(a.window));
    if (a.memoryTokens > 0)
        return no("/architecture/memoryTokens", std::to_string(a.memoryTokens));
    if (a.valueEmbedding)
        return no("/architecture/valueEmbedding", "true");
    if (a.qkNorm)
        return no("/architecture/qkNorm", "true");
    if (a.softCap > 0)
        return no("/architecture/softCap", fmt::format("{:g}", a.softCap));
    if (a.positions == "rope" && a.norm == "rmsnorm" && a.feedForward == "swiglu")
        return HuggingFaceShape::Llama;
    if (a.positions != "learned" && a.positions != "rope")
        return no("/architecture/positions", a.positions);
    if (a.positions == "rope")
        return a.norm != "rmsnorm" ? no("/architecture/norm", a.norm + " with rotary positions")
                                   : no("/architecture/feedForward", a.feedForward + " with rotary positions");
    if (a.norm != "layernorm")
        return no("/architecture/norm", a.norm + " with learned positions");
    if (a.feedForward != "gelu" && a.feedForward != "gelu-tanh")
        return no("/architecture/feedForward", a.feedForward + " with learned positions");
    if (a.kvHeads != a.heads)
        return no("/architecture/kvHeads", fmt::format("{} of {} heads with learned positions", a.kvHeads, a.heads));
    return HuggingFaceShape::Gpt2;
}

Json configOf(HuggingFaceShape shape, const Architecture& a, const Tokenizer& tokenizer)
{
    Json config{{"vocab_size", tokenizer.vocabulary()}, {"bos_token_id", tokenizer.begin()}, {"eos_token_id", tokenizer.end()},
                {"tie_word_embeddings", a.tied}, {"torch_dtype", "float32"}, {"use_cache", true}};
    if (shape == HuggingFaceShape::Gpt2)
        config.update({{"model_type", "gpt2"}, {"architectures", {"GPT2LMHeadModel"}}, {"n_embd", a.width}, {"n_layer", a.layers},
                       {"n_head", a.heads}, {"n_positions", a.context}, {"n_inner", a.feedForwardWidth},
                       {"activation_function", a.feedForward == "gelu" ? "gelu" : "gelu_new"}, {"layer_norm_epsilon", a.normEpsilon}});
    else
        config.update({{"model_type", "llama"}, {"architectures", {"LlamaForCausalLM"}}, {"hidden_size", a.width},
                       {"num_hidden_layers", a.layers}, {"num_attention_heads", a.heads}, {"num_key_value_heads", a.kvHeads},
                       {"intermediate_size", a.feedForwardWidth}, {"hidden_act", "silu"}, {"max_position_embeddings", a.context},
                       {"rms_norm_eps", a.normEpsilon}, {"rope_theta", a.ropeBase}, {"rope_scaling", nullptr},
                       {"attention_bias", a.bias}, {"mlp_bias", a.bias}});
    return config;
}

WeightsFile foreignWeights(const Parts& parts, const WeightsFile& weights)
{
    WeightsFile content;
    content.metadata["format"] = "pt"; // transformers asks for it
    for (const auto& [ours, list] : parts) {
        const float* from = weights.floats(ours); // null: a bias that the model has not
        for (const Part& part : list) {
            std::vector<float> values(part.count(), 0.0F);
            if (from && part.transposed)
                transpose(from, part.shape[1], part.shape[0], values.data());
            else if (from)
                std::copy(from, from + part.count(), values.begin());
            content.add(part.name, "F32", part.shape, values.data());
            from = from ? from + part.count() : nullptr;
        }
    }
    return content;
}

} // namespace

Result<ImportedModel> importHuggingFace(const fs::path& folder)
{
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return fail(Code::NotFound, fmt::format("There is no folder {}.", folder.string()),
                    "Name a folder with config.json, tokenizer.json and model.safetensors.");
    RATCHET_TRY(configJson, readJson(folder, "config.json"));
    RATCHET_TRY(config, readHuggingFaceConfig(configJson));
    RATCHET_TRY(tokenizerJson, readJson(folder, "tokenizer.json"));
    RATCHET_TRY(tokenizer, readHuggingFaceTokenizer(tokenizerJson, config));
    Importer importer(folder, config);
    RATCHET_CHECK(importer.read());
    RATCHET_TRY(weights, importer.weights(config.architecture, config.vocabulary));
    return ImportedModel{config.shape, config.architecture, std::move(tokenizer), std::move(weights)};
}

Status exportHuggingFace(const fs::path& folder, const Architecture& architecture, const Tokenizer& tokenizer, const WeightsFile& weights)
{
    RATCHET_TRY(shape, shapeOf(architecture));
    RATCHET_CHECK(checkWeights(weights, architecture, tokenizer.vocabulary()));
    return makeWhole(folder, "config.json", [&](const fs::path& place) -> Status {
        RATCHET_CHECK(writeWeights(place / singleFile, foreignWeights(partsOf(shape, architecture, tokenizer.vocabulary()), weights)));
        RATCHET_CHECK(writeFile(place / "tokenizer.json", huggingFaceTokenizer(tokenizer).dump(1) + "\n"));
        return writeFile(place / "config.json", configOf(shape, architecture, tokenizer).dump(2) + "\n");
    });
}

} // namespace ratchet
