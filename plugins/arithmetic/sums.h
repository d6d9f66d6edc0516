// SPDX-License-Identifier: GPL-3.0-or-later
// Written sums: how a pair of operands becomes a prompt and an answer in each format, and how an answer is read back.
// Pure functions; any thread. Numbers are decimal strings, because operands keep their leading zeros.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace ratchet::arithmetic {

// plain: "579"; padded: "0579", one digit wider than the wider operand; reversed: "9750", the same from the least
// significant digit; scratchpad: "36:09,25:07,14:05;579", columns from the least significant digit, each with both digits
// and their two-digit sum including the carry that comes in, then the plain answer.
enum class Format { Plain, Padded, Reversed, Scratchpad };

[[nodiscard]] Format formatOf(const std::string& name);   // throws std::invalid_argument for an unknown name

struct Sum {
    std::string a, b;                                     // digits
    [[nodiscard]] int width() const;                      // of the wider operand
    [[nodiscard]] std::string prompt() const;             // "123+456="
    [[nodiscard]] std::string answer() const;             // without leading zeros
    [[nodiscard]] int carries() const;                    // columns that carry
};

inline constexpr int largestWidth = 18;

// Reads "12+34", with or without "=" and blanks. Empty when it is no such question.
[[nodiscard]] std::optional<Sum> readSum(std::string_view text);
// Empty when `answer` cannot be written in the format: too many digits, or no carries lead to it (scratchpad).
[[nodiscard]] std::optional<std::string> writeAnswer(const Sum& sum, const std::string& answer, Format format);
// The answer without leading zeros; empty when the text does not follow the format. A wrong number of digits is no
// fault of format.
[[nodiscard]] std::optional<std::string> readAnswer(std::string_view completion, Format format);
// "carry" when every digit is right up to lost or invented carries, "length", or "digit". `answer` is not the right one.
[[nodiscard]] std::string failureOf(const Sum& sum, const std::string& answer);
// Position ids by significance (Abacus, McLeish 2024, arXiv 2405.17399): 0 for signs, 1 + index from the left for digits of
// operands, and for digits of the answer the id of the operands' digit of the same significance. Operands of equal width
// are aligned. Only padded, reversed and scratchpad answers can be: where a plain answer starts is not known in advance.
[[nodiscard]] std::vector<int> alignedPositions(std::string_view text, Format format, int limit);
[[nodiscard]] int longestText(int width, Format format);  // prompt and answer, characters

} // namespace ratchet::arithmetic
