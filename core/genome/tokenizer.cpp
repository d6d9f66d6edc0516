// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "core/genome/unicode.h"

namespace ratchet
{
namespace
{

constexpr std::size_t mostTokens = std::size_t(1) << 20;
constexpr const char* endName = "<|end|>";
constexpr const char* padName = "<|pad|>";

constexpr std::array patternNames{"gpt2", "llama3", "gpt2-digits"};      // in the order of WordPattern

tl::unexpected<Error> wrong(const std::string& what)
{
    return fail(Code::BadInput, fmt::format("The tokenizer is not usable: {}.", what));
}

// Printable ASCII, or whole UTF-8 characters beyond it.
bool isReadable(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const Character next = characterAt(text, at);
        const auto first = static_cast<unsigned char>(text[at]);
        if (first < ' ' || first == 0x7f || (first >= 0x80 && next.bytes == 1))
            return false;
        at += next.bytes;
    }
    return !text.empty();
}

} // namespace

struct Tokenizer::Private {
    bool isCharacters = true;
    BytePairs pairs; // of the character kind: tokens, special and the three ids only
    std::array<int, 256> ofByte{};
    std::unordered_map<std::string_view, int> ofWord; // views of pairs.tokens; filled for wholeWords only
    MergeTable merges{{}};
};

Tokenizer::Tokenizer(std::string_view alphabet)
{
    auto content = std::make_shared<Private>();
    content->ofByte.fill(-1);
    const auto add = [&](unsigned char byte) {
        if (content->ofByte[byte] >= 0)
            return;
        content->ofByte[byte] = static_cast<int>(content->pairs.tokens.size());
        content->pairs.tokens.emplace_back(1, static_cast<char>(byte));
    };
    for (const char c : alphabet)
        add(static_cast<unsigned char>(c));
    for (int byte = 0; alphabet.empty() && byte < 256; ++byte)
        add(static_cast<unsigned char>(byte));
    const int end = static_cast<int>(content->pairs.tokens.size());
    content->pairs.tokens.emplace_back(endName);
    content->pairs.tokens.emplace_back(padName);
    content->pairs.special = {end, end + 1};
    content->pairs.begin = content->pairs.end = end;
    content->pairs.pad = end + 1;
    d = std::move(content);
}

Result<Tokenizer> Tokenizer::create(BytePairs pairs)
{
    auto content = std::make_shared<Private>();
    content->isCharacters = false;
    content->pairs = std::move(pairs);
    const BytePairs& own = content->pairs;
    const int count = static_cast<int>(own.tokens.size());
    if (own.tokens.size() < 2 || own.tokens.size() > mostTokens)
        return wrong(fmt::format("it has {} tokens", own.tokens.size()));
    for (const auto& [name, id] : {std::pair("begin", own.begin), std::pair("end", own.end), std::pair("pad", own.pad)})
        if (id < 0 || id >= count || !own.special.contains(id))
            return wrong(fmt::format("its {} token {} is not a special one", name, id));
    if (own.pad != own.end && own.pad != count - 1)
        return wrong("its pad token is neither the end token nor the last one");
    if (*own.special.begin() < 0 || *own.special.rbegin() >= count)
        return wrong("a special token has no place in the vocabulary");
    content->ofByte.fill(-1);
    std::unordered_map<std::string_view, int> ofBytes;
    for (int id = 0; id < count; ++id) {
        const std::string& token = own.tokens[static_cast<std::size_t>(id)];
        if (own.special.contains(id))
            continue;
        if (token.empty() || !ofBytes.emplace(token, id).second)
            return wrong(fmt::format("token {} is {}", id, token.empty() ? "empty" : "there twice"));
        if (token.size() == 1)
            content->ofByte[static_cast<unsigned char>(token[0])] = id;
    }
    std::vector<Merge> merges;
    std::string joined;
    for (const auto& [left, right] : own.merges) {
        const bool isPlain = left >= 0 && right >= 0 && left < count && right < count && !own.special.contains(left) &&
                             !own.special.contains(right);
        if (isPlain)
            joined = own.tokens[static_cast<std::size_t>(left)] + own.tokens[static_cast<std::size_t>(right)];
        const auto found = isPlain ? ofBytes.find(joined) : ofBytes.end();
        if (found == ofBytes.end())
            return wrong(fmt::format("merge {} joins {} and {} to something that is no token", merges.size(), left, right));
        merges.push_back({left, right, found->second});
    }
    content->merges = MergeTable(merges);
    if (own.wholeWords)
        content->ofWord = std::move(ofBytes);
    return Tokenizer(std::move(content));
}

