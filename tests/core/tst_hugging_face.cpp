// SPDX-License-Identifier: GPL-3.0-or-later
// Hugging Face folders: what comes in goes out bit for bit, and whatever cannot be understood is refused by name.
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <cstring>
#include <limits>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tests/core/foreign_folder.h"

using namespace ratchet;
namespace fs = std::filesystem;
using foreign::Folder;

namespace
{

struct Spoilt {
    const char* name;
    const char* kind;
    std::function<void(Folder&)> spoil;
    const char* says;
};

const std::vector<Spoilt>& spoiltConfigs()
{
    const auto set = [](const char* field, const Json& value) {
        return [=](Folder& folder) { folder.config[field] = value; };
    };
    static const std::vector<Spoilt> rows{
        {"a model type that is not known", "gpt2", set("model_type", "bloom"), "\"model_type\" is \"bloom\""},
        {"a rotation that is scaled", "llama", set("rope_scaling", {{"rope_type", "llama3"}, {"factor", 8.0}}), "\"rope_scaling\" asks for \"llama3\""},
        {"an old name of the same", "llama", set("rope_scaling", {{"type", "linear"}, {"factor", 2.0}}), "\"rope_scaling\" asks for \"linear\""},
        {"a head width of its own", "llama", set("head_dim", 8), "\"head_dim\" is 8"},
        {"biases of the attention only", "llama", set("attention_bias", true), "\"attention_bias\" and \"mlp_bias\" differ"},
        {"another activation", "llama", set("hidden_act", "gelu"), "\"hidden_act\" is \"gelu\""},
        {"another activation of GPT-2", "gpt2", set("activation_function", "relu"), "\"activation_function\" is \"relu\""},
        {"attention scaled by layer", "gpt2", set("scale_attn_by_inverse_layer_idx", true), "\"scale_attn_by_inverse_layer_idx\" is true"},
        {"attention that is not scaled", "gpt2", set("scale_attn_weights", false), "\"scale_attn_weights\" is false"},
        {"quantised weights", "llama", set("quantization_config", {{"bits", 4}}), "\"quantization_config\""},
        {"a field that is not known", "llama", set("sliding_window", 4096), "\"sliding_window\" is not known"},
        {"a size that is text", "gpt2", set("n_embd", "16"), "\"n_embd\" has the wrong type"},
        {"heads that do not divide the width", "gpt2", set("n_head", 3), "3 heads do not divide a width of 16"},
        {"a size that is missing", "llama", [](Folder& f) { f.config.erase("hidden_size"); }, "\"hidden_size\" is missing"},
        {"no end token", "llama", [](Folder& f) { f.config.erase("eos_token_id"); }, "\"eos_token_id\""},
        {"an end token beyond the vocabulary", "gpt2", set("eos_token_id", 32), "\"eos_token_id\""},
        {"a list", "gpt2", [](Folder& f) { f.config = Json::array({1}); }, "it is not an object"},
    };
    return rows;
}

const std::vector<Spoilt>& spoiltTokenizers()
{
    const auto set = [](const char* path, const Json& value) {
        return [=](Folder& folder) { folder.tokenizer[Json::json_pointer(path)] = value; };
    };
    static const std::vector<Spoilt> rows{
        {"a unigram model", "gpt2", set("/model/type", "Unigram"), "\"model\" is of the kind Unigram, not BPE"},
        {"a normalizer", "gpt2", set("/normalizer", {{"type", "NFC"}}), "\"normalizer\" is of the kind NFC"},
        {"another pre-tokenizer", "gpt2", set("/pre_tokenizer", {{"type", "Metaspace"}}), "\"pre_tokenizer\" is of the kind Metaspace"},
        {"a space put in front", "gpt2", set("/pre_tokenizer/add_prefix_space", true), "\"add_prefix_space\""},
        {"another pattern", "gpt2", set("/pre_tokenizer", Json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\s+"},
            "behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})")), "Regex that is neither"},
        {"digits that stay together", "llama", set("/pre_tokenizer", Json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":false},
            {"type":"ByteLevel","add_prefix_space":false,"use_regex":true}]})")), "\"individual_digits\""},
        {"bytes in place of unknown characters", "gpt2", set("/model/byte_fallback", true), "\"byte_fallback\""},
        {"endings of words", "gpt2", set("/model/end_of_word_suffix", "</w>"), "\"end_of_word_suffix\""},
        {"another post-processor", "gpt2", set("/post_processor", {{"type", "BertProcessing"}}), "\"post_processor\" is of the kind BertProcessing"},
        {"an added token that is no special one", "gpt2", set("/added_tokens/0/special", false), "the added token \"<|begin|>\" is not special"},
        {"a merge of nothing", "gpt2", set("/model/merges/1", "th q"), "merge 1 (\"th\" and \"q\")"},
        {"a merge of three", "gpt2", set("/model/merges/1", "t h e"), "merge 1 is not a pair"},
        {"more tokens than embeddings", "gpt2", set("/model/vocab/zz", 32), "the token \"zz\" has the id 32, but the model's vocabulary has 32"},
        {"fewer tokens than embeddings", "gpt2", set("/added_tokens", Json::array()), "no token has the id 30"},
        {"an id given twice", "gpt2", set("/model/vocab/zz", 5), "id 5 is given to two tokens"},
        {"a token that stands for no byte", "gpt2", [](Folder& f) { f.tokenizer["model"]["vocab"].erase("z"); f.tokenizer["model"]["vocab"]["\xe4\xb8\xad"] = 26; },
         "holds a character that stands for no byte"},
        {"an end that is no special token", "gpt2", [](Folder& f) { f.config["eos_token_id"] = 4; }, "the token 4 that config.json names"},
        {"no model", "gpt2", [](Folder& f) { f.tokenizer.erase("model"); }, "it has no \"model\""},
    };
    return rows;
}

