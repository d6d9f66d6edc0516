// SPDX-License-Identifier: GPL-3.0-or-later
// Text to tokens and back: one token a character of the domain's alphabet (all 256 bytes when it is empty), or byte-level
// BPE (core/genome/bpe.h), learnt in the lab or imported. Its JSON form is the tokenizer object of a version. A value, cheap
// to copy; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/genome/bpe.h"

namespace ratchet
{

// What a byte-level BPE tokenizer consists of.
struct BytePairs {
    WordPattern pattern = WordPattern::Gpt2;
    std::vector<std::string> tokens;         // by id: its bytes, or the name of a special token
    std::set<int> special;                   // ids that no text encodes to and that decode to nothing
    std::vector<std::pair<int, int>> merges; // by rank; the joined bytes are a token
    bool wholeWords = false;                 // a word that is a token is taken as it is, merges or not (Llama 3)
    bool alwaysBegins = false;               // the begin token stands before every text, not only before one without prompt
    int begin = 0, end = 0, pad = 0;         // special tokens; the pad token is the last id or the end token
};

// Token ids of the character kind: 0 .. n-1 the alphabet's bytes in its order, n the end token (also what precedes a text
// that has no prompt), n+1 the pad token (never predicted, never learnt). A text is never searched for the names of
// special tokens: who writes "<|endoftext|>" gets these characters.
class Tokenizer
{
public:
    explicit Tokenizer(std::string_view alphabet);
    // BadInput naming the token or merge that does not fit.
    [[nodiscard]] static Result<Tokenizer> create(BytePairs pairs);
    // What toJson() wrote, strictly.
    [[nodiscard]] static Result<Tokenizer> fromJson(const Json& json);
    // Learns merges from the texts until the vocabulary, the two special tokens included, has this size (or no pair of
    // neighbours occurs twice). `vocabulary` is 258 at least.
    [[nodiscard]] static Tokenizer learn(const std::vector<std::string_view>& texts, int vocabulary);

    [[nodiscard]] int vocabulary() const;
    [[nodiscard]] int begin() const;
    [[nodiscard]] int end() const;
    [[nodiscard]] int pad() const;     // the last id, or the end token in an imported vocabulary
    [[nodiscard]] int choices() const; // ids below this are what a model may answer with: all but a pad token of its own
    // BadInput naming the first byte outside the alphabet and where it stands.
    [[nodiscard]] Result<std::vector<std::int64_t>> encode(std::string_view text) const;
    // A prompt as the model reads it: with the begin token in front when it is empty or the tokenizer wants it always.
    // A completion is encoded on its own and follows it.
    [[nodiscard]] Result<std::vector<std::int64_t>> encodePrompt(std::string_view text) const;
    // The bytes of a token (maybe not whole characters); empty for the special ones.
    [[nodiscard]] const std::string& decode(std::int64_t token) const;
    // For people: the token's text, "end", "pad", "begin", the name of a special token, or its bytes in hexadecimal.
    [[nodiscard]] std::string label(std::int64_t token) const;
    // For each of these tokens the value that `ofBytes` has where the token begins in the text that they decode to; 0 for
    // special tokens and beyond its end.
    [[nodiscard]] std::vector<std::int64_t> spread(const std::vector<std::int64_t>& tokens,
                                                   const std::vector<int>& ofBytes) const;
    // Null for the character kind.
    [[nodiscard]] const BytePairs* bytePairs() const;
    // {"kind": "bytes", "alphabet": [48, ...], "end": n, "pad": n+1} or {"kind": "bpe", "pattern": "gpt2", "tokens": [...],
    // "merges": [[97, 98], ...], "special": [256], "begin": 256, "end": 256, "pad": 256, ...} with tokens as GPT-2 writes
    // bytes.
    [[nodiscard]] Json toJson() const;

private:
    struct Private;
    explicit Tokenizer(std::shared_ptr<const Private> content) : d(std::move(content)) {}
    std::shared_ptr<const Private> d; // shared by copies: it never changes, and an imported vocabulary is large
};

// The tokenizer of a lab: `object` as Tokenizer::toJson() wrote it, or null for the domain's alphabet.
[[nodiscard]] Result<Tokenizer> tokenizerOf(const Json& object, std::string_view alphabet);
// Shortcut for a domain's DomainInfo::alphabet.
[[nodiscard]] int vocabularyOf(std::string_view alphabet);

} // namespace ratchet
