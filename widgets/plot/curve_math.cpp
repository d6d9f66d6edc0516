// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/curve_math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace ratchet {

std::vector<double> smoothed(const std::vector<double>& y, double weight, const std::vector<double>& counts)
{
    if (!(weight > 0))
        return y;
    const double w = std::min(weight, 1 - 1e-9);
    std::vector<double> result(y.size());
    double average = 0, bias = 1;                        // bias: w^t since the last gap
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (!std::isfinite(y[i])) {
            result[i] = y[i];
            average = 0;
            bias = 1;
            continue;
        }
        const double keep = i < counts.size() && counts[i] > 1 ? std::pow(w, counts[i]) : w;
        average = keep * average + (1 - keep) * y[i];
        bias *= keep;
        result[i] = average / (1 - bias);
    }
    return result;
}

namespace {

// Collects what one pixel column keeps, in the order of x.
class Column {
public:
    explicit Column(const Curve& curve) : m_curve(curve) {}
    void add(std::size_t i)
    {
        if (!std::isfinite(m_curve.y[i])) {
            m_gap = m_gap ? m_gap : i;
            return;
        }
        if (!m_first)
            m_first = m_low = m_high = i;
        m_last = i;
        m_low = m_curve.y[i] < m_curve.y[*m_low] ? i : m_low;
        m_high = m_curve.y[i] > m_curve.y[*m_high] ? i : m_high;
    }
    void flush(Curve& out)
    {
        std::vector<std::size_t> kept;
        for (const auto& index : {m_first, m_low, m_high, m_last, m_gap})
            if (index)
                kept.push_back(*index);
        std::sort(kept.begin(), kept.end());
        kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
        for (const auto i : kept) {
            out.x.push_back(m_curve.x[i]);
            out.y.push_back(m_curve.y[i]);
        }
        m_first = m_low = m_high = m_last = m_gap = std::nullopt;
    }

private:
    const Curve& m_curve;
    std::optional<std::size_t> m_first, m_low, m_high, m_last, m_gap;
};

std::pair<std::size_t, std::size_t> indices(const Curve& curve, double from, double to)
{
    const auto begin = std::lower_bound(curve.x.begin(), curve.x.end(), from);
    const auto end = std::upper_bound(begin, curve.x.end(), to);
    return {std::size_t(begin - curve.x.begin()), std::size_t(end - curve.x.begin())};
}

} // namespace

Curve thinned(const Curve& curve, double from, double to, int columns, AxisScale axis)
{
    auto [begin, end] = indices(curve, from, to);
    begin = begin > 0 ? begin - 1 : 0;
    end = std::min(end + 1, curve.size());
    if (columns < 1 || !(to > from) || end - begin <= std::size_t(columns) * 4)
        return Curve{{curve.x.begin() + std::ptrdiff_t(begin), curve.x.begin() + std::ptrdiff_t(end)},
                     {curve.y.begin() + std::ptrdiff_t(begin), curve.y.begin() + std::ptrdiff_t(end)}};
    Curve out;
    Column column(curve);
    const bool logarithmic = axis == AxisScale::Logarithmic && from > 0;
    const double scale = columns / (logarithmic ? std::log(to / from) : to - from);
    double current = -std::numeric_limits<double>::infinity();
    for (std::size_t i = begin; i < end; ++i) {
        const double here = std::floor((logarithmic ? std::log(curve.x[i] / from) : curve.x[i] - from) * scale);
        if (here != current)
            column.flush(out);
        current = here;
        column.add(i);
    }
    column.flush(out);
    return out;
}

Extent extentOf(const std::vector<double>& values, bool positive)
{
    Extent extent;
    for (const double value : values) {
        if (!std::isfinite(value) || (positive && value <= 0))
            continue;
        extent.low = extent.found ? std::min(extent.low, value) : value;
        extent.high = extent.found ? std::max(extent.high, value) : value;
        extent.found = true;
    }
    return extent;
}

Extent extentOf(const Curve& curve, double from, double to, bool positive)
{
    const auto [begin, end] = indices(curve, from, to);
    return extentOf(std::vector<double>(curve.y.begin() + std::ptrdiff_t(begin), curve.y.begin() + std::ptrdiff_t(end)), positive);
}

std::size_t nearest(const Curve& curve, double x)
{
    const auto after = std::size_t(std::lower_bound(curve.x.begin(), curve.x.end(), x) - curve.x.begin());
    if (after == 0)
        return after;
    if (after == curve.size())
        return after - 1;
    return x - curve.x[after - 1] <= curve.x[after] - x ? after - 1 : after;
}

namespace {

// y at x by linear interpolation; empty outside the curve or beside a gap.
std::optional<double> at(const Curve& curve, double x)
{
    const auto after = std::size_t(std::lower_bound(curve.x.begin(), curve.x.end(), x) - curve.x.begin());
    if (after == curve.size())
        return {};
    double y = curve.y[after];
    if (curve.x[after] != x) {
        if (after == 0)
            return {};
        const double share = (x - curve.x[after - 1]) / (curve.x[after] - curve.x[after - 1]);
        y = curve.y[after - 1] + share * (curve.y[after] - curve.y[after - 1]);
    }
    return std::isfinite(y) ? std::optional(y) : std::nullopt;
}

} // namespace

Band bandOf(const std::vector<Curve>& curves)
{
    Band band;
    for (const auto& curve : curves)
        band.x.insert(band.x.end(), curve.x.begin(), curve.x.end());
    std::sort(band.x.begin(), band.x.end());
    band.x.erase(std::unique(band.x.begin(), band.x.end()), band.x.end());
    for (const double x : band.x) {
        std::vector<double> values;
        for (const auto& curve : curves)
            if (const auto value = at(curve, x))
                values.push_back(*value);
        const auto extent = extentOf(values);
        double sum = 0;
        for (const double value : values)
            sum += value;
        const double none = std::numeric_limits<double>::quiet_NaN();
        band.mean.push_back(extent.found ? sum / double(values.size()) : none);
        band.low.push_back(extent.found ? extent.low : none);
        band.high.push_back(extent.found ? extent.high : none);
    }
    return band;
}

} // namespace ratchet
