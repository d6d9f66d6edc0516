// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/svg.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace ratchet {
namespace {

constexpr double width = 720, height = 300, left = 64, right = 16, top = 16, bottom = 44;
constexpr int colours = 6; // classes c0 .. c5 of the page

struct Scale {
    double low = 0, high = 1, from = 0, to = 1;
    [[nodiscard]] double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

std::pair<double, double> extent(const Chart& chart, bool ofX)
{
    double low = std::numeric_limits<double>::infinity(), high = -low;
    const auto take = [&](double value) {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    };
    for (const ChartLine& line : chart.lines)
        for (const auto& [x, y] : line.points)
            take(ofX ? x : y);
    if (!ofX)
        std::for_each(chart.marks.begin(), chart.marks.end(), take);
    if (!ofX && chart.range.first < chart.range.second)
        return chart.range;
    if (low > high)
        return {0, 1};
    return low == high ? std::pair{low - 0.5, high + 0.5} : std::pair{low, high};
}

std::string axes(const Chart& chart, const Scale& x, const Scale& y)
{
    std::string svg;
    for (const double tick : roundTicks(y.low, y.high, 5))
        svg += fmt::format("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                           "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>",
                           left, width - right, y(tick), y(tick), left - 8, y(tick) + 4, tick);
    for (const double tick : roundTicks(x.low, x.high, 8)) {
        if (chart.wholeX && tick != std::round(tick))
            continue;
        svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.4g}</text>",
                           x(tick), height - bottom + 18, tick);
    }
    for (const double mark : chart.marks)
        svg += fmt::format("<line class=\"mark\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", left,
                           width - right, y(mark), y(mark));
    svg += fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                       (left + width - right) / 2, height - 6, escapeHtml(chart.x));
    svg += fmt::format(
        "<text class=\"axis\" transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (top + height - bottom) / 2, escapeHtml(chart.y));
    return svg;
}

std::string path(const ChartLine& line, const Scale& x, const Scale& y)
{
    std::string data;
    bool pen = false;
    for (const auto& [px, py] : line.points) {
        if (!std::isfinite(px) || !std::isfinite(py)) {
            pen = false;
            continue;
        }
        if (pen && line.steps)
            data += fmt::format("H{:.1f}", x(px));
        data += fmt::format("{}{:.1f} {:.1f}", pen ? "L" : "M", x(px), y(std::clamp(py, y.low, y.high)));
        pen = true;
    }
    return data;
}

} // namespace

std::string escapeHtml(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += c;
        }
    }
    return out;
}

std::vector<double> roundTicks(double low, double high, int wanted)
{
    if (!(high > low) || wanted < 1)
        return {low};
    const double raw = (high - low) / wanted;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    const double ratio = raw / power;
    const double step = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
    std::vector<double> ticks;
    for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k)
        ticks.push_back(k == 0 ? 0 : k * step);
    return ticks;
}

std::string toSvg(const Chart& chart)
{
    const auto [xLow, xHigh] = extent(chart, true);
    const auto [yLow, yHigh] = extent(chart, false);
    const Scale x{xLow, xHigh, left, width - right}, y{yLow, yHigh, height - bottom, top};
    std::string svg =
        fmt::format("<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
                    escapeHtml(chart.title), width, height, escapeHtml(chart.title));
    svg += axes(chart, x, y);
    std::string legend;
    for (std::size_t i = 0; i < chart.lines.size(); ++i) {
        const ChartLine& line = chart.lines[i];
        const std::string name = escapeHtml(line.name);
        svg += fmt::format("<path class=\"line c{}\" d=\"{}\"><title>{}</title></path>", i % colours, path(line, x, y),
                           name);
        for (const auto& [px, py] : line.points)
            if (line.steps || line.points.size() == 1)
                svg += fmt::format("<circle class=\"dot c{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", i % colours,
                                   x(px), y(std::clamp(py, y.low, y.high)));
        legend += fmt::format("<span class=\"key c{}\">{}</span>", i % colours, name);
    }
    return svg + "</svg>" + (chart.lines.size() > 1 ? "<div class=\"legend\">" + legend + "</div>" : "") +
           "</figure>\n";
}

} // namespace ratchet
