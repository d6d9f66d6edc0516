// SPDX-License-Identifier: GPL-3.0-or-later
// Text to tokens and back: one token a character of the domain's alphabet (all 256 bytes when it is empty), then the
// two special tokens. Its JSON form is the tokenizer object of a version. A value; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"

namespace ratchet
{

// Token ids: 0 .. n-1 the alphabet's bytes in its order, n the end token (also what precedes a text that has no
// prompt), n+1 the pad token (never predicted, never learnt).
class Tokenizer
{
public:
    explicit Tokenizer(std::string_view alphabet);

    [[nodiscard]] int vocabulary() const { return static_cast<int>(m_bytes.size()) + 2; }
    [[nodiscard]] int end() const { return static_cast<int>(m_bytes.size()); }
    [[nodiscard]] int pad() const { return end() + 1; }
    // BadInput naming the first byte outside the alphabet and where it stands.
    [[nodiscard]] Result<std::vector<std::int64_t>> encode(std::string_view text) const;
    // The byte of a token; empty for the special ones.
    [[nodiscard]] std::string decode(std::int64_t token) const;
    // {"kind": "bytes", "alphabet": [48, ...], "end": n, "pad": n+1}
    [[nodiscard]] Json toJson() const;

private:
    std::string m_bytes;
    std::array<int, 256> m_tokens{};
};

// Shortcuts for a domain's DomainInfo::alphabet.
[[nodiscard]] int vocabularyOf(std::string_view alphabet);
[[nodiscard]] Json tokenizerJson(std::string_view alphabet);
[[nodiscard]] Hash tokenizerHash(std::string_view alphabet);

} // namespace ratchet
