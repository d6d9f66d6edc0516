// SPDX-License-Identifier: GPL-3.0-or-later
// Short stories with numbers: how a chain of operations becomes a sentence, and the expression that solves it.
// Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"

namespace ratchet::wordproblem {

// "tim has 4 boxes of 12 pens, gets 30 and loses 5." is (4, '*' 12, '+' 30, '-' 5): the first number, then one step each.
struct Step {
    char sign = '+';                                   // + - *; * only first
    int number = 0;
};
struct Story {
    int start = 0;
    std::vector<Step> steps;
    int name = 0, thing = 0;                           // wording only: the same numbers with other words are the same problem
    [[nodiscard]] std::string text() const;            // "tim has 4 boxes of 12 pens, gets 30 and loses 5."
    [[nodiscard]] std::string expression() const;      // "4*12+30-5"
    [[nodiscard]] Json toJson() const;
    // Throws std::invalid_argument when the document is no story.
    [[nodiscard]] static Story read(const Json& json);
    // The story whose text() this is; empty when there is none.
    [[nodiscard]] static std::optional<Story> parse(std::string_view text);
};

// A story of `steps` operations whose numbers are at most `largest` and whose amounts never fall below zero.
[[nodiscard]] Story drawStory(int steps, int largest, Rng& rng);
// The same story with one number changed by up to three and no amount below zero; with other words, the same problem.
[[nodiscard]] Story withOtherNumber(Story story, Rng& rng);
[[nodiscard]] Story withOtherWords(Story story, Rng& rng);
[[nodiscard]] int longestStory(int steps, int largest);        // characters of text()
[[nodiscard]] int longestExpression(int steps, int largest);

} // namespace ratchet::wordproblem
