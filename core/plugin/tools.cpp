// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/tools.h"

#include <charconv>
#include <cstdint>

namespace ratchet {
namespace {

constexpr std::size_t longestExpression = 64;      // also bounds the depth of the recursion

using Value = std::optional<std::int64_t>;

Value combine(std::int64_t a, char sign, std::int64_t b)
{
    std::int64_t result = 0;
    switch (sign) {
    case '+':
        return __builtin_add_overflow(a, b, &result) ? Value() : result;
    case '-':
        return __builtin_sub_overflow(a, b, &result) ? Value() : result;
    case '*':
        return __builtin_mul_overflow(a, b, &result) ? Value() : result;
    default:
        return b == 0 || (b == -1 && a == INT64_MIN) || a % b != 0 ? Value() : a / b;
    }
}

// Recursive descent over: sum = product {(+|-) product}; product = atom {(*|/) atom}; atom = number | - atom | ( sum ).
class Parser {
public:
    explicit Parser(std::string_view text) : m_text(text) {}
    Value all()
    {
        const Value value = chain("+-", [this] { return chain("*/", [this] { return atom(); }); });
        return m_at == m_text.size() ? value : Value();
    }

private:
    template <typename Part> Value chain(std::string_view signs, Part part)
    {
        Value value = part();
        while (value && m_at < m_text.size() && signs.find(m_text[m_at]) != std::string_view::npos) {
            const char sign = m_text[m_at++];
            const Value right = part();
            value = right ? combine(*value, sign, *right) : Value();
        }
        return value;
    }

    Value atom()
    {
        if (m_at >= m_text.size())
            return {};
        if (m_text[m_at] == '-') {
            ++m_at;
            const Value value = atom();
            return value ? combine(0, '-', *value) : Value();
        }
        if (m_text[m_at] == '(') {
            ++m_at;
            const Value value = chain("+-", [this] { return chain("*/", [this] { return atom(); }); });
            if (!value || m_at >= m_text.size() || m_text[m_at] != ')')
                return {};
            ++m_at;
            return value;
        }
        std::int64_t number = 0;
        const auto [end, fault] = std::from_chars(m_text.data() + m_at, m_text.data() + m_text.size(), number);
        if (fault != std::errc() || end == m_text.data() + m_at)
            return {};
        m_at = static_cast<std::size_t>(end - m_text.data());
        return number;
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

std::optional<std::string_view> openCall(std::string_view text, const Tool& tool)
{
    if (text.empty() || text.back() != tool.call)
        return std::nullopt;
    const auto open = text.rfind(tool.open);
    if (open == std::string_view::npos)
        return std::nullopt;
    const auto query = text.substr(open + 1, text.size() - open - 2);
    const bool isPlain = query.find(tool.close) == std::string_view::npos && query.find(tool.call) == std::string_view::npos;
    return isPlain ? std::optional(query) : std::nullopt;
}

std::vector<ToolSpan> toolSpans(std::string_view text, const Tool& tool)
{
    std::vector<ToolSpan> spans;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!openCall(text.substr(0, at + 1), tool))
            continue;
        const auto close = std::min(text.find(tool.close, at + 1), text.size() - 1);
        spans.push_back({at + 1, close - at});
        at = close;
    }
    return spans;
}

std::string callText(const Tool& tool, std::string_view query)
{
    std::string text(1, tool.open);
    return text.append(query).append(1, tool.call).append(tool.run(query)).append(1, tool.close);
}

std::string calculate(std::string_view expression)
{
    if (expression.empty() || expression.size() > longestExpression)
        return "?";
    const Value value = Parser(expression).all();
    return value ? std::to_string(*value) : "?";
}

Tool calculator()
{
    return {"calculator", '[', '=', ']', calculate};
}

} // namespace ratchet
