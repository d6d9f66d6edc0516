// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/reliability.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace ratchet {
namespace {

constexpr double allowance = 0.5;

struct Moments { double mean = 0, deviation = 0; };

Moments momentsOf(std::span<const double> values)
{
    Moments moments;
    const auto n = static_cast<double>(values.size());
    for (const double value : values)
        moments.mean += value / n;
    for (const double value : values)
        moments.deviation += (value - moments.mean) * (value - moments.mean) / std::max(n - 1, 1.0);
    moments.deviation = std::sqrt(moments.deviation);
    return moments;
}

// Ranks from 1; equal values share the mean of theirs.
std::vector<double> ranksOf(const std::vector<double>& values)
{
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin;
        while (end < order.size() && values[order[end]] == values[order[begin]])
            ++end;
        for (std::size_t i = begin; i < end; ++i)
            ranks[order[i]] = (static_cast<double>(begin + end) + 1) / 2;
        begin = end;
    }
    return ranks;
}

double covariance(const std::vector<double>& a, const std::vector<double>& b)
{
    const double meanA = momentsOf(a).mean, meanB = momentsOf(b).mean;
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += (a[i] - meanA) * (b[i] - meanB);
    return sum / static_cast<double>(a.size() - 1);
}

void addRank(const std::vector<double>& promised, const std::vector<double>& shown, Reliability& result)
{
    const auto a = ranksOf(promised), b = ranksOf(shown);
    const double spread = momentsOf(a).deviation * momentsOf(b).deviation;
    if (spread < 1e-9)
        return;
    result.rank = std::clamp(covariance(a, b) / spread, -1.0, 1.0);
    if (a.size() < static_cast<std::size_t>(Reliability::fewest))
        return;
    const double r = std::clamp(result.rank, -0.999999, 0.999999);
    const double half = 1.959963984540054 * std::sqrt((1 + r * r / 2) / (static_cast<double>(a.size()) - 3));
    result.rankLow = std::tanh(std::atanh(r) - half);
    result.rankHigh = std::tanh(std::atanh(r) + half);
}

// How the gap grows beyond what it was in the first half, in units of its spread there.
void addDrift(const std::vector<double>& gaps, Reliability& result)
{
    const std::size_t half = gaps.size() / 2;
    const Moments before = momentsOf(std::span(gaps).first(half));
    if (half < 5 || before.deviation <= 0)
        return;
    for (std::size_t i = half; i < gaps.size(); ++i) {
        result.drift = std::max(0.0, result.drift + (gaps[i] - before.mean) / before.deviation - allowance);
        result.largestDrift = std::max(result.largestDrift, result.drift);
    }
    result.drifted = result.largestDrift > Reliability::alarm;
}

} // namespace

Reliability reliabilityOf(const std::vector<SignalPair>& pairs)
{
    Reliability result;
    result.pairs = static_cast<int>(pairs.size());
    if (pairs.size() < 2)
        return result;
    std::vector<double> promised, shown, gaps;
    for (const SignalPair& pair : pairs) {
        promised.push_back(pair.promised);
        shown.push_back(pair.shown);
        gaps.push_back(pair.promised - pair.shown);
    }
    result.optimism = momentsOf(gaps).mean;
    const double variance = covariance(promised, promised);
    result.slope = variance > 1e-18 ? covariance(promised, shown) / variance : 0;
    addDrift(gaps, result);
    const auto old = pairs.size() - std::min<std::size_t>(pairs.size(), Reliability::window);
    promised.erase(promised.begin(), promised.begin() + static_cast<std::ptrdiff_t>(old));
    shown.erase(shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(old));
    addRank(promised, shown, result);
    result.misleads = result.rankHigh < 0;
    return result;
}

std::vector<Reliability> reliabilityOverTime(const std::vector<SignalPair>& pairs)
{
    std::vector<Reliability> list;
    std::vector<SignalPair> seen;
    for (const SignalPair& pair : pairs) {
        seen.push_back(pair);
        list.push_back(reliabilityOf(seen));
    }
    return list;
}

} // namespace ratchet