void add(Folder& folder, const std::string& name, const std::string& dtype, std::vector<std::int64_t> shape)
{
    std::size_t count = 1;
    for (const auto extent : shape)
        count *= static_cast<std::size_t>(extent);
    const std::vector<float> zeros(count, 0.0F);
    folder.weights.add(name, dtype, std::move(shape), zeros.data());
}

const std::vector<Spoilt>& spoiltWeights()
{
    const auto value = [](const char* name, float number) {
        return [=](Folder& folder) { std::memcpy(folder.weights.data.data() + folder.weights.tensors.at(name).offset, &number, 4); };
    };
    static const std::vector<Spoilt> rows{
        {"a tensor that is missing", "gpt2", [](Folder& f) { f.weights.tensors.erase("transformer.h.1.ln_1.bias"); }, "\"transformer.h.1.ln_1.bias\" is missing"},
        {"a tensor too many", "llama", [](Folder& f) { add(f, "model.layers.0.self_attn.q_norm.weight", "F32", {4}); },
         "\"model.layers.0.self_attn.q_norm.weight\" is no part of the model"},
        {"a tensor of a block that is not there", "llama", [](Folder& f) { add(f, "model.layers.2.input_layernorm.weight", "F32", {16}); }, "\"model.layers.2.input_layernorm.weight\""},
        {"a wrong shape", "gpt2", [](Folder& f) { f.weights.tensors.at("transformer.h.0.attn.c_attn.weight").shape = {48, 16}; },
         "\"transformer.h.0.attn.c_attn.weight\" has the shape 48 x 16, but config.json asks for 16 x 48"},
        {"a longer context than the positions", "gpt2", [](Folder& f) { f.config["n_positions"] = 24; }, "\"transformer.wpe.weight\" has the shape 12 x 16"},
        {"integers for weights", "gpt2", [](Folder& f) {
            const std::vector<std::int64_t> zeros(16, 0);
            f.weights.add("transformer.ln_f.bias", "I64", {16}, zeros.data()); }, "\"transformer.ln_f.bias\" has the type I64"},
        {"not a number", "llama", value("model.norm.weight", std::numeric_limits<float>::quiet_NaN()), "\"model.norm.weight\" holds a number that is not finite"},
        {"infinity", "gpt2", value("transformer.wte.weight", std::numeric_limits<float>::infinity()), "\"transformer.wte.weight\" holds a number that is not finite"},
        {"a head that differs from what it is tied to", "gpt2", [](Folder& f) { add(f, "lm_head.weight", "F32", {32, 16}); }, "\"lm_head.weight\" differs from the embedding"},
    };
    return rows;
}

void addRows(const std::vector<Spoilt>& rows)
{
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < rows.size(); ++i)
        QTest::addRow("%s", rows[i].name) << static_cast<int>(i);
}

std::string fileText(const fs::path& file)
{
    const auto text = readFile(file);
    return text ? *text : "cannot be read: " + text.error().text;
}

} // namespace

