// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a trial that was looked at before its budget was spent is trained to the end. Successive halving (Jamieson and Talwalkar
// 2016, arXiv 1502.07943) gives up the worse half at every look; here the worse half of a family is given up only once it is known
// that the gate hardly ever accepts one of it, and a random share goes on all the same, so that this stays known.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ratchet {

// Where a trial stood among the newest looks before it. Of scores, which are all of the same items: less the champion's they would all
// fall together with every promotion, and whoever came next would be of the worse half.
enum class Side { Pass, Fail };

// A trial that was looked at, and what came of it.
struct Looked {
    std::string family;
    double score = 0;                  // at the look
    Side side = Side::Pass;
    double propensity = 1;             // chance with which it was trained on: 1, or that of an audit
    std::optional<bool> accepted = {}; // by the gate; empty when the gate was not asked, or gave no verdict
};

// P(the gate accepts | side, family). The gate's answers are weighted by 1 / propensity, so that an audited trial stands for those
// that were given up beside it (Horvitz and Thompson 1952, JASA 47; the weighted mean p is Hajek's). With weights w they tell as much
// as n = (sum w)^2 / sum w^2 unweighted ones (Kish 1965). Belief is Beta(1/2 + n p + m q, 1/2 + n (1 - p) + m (1 - q)): Jeffreys'
// prior and a power prior (Ibrahim and Chen 2000), the other families' rate q, which counts as m = min(their n, mostBorrowed).
struct PassRate {
    int looked = 0, judged = 0, accepted = 0;     // of the family on this side, by number
    double weight = 0;                            // n
    double borrowed = 0;                          // m
    double chance = 0, low = 0, high = 0;         // mean of the belief, and its central interval
};

struct ScreenOptions {
    double audit = 0.2;                // chance that what would be given up is trained all the same
    double threshold = 0.15;           // give up below it
    double confidence = 0.8;           // of the interval whose upper end must lie below the threshold
    double ownEvidence = 4, evidence = 8;    // least n, and least n + m
    double mostBorrowed = 4;
};

[[nodiscard]] PassRate passRate(const std::vector<Looked>& past, const std::string& family, Side side, const ScreenOptions& options = {});

// Fail: below the median of the newest `medianOf` in `past`, which is in the order of time; Pass when there are none.
inline constexpr std::size_t medianOf = 20;
[[nodiscard]] Side sideOf(double score, const std::vector<Looked>& past);

// What is done with a trial. Audit: it would be given up, but a share is trained and judged all the same.
enum class Screened { TrainOn, Audit, GiveUp };
struct Screening {
    Side side = Side::Pass;
    PassRate rate;
    Screened decision = Screened::TrainOn;
    double propensity = 1;             // see Looked
};
// `draw`: a uniform number from [0, 1) of this trial's own. A function of its arguments: whoever asks again is told the same.
[[nodiscard]] Screening screen(const std::vector<Looked>& past, const std::string& family, double score, double draw,
                               const ScreenOptions& options = {});

} // namespace ratchet
