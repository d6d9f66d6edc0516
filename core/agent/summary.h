// SPDX-License-Identifier: GPL-3.0-or-later
// What a lab did, as a person reads it at the end: what was tried, what helped and by how much, what was refused and
// why, the champion before and after on items never used for a decision, and the price. Read from a Store only; the
// caller's thread (the Store's).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/agent/controls.h"
#include "core/agent/gate_record.h"
#include "core/agent/replication.h"
#include "core/agent/reward.h"
#include "core/agent/screening.h"
#include "core/agent/vault.h"
#include "core/store/lab.h"
#include "core/store/store.h"

namespace ratchet {

struct TriedRow {
    int tooth = 0;
    Id<ProposalRecord> proposal;
    std::string family, change, state, reason; // reason: of the state, one sentence
    std::optional<Hash> version;
    double predictedGain = 0;
    // The target suite's gate scorecard, when it was judged: challenger minus champion with its confidence sequence.
    struct Measured {
        double champion = 0, challenger = 0, difference = 0, low = 0, high = 0;
        int items = 0;
    };
    std::optional<Measured> measured;
    std::optional<VerdictRecord> verdict;      // of its newest question, as `measured`
    std::vector<VerdictRecord> earlier;        // of those before, after which it was tried again
    Flops spent;
    std::vector<std::string> told; // by its trial, a sentence each (sentencesOf)
};

// One version on vault items of one suite. low, high: Wilson's 95 % interval, for scores that are right or wrong.
struct VaultScore {
    Hash version;
    std::string suite;
    int items = 0;
    double mean = 0, low = 0, high = 0;
};
// First and live version on the same suite; the difference is measured in pairs when both answered the same items.
struct VaultChange {
    VaultScore before, after;
    double difference = 0, low = 0, high = 0;
    bool paired = false;
};

struct Summary {
    LabConfig config;
    bool bitsPerByte = false;    // LabConfig::isBitsPerByte()
    std::vector<TriedRow> tried; // by proposal
    std::optional<VersionRecord> first, live;
    std::vector<VaultChange> vault;
    std::vector<DeploymentRecord> deployments;
    PlaceboCount placebos;
    ScreeningReport screening;
    Flops spent;
    std::chrono::milliseconds trialTime{0}; // sum of all trials' wall time
    int teeth = 0, trials = 0, failedTrials = 0, waiting = 0;
    std::int64_t ledgerEntries = 0;
    Hash ledgerHead;
    RewardUse reward;
    VaultUse vaultUse;
    std::vector<GateRecord> gate; // what it was told it may err
};

[[nodiscard]] Result<Summary> summarise(const Store& store, const LabConfig& config);
[[nodiscard]] std::string toText(const Summary& summary);
[[nodiscard]] Json toJson(const Summary& summary);

// A mean score and a gain as people read them: "94.3 %" and "+12.1" points, or "1.921" bits and "+0.310" bits saved.
[[nodiscard]] std::string scoreText(const Summary& summary, double score);
[[nodiscard]] std::string gainText(const Summary& summary, double difference);
[[nodiscard]] std::string eValueText(double value);
// How many placebos were judged, could have been accepted and were, with the false accept rate; empty when none was judged.
[[nodiscard]] std::string placeboText(const PlaceboCount& count);
[[nodiscard]] Json toJson(const PlaceboCount& count);

// What the gate may err, each time that it changed, and what lab.json says otherwise than is recorded: a sentence each.
[[nodiscard]] std::vector<std::string> gateChanges(const Summary& summary);

// What the gate can see, as a sentence.
[[nodiscard]] std::string sightText(const Summary& summary, const Sight& sight);

// 95 % interval of a share of `items` (Wilson 1927, "Probable inference").
struct Interval {
    double low = 0, high = 0;
};
[[nodiscard]] Interval wilson(double share, int items);

} // namespace ratchet
