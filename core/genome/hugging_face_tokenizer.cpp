// SPDX-License-Identifier: GPL-3.0-or-later
// tokenizer.json, as Hugging Face's tokenizers library writes it.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/genome/hugging_face.h"

namespace ratchet
{
namespace
{

constexpr const char* llama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* gpt2Regex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

tl::unexpected<Error> refuse(const std::string& text)
{
    return fail(Code::BadInput, fmt::format("In tokenizer.json: {}.", text),
                "Known are byte-level BPE tokenizers with the word pattern of GPT-2, with or without digits one by one, or of Llama 3.");
}

std::string typeOf(const Json& part)
{
    return part.is_object() && part.contains("type") && part["type"].is_string() ? part["type"].get<std::string>() : part.dump();
}

bool isSet(const Json& object, const char* name)
{
    return object.contains(name) && !object[name].is_null() && object[name] != false && object[name] != "" && object[name] != 0.0;
}

// A ByteLevel part, with or without the word pattern of its own.
Status checkByteLevel(const Json& part, bool usesRegex)
{
    if (typeOf(part) != "ByteLevel")
        return refuse(fmt::format("\"pre_tokenizer\" is of the kind {}, which is not known", typeOf(part)));
    if (isSet(part, "add_prefix_space"))
        return refuse("\"pre_tokenizer\" has \"add_prefix_space\", which is not known");
    if (part.value("use_regex", Json(true)) != usesRegex)
        return refuse("\"pre_tokenizer\" cuts words in no way that is known (\"use_regex\")");
    return {};
}

Result<WordPattern> readPattern(const Json& part)
{
    if (typeOf(part) != "Sequence") {
        RATCHET_CHECK(checkByteLevel(part, true));
        return WordPattern::Gpt2;
    }
    const Json parts = part.value("pretokenizers", Json());
    if (!parts.is_array() || parts.size() != 2 || (typeOf(parts[0]) != "Split" && typeOf(parts[0]) != "Digits"))
        return refuse("\"pre_tokenizer\" is a Sequence of parts that are not Split or Digits and ByteLevel");
    if (typeOf(parts[0]) == "Digits") {
        RATCHET_CHECK(checkByteLevel(parts[1], true));
        if (parts[0].value("individual_digits", Json(false)) != true)
            return refuse("\"pre_tokenizer\" keeps digits together (\"individual_digits\")");
        return WordPattern::Gpt2Digits;
    }
    RATCHET_CHECK(checkByteLevel(parts[1], false));
    const Json pattern = parts[0].value("pattern", Json());
    const Json regex = pattern.is_object() ? pattern.value("Regex", Json()) : Json();
    if (parts[0].value("behavior", Json()) != "Isolated" || parts[0].value("invert", Json(false)) != false)
        return refuse("\"pre_tokenizer\" splits in another way than \"Isolated\"");
    if (regex == llama3Regex)
        return WordPattern::Llama3;
    if (regex == gpt2Regex)
        return WordPattern::Gpt2;
    return refuse("\"pre_tokenizer\" has a Regex that is neither GPT-2's nor Llama 3's");
}

// Only what puts the begin token in front of every text, and parts that change no token.
Result<bool> readPostProcessor(const Json& part, const std::string& beginName)
{
    if (part.is_null() || typeOf(part) == "ByteLevel")
        return false;
    if (typeOf(part) == "Sequence") {
        bool begins = false;
        for (const Json& inner : part.value("processors", Json::array())) {
            RATCHET_TRY(one, readPostProcessor(inner, beginName));
            begins = begins || one;
        }
        return begins;
    }
    if (typeOf(part) != "TemplateProcessing")
        return refuse(fmt::format("\"post_processor\" is of the kind {}, which is not known", typeOf(part)));
    const Json single = part.value("single", Json());
    const auto idOf = [](const Json& piece, const char* kind) {
        return piece.is_object() && piece.contains(kind) && piece[kind].is_object() ? piece[kind].value("id", Json()) : Json();
    };
    const bool isText = single.is_array() && !single.empty() && idOf(single.back(), "Sequence") == "A";
    if (isText && single.size() == 1)
        return false;
    if (isText && single.size() == 2 && idOf(single[0], "SpecialToken") == beginName)
        return true;
    return refuse("\"post_processor\" does something else than to put the begin token in front");
}

Status checkModel(const Json& model)
{
    if (model.contains("type") && model["type"] != "BPE")
        return refuse(fmt::format("\"model\" is of the kind {}, not BPE", typeOf(model)));
    for (const char* name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
        if (isSet(model, name))
            return refuse(fmt::format("\"model\" has \"{}\", which is not known", name));
    if (!model.contains("vocab") || !model["vocab"].is_object())
        return refuse("\"model\" has no \"vocab\"");
    if (!model.contains("merges") || !model["merges"].is_array())
        return refuse("\"model\" has no \"merges\"");
    return {};
}

// Names by id, from the vocabulary and the added tokens; the latter are special.
Status readTokens(const Json& json, int vocabulary, BytePairs& pairs)
{
    std::vector<bool> seen(static_cast<std::size_t>(vocabulary), false);
    pairs.tokens.resize(static_cast<std::size_t>(vocabulary));
    const auto put = [&](const Json& id, const std::string& name) -> Status {
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0)
            return refuse(fmt::format("the token \"{}\" has no id", name));
        if (id.get<std::int64_t>() >= vocabulary)
            return refuse(fmt::format("the token \"{}\" has the id {}, but the model's vocabulary has {} (\"vocab_size\" in config.json)",
                                      name, id.get<std::int64_t>(), vocabulary));
        const auto at = id.get<std::size_t>();
        if (seen[at] && pairs.tokens[at] != name)
            return refuse(fmt::format("id {} is given to two tokens", at));
        seen[at] = true;
        pairs.tokens[at] = name;
        return {};
    };
    for (const auto& [name, id] : json["model"]["vocab"].items())
        RATCHET_CHECK(put(id, name));
    for (const Json& added : json.value("added_tokens", Json::array())) {
        if (!added.is_object() || !added.contains("content") || !added["content"].is_string())
            return refuse("\"added_tokens\" holds something without \"content\"");
        const auto name = added["content"].get<std::string>();
        if (added.value("special", Json(false)) != true)
            return refuse(fmt::format("the added token \"{}\" is not special, which is not known", name));
        RATCHET_CHECK(put(added.value("id", Json()), name));
        pairs.special.insert(added["id"].get<int>());
    }
    const auto hole = std::find(seen.begin(), seen.end(), false);
    if (hole != seen.end())
        return refuse(fmt::format("no token has the id {}, but the model's vocabulary has {} (\"vocab_size\" in config.json)",
                                  hole - seen.begin(), vocabulary));
    return {};
}

// "a b", or ["a", "b"] of later versions.
std::optional<std::pair<std::string, std::string>> namesOf(const Json& merge)
{
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
        return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
    if (!merge.is_string())
        return std::nullopt;
    const auto& text = merge.get_ref<const std::string&>();
    const auto space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
        return std::nullopt;
    return std::pair(text.substr(0, space), text.substr(space + 1));
}

Status readMerges(const Json& merges, BytePairs& pairs)
{
    std::unordered_map<std::string_view, int> ids;
    for (std::size_t id = 0; id < pairs.tokens.size(); ++id)
        if (!pairs.special.contains(static_cast<int>(id)))
            ids.emplace(pairs.tokens[id], static_cast<int>(id));
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        const auto names = namesOf(merges[rank]);
        if (!names)
            return refuse(fmt::format("merge {} is not a pair of tokens", rank));
        const auto left = ids.find(names->first), right = ids.find(names->second);
        if (left == ids.end() || right == ids.end() || !ids.contains(names->first + names->second))
            return refuse(fmt::format("merge {} (\"{}\" and \"{}\") is of tokens that are not in the vocabulary", rank, names->first, names->second));
        pairs.merges.emplace_back(left->second, right->second);
    }
    return {};
}

} // namespace