Tokenizer Tokenizer::learn(const std::vector<std::string_view>& texts, int vocabulary)
{
    BytePairs pairs;
    for (int byte = 0; byte < 256; ++byte)
        pairs.tokens.emplace_back(1, static_cast<char>(byte));
    for (const Merge& merge : learnMerges(texts, pairs.pattern, vocabulary - 258)) {
        pairs.merges.emplace_back(merge.left, merge.right);
        if (merge.joined == static_cast<int>(pairs.tokens.size()))
            pairs.tokens.push_back(pairs.tokens[static_cast<std::size_t>(merge.left)] +
                                   pairs.tokens[static_cast<std::size_t>(merge.right)]);
    }
    pairs.begin = pairs.end = static_cast<int>(pairs.tokens.size());
    pairs.pad = pairs.end + 1;
    pairs.special = {pairs.end, pairs.pad};
    pairs.tokens.emplace_back(endName);
    pairs.tokens.emplace_back(padName);
    return *create(std::move(pairs));
}

int Tokenizer::vocabulary() const
{
    return static_cast<int>(d->pairs.tokens.size());
}
int Tokenizer::begin() const
{
    return d->pairs.begin;
}
int Tokenizer::end() const
{
    return d->pairs.end;
}
int Tokenizer::pad() const
{
    return d->pairs.pad;
}
int Tokenizer::choices() const
{
    return pad() == end() ? vocabulary() : pad();
}
const BytePairs* Tokenizer::bytePairs() const
{
    return d->isCharacters ? nullptr : &d->pairs;
}

Result<std::vector<std::int64_t>> Tokenizer::encode(std::string_view text) const
{
    std::vector<std::int64_t> tokens;
    tokens.reserve(d->isCharacters ? text.size() : text.size() / 3);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (d->ofByte[byte] < 0)
            return fail(Code::BadInput, fmt::format("Byte {} (0x{:02x}) is not in this model's alphabet.", i + 1, byte),
                        fmt::format("Use only these characters: {}", [&] {
                            std::string alphabet;
                            for (const std::string& token : d->pairs.tokens)
                                alphabet += token.size() == 1 ? token : "";
                            return alphabet;
                        }()));
        if (d->isCharacters)
            tokens.push_back(d->ofByte[byte]);
    }
    if (d->isCharacters)
        return tokens;
    MergeTable::Merger merger(d->merges);
    std::vector<int> symbols;
    for (const std::string_view word : wordsOf(text, d->pairs.pattern)) {
        if (const auto whole = d->ofWord.find(word); whole != d->ofWord.end()) {
            tokens.push_back(whole->second);
            continue;
        }
        symbols.clear();
        for (const char c : word)
            symbols.push_back(d->ofByte[static_cast<unsigned char>(c)]);
        const std::vector<int>& merged = merger.merge(symbols);
        tokens.insert(tokens.end(), merged.begin(), merged.end());
    }
    return tokens;
}

Result<std::vector<std::int64_t>> Tokenizer::encodePrompt(std::string_view text) const
{
    RATCHET_TRY(tokens, encode(text));
    if (tokens.empty() || d->pairs.alwaysBegins)
        tokens.insert(tokens.begin(), begin());
    return tokens;
}

const std::string& Tokenizer::decode(std::int64_t token) const
{
    static const std::string nothing;
    const bool isPlain = token >= 0 && token < vocabulary() && !d->pairs.special.contains(static_cast<int>(token));
    return isPlain ? d->pairs.tokens[static_cast<std::size_t>(token)] : nothing;
}

std::string Tokenizer::label(std::int64_t token) const
{
    if (token == end())
        return "end";
    if (token == pad())
        return "pad";
    if (token == begin())
        return "begin";
    if (token < 0 || token >= vocabulary())
        return fmt::format("{}", token);
    const std::string& text = d->pairs.tokens[static_cast<std::size_t>(token)];
    if (isReadable(text))
        return text;
    std::string bytes;
    for (const char c : text)
        bytes += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return bytes;
}