class HuggingFaceTest : public QObject
{
    Q_OBJECT

private:
    // A fresh place for a folder.
    [[nodiscard]] fs::path place()
    {
        return fs::path(m_folder.path().toStdString()) / std::to_string(++m_places);
    }
    void refused(const Spoilt& row)
    {
        Folder folder = foreign::make(row.kind);
        row.spoil(folder);
        const fs::path where = place();
        foreign::write(where, folder);
        const auto imported = importHuggingFace(where);
        QVERIFY2(!imported, "it was taken");
        QCOMPARE(imported.error().code, Code::BadInput);
        QVERIFY2(imported.error().text.find(row.says) != std::string::npos, imported.error().text.c_str());
        QVERIFY(imported.error().text.ends_with("."));
    }
    QTemporaryDir m_folder;
    int m_places = 0;

private Q_SLOTS:
    void theArchitectureIsTheirs()
    {
        const fs::path gpt2 = place(), llama = place();
        foreign::write(gpt2, foreign::make("gpt2"));
        foreign::write(llama, foreign::make("llama"));
        const auto one = importHuggingFace(gpt2), other = importHuggingFace(llama);
        QVERIFY2(one, one ? "" : one.error().text.c_str());
        QVERIFY2(other, other ? "" : other.error().text.c_str());
        const Architecture &a = one->architecture, &b = other->architecture;
        QVERIFY(a.layers == 2 && a.width == 16 && a.heads == 2 && a.kvHeads == 2 && a.context == 12 && a.feedForwardWidth == 24);
        QVERIFY(a.bias && a.tied && a.norm == "layernorm" && a.positions == "learned" && a.feedForward == "gelu-tanh" && a.normEpsilon == 1e-5);
        QVERIFY(b.layers == 2 && b.width == 16 && b.heads == 4 && b.kvHeads == 2 && b.context == 12 && b.feedForwardWidth == 24);
        QVERIFY(!b.bias && !b.tied && b.norm == "rmsnorm" && b.positions == "rope" && b.feedForward == "swiglu" && b.normEpsilon == 1e-3 && b.ropeBase == 500);
        QCOMPARE(one->tokenizer.end(), 31);
        QCOMPARE(one->tokenizer.begin(), 31);
        QCOMPARE(other->tokenizer.begin(), 30);
        QCOMPARE(*one->tokenizer.encode("the other"), (std::vector<std::int64_t>{28, 0, 15, 28, 18}));
        QCOMPARE(*one->tokenizer.encode("in the"), (std::vector<std::int64_t>{9, 14, 29}));
    }

