// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/program_runner.h"

#include <algorithm>
#include <charconv>

namespace ratchet::program {
namespace {

constexpr std::size_t longestCall = 64;      // the longest program and the largest numbers take 56

} // namespace

std::optional<std::vector<Number>> readInput(std::string_view text)
{
    std::vector<Number> input;
    for (;;) {
        const auto part = text.substr(0, text.find(','));
        Number number = 0;
        const auto read = std::from_chars(part.data(), part.data() + part.size(), number);
        if (read.ec != std::errc() || read.ptr != part.data() + part.size() || input.size() == mostInputs)
            return std::nullopt;
        input.push_back(number);
        if (part.size() == text.size())
            return input;
        text.remove_prefix(part.size() + 1);
    }
}

std::optional<Call> readCall(std::string_view text)
{
    const auto end = text.find(';');
    auto input = end == std::string_view::npos ? std::nullopt : readInput(text.substr(end + 1));
    return input ? std::optional(Call{text.substr(0, end), std::move(*input)}) : std::nullopt;
}

std::string runProgram(std::string_view call)
{
    const auto read = call.size() <= longestCall ? readCall(call) : std::nullopt;
    if (!read)
        return "?";
    const auto outcome = run(read->program, read->input);
    return outcome.fault == Fault::None ? std::to_string(outcome.output) : "?";
}

Tool programRunner()
{
    return {"program", 'r', '=', '>', runProgram};
}

} // namespace ratchet::program