Result<Tokenizer> readHuggingFaceTokenizer(const Json& json, const HuggingFaceConfig& config)
{
    if (!json.is_object() || !json.contains("model") || !json["model"].is_object())
        return refuse("it has no \"model\"");
    RATCHET_CHECK(checkModel(json["model"]));
    const Json normalizer = json.value("normalizer", Json());
    if (!normalizer.is_null())
        return refuse(fmt::format("\"normalizer\" is of the kind {}, but a text is taken as it is", typeOf(normalizer)));
    if (!json.value("added_tokens", Json::array()).is_array())
        return refuse("\"added_tokens\" is not a list");
    BytePairs pairs;
    RATCHET_TRY(pattern, readPattern(json.value("pre_tokenizer", Json())));
    pairs.pattern = pattern;
    pairs.wholeWords = isSet(json["model"], "ignore_merges");
    RATCHET_CHECK(readTokens(json, config.vocabulary, pairs));
    pairs.begin = config.begin;
    pairs.end = pairs.pad = config.end;
    for (const int id : {pairs.begin, pairs.end})
        if (!pairs.special.contains(id))
            return refuse(fmt::format("the token {} that config.json names as begin or end is not among \"added_tokens\"", id));
    RATCHET_TRY(begins, readPostProcessor(json.value("post_processor", Json()), pairs.tokens[static_cast<std::size_t>(pairs.begin)]));
    pairs.alwaysBegins = begins;
    RATCHET_CHECK(readMerges(json["model"]["merges"], pairs));
    for (std::size_t id = 0; id < pairs.tokens.size(); ++id) {
        if (pairs.special.contains(static_cast<int>(id)))
            continue;
        auto bytes = bytesOf(pairs.tokens[id]);
        if (!bytes)
            return refuse(fmt::format("the token \"{}\" holds a character that stands for no byte", pairs.tokens[id]));
        pairs.tokens[id] = std::move(*bytes);
    }
    return Tokenizer::create(std::move(pairs));
}

