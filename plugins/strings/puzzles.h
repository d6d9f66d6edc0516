// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks on strings: how a text becomes a prompt and an answer, how an answer is classed, where its characters stand.
// Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratchet::strings {

// Copy, Reverse and Sort (ascending) take small letters. Brackets takes the beginning of a balanced sequence of ()[]{}
// and wants the shortest end that balances it: "([{}" -> "])". There is exactly one, so that an answer is right or
// wrong.
enum class Task { Copy, Reverse, Sort, Brackets };
inline constexpr int taskCount = 4;

[[nodiscard]] std::string_view nameOf(Task task); // "copy", "reverse", "sort", "brackets"
[[nodiscard]] std::optional<Task> taskNamed(std::string_view name);

struct Puzzle {
    Task task = Task::Copy;
    std::string text;
    [[nodiscard]] std::string prompt() const; // "c:abc=", "r:abc=", "s:cab=", "b:([{}="
    [[nodiscard]] std::string answer() const;
};

inline constexpr int longestPuzzle = 1000;             // characters of text
inline constexpr std::string_view brackets = "([{)]}"; // openers, then their closers in the same order

// Reads "c:abc", with or without "=" and blanks. Empty when it is no such question, has more than `longestPuzzle`
// characters, or its brackets have nothing open or can no longer be balanced.
[[nodiscard]] std::optional<Puzzle> readPuzzle(std::string_view text);
// Whether every character can stand in an answer to this task.
[[nodiscard]] bool isAnswer(Task task, std::string_view text);
// What is wrong with `answer`, which has the task's characters and is not `expected`: "order" (the same characters),
// "substitution" (as many), "omission" (characters are left out), "repeat" (characters are put in), else "length".
[[nodiscard]] std::string failureOf(std::string_view expected, std::string_view answer);
// Position ids of a text count up from an offset that its first character gives (a .. z: 0 .. 25), so that short texts
// teach the ids that longer ones need, as the random offset of Abacus does (McLeish 2024, arXiv 2405.17399, section 3).
// An answer's character has the id of the one it comes from (copy, reverse, the bracket that it closes; sort: of the
// same index), "=" the id before the first of them. 0 for everything else. Ids of a prefix stay when text is appended.
[[nodiscard]] std::vector<int> alignedPositions(std::string_view text, int limit);
[[nodiscard]] int longestText(int length); // prompt and answer, characters

} // namespace ratchet::strings
