// SPDX-License-Identifier: GPL-3.0-or-later
// A version's recipe trained again with other seeds, each result measured beside the version that the original had to beat.
// For a promoted version: how much of its gain was the recipe's. For the champion beside itself (A/A): how far equal recipes
// lie apart, and so what the lab can see at all. Read from the store; the caller's thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/agent/controls.h"
#include "core/critic/spread.h"
#include "core/store/lab.h"

namespace ratchet {

struct ReplicationWish {
    Hash version;
    bool besideItself = false;       // A/A: measured against the version itself
    int seeds = 5;                   // results there shall be in the end, those of earlier calls included
    int items = 1000;                // of the target suite; half as many of each retained one; a result measured on fewer is measured again
    [[nodiscard]] bool isAbout(const ReplicationWish& other) const { return version == other.version && besideItself == other.besideItself; }
};
[[nodiscard]] Json toJson(const ReplicationWish& wish);
// BadInput when a field is missing or out of range: 1 to 1000 seeds, 10 to 100,000 items.
[[nodiscard]] Result<ReplicationWish> replicationWish(const Json& json);

// What was asked of the engine (requests replicate and withdraw) and is not done, oldest first. It stays in the store until it is.
[[nodiscard]] Result<std::vector<ReplicationWish>> replicationsAsked(const Store& store);
[[nodiscard]] Status putReplicationsAsked(Store& store, const std::vector<ReplicationWish>& wishes);   // inside a transaction

// What the recipe's results have in common on one suite.
struct SuiteSpread {
    std::string suite;
    Spread score, difference;        // of each result alone, and against the reference on the same items
    double itemSigma = 0;            // of one result's mean score by the draw of items alone, from how far its scores lie apart
    double discordant = 0;           // mean share of items on which result and reference differ
    std::optional<double> differenceDeviation;   // of the paired differences of items, over all results; empty in labs of format 4
    std::vector<double> scores;      // by run
    bool operator==(const SuiteSpread&) const = default;
};

struct Replication {
    Hash version, reference;
    std::string change;              // what the original proposal changed; empty for the seed model
    std::optional<double> nominal;   // the gain its gate saw on the target suite
    std::vector<Id<ProposalRecord>> runs;
    int failed = 0;
    std::vector<SuiteSpread> suites; // target first
    // Share of the nominal gain that came back, and its interval over seeds; without a nominal gain above 0 none.
    [[nodiscard]] std::optional<Spread> share() const;
    bool operator==(const Replication&) const = default;
};

// Whether a proposal trains this version's recipe again.
[[nodiscard]] bool replicates(const ProposalRecord& proposal, const VersionRecord& version);
// The proposals that replicate this version, by id.
[[nodiscard]] Result<std::vector<ProposalRecord>> replicationsOf(const Store& store, const VersionRecord& version);
// Whether this card of a run measures it on so many items of the target suite.
[[nodiscard]] bool measures(const ScorecardRecord& card, const Hash& reference, int items);
// How many results there are of what was wished for.
[[nodiscard]] Result<int> measuredRuns(const Store& store, const ReplicationWish& wish);
// What a version is measured against: the champion its gate compared it with, or itself.
[[nodiscard]] Result<Hash> referenceOf(const Store& store, const VersionRecord& version, bool besideItself);
// Fills a Replication from what is stored; NotFound for an unknown version.
[[nodiscard]] Result<Replication> replicationResult(const Store& store, const Hash& version, bool besideItself);
// What the gate can see at a question, the smallest gain it accepts four times in five, and what such a question costs.
struct Sight {
    int k = 1;
    double alpha = 0;
    Detectable smallest;
    Flops training, judging = {};    // a trial's budget; about what the pairs cost, 0 when that is not known (imported models)
    bool operator==(const Sight&) const = default;
};
// At the lab's first question and at its next one, by how often answers of equal recipes differ, or of bounded scores by how far; none
// of bounded scores while that was not measured. Takes as long as smallestDetectable(), twice; Cancelled once it is asked to stop.
[[nodiscard]] Result<std::vector<Sight>> sightOf(const Store& store, const ObjectStore& objects, const LabConfig& config, const Replication& result,
                                                 const std::stop_token& stop = {});
// The lesson on the kind of change that made this version, with what came back of all its versions that were replicated; empty
// when no proposal made it.
[[nodiscard]] Result<std::optional<LessonRecord>> replicatedLesson(const Store& store, const Hash& version);
[[nodiscard]] bool isLost(const ProposalRecord& run);     // failed or cancelled
// How many more runs it takes until `seeds` of them are not lost. Refused for an imported version, which no recipe
// made, and, with the figure, when the budget does not pay for them beside what is queued or under way of replications and the tooth.
[[nodiscard]] Result<int> missingRuns(const Context& context, const VersionRecord& version, int seeds);
// The proposal of one more run.
[[nodiscard]] Result<ProposalRecord> replicationProposal(Context& context, const VersionRecord& version, int number);

} // namespace ratchet
