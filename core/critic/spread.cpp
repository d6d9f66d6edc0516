// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

#include "core/base/rng.h"
#include "core/selector/boundary.h"

namespace ratchet {
namespace {

double meanOf(const std::vector<double>& values)
{
    return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

using Passage = Boundary::Passage;

// Of challengers whose scores are better by this gain in the mean. Each has a stream of its own, the same for every gain, so that the
// chance rises with the gain. No chance when it was stopped.
Passage boundedPassage(double gain, double deviation, const Comparison::Options& options, const std::stop_token& stop)
{
    constexpr int runs = 300;
    constexpr double champion = 0.5;         // only differences count, and they stay within its distance from 0 and 1
    Integrity sound;
    sound.checks = {{"simulated", true, {}}};
    Passage passage;
    for (int run = 0; run < runs; ++run) {
        if (stop.stop_requested())
            return {};
        Rng rng = Rng::stream(1, "bounded passage", static_cast<std::uint64_t>(run));
        Comparison comparison({{"target", "", SuiteRole::Target, 0}}, options);
        Status status = comparison.addIntegrity(sound);
        while (const auto ask = status ? comparison.next() : std::nullopt) {
            const auto count = static_cast<std::size_t>(ask->count);
            Scores scores;
            scores.suite = ask->suite;
            scores.split = ask->split;
            scores.champion.assign(count, champion);
            for (std::size_t i = 0; i < count; ++i)
                scores.challenger.push_back(champion + std::clamp(gain + deviation * rng.normal(), -champion, champion));
            status = comparison.add(scores);
        }
        const VerdictRecord verdict = comparison.verdict();
        passage.chance += verdict.verdict == Verdict::Accept ? 1.0 / runs : 0;
        passage.meanPairs += static_cast<double>(verdict.pairs) / runs;
    }
    return passage;
}

} // namespace

Spread spreadOf(const std::vector<double>& values)
{
    constexpr double unknown = std::numeric_limits<double>::max();
    Spread spread{static_cast<int>(values.size()), meanOf(values), 0, -unknown, unknown};
    if (values.size() < 2)
        return spread;
    double squares = 0;
    for (const double value : values)
        squares += (value - spread.mean) * (value - spread.mean);
    const double n = static_cast<double>(values.size());
    spread.sigma = std::sqrt(squares / (n - 1));
    const double half = boost::math::quantile(boost::math::students_t(n - 1), 0.975) * spread.sigma / std::sqrt(n);
    spread.low = spread.mean - half;
    spread.high = spread.mean + half;
    return spread;
}

double correlationOf(const std::vector<double>& a, const std::vector<double>& b)
{
    const double meanA = meanOf(a), meanB = meanOf(b);
    double both = 0, squaresA = 0, squaresB = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        both += (a[i] - meanA) * (b[i] - meanB);
        squaresA += (a[i] - meanA) * (a[i] - meanA);
        squaresB += (b[i] - meanB) * (b[i] - meanB);
    }
    return squaresA > 0 && squaresB > 0 ? both / std::sqrt(squaresA * squaresB) : 0;
}

std::pair<double, double> correlationInterval(double correlation, int pairs)
{
    if (pairs < fewestCorrelated)
        return {-1, 1};
    const double z = std::atanh(std::clamp(correlation, -0.999999, 0.999999)), half = 1.959963984540054 / std::sqrt(pairs - 3);
    return {std::tanh(z - half), std::tanh(z + half)};
}

Detectable smallestDetectable(double discordant, int pairs, double alpha, double leastGain, double power)
{
    const int differing = static_cast<int>(std::lround(discordant * pairs));
    const Boundary boundary = Boundary::exact(alpha, pairs);
    if (discordant < leastGain || boundary.passage(1, differing).chance < power)
        return {};
    double low = leastGain > 0 ? (1 + leastGain / discordant) / 2 : 0.5, high = 1;
    for (int i = 0; i < 20; ++i) {
        const double middle = (low + high) / 2;
        (boundary.passage(middle, differing).chance >= power ? high : low) = middle;
    }
    return {discordant * (2 * high - 1), high, boundary.passage(high, differing).meanPairs / discordant};
}

Detectable smallestDetectable(double deviation, const Comparison::Options& options, const std::stop_token& stop, double power)
{
    const Passage most = boundedPassage(boundedRange, deviation, options, stop);
    if (most.chance < power)
        return {};
    Detectable smallest{boundedRange, 0, most.meanPairs};
    double low = 0;
    for (int i = 0; i < 12; ++i) {
        const double middle = (low + smallest.gain) / 2;
        const Passage passage = boundedPassage(middle, deviation, options, stop);
        if (passage.chance >= power)
            smallest = {middle, 0, passage.meanPairs};
        else
            low = middle;
    }
    if (stop.stop_requested())
        return {};
    return smallest;
}

} // namespace ratchet
