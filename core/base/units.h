// SPDX-License-Identifier: GPL-3.0-or-later
// Quantities with their units, read from and written for people. Plain values, any thread.
#pragma once

#include <chrono>
#include <compare>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace ratchet {

// Floating-point operations; a multiply-add counts as two.
struct Flops {
    double value = 0;
    auto operator<=>(const Flops&) const = default;
    Flops& operator+=(Flops other) { value += other.value; return *this; }
    friend Flops operator+(Flops a, Flops b) { return {a.value + b.value}; }
    friend Flops operator-(Flops a, Flops b) { return {a.value - b.value}; }
};

// "10TFLOP", "0.4 TFLOP", "500GFLOP": a positive finite amount with K/M/G/T/P/E or none. Usage error otherwise.
[[nodiscard]] Result<Flops> parseFlops(std::string_view text);
[[nodiscard]] std::string toText(Flops flops);                      // "6.1 TFLOP"
[[nodiscard]] std::string toText(std::chrono::milliseconds time);   // "38 s", "2 min 5 s", "3 h 10 min"
[[nodiscard]] std::string toTextBytes(double bytes);                // "1.2 MB"
[[nodiscard]] std::string toTextPercent(double share);              // 0.943 -> "94.3 %"

} // namespace ratchet
