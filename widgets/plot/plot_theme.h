// SPDX-License-Identifier: GPL-3.0-or-later
// Pens, colour maps and number texts of every plot, from the tokens in force. Plain values; user-interface thread.
#pragma once

#include <QColor>
#include <QMap>
#include <QPen>
#include <QString>

#include "widgets/style/tokens.h"

namespace ratchet {

// Which line of a picture: a run keeps its slot for ever, the champion is always gold.
inline constexpr int championSlot = -1;

[[nodiscard]] QColor slotColor(const Tokens& tokens, int slot);
// 1 px, 2 px for the champion (its data is thinned: a wide pen makes a noisy line hundreds of times slower); the dash
// pattern is the second cue.
[[nodiscard]] QPen slotPen(const Tokens& tokens, int slot);
[[nodiscard]] QPen faintPen(const Tokens& tokens, int slot);    // the raw line behind a smoothed one: solid

// Stops at 0 .. 1 for magnitudes (viridis) and differences (blue, white at 1/2, red).
[[nodiscard]] QMap<double, QColor> viridisStops();
[[nodiscard]] QMap<double, QColor> divergingStops();

// About `digits` significant digits and a real minus sign: "0.0312", "4.10e\u221205", "1234"; an en dash when not finite.
[[nodiscard]] QString numberText(double value, int digits = 4);

// The unit prefix that keeps the numbers of an axis short: {1e9, "G"} when the largest is some 1e9.
struct Magnitude { double factor = 1; QString prefix; };
[[nodiscard]] Magnitude magnitudeFor(double largest);

} // namespace ratchet
