// SPDX-License-Identifier: GPL-3.0-or-later
// How far results of the same recipe lie apart, and what a gate that is not better than that can see. Pure; any thread.
#pragma once

#include <stop_token>
#include <utility>
#include <vector>

#include "core/critic/scorecard.h"

namespace ratchet {

// Of independent runs. low, high: Student's 95 % interval of the mean; the whole line with fewer than two runs.
struct Spread {
    int runs = 0;
    double mean = 0, sigma = 0, low = 0, high = 0;   // sigma: standard deviation over runs, n - 1 below
    bool operator==(const Spread&) const = default;
};
[[nodiscard]] Spread spreadOf(const std::vector<double>& values);

// Pearson's; 0 when one of them does not vary. `a` and `b` of one length.
[[nodiscard]] double correlationOf(const std::vector<double>& a, const std::vector<double>& b);
// Its 95 % interval over so many pairs (Fisher's z, 1921); the whole [-1, 1] below four.
inline constexpr int fewestCorrelated = 4;
[[nodiscard]] std::pair<double, double> correlationInterval(double correlation, int pairs);

// The smallest true gain in mean score that the gate accepts with probability `power`, 0 when it accepts none so often.
// meanPairs: drawn until the answer, at that gain. winShare: of the pairs that differ; 0 for bounded scores.
struct Detectable {
    double gain = 0, winShare = 0, meanPairs = 0;
    bool operator==(const Detectable&) const = default;
};
// Of answers that are right or wrong, within `pairs` pairs of which the share `discordant` differs: exact, by bisection over the win
// share. Never below leastGain: the gate gives up what is sure to be less.
[[nodiscard]] Detectable smallestDetectable(double discordant, int pairs, double alpha, double leastGain = 0, double power = 0.8);
// Of bounded scores whose paired differences are Normal with this standard deviation: the Comparison itself, asked as the engine
// asks it, on 300 seeded challengers, by bisection over the gain; the chance is right to some 2 %. Some tenths of
// a second at 2000 pairs, seconds at 20,000. Empty once it is asked to stop.
[[nodiscard]] Detectable smallestDetectable(double deviation, const Comparison::Options& options, const std::stop_token& stop = {}, double power = 0.8);

} // namespace ratchet
