// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's database: one SQLite file in WAL mode, one writer process, any number of readers. Foreign errors become Error.
// A Store belongs to one thread; open another (ReadOnly) for another thread. Blocking, at most a few milliseconds a call.
// Every write adds rows to the change feed in the same transaction.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/store/records.h"

namespace ratchet {

inline constexpr int schemaVersion = 6;

class Store {
public:
    enum class Mode { ReadWrite, ReadOnly };
    // Newer when user_version is above schemaVersion; Damaged when integrity fails; migrates older ones (ReadWrite).
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::filesystem::path& database, Mode mode);
    [[nodiscard]] static Result<std::unique_ptr<Store>> create(const std::filesystem::path& database);
    ~Store();

    // All writes inside `work` land together or not at all. Durable::Yes: synced to disk before it returns; a decision,
    // deployment or ledger entry is so in any case. Nesting joins the outer transaction. An Error from `work`, or of any
    // write inside it that reached the database, rolls all of it back and is handed on.
    enum class Durable { No, Yes };
    [[nodiscard]] Status transaction(Durable durable, const std::function<Status()>& work);
    // All reads inside `work` see the lab at one moment, whatever the engine writes meanwhile. Keep it short: a reader that
    // stays pins the log. Inside a transaction it simply joins it.
    [[nodiscard]] Status snapshot(const std::function<Status()>& work) const;

    // --- write: only the engine (core/agent) -----------------------------------------------------------------------
    // Each is a transaction of its own outside transaction(). BadInput for NaN. update() of a record that is not there: NotFound.
    [[nodiscard]] Status setMeta(const std::string& key, const Json& value);
    [[nodiscard]] Result<Id<ProposalRecord>> add(const ProposalRecord& proposal);
    [[nodiscard]] Status update(const ProposalRecord& proposal);
    [[nodiscard]] Result<Id<TrialRecord>> add(const TrialRecord& trial);
    [[nodiscard]] Status update(const TrialRecord& trial);
    [[nodiscard]] Status add(const VersionRecord& version);            // equal hash again: no change
    [[nodiscard]] Status add(const ScorecardRecord& scorecard);        // one per question (proposal, k, versions), suite and split; replaced
    [[nodiscard]] Status add(const VerdictRecord& verdict);            // one per question (proposal and k); replaced when it is asked again
    [[nodiscard]] Result<Id<DecisionRecord>> add(const DecisionRecord& decision);
    [[nodiscard]] Result<Id<DeploymentRecord>> add(const DeploymentRecord& deployment);
    [[nodiscard]] Status put(const LessonRecord& lesson);
    [[nodiscard]] Result<Id<GoalRecord>> put(const GoalRecord& goal);  // inserts when id is unset
    [[nodiscard]] Status add(const FailureRecord& failure);            // one per version, suite and prompt; replaced
    [[nodiscard]] Result<Id<OutcomeRecord>> add(const OutcomeRecord& outcome);
    [[nodiscard]] Result<Id<RewardRecord>> add(const RewardRecord& reward);
    [[nodiscard]] Status put(const ToothRecord& tooth);
    // Appends points and keeps the min/max/last pyramid (buckets of 16, 256, 4096 ... steps). Steps ascend from 0; steps up
    // to the last one stored are kept as they are, so that a resumed trial may send them again. BadInput for values that are
    // not finite or steps that do not ascend; nothing is stored then.
    [[nodiscard]] Status addPoints(Id<TrialRecord> trial, const std::string& name, const std::vector<SeriesPoint>& points);
    [[nodiscard]] Status add(const AnswerRecord& answer);              // one per request; the newest 10,000 are kept
    [[nodiscard]] Status add(const LayerRecord& layer);                // one per trial, step and index; replaced
    // Conflict unless seq is the last + 1. The meta row "ledger-head" {"entries", "hash"} follows in the same transaction;
    // Damaged when the two disagree before.
    [[nodiscard]] Status addLedger(const LedgerEntry& entry);

