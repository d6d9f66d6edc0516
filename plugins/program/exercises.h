// SPDX-License-Identifier: GPL-3.0-or-later
// Exercises on programs of machine.h: how they are written as prompts, drawn and solved. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/plugin/program_runner.h"

namespace ratchet::program {

struct Case {
    std::vector<Number> input; // the last one on top of the stack
    Number output = 0;
};

// Run: what does this program put out for this input? "r:3*2+;5=" -> "17".
// Write: which program turns each input into its output? "w:5>17;0>2=" -> "3*2+" or any other that does.
enum class Task { Run, Write };

struct Exercise {
    Task task = Task::Run;
    std::string program;     // of Write: one that is right
    std::vector<Case> cases; // of Run: one
    [[nodiscard]] std::string prompt() const;
    [[nodiscard]] std::string answer() const;
    // Of a Run, what it asks as a call of the program runner: "3*2+;5".
    [[nodiscard]] std::string call() const;
};

// A prompt, with or without "=", and with its cases in order: the same for the same question.
[[nodiscard]] std::string keyOf(std::string_view prompt);

inline constexpr std::size_t mostCases = 6;
inline constexpr Number largestOutput = 999; // of drawn exercises
inline constexpr int shortestProgram = 2;    // of drawn exercises: with less there is nothing to do
inline constexpr int longestProgram = 16;    // of drawn exercises

// Reads a prompt, with or without "=" and blanks; the program of a Write is found by search. Empty when it is no
// exercise: malformed, a program to run that fails, or no program of up to 4 instructions that does what is asked.
[[nodiscard]] std::optional<Exercise> readExercise(std::string_view text);
[[nodiscard]] Json toJson(const Exercise& exercise);
[[nodiscard]] Exercise exerciseFromJson(const Json& question); // throws std::exception when malformed

// The first program of up to `longest` instructions, short ones first, that does what the cases ask.
[[nodiscard]] std::optional<std::string> findProgram(const std::vector<Case>& cases, int longest);
// Whether the program turns every input into its output.
[[nodiscard]] bool fits(std::string_view program, const std::vector<Case>& cases);

// A program without loops of exactly this many instructions that makes one number of one number: never fails for 0 ..
// 9, puts out at most `largestOutput` there, and neither always the same nor always its input. Empty when many draws
// found none.
[[nodiscard]] std::optional<std::string> drawProgram(int length, Rng& rng);
// The exercise of this program with inputs drawn: Run 0 .. 99, Write `cases` different ones of 0 .. 9. Empty when the
// program fails for an input or puts out too much, and when a constant or nothing at all would do what a Write asks.
[[nodiscard]] std::optional<Exercise> drawExercise(Task task, const std::string& program, int cases, Rng& rng);
// Prompt and answer in characters, for programs of up to `length` instructions.
[[nodiscard]] int longestText(Task task, int length, int cases);
// A call of the program runner with its result in characters.
[[nodiscard]] int longestCall(int length);

} // namespace ratchet::program
