// SPDX-License-Identifier: GPL-3.0-or-later
// A small stack machine: runs programs that a model wrote, and so never trusts them. Instructions are single
// characters:
//   0 .. 9  push the digit
//   + - *   pop b, pop a, push a + b, a - b, a * b
//   / %     quotient rounded towards zero, and remainder with the sign of a
//   <       push 1 when a < b, else 0
//   n       pop a, push 1 when it is 0, else 0
//   d s x o duplicate the top; swap the upper two; drop the top; copy the second to the top
//   [ ]     while the top is not 0: run what stands between (the top stays)
// The output is the top of the stack at the end. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ratchet::program {

using Number = std::int64_t;

inline constexpr std::string_view instructions = "0123456789+-*/%<ndsxo[]";

struct Limits {
    std::size_t length = 32; // instructions of a program
    int steps = 500;         // instructions run
    std::size_t depth = 16;  // numbers on the stack
    Number largest = 9999;   // of any number, without its sign
};

enum class Fault {
    None,
    Syntax,         // a character that is no instruction, or a bracket without its partner
    TooLong,        // more instructions than Limits::length
    StepsSpent,     // it runs longer than Limits::steps
    Underflow,      // too few numbers on the stack, at an instruction or at the end
    StackFull,      // too many
    DivisionByZero, // of / and %
    Overflow        // a number beyond Limits::largest, also among the inputs
};

struct Outcome {
    Fault fault = Fault::None;
    std::size_t at = 0; // index of the instruction at fault; the program's length at its end
    Number output = 0;  // when there is no fault
    int steps = 0;
};

// Syntax or TooLong, or None for a program that can be started.
[[nodiscard]] Fault check(std::string_view program, const Limits& limits = {});
// Runs with `input` on the stack, its last number on top.
[[nodiscard]] Outcome run(std::string_view program, const std::vector<Number>& input, const Limits& limits = {});

} // namespace ratchet::program
