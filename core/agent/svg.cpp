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

// Of files: colours by Okabe and Ito (2008), a ramp from light to dark blue, and marks, so that grey prints read too.
constexpr const char* fileStyle =
    "text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:12px;fill:#333}.title{font-size:14px;font-weight:bold}"
    ".grid{stroke:#ddd}.mark{stroke:#888;stroke-dasharray:6 4}.line{fill:none;stroke-width:1.8}"
    ".k0{stroke:#0072b2;fill:#0072b2}.k1{stroke:#d55e00;fill:#d55e00}.k2{stroke:#009e73;fill:#009e73}"
    ".k3{stroke:#cc79a7;fill:#cc79a7}.k4{stroke:#8a6d00;fill:#8a6d00}.k5{stroke:#222;fill:#222}"
    ".line.k1{stroke-dasharray:8 3}.line.k2{stroke-dasharray:2 3}.line.k3{stroke-dasharray:10 3 2 3}"
    ".line.k4{stroke-dasharray:4 4}"
    ".r0{stroke:#bbb;fill:#bbb}.r1{stroke:#9ecae1;fill:#9ecae1}.r2{stroke:#6baed6;fill:#6baed6}"
    ".r3{stroke:#3182bd;fill:#3182bd}.r4{stroke:#08519c;fill:#08519c}.r5{stroke:#041c3c;fill:#041c3c}"
    ".line.r0{stroke-dasharray:6 3}path.line{fill:none}.bar{stroke-width:1.2}";
constexpr double panelHead = 52; // title and legend

std::pair<double, double> extent(const Chart& chart, bool ofX)
{
    double low = std::numeric_limits<double>::infinity(), high = -low;
    const auto take = [&](double value) {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    };
    for (const ChartLine& line : chart.lines) {
        for (const auto& [x, y] : line.points)
            take(ofX ? x : y);
        for (const auto& [from, to] : line.ranges)
            if (!ofX) {
                take(from);
                take(to);
            }
    }
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

// A point's mark, of a shape of its own for every line.
std::string markOf(std::size_t shape, const std::string& kind, double x, double y)
{
    constexpr double r = 3.5;
    switch (shape % colours) {
    case 0:
        return fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>", kind, x, y, r);
    case 1:
        return fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\"/>", kind, x - r,
                           y - r, 2 * r, 2 * r);
    case 2:
        return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}l4 7h-8z\"/>", kind, x, y - 4);
    case 3:
        return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}l4 -7h-8z\"/>", kind, x, y + 4);
    case 4:
        return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}l4 4l-4 4l-4 -4z\"/>", kind, x, y - 4);
    default:
        return fmt::format("<path class=\"line {}\" d=\"M{:.1f} {:.1f}l7 7m0 -7l-7 7\"/>", kind, x - r, y - r);
    }
}

std::string fileLine(const Chart& chart, std::size_t i, const Scale& x, const Scale& y)
{
    const ChartLine& line = chart.lines[i];
    const std::string kind = fmt::format("{}{}", chart.ramp ? 'r' : 'k', i % colours);
    std::string svg = fmt::format("<path class=\"line {}\" d=\"{}\"><title>{}</title></path>", kind, path(line, x, y),
                                  escapeHtml(line.name));
    // Bars of several lines at the same place stand side by side.
    const double aside = (static_cast<double>(i) - static_cast<double>(chart.lines.size() - 1) / 2) * 3;
    for (std::size_t p = 0; p < line.points.size(); ++p) {
        const auto& [px, py] = line.points[p];
        if (!std::isfinite(px) || !std::isfinite(py))
            continue;
        if (p < line.ranges.size())
            svg += fmt::format("<line class=\"bar {}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kind,
                               x(px) + aside, x(px) + aside, y(line.ranges[p].first), y(line.ranges[p].second));
        svg += markOf(i, kind, x(px), y(std::clamp(py, y.low, y.high)));
    }
    const double at =
        left + (width - left - right) / std::max<std::size_t>(chart.lines.size(), 1) * static_cast<double>(i);
    svg += fmt::format("<path class=\"line {}\" d=\"M{:.1f} -10h26\"/>{}<text x=\"{:.1f}\" y=\"-6\">{}</text>", kind,
                       at, markOf(i, kind, at + 13, -10), at + 31, escapeHtml(line.name));
    return svg;
}

std::string filePanel(const Chart& chart, double atX, double atY)
{
    const auto [xLow, xHigh] = extent(chart, true);
    const auto [yLow, yHigh] = extent(chart, false);
    const Scale x{xLow, xHigh, left, width - right}, y{yLow, yHigh, height - bottom, top};
    std::string svg =
        fmt::format("<g transform=\"translate({:.0f} {:.0f})\"><text class=\"title\" x=\"{:.0f}\" y=\"-30\">{}</text>",
                    atX, atY + panelHead, left, escapeHtml(chart.title));
    svg += axes(chart, x, y);
    for (std::size_t i = 0; i < chart.lines.size(); ++i)
        svg += fileLine(chart, i, x, y);
    return svg + "</g>\n";
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

std::string toSvgFile(const std::vector<Chart>& charts, int columns)
{
    const auto across = static_cast<std::size_t>(std::max(1, columns));
    const std::size_t down = (charts.size() + across - 1) / across;
    const double panel = height + panelHead;
    std::string svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
                                  "viewBox=\"0 0 {0:.0f} {1:.0f}\">"
                                  "<style>{2}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
                                  width * static_cast<double>(across), panel * static_cast<double>(down), fileStyle);
    for (std::size_t i = 0; i < charts.size(); ++i)
        svg += filePanel(charts[i], width * static_cast<double>(i % across), panel * static_cast<double>(i / across));
    return svg + "</svg>\n";
}

} // namespace ratchet