Json huggingFaceTokenizer(const Tokenizer& tokenizer)
{
    const Json own = tokenizer.toJson();
    const BytePairs* const pairs = tokenizer.bytePairs();
    const auto isSpecial = [&](int id) { return pairs ? pairs->special.contains(id) : id >= tokenizer.end(); };
    const auto nameOf = [&](int id) {
        return pairs           ? own["tokens"][static_cast<std::size_t>(id)].get<std::string>()
               : isSpecial(id) ? fmt::format("<|{}|>", tokenizer.label(id))
                               : printableOf(tokenizer.decode(id));
    };
    Json vocabulary = Json::object(), added = Json::array(), merges = Json::array();
    for (int id = 0; id < tokenizer.vocabulary(); ++id) {
        if (isSpecial(id))
            added.push_back({{"id", id}, {"content", nameOf(id)}, {"single_word", false}, {"lstrip", false},
                             {"rstrip", false}, {"normalized", false}, {"special", true}});
        vocabulary[nameOf(id)] = id; // special ones too: ids of others follow the vocabulary's size
    }
    for (const auto& [left, right] : pairs ? pairs->merges : std::vector<std::pair<int, int>>{})
        merges.push_back({nameOf(left), nameOf(right)});
    const WordPattern pattern = pairs ? pairs->pattern : WordPattern::Gpt2;
    const bool isLlama = pattern == WordPattern::Llama3;
    const Json plain{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", !isLlama}};
    const Json split{{"type", "Split"}, {"pattern", {{"Regex", llama3Regex}}}, {"behavior", "Isolated"}, {"invert", false}};
    const Json digits{{"type", "Digits"}, {"individual_digits", true}};
    const Json words = pattern == WordPattern::Gpt2 ? plain : Json{{"type", "Sequence"}, {"pretokenizers", Json::array({isLlama ? split : digits, plain})}};
    Json post = plain;
    if (pairs && pairs->alwaysBegins) {
        const std::string begin = nameOf(pairs->begin);
        const Json front{{"SpecialToken", {{"id", begin}, {"type_id", 0}}}};
        post = {{"type", "TemplateProcessing"},
                {"single", Json::array({front, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}})},
                {"pair", Json::array({front, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                                      {{"Sequence", {{"id", "B"}, {"type_id", 1}}}}})},
                {"special_tokens", {{begin, {{"id", begin}, {"ids", {pairs->begin}}, {"tokens", {begin}}}}}}};
    }
    return {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added}, {"normalizer", nullptr},
            {"pre_tokenizer", words},
            {"post_processor", post}, {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
            {"model", {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr}, {"fuse_unk", false}, {"byte_fallback", false},
                       {"ignore_merges", pairs && pairs->wholeWords}, {"vocab", vocabulary}, {"merges", merges}}}};
}

} // namespace ratchet
