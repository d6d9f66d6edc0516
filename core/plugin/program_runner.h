// SPDX-License-Identifier: GPL-3.0-or-later
// A tool that runs programs of machine.h which a model writes in the middle of an answer. The machine is the sandbox: a
// program reaches its stack and nothing else, and Limits bound what it takes. Pure; any thread.
#pragma once

#include <optional>

#include "core/plugin/machine.h"
#include "core/plugin/tools.h"

namespace ratchet::program {

inline constexpr std::size_t mostInputs = 4;

// "5" or "3,-10": 1 .. mostInputs numbers, the last one on top of the stack. Empty when it is none.
[[nodiscard]] std::optional<std::vector<Number>> readInput(std::string_view text);

struct Call {
    std::string_view program;      // into the text that was read, and not checked
    std::vector<Number> input;
};
// "3*2+;5": a program and its input. Empty when it is none.
[[nodiscard]] std::optional<Call> readCall(std::string_view text);

// What the call puts out within the Limits: "3*2+;5" -> "17". "?" for what is no call, is longer than 64 characters, or stops
// at any Fault.
[[nodiscard]] std::string runProgram(std::string_view call);
// Named "program", written with what no call holds: "r3*2+;5=17>".
[[nodiscard]] Tool programRunner();

} // namespace ratchet::program
