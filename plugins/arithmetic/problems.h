// SPDX-License-Identifier: GPL-3.0-or-later
// Written problems of all operations: sums as sums.h has them, and differences and products in the formats that make
// sense for them. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/arithmetic/sums.h"

namespace ratchet::arithmetic {

enum class Operation { Add, Subtract, Multiply };

[[nodiscard]] char signOf(Operation operation); // '+', '-', '*'
[[nodiscard]] std::optional<Operation> operationOf(std::string_view sign);

// Differences are whole numbers with a sign, "7-12=" is "-5". Answers of differences and products are written
// plain:    "-5"    without leading zeros;
// padded:   "-05"   the digits as many as a difference or product of such operands can have, the sign before them;
// reversed: "50-"   the same from the least significant digit, the sign last, when the borrows are known.
// Only sums have a scratchpad.
struct Problem {
    Operation operation = Operation::Add;
    Sum operands;
    [[nodiscard]] std::string prompt() const; // "123*456="
    [[nodiscard]] std::string answer() const; // without leading zeros
    [[nodiscard]] int answerWidth() const;    // digits of a padded answer
};

// Reads "12-34", with or without "=" and blanks. Empty when it is no such question or its answer would not fit 64 bits.
[[nodiscard]] std::optional<Problem> readProblem(std::string_view text);
// Empty when `answer` cannot be written in the format.
[[nodiscard]] std::optional<std::string> writeAnswer(const Problem& problem, const std::string& answer, Format format);
// The answer without leading zeros; empty when the text does not follow the format. A wrong number of digits is no
// fault of format.
[[nodiscard]] std::optional<std::string> readAnswer(Operation operation, std::string_view completion, Format format);
// "sign" when only that is wrong, "carry" or "borrow" when every digit is right up to lost or invented ones, "length"
// or "digit". `answer` is not the right one.
[[nodiscard]] std::string failureOf(const Problem& problem, const std::string& answer);
// Position ids by significance as in sums.h. A product's digits above its operands' have ids of their own.
[[nodiscard]] std::vector<int> alignedProblem(std::string_view text, Format format, int limit);
// Prompt and answer in characters, for operands of up to `width` digits.
[[nodiscard]] int longestText(Operation operation, int width, Format format);

} // namespace ratchet::arithmetic
