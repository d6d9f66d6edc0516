// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/units.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <string>

namespace ratchet {
namespace {

constexpr std::array<std::pair<char, double>, 6> prefixes{
    {{'K', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}, {'P', 1e15}, {'E', 1e18}}};

std::string scaled(double value, const char* unit)
{
    std::string prefix;
    for (const auto& [letter, factor] : prefixes)
        if (std::abs(value) >= factor * 0.9995) {
            prefix = letter;
        }
    for (const auto& [letter, factor] : prefixes)
        if (prefix == std::string(1, letter))
            value /= factor;
    return fmt::format("{:.3g} {}{}", value, prefix, unit);
}

} // namespace

Result<Flops> parseFlops(std::string_view text)
{
    const auto wrong = [&] {
        return fail(Code::Usage, fmt::format("\"{}\" is not an amount of compute.", text),
                    "Write a positive number and a unit, for example 10TFLOP or 500GFLOP.");
    };
    const std::string copy(text);
    char* end = nullptr;
    const double number = std::strtod(copy.c_str(), &end);
    if (end == copy.c_str() || copy.find_first_not_of("0123456789.eE+ ") < static_cast<std::size_t>(end - copy.c_str()))
        return wrong();
    std::string unit(end);
    unit.erase(0, unit.find_first_not_of(' '));
    double factor = 1;
    if (unit != "FLOP") {
        if (unit.size() != 5 || unit.substr(1) != "FLOP")
            return wrong();
        factor = 0;
        for (const auto& [letter, value] : prefixes)
            if (unit[0] == letter)
                factor = value;
    }
    const double flops = number * factor;
    if (!(flops > 0) || !std::isfinite(flops))
        return wrong();
    return Flops{flops};
}

std::string toText(Flops flops)
{
    return scaled(flops.value, "FLOP");
}

std::string toText(std::chrono::milliseconds time)
{
    const auto seconds = (time.count() + 500) / 1000;
    if (time.count() < 10000)
        return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000.0);
    if (seconds < 60)
        return fmt::format("{} s", seconds);
    if (seconds < 3600)
        return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string toTextBytes(double bytes)
{
    return scaled(bytes, "B");
}

std::string toTextPercent(double share)
{
    return fmt::format("{:.1f} %", share * 100);
}

} // namespace ratchet