    // --- read --------------------------------------------------------------------------------------------------------
    [[nodiscard]] Result<std::optional<Json>> meta(const std::string& key) const;
    [[nodiscard]] Result<std::vector<ProposalRecord>> proposals() const;                       // by id
    [[nodiscard]] Result<std::optional<ProposalRecord>> proposal(Id<ProposalRecord> id) const;
    [[nodiscard]] Result<std::optional<ProposalRecord>> proposalWithGenome(const Hash& genome, const Hash& parent) const; // oldest that is not failed, cancelled or a duplicate
    [[nodiscard]] Result<std::vector<TrialRecord>> trials() const;
    [[nodiscard]] Result<std::optional<TrialRecord>> trial(Id<TrialRecord> id) const;
    [[nodiscard]] Result<std::optional<TrialRecord>> trialOf(Id<ProposalRecord> proposal) const;   // newest
    [[nodiscard]] Result<std::vector<VersionRecord>> versions() const;                         // by creation
    [[nodiscard]] Result<std::optional<VersionRecord>> version(const Hash& hash) const;
    // Version whose hash starts with `prefix` (at least 4 digits); NotFound or Refused (ambiguous).
    [[nodiscard]] Result<VersionRecord> findVersion(const std::string& prefix) const;
    [[nodiscard]] Result<std::vector<ScorecardRecord>> scorecards() const;                     // by writing
    // Of the newest question of their proposal, as verdict() is, or of no question: a judging that died has no other's scorecards.
    [[nodiscard]] Result<std::vector<ScorecardRecord>> scorecards(Id<ProposalRecord> proposal) const;
    [[nodiscard]] Result<std::vector<ScorecardRecord>> scorecardsOf(const Hash& version) const;   // as challenger of another version, or champion alone
    [[nodiscard]] Result<std::vector<ScorecardRecord>> scorecards(Id<ProposalRecord> proposal, int k) const;   // of one question
    [[nodiscard]] Result<std::vector<VerdictRecord>> verdicts() const;                         // by k
    [[nodiscard]] Result<std::optional<VerdictRecord>> verdict(Id<ProposalRecord> proposal) const;   // of its newest question
    [[nodiscard]] Result<std::vector<DecisionRecord>> decisions() const;
    [[nodiscard]] Result<std::vector<DeploymentRecord>> deployments() const;                   // by id; the last is live
    [[nodiscard]] Result<std::optional<DeploymentRecord>> live() const;
    [[nodiscard]] Result<std::vector<LessonRecord>> lessons() const;
    [[nodiscard]] Result<std::vector<GoalRecord>> goals() const;
    [[nodiscard]] Result<std::vector<FailureRecord>> failures(const Hash& version, int limit) const;   // newest first
    [[nodiscard]] Result<std::vector<OutcomeRecord>> outcomes(int limit) const;                // newest first
    [[nodiscard]] Result<std::vector<RewardRecord>> rewards() const;                           // by id
    [[nodiscard]] Result<std::vector<ToothRecord>> teeth() const;
    [[nodiscard]] Result<std::vector<SeriesInfo>> series(Id<TrialRecord> trial) const;
    // At most `maxBuckets` buckets (at least 1) covering [from, to], widths a power of two; raw points (width 1) when few enough.
    [[nodiscard]] Result<std::vector<SeriesBucket>> points(std::int64_t series, std::int64_t from, std::int64_t to, int maxBuckets) const;
    [[nodiscard]] Result<std::vector<LayerRecord>> layers(Id<TrialRecord> trial) const;        // by step, index
    [[nodiscard]] Result<std::vector<LedgerEntry>> ledger() const;
    [[nodiscard]] Result<std::optional<LedgerEntry>> ledgerHead() const;
    [[nodiscard]] Result<std::optional<AnswerRecord>> answer(const std::string& request) const;
    [[nodiscard]] Result<std::vector<AnswerRecord>> answers(int limit) const;                  // newest first
    [[nodiscard]] Result<Flops> spent() const;                                                 // sum over trials and reward models
    [[nodiscard]] Result<std::int64_t> changeCount() const;                                    // newest Change::seq
    // Oldest first. The feed keeps the newest 20,000 or more: a first seq above `seq` + 1 means "read everything anew".
    [[nodiscard]] Result<std::vector<Change>> changesSince(std::int64_t seq, int limit) const;

private:
    struct Private;
    explicit Store(std::unique_ptr<Private> data);
    std::unique_ptr<Private> d;
};

} // namespace ratchet
