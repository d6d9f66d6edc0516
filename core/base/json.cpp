// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"

#include <algorithm>

template class nlohmann::basic_json<>;

namespace ratchet {

Result<Json> parseJson(std::string_view text, const std::string& what)
{
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        return fail(Code::BadInput, fmt::format("{} is not JSON: it breaks at byte {}.", what, error.byte));
    } catch (const Json::exception&) {
        return fail(Code::BadInput, fmt::format("{} is not JSON: a number in it is too large.", what));
    }
}

Fields::Fields(const Json& object, std::string what) : m_object(object), m_what(std::move(what))
{
    if (!object.is_object())
        fault("it is not an object");
}

Fields& Fields::onlyKnown()
{
    if (m_object.is_object())
        for (const auto& entry : m_object.items())
            if (std::find(m_asked.begin(), m_asked.end(), entry.key()) == m_asked.end())
                fault("\"" + entry.key() + "\" is not known");
    return *this;
}

Fields& Fields::fault(std::string text)
{
    if (m_fault.empty())
        m_fault = std::move(text);
    return *this;
}

Status Fields::status() const
{
    if (m_fault.empty())
        return {};
    return fail(Code::BadInput, fmt::format("In {}: {}.", m_what, m_fault));
}

} // namespace ratchet