    void aRoundTripIsExact_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addRow("of GPT-2") << QStringLiteral("gpt2");
        QTest::addRow("of Llama") << QStringLiteral("llama");
    }
    void aRoundTripIsExact()
    {
        QFETCH(QString, kind);
        const fs::path before = place(), after = place();
        foreign::write(before, foreign::make(kind.toStdString()));
        const auto first = importHuggingFace(before);
        QVERIFY2(first, first ? "" : first.error().text.c_str());
        const Status exported = exportHuggingFace(after, first->architecture, first->tokenizer, first->weights);
        QVERIFY2(exported, exported ? "" : exported.error().text.c_str());
        QVERIFY(fileText(before / "model.safetensors") == fileText(after / "model.safetensors"));
        const Json theirs = Json::parse(fileText(before / "config.json")), ours = Json::parse(fileText(after / "config.json"));
        for (const auto& [name, value] : theirs.items())
            QVERIFY2(ours.contains(name) && ours[name] == value, name.c_str());
        const auto second = importHuggingFace(after);
        QVERIFY2(second, second ? "" : second.error().text.c_str());
        QVERIFY(second->tokenizer.toJson() == first->tokenizer.toJson());
        QVERIFY(second->weights.data == first->weights.data);
    }

    // As the folders of SmolLM are.
    void aLlamaWhoseDigitsStandAloneIsTakenAndGivenBack()
    {
        Folder folder = foreign::make("llama");
        folder.config.update({{"is_llama_config", true}, {"rope_interleaved", false}, {"transformers.js_config", {{"kv_cache_dtype", {{"fp16", "float16"}}}}}});
        const Json words = Json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
            {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]})");
        folder.tokenizer["pre_tokenizer"] = words;
        const fs::path before = place(), after = place();
        foreign::write(before, folder);
        const auto imported = importHuggingFace(before);
        QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
        QVERIFY(imported->tokenizer.bytePairs()->pattern == WordPattern::Gpt2Digits);
        QVERIFY(Tokenizer::fromJson(imported->tokenizer.toJson())->bytePairs()->pattern == WordPattern::Gpt2Digits);
        QVERIFY(exportHuggingFace(after, imported->architecture, imported->tokenizer, imported->weights));
        QVERIFY(Json::parse(fileText(after / "tokenizer.json"))["pre_tokenizer"] == words);
        QVERIFY(importHuggingFace(after)->tokenizer.toJson() == imported->tokenizer.toJson());
    }

    void whatCannotBeWrittenWholeIsNotThere_data()
    {
        QTest::addColumn<bool>("exists");
        QTest::addRow("in a new folder") << false;
        QTest::addRow("in an empty one") << true;
    }
    void whatCannotBeWrittenWholeIsNotThere()
    {
        QFETCH(bool, exists);
        const fs::path before = place(), after = place();
        foreign::write(before, foreign::make("llama"));
        auto model = importHuggingFace(before);
        QVERIFY(model);
        BytePairs pairs = *model->tokenizer.bytePairs();
        pairs.tokens[30] = std::string(200'000, 'x');         // a tokenizer too large for the disk; the weights fit
        model->tokenizer = *Tokenizer::create(std::move(pairs));
        if (exists)
            QVERIFY(makeFolder(after));
        const pid_t child = fork();
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{100'000, 100'000};
            setrlimit(RLIMIT_FSIZE, &limit);
            const Status written = exportHuggingFace(after, model->architecture, model->tokenizer, model->weights);
            _exit(!written && written.error().code == Code::Environment ? 0 : 1);
        }
        int status = 0;
        QVERIFY(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        QVERIFY(fs::exists(after) == exists && (!exists || fs::is_empty(after)));
        QVERIFY(exportHuggingFace(after, model->architecture, model->tokenizer, model->weights));
    }

    void shardsAreOneModel()
    {
        Folder whole = foreign::make("llama");
        const fs::path one = place(), parts = place();
        foreign::write(one, whole);
        foreign::write(parts, whole);
        fs::remove(parts / "model.safetensors");
        WeightsFile shards[2];
        Json map = Json::object();
        int i = 0;
        for (const auto& [name, entry] : whole.weights.tensors) {
            shards[i % 2].add(name, "F32", entry.shape, whole.weights.data.data() + entry.offset);
            map[name] = fmt::format("model-0000{}-of-00002.safetensors", 1 + i++ % 2);
        }
        const Json index{{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
        QVERIFY(writeFile(parts / "model.safetensors.index.json", index.dump()));
        QVERIFY(writeWeights(parts / "model-00001-of-00002.safetensors", shards[0]));
        const auto missing = importHuggingFace(parts);
        QVERIFY(!missing);
        QVERIFY2(missing.error().text.find("The shard model-00002-of-00002.safetensors") != std::string::npos, missing.error().text.c_str());
        QVERIFY(writeWeights(parts / "model-00002-of-00002.safetensors", shards[1]));
        const auto a = importHuggingFace(one), b = importHuggingFace(parts);
        QVERIFY2(b, b ? "" : b.error().text.c_str());
        QVERIFY(a->weights.data == b->weights.data);

        Json elsewhere = index;
        elsewhere["weight_map"]["model.norm.weight"] = "../secret.safetensors";
        QVERIFY(writeFile(parts / "model.safetensors.index.json", elsewhere.dump()));
        QVERIFY(importHuggingFace(parts).error().text.find("no name of a safetensors file beside it") != std::string::npos);
        Json other = index;
        other["weight_map"]["model.norm.weight"] = other["weight_map"]["lm_head.weight"];
        other["weight_map"].erase("lm_head.weight");
        QVERIFY(writeFile(parts / "model.safetensors.index.json", other.dump()));
        QVERIFY(!importHuggingFace(parts));
    }

    void halvesAreReadAsWhatTheyAre()
    {
        const std::uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x0000, 0x8000, 0x3555, 0x03ff};
        const float halfValues[] = {1, -2, 0x1p-24F, 65504, 0, -0.0F, 0.333251953125F, 0x1.ff8p-15F};
        const std::uint16_t brain[] = {0x3f80, 0xc000, 0x7f7f, 0x0080};
        const float brainValues[] = {1, -2, 0x1.fep127F, 0x1p-126F};
        const std::uint16_t endless[] = {0x7c00, 0x7e00};
        WeightsFile file;
        const auto put = [&](const std::string& name, const std::string& dtype, const std::uint16_t* values, std::size_t count) {
            file.tensors[name] = {name, dtype, {static_cast<std::int64_t>(count)}, file.data.size(), 2 * count};
            file.data.append(reinterpret_cast<const char*>(values), 2 * count);
            return file.tensors[name];
        };
        const auto a = floatsOf(file, put("a", "F16", half, 8));
        QVERIFY(a && std::memcmp(a->data(), halfValues, sizeof halfValues) == 0);
        const auto b = floatsOf(file, put("b", "BF16", brain, 4));
        QVERIFY(b && std::memcmp(b->data(), brainValues, sizeof brainValues) == 0);
        QVERIFY(floatsOf(file, put("c", "F16", endless, 1)).error().text.find("\"c\" holds a number that is not finite") != std::string::npos);
        QVERIFY(!floatsOf(file, put("d", "F16", endless + 1, 1)));
    }

    void aFolderOfHalvesIsImported()
    {
        Folder folder = foreign::make("llama");
        const fs::path where = place();
        foreign::write(where, folder);
        WeightsFile halves;
        for (const auto& [name, entry] : folder.weights.tensors) {
            const float* const values = folder.weights.floats(name);
            halves.tensors[name] = {name, "BF16", entry.shape, halves.data.size(), entry.bytes / 2};
            for (std::size_t i = 0; i < entry.bytes / 4; ++i)
                halves.data.append(reinterpret_cast<const char*>(values + i) + 2, 2);
        }
        QVERIFY(writeWeights(where / "model.safetensors", halves));
        const auto imported = importHuggingFace(where);
        QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
        const float ours = imported->weights.floats("norm.weight")[3], theirs = folder.weights.floats("model.norm.weight")[3];
        QVERIFY(std::abs(ours - theirs) < 0.01F && ours != theirs);
    }

    void whatOldFilesHoldBesidesIsPassedOver()
    {
        Folder folder = foreign::make("gpt2");
        WeightsFile bare;
        for (const auto& [name, entry] : folder.weights.tensors) // a base model's names
            bare.add(name.substr(std::string("transformer.").size()), "F32", entry.shape, folder.weights.data.data() + entry.offset);
        folder.weights = bare;
        add(folder, "h.0.attn.bias", "F32", {1, 1, 12, 12});
        add(folder, "h.1.attn.masked_bias", "F32", {});
        folder.weights.add("lm_head.weight", "F32", {32, 16}, bare.floats("wte.weight"));
        folder.config["summary_type"] = "cls_index";
        folder.config["resid_pdrop"] = 0.1;
        folder.config["pruned_heads"] = Json::object();
        const fs::path where = place();
        foreign::write(where, folder);
        const auto imported = importHuggingFace(where);
        QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
    }

    void configurationsThatAreRefused_data() { addRows(spoiltConfigs()); }
    void configurationsThatAreRefused()
    {
        QFETCH(int, index);
        refused(spoiltConfigs()[static_cast<std::size_t>(index)]);
    }
    void tokenizersThatAreRefused_data() { addRows(spoiltTokenizers()); }
    void tokenizersThatAreRefused()
    {
        QFETCH(int, index);
        refused(spoiltTokenizers()[static_cast<std::size_t>(index)]);
    }
    void weightsThatAreRefused_data() { addRows(spoiltWeights()); }
    void weightsThatAreRefused()
    {
        QFETCH(int, index);
        refused(spoiltWeights()[static_cast<std::size_t>(index)]);
    }

    void filesThatAreRefused()
    {
        const fs::path where = place();
        const auto says = [&](const char* words) {
            const auto imported = importHuggingFace(where);
            if (!imported && imported.error().text.find(words) != std::string::npos)
                return true;
            qWarning("%s", imported ? "it was taken" : imported.error().text.c_str());
            return false;
        };
        QVERIFY(says("There is no folder"));
        foreign::write(where, foreign::make("gpt2"));
        const std::string whole = fileText(where / "model.safetensors");
        for (const std::size_t length : {std::size_t(5), std::size_t(900), whole.size() - 1}) {
            QVERIFY(writeFile(where / "model.safetensors", whole.substr(0, length)));
            QVERIFY(says("model.safetensors cannot be read"));
        }
        std::string odd = whole;
        odd.replace(odd.find("\"F32\""), 5, "\"F64\"");
        QVERIFY(writeFile(where / "model.safetensors", odd));
        QVERIFY(says("has the type F64, which is not allowed"));
        fs::remove(where / "model.safetensors");
        QVERIFY(says("There is no model.safetensors"));
        QVERIFY(writeFile(where / "pytorch_model.bin", "\x80\x02"));
        QVERIFY(says("in pytorch_model.bin only, a pickle"));
        QVERIFY(writeFile(where / "model.safetensors", whole));
        QVERIFY(writeFile(where / "tokenizer.json", "{\"model\": "));
        QVERIFY(says("tokenizer.json is not JSON"));
        fs::remove(where / "tokenizer.json");
        QVERIFY(says("There is no tokenizer.json"));
        QVERIFY(writeFile(where / "config.json", "model_type: gpt2"));
        QVERIFY(says("config.json is not JSON"));
        fs::remove(where / "config.json");
        QVERIFY(says("There is no config.json"));
    }

    void llamasTokenizerIsRead()
    {
        Folder folder = foreign::make("llama");
        const Json own = huggingFaceTokenizer(*Tokenizer::create([] {
            BytePairs pairs = *Tokenizer::learn({"low low lower lower"}, 260).bytePairs();
            pairs.pattern = WordPattern::Llama3;
            pairs.wholeWords = pairs.alwaysBegins = true;
            pairs.begin = pairs.pad;
            pairs.pad = pairs.end;
            return pairs;
        }()));
        QVERIFY(own["pre_tokenizer"]["type"] == "Sequence");
        const auto read = readHuggingFaceTokenizer(own, {HuggingFaceShape::Llama, {}, 260, 259, 258});
        QVERIFY2(read, read ? "" : read.error().text.c_str());
        QVERIFY(read->bytePairs()->alwaysBegins && read->bytePairs()->wholeWords);
        QVERIFY(read->bytePairs()->pattern == WordPattern::Llama3);
        QCOMPARE(read->encodePrompt("a")->front(), 259);
    }

    void aTokenizerOfCharactersIsWritten()
    {
        const Tokenizer digits("0123456789+= ");
        const Json json = huggingFaceTokenizer(digits);
        const auto read = readHuggingFaceTokenizer(json, {HuggingFaceShape::Gpt2, {}, digits.vocabulary(), digits.end(), digits.end()});
        QVERIFY2(read, read ? "" : read.error().text.c_str());
        QCOMPARE(*read->encode("1+2 = 3"), *digits.encode("1+2 = 3"));
    }

    void modelsThatNoFolderCanSayAreNotWritten()
    {
        Architecture plain{.layers = 1, .width = 8, .heads = 2, .kvHeads = 2, .feedForwardWidth = 8, .context = 4};
        const Tokenizer tokenizer("ab");
        const auto says = [&](const Architecture& a, const char* words) {
            WeightsFile weights;
            for (const auto& [name, shape] : expectedTensors(a, tokenizer.vocabulary())) {
                std::size_t count = 1;
                for (const auto extent : shape)
                    count *= static_cast<std::size_t>(extent);
                weights.add(name, "F32", shape, foreign::formula(name, count).data());
            }
            const Status done = exportHuggingFace(place(), a, tokenizer, weights);
            if (!*words)
                return done.has_value();
            return !done && done.error().code == Code::Refused && done.error().text.find(words) != std::string::npos;
        };
        QVERIFY(says(plain, "")); // without biases: zeros are written
        Architecture odd = plain;
        odd.qkNorm = true;
        QVERIFY(says(odd, "/architecture/qkNorm"));
        odd = plain;
        odd.softCap = 15;
        QVERIFY(says(odd, "/architecture/softCap"));
        odd = plain;
        odd.positions = "rope";
        QVERIFY(says(odd, "/architecture/norm"));
        odd = plain;
        odd.feedForward = "relu2";
        QVERIFY(says(odd, "/architecture/feedForward"));
        odd = plain;
        odd.kvHeads = 1;
        QVERIFY(says(odd, "/architecture/kvHeads"));
    }
};

QTEST_GUILESS_MAIN(HuggingFaceTest)
#include "tst_hugging_face.moc"
