// SPDX-License-Identifier: GPL-3.0-or-later
// How far results of the same recipe lie apart, and what a gate that is not better than that can see. Pure; any thread.
#pragma once

#include <vector>

namespace ratchet {

// Of independent runs. low, high: Student's 95 % interval of the mean; the whole line with fewer than two runs.
struct Spread {
    int runs = 0;
    double mean = 0, sigma = 0, low = 0, high = 0;   // sigma: standard deviation over runs, n - 1 below
};
[[nodiscard]] Spread spreadOf(const std::vector<double>& values);

// Pearson's; 0 when one of them does not vary. `a` and `b` of one length.
[[nodiscard]] double correlationOf(const std::vector<double>& a, const std::vector<double>& b);

// The smallest true gain in mean score that the gate accepts with probability `power` within `pairs` pairs of which the share
// `discordant` differs, by bisection over the win share. 0 when even a challenger that wins every discordant pair is not accepted
// so often. meanPairs: drawn until the answer, at that gain.
struct Detectable {
    double gain = 0, winShare = 0, meanPairs = 0;
};
[[nodiscard]] Detectable smallestDetectable(double discordant, int pairs, double alpha, double power = 0.8);

} // namespace ratchet
