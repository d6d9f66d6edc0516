// SPDX-License-Identifier: GPL-3.0-or-later
// What a tokenizer needs to know of Unicode: where a character ends and whether it is a letter, a number or a space
// (\p{L}, \p{N} and \s of the usual patterns). The tables are those of Unicode 14: letters assigned later count as other.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace ratchet
{

enum class CharacterKind { Letter, Number, Space, Other };

struct Character {
    CharacterKind kind = CharacterKind::Other;
    std::size_t bytes = 1;
};

[[nodiscard]] CharacterKind kindOf(char32_t code);
// The character that begins at this byte; a byte that begins no UTF-8 sequence is one of kind Other.
[[nodiscard]] Character characterAt(std::string_view text, std::size_t at);

} // namespace ratchet
