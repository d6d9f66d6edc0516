// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic behind a curve: smoothing on the full data, then thinning to what a screen can show. Pure; any thread.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace ratchet {

// A curve as two columns of equal length: x ascends, a y that is not finite is a gap.
struct Curve {
    std::vector<double> x, y;
    [[nodiscard]] std::size_t size() const { return x.size(); }
    [[nodiscard]] bool isEmpty() const { return x.empty(); }
};

// Exponential moving average with the start-up bias removed: m_t = w m_{t-1} + (1 - w) y_t, result m_t / (1 - w^t)
// (Kingma and Ba 2015, section 3). `weight` in [0, 1); 0 gives y back. A gap stays a gap and the average starts afresh behind
// it. `counts`, when given, says how many raw points each y stands for: its weight is then w^count.
[[nodiscard]] std::vector<double> smoothed(const std::vector<double>& y, double weight, const std::vector<double>& counts = {});

// At most about 4 points for each of `columns` equal columns of [from, to]: first, lowest, highest and last of every column, so
// that no extreme is lost; the nearest point on either side is kept so that the line enters and leaves the picture.
// A gap inside a column is kept as one gap. Fewer points than that come back unchanged. Logarithmic: columns of equal ratio.
enum class AxisScale { Linear, Logarithmic };
[[nodiscard]] Curve thinned(const Curve& curve, double from, double to, int columns, AxisScale scale = AxisScale::Linear);

// Smallest and largest finite y with x in [from, to]; only positive ones when `positive`. {0, 1} and false when there is none.
struct Extent { double low = 0, high = 1; bool found = false; };
[[nodiscard]] Extent extentOf(const std::vector<double>& values, bool positive = false);
[[nodiscard]] Extent extentOf(const Curve& curve, double from, double to, bool positive = false);

// Index of the point nearest to x, or size() when the curve is empty.
[[nodiscard]] std::size_t nearest(const Curve& curve, double x);

// Mean and extremes over several curves (seeds) on the union of their x, linearly interpolated between points and never
// extrapolated. All four columns have the same length.
struct Band { std::vector<double> x, mean, low, high; };
[[nodiscard]] Band bandOf(const std::vector<Curve>& curves);

} // namespace ratchet