std::vector<std::int64_t> Tokenizer::spread(const std::vector<std::int64_t>& tokens, const std::vector<int>& ofBytes) const
{
    std::vector<std::int64_t> values;
    values.reserve(tokens.size());
    std::size_t at = 0;
    for (const std::int64_t token : tokens) {
        const std::size_t bytes = decode(token).size();
        values.push_back(bytes > 0 && at < ofBytes.size() ? ofBytes[at] : 0);
        at += bytes;
    }
    return values;
}

Json Tokenizer::toJson() const
{
    const BytePairs& own = d->pairs;
    if (d->isCharacters) {
        Json bytes = Json::array();
        for (std::size_t id = 0; id + 2 < own.tokens.size(); ++id)
            bytes.push_back(static_cast<unsigned char>(own.tokens[id][0]));
        return {{"kind", "bytes"}, {"alphabet", std::move(bytes)}, {"end", end()}, {"pad", pad()}};
    }
    Json tokens = Json::array();
    for (int id = 0; id < vocabulary(); ++id) {
        const std::string& token = own.tokens[static_cast<std::size_t>(id)];
        tokens.push_back(own.special.contains(id) ? token : printableOf(token));
    }
    return {{"kind", "bpe"}, {"pattern", patternNames[static_cast<std::size_t>(own.pattern)]}, {"tokens", std::move(tokens)}, {"merges", own.merges},
            {"special", own.special}, {"wholeWords", own.wholeWords}, {"alwaysBegins", own.alwaysBegins},
            {"begin", own.begin}, {"end", own.end}, {"pad", own.pad}};
}

namespace
{

Result<Tokenizer> charactersFrom(const Json& json)
{
    std::vector<int> alphabet;
    std::string kind;
    int end = 0, pad = 0;
    Fields in(json, "the tokenizer");
    in.read("kind", kind).read("alphabet", alphabet).read("end", end).read("pad", pad).onlyKnown();
    RATCHET_CHECK(in.status());
    std::string characters;
    for (const int byte : alphabet) {
        if (byte < 0 || byte > 255 || characters.find(static_cast<char>(byte)) != std::string::npos)
            return wrong(fmt::format("byte {} of its alphabet is no byte or there twice", byte));
        characters += static_cast<char>(byte);
    }
    if (characters.empty() || end != static_cast<int>(characters.size()) || pad != end + 1)
        return wrong("its end and pad tokens do not follow its alphabet");
    return Tokenizer(characters);
}

Result<Tokenizer> bytePairsFrom(const Json& json)
{
    BytePairs pairs;
    std::string kind, pattern;
    std::vector<int> special;
    Fields in(json, "the tokenizer");
    in.read("kind", kind).read("pattern", pattern).read("tokens", pairs.tokens).read("merges", pairs.merges);
    in.read("special", special).read("wholeWords", pairs.wholeWords).read("alwaysBegins", pairs.alwaysBegins);
    in.read("begin", pairs.begin).read("end", pairs.end).read("pad", pairs.pad).onlyKnown();
    const auto known = std::find(patternNames.begin(), patternNames.end(), pattern);
    if (known == patternNames.end())
        in.fault(fmt::format("\"pattern\" is none of {}", fmt::join(patternNames, ", ")));
    RATCHET_CHECK(in.status());
    pairs.pattern = static_cast<WordPattern>(known - patternNames.begin());
    pairs.special.insert(special.begin(), special.end());
    for (std::size_t id = 0; id < pairs.tokens.size(); ++id) {
        if (pairs.special.contains(static_cast<int>(id)))
            continue;
        auto bytes = bytesOf(pairs.tokens[id]);
        if (!bytes)
            return wrong(fmt::format("token {} holds a character that stands for no byte", id));
        pairs.tokens[id] = std::move(*bytes);
    }
    return Tokenizer::create(std::move(pairs));
}

} // namespace

Result<Tokenizer> Tokenizer::fromJson(const Json& json)
{
    std::string kind;
    RATCHET_CHECK(Fields(json, "the tokenizer").read("kind", kind).status());
    if (kind == "bytes")
        return charactersFrom(json);
    if (kind == "bpe")
        return bytePairsFrom(json);
    return wrong(fmt::format("its kind \"{}\" is not known", kind));
}

int vocabularyOf(std::string_view alphabet)
{
    return Tokenizer(alphabet).vocabulary();
}

Result<Tokenizer> tokenizerOf(const Json& object, std::string_view alphabet)
{
    if (object.is_null())
        return Tokenizer(alphabet);
    return Tokenizer::fromJson(object);
}

} // namespace ratchet
