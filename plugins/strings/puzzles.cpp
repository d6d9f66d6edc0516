// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/strings/puzzles.h"

#include <algorithm>
#include <array>

namespace ratchet::strings {
namespace {

constexpr std::array<std::string_view, taskCount> names{"copy", "reverse", "sort", "brackets"}; // in the order of Task
constexpr std::string_view marks = "crsb";                                                      // likewise
constexpr std::size_t kinds = brackets.size() / 2;

bool isLetter(char c)
{
    return c >= 'a' && c <= 'z';
}

bool isOpener(char c)
{
    return brackets.find(c) < kinds;
}

char closerOf(char opener)
{
    return brackets[brackets.find(opener) + kinds];
}

// Of position ids; known from a text's first character on.
int offsetOf(char first)
{
    constexpr int ofBrackets = 8; // times the kind
    return isLetter(first) ? first - 'a' : isOpener(first) ? ofBrackets * static_cast<int>(brackets.find(first)) : 0;
}

// Indices of the brackets that are open at the end; empty also when a closer does not fit.
std::vector<std::size_t> openAtEnd(std::string_view text)
{
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (isOpener(text[i])) {
            open.push_back(i);
        } else {
            if (open.empty() || closerOf(text[open.back()]) != text[i])
                return {};
            open.pop_back();
        }
    }
    return open;
}

// Whether `part` is `whole` with characters left out.
bool isWithin(std::string_view part, std::string_view whole)
{
    std::size_t matched = 0;
    for (const char c : whole)
        matched += matched < part.size() && part[matched] == c ? 1 : 0;
    return matched == part.size();
}

std::string sorted(std::string_view text)
{
    std::string letters(text);
    std::sort(letters.begin(), letters.end());
    return letters;
}

} // namespace

std::string_view nameOf(Task task)
{
    return names[static_cast<std::size_t>(task)];
}

std::optional<Task> taskNamed(std::string_view name)
{
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? std::nullopt : std::optional(static_cast<Task>(found - names.begin()));
}

std::string Puzzle::prompt() const
{
    return std::string(1, marks[static_cast<std::size_t>(task)]) + ":" + text + "=";
}

std::string Puzzle::answer() const
{
    switch (task) {
    case Task::Copy:
        return text;
    case Task::Reverse:
        return {text.rbegin(), text.rend()};
    case Task::Sort:
        return sorted(text);
    case Task::Brackets:
        break;
    }
    std::string closers;
    const auto open = openAtEnd(text);
    for (auto it = open.rbegin(); it != open.rend(); ++it)
        closers += closerOf(text[*it]);
    return closers;
}

std::optional<Puzzle> readPuzzle(std::string_view text)
{
    std::string clean;
    for (const char c : text)
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            clean += c;
    if (!clean.empty() && clean.back() == '=')
        clean.pop_back();
    const auto mark = clean.size() > 2 && clean[1] == ':' ? marks.find(clean[0]) : std::string_view::npos;
    if (mark == std::string_view::npos || clean.size() - 2 > longestPuzzle)
        return std::nullopt;
    Puzzle puzzle{static_cast<Task>(mark), clean.substr(2)};
    const bool fits = puzzle.task == Task::Brackets ? puzzle.text.find_first_not_of(brackets) == std::string::npos &&
                                                          !openAtEnd(puzzle.text).empty()
                                                    : std::all_of(puzzle.text.begin(), puzzle.text.end(), isLetter);
    return fits ? std::optional(std::move(puzzle)) : std::nullopt;
}

bool isAnswer(Task task, std::string_view text)
{
    if (task == Task::Brackets)
        return text.find_first_not_of(brackets.substr(kinds)) == std::string_view::npos;
    return std::all_of(text.begin(), text.end(), isLetter);
}

std::string failureOf(std::string_view expected, std::string_view answer)
{
    if (answer.size() == expected.size())
        return sorted(answer) == sorted(expected) ? "order" : "substitution";
    if (answer.size() < expected.size())
        return isWithin(answer, expected) ? "omission" : "length";
    return isWithin(expected, answer) ? "repeat" : "length";
}

std::vector<int> alignedPositions(std::string_view text, int limit)
{
    std::vector<int> ids(text.size(), 0);
    const auto equals = std::min(text.find('='), text.size());
    const auto question = text.substr(std::min<std::size_t>(2, equals), equals - std::min<std::size_t>(2, equals));
    const int offset = question.empty() ? 0 : offsetOf(question.front());
    const int length = static_cast<int>(question.size());
    for (int i = 0; i < length; ++i)
        ids[static_cast<std::size_t>(i) + 2] = offset + 1 + i;
    const auto mark = text.empty() ? std::string_view::npos : marks.find(text[0]);
    const auto task = mark == std::string_view::npos ? Task::Copy : static_cast<Task>(mark);
    const bool backwards = task == Task::Reverse || task == Task::Brackets;
    const auto open = task == Task::Brackets ? openAtEnd(question) : std::vector<std::size_t>{};
    if (equals < text.size())
        ids[equals] = backwards ? offset + length + 1 : offset;
    for (std::size_t i = equals + 1; i < text.size(); ++i) {
        const auto index = i - equals - 1;
        const int place = static_cast<int>(index);
        if (task == Task::Brackets)
            ids[i] = index < open.size() ? offset + 1 + static_cast<int>(open[open.size() - 1 - index]) : 0;
        else if (task == Task::Reverse)
            ids[i] = place < length ? offset + length - place : 0;
        else
            ids[i] = offset + 1 + place;
    }
    for (int& id : ids)
        id = std::clamp(id, 0, limit - 1);
    return ids;
}

int longestText(int length)
{
    return 2 * length + 3;
}

} // namespace ratchet::strings
