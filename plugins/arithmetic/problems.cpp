// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/arithmetic/problems.h"

#include <algorithm>
#include <stdexcept>

namespace ratchet::arithmetic {
namespace {

constexpr std::string_view signs = "+-*"; // in the order of Operation
constexpr int largestFactor = 9;          // digits: the product of two such numbers fits 64 bits

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

// Position ids of an answer's characters; `width` is the wider operand's.
int alignedId(Operation operation, Format format, int width, int index, bool negative)
{
    if (format == Format::Plain)
        return index + (negative ? 0 : 1);
    const int digits = operation == Operation::Multiply ? 2 * width : width;
    const int place = format == Format::Reversed ? index : digits - 1 - (index - (negative ? 1 : 0));
    return place < width ? std::max(0, width - place) : place + 1;
}

// Every digit of the difference is what the columns say, up to a borrow that was lost or invented.
bool onlyBorrowsDiffer(const Sum& operands, const std::string& magnitude)
{
    const bool negative = std::stoull(operands.a) < std::stoull(operands.b);
    const std::string& upper = negative ? operands.b : operands.a;
    const std::string& lower = negative ? operands.a : operands.b;
    const auto digitAt = [](const std::string& digits, int place) {
        const int index = static_cast<int>(digits.size()) - 1 - place;
        return index < 0 ? 0 : digits[static_cast<std::size_t>(index)] - '0';
    };
    if (static_cast<int>(magnitude.size()) > operands.width())
        return false;
    for (int place = 0; place < operands.width(); ++place) {
        const int without = (digitAt(upper, place) - digitAt(lower, place) + 10) % 10;
        const int got = digitAt(magnitude, place);
        if (got != without && got != (without + 9) % 10)
            return false;
    }
    return true;
}

} // namespace

char signOf(Operation operation)
{
    return signs[static_cast<std::size_t>(operation)];
}

std::optional<Operation> operationOf(std::string_view sign)
{
    const auto found = sign.size() == 1 ? signs.find(sign) : std::string_view::npos;
    return found == std::string_view::npos ? std::nullopt : std::optional(static_cast<Operation>(found));
}

std::string Problem::prompt() const
{
    return operands.a + signOf(operation) + operands.b + "=";
}

std::string Problem::answer() const
{
    if (operation == Operation::Add)
        return operands.answer();
    const auto a = std::stoll(operands.a), b = std::stoll(operands.b);
    return std::to_string(operation == Operation::Subtract ? a - b : a * b);
}

int Problem::answerWidth() const
{
    switch (operation) {
    case Operation::Add:
        return operands.width() + 1;
    case Operation::Subtract:
        return operands.width();
    case Operation::Multiply:
        break;
    }
    return static_cast<int>(operands.a.size() + operands.b.size());
}

std::optional<Problem> readProblem(std::string_view text)
{
    const auto sign = text.find_first_of(signs);
    if (sign == std::string_view::npos)
        return std::nullopt;
    Problem problem;
    problem.operation = *operationOf(text.substr(sign, 1));
    std::string asSum(text);
    asSum[sign] = '+';
    const auto sum = readSum(asSum);
    if (!sum || (problem.operation == Operation::Multiply && sum->width() > largestFactor))
        return std::nullopt;
    problem.operands = *sum;
    return problem;
}

std::optional<std::string> writeAnswer(const Problem& problem, const std::string& answer, Format format)
{
    if (problem.operation == Operation::Add)
        return writeAnswer(problem.operands, answer, format);
    const auto canonical = readAnswer(problem.operation, answer, Format::Plain);
    if (!canonical || format == Format::Scratchpad)
        return std::nullopt;
    const bool negative = answer.front() == '-';
    std::string digits = answer.substr(negative ? 1 : 0);
    const auto width = static_cast<std::size_t>(problem.answerWidth());
    if (digits.size() > width)
        return std::nullopt;
    if (format == Format::Plain)
        return answer;
    digits.insert(0, width - digits.size(), '0');
    if (format == Format::Padded)
        return (negative ? "-" : "") + digits;
    std::reverse(digits.begin(), digits.end());
    return digits + (negative ? "-" : "");
}

std::optional<std::string> readAnswer(Operation operation, std::string_view completion, Format format)
{
    bool negative = false;
    if (operation == Operation::Subtract && !completion.empty()) {
        const bool signIsLast = format == Format::Reversed;
        negative = (signIsLast ? completion.back() : completion.front()) == '-';
        if (negative && signIsLast)
            completion.remove_suffix(1);
        else if (negative)
            completion.remove_prefix(1);
    }
    if (operation != Operation::Add && format == Format::Scratchpad)
        return std::nullopt;
    auto digits = readAnswer(completion, format);
    if (!digits || (negative && *digits == "0"))
        return std::nullopt;
    return (negative ? "-" : "") + *digits;
}

std::string failureOf(const Problem& problem, const std::string& answer)
{
    if (problem.operation == Operation::Add)
        return failureOf(problem.operands, answer);
    const std::string expected = problem.answer();
    const auto magnitude = [](const std::string& number) { return number.substr(number.front() == '-' ? 1 : 0); };
    if (magnitude(answer) == magnitude(expected))
        return "sign";
    if (problem.operation == Operation::Subtract && onlyBorrowsDiffer(problem.operands, magnitude(answer)))
        return "borrow";
    return magnitude(answer).size() != magnitude(expected).size() ? "length" : "digit";
}

std::vector<int> alignedProblem(std::string_view text, Format format, int limit)
{
    const auto equals = std::min(text.find('='), text.size());
    const auto sign = text.substr(0, equals).find_first_of(signs);
    if (sign == std::string_view::npos || text[sign] == '+')
        return alignedPositions(text, format, limit);
    std::vector<int> ids;
    int index = 0;
    for (std::size_t i = 0; i < std::min(equals + 1, text.size()); ++i) {
        index = isDigit(text[i]) ? index + 1 : 0;
        ids.push_back(index);
    }
    const auto operation = *operationOf(text.substr(sign, 1));
    const int width = static_cast<int>(std::max(sign, equals - sign - 1));
    const auto answer = text.substr(ids.size());
    const bool negative = answer.starts_with('-');
    for (int i = 0; i < static_cast<int>(answer.size()); ++i)
        ids.push_back(isDigit(answer[static_cast<std::size_t>(i)]) ? alignedId(operation, format, width, i, negative)
                                                                   : 0);
    for (int& id : ids)
        id = std::clamp(id, 0, limit - 1);
    return ids;
}

int longestText(Operation operation, int width, Format format)
{
    if (operation == Operation::Add)
        return longestText(width, format);
    if (format == Format::Scratchpad)
        throw std::invalid_argument("only sums have a scratchpad");
    return 2 * width + 2 + (operation == Operation::Multiply ? 2 * width : width + 1);
}

} // namespace ratchet::arithmetic
