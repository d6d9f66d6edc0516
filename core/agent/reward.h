// SPDX-License-Identifier: GPL-3.0-or-later
// What the lab's reward models did and whether the newest is trusted (core/critic/reward.h): the one place that reads RewardRecord
// and the "reward" of TrialRecord::proxy. Read from a Store only; the caller's thread (the Store's).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/critic/reward.h"
#include "core/store/store.h"

namespace ratchet {

// One piece of work, a RewardRecord as RewardRecord::report describes it:
//   {"task": "learn" | "grade" | "score", "champion": version, "deployment": id of what was live, "model": id of the learning whose model
//    was asked, 0 of a learning; "failure", "nothing": why there is no result; "report": RewardReport or null;
//    "items", "shown", "right", "unreadable", "steps": counts of Graded; "proposals": scored}
struct RewardWork {
    RewardRecord record;
    std::string task, failure, nothing;
    Hash champion;
    std::int64_t deployment = 0, model = 0;
    std::optional<RewardReport> report;
    int items = 0, shown = 0, right = 0, unreadable = 0, steps = 0;
    std::vector<std::int64_t> proposals = {};

    [[nodiscard]] bool isModel() const { return task == "learn" && report.has_value(); }
    [[nodiscard]] Json toJson() const;                                   // RewardRecord::report
    [[nodiscard]] static Result<RewardWork> from(const RewardRecord& record);
};

// What a reward model expected of a challenger: mean probability that its answers are right, beside the champion's to the same prompts.
struct RewardScore {
    std::int64_t model = 0;                  // RewardRecord of the learning
    double champion = 0, challenger = 0;
    int items = 0;
    [[nodiscard]] double difference() const { return challenger - champion; }
};
// The key "reward" of TrialRecord::proxy, whose other keys are not its own.
[[nodiscard]] std::optional<RewardScore> rewardScoreOf(const TrialRecord& trial);
void keepRewardScore(TrialRecord& trial, const RewardScore& score);

struct RewardUse {
    std::vector<RewardWork> work;            // by id
    std::optional<RewardWork> model;         // of the newest that was learnt
    RewardReport newest;                     // its last graded answers: held out, or of a later champion
    Reliability signal;                      // of the challengers that this model scored, against the gate's hidden score
    RewardTrust trust{false, "None was learnt yet."};
    Flops spent;

    [[nodiscard]] bool isOn() const { return trust.on; }
    // It is on, and the order in which it put challengers was shown to be the gate's.
    [[nodiscard]] bool isUseful() const { return trust.on && signal.rankLow > 0; }
};
[[nodiscard]] Result<RewardUse> rewardUse(const Store& store);

// What is to be done for a champion: a new one's answers are graded; a model is learnt when there is none, when it is not trusted,
// or when this many promotions have changed the answers since. Each once a champion, and once more when it failed.
enum class RewardNeed { Nothing, Grade, Learn };
[[nodiscard]] RewardNeed rewardNeed(const RewardUse& use, const Hash& champion, std::int64_t deployment);
inline constexpr int rewardPromotions = 3, rewardAttempts = 2;

[[nodiscard]] Json toJson(const RewardUse& use);
// "off: ...", with the newest figures, in a line for `status`; a paragraph for reports. Empty when no work was done.
[[nodiscard]] std::string rewardLine(const RewardUse& use);
[[nodiscard]] std::string rewardText(const RewardUse& use);

} // namespace ratchet
