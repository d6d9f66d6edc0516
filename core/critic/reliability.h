// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a signal that is cheap to see still tells the score that is hidden: the lab's watch over its own proxies. Pure; any
// thread.
#pragma once

#include <vector>

namespace ratchet {

// A candidate: what the signal promised and what the gate's fresh items showed, higher is better in both.
struct SignalPair { double promised = 0, shown = 0; };

struct Reliability {
    int pairs = 0;
    // Spearman's rank correlation over the newest `window` pairs, with its 95 % interval (Fisher's z with the standard error of
    // Bonett and Wright 2000). {-1, 1} below `fewest` pairs or when one side never changes.
    double rank = 0, rankLow = -1, rankHigh = 1;
    // Least-squares slope of shown on promised: 1 is honest, 0 tells nothing, below 1 promises shrink.
    double slope = 0;
    double optimism = 0;             // mean of promised - shown; meaningful where both have one unit
    // Upper cumulative sum of the standardised gap with allowance 1/2 (Page 1954), its value now and its largest so far; past
    // `alarm` the signal promises more than it did in its own first half: `drifted`.
    double drift = 0, largestDrift = 0;
    bool drifted = false;
    // Worse than a coin: the interval lies below 0.
    bool misleads = false;
    static constexpr int window = 40, fewest = 12;
    static constexpr double alarm = 5;
};

// `pairs` in the order of time.
[[nodiscard]] Reliability reliabilityOf(const std::vector<SignalPair>& pairs);
// What reliabilityOf() said after each of them: the last is what it says now.
[[nodiscard]] std::vector<Reliability> reliabilityOverTime(const std::vector<SignalPair>& pairs);

} // namespace ratchet
