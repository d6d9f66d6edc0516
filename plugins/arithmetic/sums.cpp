// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/arithmetic/sums.h"

#include <algorithm>
#include <stdexcept>

namespace ratchet::arithmetic {
namespace {

bool isDigits(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string stripped(std::string_view digits)
{
    const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return std::string(digits.substr(first));
}

// The digit of significance `place` (0 is ones), 0 beyond the end.
int digitAt(std::string_view digits, int place)
{
    const int index = static_cast<int>(digits.size()) - 1 - place;
    return index < 0 ? 0 : digits[static_cast<std::size_t>(index)] - '0';
}

std::string widened(const std::string& digits, int width)
{
    return std::string(static_cast<std::size_t>(std::max(0, width - static_cast<int>(digits.size()))), '0') + digits;
}

char toChar(int digit)
{
    return static_cast<char>('0' + digit);
}

// Carry out of each column that makes `answer` come true, read off the answer itself; empty when there is none. Nothing of
// the right sum enters, so that labels of a model are not corrected on the way.
std::optional<std::vector<int>> impliedCarries(const Sum& sum, const std::string& answer)
{
    std::vector<int> carries;
    const auto into = [&](int place) {
        return (digitAt(answer, place) - digitAt(sum.a, place) - digitAt(sum.b, place) + 20) % 10;
    };
    if (into(0) != 0)
        return std::nullopt;
    for (int place = 0; place < sum.width(); ++place) {
        carries.push_back(into(place + 1));
        if (carries.back() > 1)
            return std::nullopt;
    }
    return carries;
}

std::optional<std::string> writeColumns(const Sum& sum, const std::string& answer)
{
    const auto carries = impliedCarries(sum, answer);
    if (!carries)
        return std::nullopt;
    std::string text;
    for (int place = 0; place < sum.width(); ++place) {
        text += place > 0 ? "," : "";
        text += toChar(digitAt(sum.a, place));
        text += toChar(digitAt(sum.b, place));
        text += ':';
        text += toChar((*carries)[static_cast<std::size_t>(place)]);
        text += toChar(digitAt(answer, place));
    }
    return text + ";" + answer;
}

// Ids of the characters of a scratchpad after the prompt.
void alignColumns(std::string_view answer, int width, std::vector<int>& ids)
{
    int column = 0;
    std::size_t final = std::string_view::npos;   // index of the final answer
    int extra = 0;                                // 1 when the last column carried
    for (std::size_t i = 0; i < answer.size(); ++i) {
        if (final != std::string_view::npos) {
            ids.push_back(static_cast<int>(i - final) + 1 - extra);
        } else if (answer[i] == ';') {
            final = i + 1;
            extra = i >= 2 && answer[i - 2] == '1' ? 1 : 0;
            ids.push_back(0);
        } else {
            column += answer[i] == ',' ? 1 : 0;
            ids.push_back(answer[i] >= '0' && answer[i] <= '9' ? width - column : 0);
        }
    }
}

} // namespace

Format formatOf(const std::string& name)
{
    if (name == "plain")
        return Format::Plain;
    if (name == "padded")
        return Format::Padded;
    if (name == "reversed")
        return Format::Reversed;
    if (name == "scratchpad")
        return Format::Scratchpad;
    throw std::invalid_argument("the answer format \"" + name + "\" is none of plain, padded, reversed, scratchpad");
}

int Sum::width() const
{
    return static_cast<int>(std::max(a.size(), b.size()));
}

std::string Sum::prompt() const
{
    return a + "+" + b + "=";
}

std::string Sum::answer() const
{
    return std::to_string(std::stoull(a) + std::stoull(b));
}

int Sum::carries() const
{
    int count = 0, carry = 0;
    for (int place = 0; place < width(); ++place) {
        carry = digitAt(a, place) + digitAt(b, place) + carry >= 10 ? 1 : 0;
        count += carry;
    }
    return count;
}

std::optional<Sum> readSum(std::string_view text)
{
    std::string clean;
    for (const char c : text)
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            clean += c;
    if (!clean.empty() && clean.back() == '=')
        clean.pop_back();
    const auto plus = clean.find('+');
    if (plus == std::string::npos)
        return std::nullopt;
    Sum sum{clean.substr(0, plus), clean.substr(plus + 1)};
    if (!isDigits(sum.a) || !isDigits(sum.b) || sum.width() > largestWidth)
        return std::nullopt;
    return sum;
}

std::optional<std::string> writeAnswer(const Sum& sum, const std::string& answer, Format format)
{
    if (!isDigits(answer) || stripped(answer) != answer)
        return std::nullopt;
    const int width = sum.width() + 1;
    if (format == Format::Plain)
        return static_cast<int>(answer.size()) > largestWidth + 1 ? std::nullopt : std::optional(answer);
    if (static_cast<int>(answer.size()) > width)
        return std::nullopt;
    if (format == Format::Scratchpad)
        return writeColumns(sum, answer);
    std::string digits = widened(answer, width);
    if (format == Format::Reversed)
        std::reverse(digits.begin(), digits.end());
    return digits;
}

std::optional<std::string> readAnswer(std::string_view completion, Format format)
{
    if (format == Format::Scratchpad) {
        const auto last = completion.rfind(';');
        if (last == std::string_view::npos)
            return std::nullopt;
        completion.remove_prefix(last + 1);
    }
    if (!isDigits(completion))
        return std::nullopt;
    std::string digits(completion);
    if (format == Format::Reversed)
        std::reverse(digits.begin(), digits.end());
    const bool padded = format == Format::Reversed || format == Format::Padded;
    if (!padded && digits.size() > 1 && digits.front() == '0')
        return std::nullopt;
    return stripped(digits);
}

std::string failureOf(const Sum& sum, const std::string& answer)
{
    const int width = sum.width() + 1;
    bool onlyCarries = static_cast<int>(answer.size()) <= width;
    for (int place = 0; place < width && onlyCarries; ++place) {
        const int without = (digitAt(sum.a, place) + digitAt(sum.b, place)) % 10;
        const int got = digitAt(answer, place);
        onlyCarries = got == without || got == (without + 1) % 10;
    }
    if (onlyCarries)
        return "carry";
    return answer.size() != sum.answer().size() ? "length" : "digit";
}

std::vector<int> alignedPositions(std::string_view text, Format format, int limit)
{
    std::vector<int> ids;
    const auto plus = text.find('+');
    const auto equals = text.find('=');
    const auto operands = std::min(equals == std::string_view::npos ? text.size() : equals + 1, text.size());
    int index = 0;
    for (const char c : text.substr(0, operands)) {
        const bool digit = c >= '0' && c <= '9';
        index = digit ? index + 1 : 0;
        ids.push_back(digit ? index : 0);
    }
    if (operands < text.size()) {
        const auto first = std::min(plus, equals);
        const auto second = plus < equals ? equals - plus - 1 : 0;
        const int width = static_cast<int>(std::max(first, second));
        const auto answer = text.substr(operands);
        if (format == Format::Scratchpad)
            alignColumns(answer, width, ids);
        else
            for (int i = 0; i < static_cast<int>(answer.size()); ++i)
                ids.push_back(format == Format::Reversed ? std::max(0, width - i) : format == Format::Padded ? i : i + 1);
    }
    for (int& id : ids)
        id = std::clamp(id, 0, limit - 1);
    return ids;
}

int longestText(int width, Format format)
{
    const int plain = 2 * width + 2 + width + 1;
    return format == Format::Scratchpad ? plain + 6 * width : plain;
}

} // namespace ratchet::arithmetic
