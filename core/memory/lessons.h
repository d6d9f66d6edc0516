// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: what is believed about a kind of change, as the posterior of its gain. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/store/records.h"

namespace ratchet {

// The outcome of one measured proposal.
struct LessonEvidence {
    std::string family, operatorName;
    double gain = 0;             // challenger minus champion on the target suite, score units
    double standardError = 0;    // of that difference
    double predicted = 0;
    bool accepted = false;
    bool failed = false;         // no gain was measured: it could not be trained or judged, or was given up before
    Flops cost;
    double propensity = 1;       // chance with which it came to be measured: that of an audit where a trial would have been given up
};

// Gain ~ Normal(mean, variance). Prior: mean 0, standard deviation 0.15 (most changes do little). Measurements are noisy
// beyond their own standard error because a run is one seed: 0.05 is added (conjugate update, Gelman 2013, section 2.5).
// A measurement weighs w = 1 / propensity (a pseudo-likelihood; Pfeffermann 1993, Int. Stat. Rev. 61): an audited trial speaks
// for those beside it that were given up, and the mean is that of all candidates, not of those that were let go on. It is still
// one measurement: the weights are scaled to sum to Kish's effective number (sum w)^2 / sum w^2 (Pfeffermann et al. 1998, J. R.
// Stat. Soc. B 60, section 3.2), so that the variance does not shrink as if those given up had been measured too.
inline constexpr double priorGainDeviation = 0.15;
inline constexpr double seedDeviation = 0.05;

[[nodiscard]] LessonRecord learn(const LessonRecord& before, const LessonEvidence& evidence, Time now);
// The lesson on a kind, or a fresh one with the prior.
[[nodiscard]] LessonRecord lessonOn(const std::vector<LessonRecord>& lessons, const std::string& family, const std::string& operatorName);
// What of a measured gain is to be expected again, 0 .. 1: the share that came back in replications, 1 without any.
[[nodiscard]] double shrinkage(const LessonRecord& lesson);
// The gain a proposal of this kind is expected to show: the posterior mean, shrunken.
[[nodiscard]] double expectedGain(const LessonRecord& lesson);
// One draw of the gain from the posterior about the expected gain, for Thompson sampling (Thompson 1933).
[[nodiscard]] double drawGain(const LessonRecord& lesson, Rng& rng);

} // namespace ratchet
