// SPDX-License-Identifier: GPL-3.0-or-later
// Line charts: as inline SVG for the HTML report, one class a series so that the page's style colours and dashes it,
// and as an SVG file that brings its own style. Axes have round ticks. Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ratchet {

struct ChartLine {
    std::string name;
    std::vector<std::pair<double, double>> points;   // ascending x; non-finite points leave a gap
    bool steps = false;                              // holds its value until the next point; every point is dotted
    std::vector<std::pair<double, double>> ranges{}; // low and high at each point, drawn as bars in files; may be empty
};

struct Chart {
    std::string title, x, y; // with units
    std::vector<ChartLine> lines;
    std::vector<double> marks;             // horizontal reference lines
    std::pair<double, double> range{0, 0}; // of y; equal: from the data
    bool wholeX = false;                   // ticks of x are whole numbers
    bool ramp = false;                     // lines are steps of one thing, light to dark, and not kinds (files only)
};

// Text with & < > " replaced, safe in content and attributes.
[[nodiscard]] std::string escapeHtml(const std::string& text);
// About `wanted` round numbers (1, 2 or 5 times a power of ten) covering [low, high].
[[nodiscard]] std::vector<double> roundTicks(double low, double high, int wanted);
[[nodiscard]] std::string toSvg(const Chart& chart);
// A file that any viewer of SVG shows alike: the charts row by row, each with its title and legend, on white.
[[nodiscard]] std::string toSvgFile(const std::vector<Chart>& charts, int columns);

} // namespace ratchet
