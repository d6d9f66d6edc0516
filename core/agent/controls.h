// SPDX-License-Identifier: GPL-3.0-or-later
// Controls: candidates that test the lab instead of improving it. They are trained and judged like any other, and never
// promoted, built on or learnt from. The engine's thread.
//   placebo       the champion again, changed in nothing that matters: what the gate accepts of these it accepts by mistake
//   replication   a version's recipe again with another seed: how much of its gain comes back
#pragma once

#include <vector>

#include "core/store/store.h"

namespace ratchet {

struct Context;

inline constexpr const char* placeboFamily = "placebo";
inline constexpr const char* replicationFamily = "replication";

[[nodiscard]] bool isControl(const ProposalRecord& proposal);

// Kinds of placebo. Identity has the champion's own weights, so that any answer that differs is a fault of the judge. Jitter moves
// them: many answers change, and hardly ever more for the better than for the worse. Reseeding trains the champion's own
// recipe with another seed, so that what is accepted of it is luck of the seed and not a better recipe.
inline constexpr const char* identityPlacebo = "identity";
inline constexpr const char* jitterPlacebo = "weight jitter";
inline constexpr const char* reseedingPlacebo = "reseeding";

// Each drawn candidate that would be trained gives way to a placebo with the lab's chance for it (LabConfig::placebos), by the
// lab's seed and the tooth's number. The judge is told the same of both.
[[nodiscard]] Result<std::vector<ProposalRecord>> withPlacebos(Context& context, std::vector<ProposalRecord> drawn, int tooth);

// Whether a placebo costs no training: the engine makes its version itself.
[[nodiscard]] bool isMadeHere(const ProposalRecord& proposal);
// Makes and stores the version of such a placebo, its trial of no compute, and the proposal's new state, in one transaction.
// Weight jitter: every weight gets Gaussian noise of a share of its tensor's root mean square, which is drawn for each placebo
// (log-uniform from leastJitter to mostJitter) and stands in its reason.
inline constexpr double leastJitter = 0.003, mostJitter = 0.03;
[[nodiscard]] Result<ProposalRecord> makePlacebo(Context& context, ProposalRecord proposal, TrialRecord trial);

// How the gate did on placebos of one kind.
struct PlaceboKind {
    int judged = 0;                      // with a verdict
    int able = 0;                        // of these, whose answers differed often enough: had all gone their way, the gate had accepted
    int accepted = 0;
    int refuted = 0;                     // accepted, able, and no better: the jittered never are, the reseeded by their guide items
    double low = 0, high = 1;            // 95 % interval of the rate of refuted among the able (Clopper-Pearson)
    // The sum of alpha over the able. Who is able shows in its answers, so that no theorem bounds false accepts among them by it. In
    // simulated nulls (Gate, 2000 items, alpha 0.0125, 6000 runs each) their rate was 0.0009, 0.0048 and 0.0097 with 1, 5 and 20 % discordant.
    double promised = 0;
    bool operator==(const PlaceboKind&) const = default;
};
// What is accepted of the jittered is a false accept. A reseeded one may be better by luck of the seed; it is refuted when it is no
// better on the 200 guide items that both answered afterwards. That errs both ways: one that is a little better can be no better on
// these, and one that is equal is better on them nearly every second time. An accepted one that no guide items were asked of, as
// when the judge failed there, is not able.
struct PlaceboCount {
    PlaceboKind jittered, reseeded;
    int identical = 0, differing = 0;    // identities judged, and those of which an answer differed
    bool operator==(const PlaceboCount&) const = default;
};
[[nodiscard]] Result<PlaceboCount> countPlacebos(const Store& store);

} // namespace ratchet
