// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/rounds_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "core/agent/svg.h"

namespace ratchet {
namespace {

using Curve = std::vector<std::pair<double, double>>;
using CurveKey = std::tuple<std::string, int, std::uint64_t>; // arm, round, seed

std::map<CurveKey, Curve> curvesOf(const std::vector<LengthRow>& rows)
{
    std::map<CurveKey, Curve> curves;
    for (const LengthRow& row : rows)
        curves[{row.arm, row.round, row.seed}].emplace_back(row.length, row.accuracy);
    for (auto& [key, curve] : curves)
        std::sort(curve.begin(), curve.end());
    return curves;
}

std::vector<std::string> armsOf(const std::vector<LengthRow>& rows)
{
    std::vector<std::string> arms;
    for (const LengthRow& row : rows)
        if (std::find(arms.begin(), arms.end(), row.arm) == arms.end())
            arms.push_back(row.arm);
    return arms;
}

int lastRoundOf(const std::vector<LengthRow>& rows)
{
    int last = 0;
    for (const LengthRow& row : rows)
        last = std::max(last, row.round);
    return last;
}

Curve meanCurve(const std::vector<LengthRow>& rows, const std::string& arm, int round)
{
    std::map<int, std::pair<double, int>> sums;
    for (const LengthRow& row : rows)
        if (row.arm == arm && row.round == round) {
            sums[row.length].first += row.accuracy;
            sums[row.length].second += 1;
        }
    Curve curve;
    for (const auto& [length, sum] : sums)
        curve.emplace_back(length, sum.first / sum.second);
    return curve;
}

// At most six, the first and the last among them: as many as can be told apart.
std::set<int> shownRounds(int last)
{
    std::set<int> shown;
    const int lines = std::min(last, 5);
    for (int i = 0; i <= lines; ++i)
        shown.insert(lines == 0 ? 0 : (i * last + lines / 2) / lines);
    return shown;
}

Chart armChart(const std::vector<LengthRow>& rows, const std::string& arm, int last)
{
    Chart chart;
    chart.title = fmt::format("{}: after each round", arm);
    chart.x = "length in characters (base model trained up to the shortest)";
    chart.y = "exact match, share of items";
    chart.range = {0, 1};
    chart.wholeX = true;
    chart.ramp = true;
    for (const int round : shownRounds(last))
        if (Curve curve = meanCurve(rows, arm, round); !curve.empty())
            chart.lines.push_back({fmt::format("round {}", round), std::move(curve), false, {}});
    return chart;
}

Chart halfChart(const std::vector<HalfLength>& halves, const std::vector<std::string>& arms)
{
    Chart chart;
    chart.title = "All arms: the length at which half is right, mean and range of the seeds";
    chart.x = "round";
    chart.y = "50 % length in characters";
    chart.wholeX = true;
    for (const std::string& arm : arms) {
        ChartLine line{arm, {}, false, {}};
        for (const HalfLength& half : halves)
            if (half.arm == arm) {
                line.points.emplace_back(half.round, half.mean);
                line.ranges.emplace_back(half.low, half.high);
            }
        chart.lines.push_back(std::move(line));
    }
    return chart;
}

} // namespace

double halfLengthOf(const std::vector<std::pair<double, double>>& curve)
{
    constexpr double half = 0.5;
    if (curve.front().second < half)
        return curve.front().first;
    for (std::size_t i = 1; i < curve.size(); ++i) {
        const auto& [before, high] = curve[i - 1];
        const auto& [after, low] = curve[i];
        if (low < half)
            return before + (high - half) / (high - low) * (after - before);
    }
    return curve.back().first;
}

std::vector<HalfLength> halfLengths(const std::vector<LengthRow>& rows)
{
    std::map<std::pair<std::string, int>, HalfLength> byRound;
    for (const auto& [key, curve] : curvesOf(rows)) {
        const auto& [arm, round, seed] = key;
        const double length = halfLengthOf(curve);
        HalfLength& half = byRound[{arm, round}];
        half.low = half.seeds == 0 ? length : std::min(half.low, length);
        half.high = half.seeds == 0 ? length : std::max(half.high, length);
        half.mean += (length - half.mean) / ++half.seeds;
    }
    std::vector<HalfLength> halves;
    for (const std::string& arm : armsOf(rows))
        for (auto& [key, half] : byRound)
            if (key.first == arm) {
                half.arm = arm;
                half.round = key.second;
                halves.push_back(half);
            }
    return halves;
}

std::string roundsCsv(const std::vector<LengthRow>& rows)
{
    const auto curves = curvesOf(rows);
    std::string text = "seed,arm,round,length,trained_length,accuracy,items,half_length,steps,tflop,kept,right\n";
    for (const LengthRow& row : rows)
        text += fmt::format("{},{},{},{},{},{:.4f},{},{:.2f},{},{:.4f},{:.4f},{:.4f}\n", row.seed, row.arm, row.round,
                            row.length, row.trained, row.accuracy, row.items,
                            halfLengthOf(curves.at({row.arm, row.round, row.seed})), row.steps, row.flops / 1e12,
                            row.kept, row.right);
    return text;
}

std::string roundsFigure(const std::vector<LengthRow>& rows)
{
    const std::vector<std::string> arms = armsOf(rows);
    const int last = lastRoundOf(rows);
    std::vector<Chart> charts;
    for (const std::string& arm : arms)
        charts.push_back(armChart(rows, arm, last));
    charts.push_back(halfChart(halfLengths(rows), arms));
    constexpr int columns = 2;
    return toSvgFile(charts, columns);
}

} // namespace ratchet
