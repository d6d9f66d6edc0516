// SPDX-License-Identifier: GPL-3.0-or-later
// Reading JSON that came from outside: parsing without exceptions, and a reader that names the field that is wrong.
// Any thread.
#pragma once

#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "core/base/error.h"

extern template class nlohmann::basic_json<>;   // compiled once, in json.cpp

namespace ratchet {

using Json = nlohmann::json;

// BadInput naming `what` and the byte where it stops being JSON.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const std::string& what);

// Reads fields of one object, remembers the first fault and reports it once at the end:
//   Fields in(json, "the genome"); in.read("layers", layers); in.onlyKnown(); RATCHET_CHECK(in.status());
// Numbers must be finite and integers must fit; a missing field is a fault for read(), not for readIf().
class Fields {
public:
    Fields(const Json& object, std::string what);

    template <typename T> Fields& read(const std::string& name, T& target) { return get(name, target, true); }
    template <typename T> Fields& readIf(const std::string& name, T& target) { return get(name, target, false); }
    // A fault when the object has fields that were never asked for.
    Fields& onlyKnown();
    Fields& fault(std::string text);
    [[nodiscard]] Status status() const;

private:
    template <typename T> Fields& get(const std::string& name, T& target, bool required);
    const Json& m_object;
    std::string m_what;
    std::string m_fault;
    std::vector<std::string> m_asked;
};

template <typename T>
Fields& Fields::get(const std::string& name, T& target, bool required)
{
    m_asked.push_back(name);
    if (!m_fault.empty() || !m_object.is_object())
        return *this;
    const auto found = m_object.find(name);
    if (found == m_object.end())
        return required ? fault("\"" + name + "\" is missing") : *this;
    bool fits = true;
    if constexpr (std::is_same_v<T, Json>)
        target = *found;
    else if constexpr (std::is_same_v<T, bool>)
        (fits = found->is_boolean()) ? void(target = found->template get<bool>()) : void();
    else if constexpr (std::is_integral_v<T>) {
        fits = found->is_number_integer();
        if (fits) {
            if (found->is_number_unsigned() && found->template get<std::uint64_t>() > std::uint64_t(std::numeric_limits<T>::max()))
                fits = false;
            else if (!found->is_number_unsigned()
                     && (std::is_unsigned_v<T> || found->template get<std::int64_t>() < std::int64_t(std::numeric_limits<T>::min())))
                fits = false;
            else
                target = found->template get<T>();
        }
    } else if constexpr (std::is_floating_point_v<T>) {
        fits = found->is_number() && std::isfinite(found->template get<double>());
        if (fits)
            target = found->template get<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
        fits = found->is_string();
        if (fits)
            target = found->template get<std::string>();
    } else {
        try {
            target = found->template get<T>();
        } catch (const Json::exception&) {
            fits = false;
        }
    }
    return fits ? *this : fault("\"" + name + "\" has the wrong type or is not finite");
}

} // namespace ratchet
