// SPDX-License-Identifier: GPL-3.0-or-later
// A learner that lies: what `ratchet bench attacks` hands to the engine as its ratchet-learner. It is this program itself in
// the role "attacker": it forges a worker's result, or stands between the engine and the real ratchet-learner and falsifies
// what passes. Nothing of it is in the engine, the learner or the judge. A process of its own; one thread a direction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/genome/weights_file.h"

namespace ratchet {

// What is done wrong, by which role. "honest": the real learner takes over.
struct AttackPlan {
    // A worker that trains nothing and claims a loss of 0, its weights being
    //   "jitter"       the parent's with Gaussian noise of `scale` times each tensor's root mean square, once for every seed
    //   "constant"     zero but for `token`, which every answer consists of: the end token answers nothing, another never ends
    //   "overflow"     the parent's times 1e30: finite, but no probability comes of them
    //   "not finite"   the parent's with a NaN
    //   "extra tensor" the parent's and one that no genome has
    // or the real one with what passes changed:
    //   "understates"  reports half of the compute that its tokens cost
    //   "skips tokens" trains twice its budget and reports half of tokens and compute, with the true steps
    //   "overruns"     trains twice its budget and says so
    std::string worker = "honest";
    // The real judge, but
    //   "falsifies"    the challenger's scores are all `score`: NaN, Infinity or a JSON value; empty: there are none
    //   "forgets"      their field is missing
    //   "hangs"        it never answers
    //   "waits"        says on stderr when it is asked first, and goes on when somebody has changed the judge's secret
    std::string judge = "honest";
    std::string score;
    std::vector<std::uint64_t> seeds;
    double scale = 0;
    int token = 0;
    std::string learner;              // the real one

    [[nodiscard]] Json toJson() const;
    [[nodiscard]] static Result<AttackPlan> fromJson(const Json& json);
};

// Gaussian noise of `scale` times each tensor's root mean square.
void addNoise(WeightsFile& weights, double scale, Rng& rng);

inline constexpr const char* attackerIsAsked = "The exam has begun.";

// Plays the role on descriptor 3; the process's exit status.
[[nodiscard]] int playAttacker(const AttackPlan& plan, const std::string& role);

} // namespace ratchet
