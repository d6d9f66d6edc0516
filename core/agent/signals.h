// SPDX-License-Identifier: GPL-3.0-or-later
// What the lab sees of a candidate before the gate has spoken, and how far each of it was to be trusted: promised against what
// the gate's hidden items showed. Read from a Store only; the caller's thread (the Store's).
#pragma once

#include <string>
#include <vector>

#include "core/critic/reliability.h"
#include "core/store/store.h"

namespace ratchet {

struct SignalReport {
    std::string name;                 // "predicted gain"
    std::string meaning;              // one sentence
    bool sameUnit = true;             // as the score, so that optimism and slope mean something
    std::vector<SignalPair> pairs;    // in the order of the proposals
    Reliability reliability;
};

inline constexpr const char* predictedGainSignal = "predicted gain";

// Over the judged proposals that are no controls: the predicted gain, the fall of the training loss against the champion's own, the
// difference on guide items, which is measured of accepted ones only, the proxy of those that were looked at half way, and where
// there is one the reward model's.
[[nodiscard]] Result<std::vector<SignalReport>> signalsOf(const Store& store);
// What a reward model expected of challengers (core/agent/reward.h) against what the gate showed; of model `model` alone unless that
// is 0.
[[nodiscard]] Result<std::vector<SignalPair>> rewardPairs(const Store& store, std::int64_t model = 0);
// Whether lessons that were asked in the past order candidates the wrong way round: then they are not asked.
[[nodiscard]] Result<bool> lessonsMislead(const Store& store);

[[nodiscard]] Json toJson(const std::vector<SignalReport>& signals);
// "useful", "unproven", "drifted", "misleads": in words for people.
[[nodiscard]] std::string judgementOn(const Reliability& reliability);

} // namespace ratchet
