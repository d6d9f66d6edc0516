// SPDX-License-Identifier: GPL-3.0-or-later
// Tools that a model may call in the middle of an answer: it writes an opening sign, a query and a calling sign; the runner
// writes the result and the closing sign; the model goes on. Domains offer them, the genome's `tools` allows them, the
// answerer runs them, and training takes no loss on what a tool wrote. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratchet {

struct Tool {
    std::string name;                 // as in /tools/allowed
    char open = '[', call = '=', close = ']';
    // The result for a query; "?" when the query is none. Bounded in time and memory, never throws, touches nothing outside.
    std::function<std::string(std::string_view query)> run;
};

// The query of the call that `text` ends with: "...[12*3=" is 12*3. Empty when it ends in the middle of something else.
[[nodiscard]] std::optional<std::string_view> openCall(std::string_view text, const Tool& tool);

// A piece of a completion that a tool wrote: offset and length in bytes.
struct ToolSpan { std::size_t begin = 0, length = 0; };
// What a tool wrote in a finished text: from after each calling sign up to and including the closing sign.
[[nodiscard]] std::vector<ToolSpan> toolSpans(std::string_view text, const Tool& tool);
// A call with its result, as training shows it: "[12*3=36]".
[[nodiscard]] std::string callText(const Tool& tool, std::string_view query);

// Whole numbers, + - * / and brackets ( ), the usual precedence. "?" for what is no such expression, is longer than 64
// characters, leaves 64 bits, or divides with a remainder.
[[nodiscard]] std::string calculate(std::string_view expression);
[[nodiscard]] Tool calculator();

} // namespace ratchet
