// SPDX-License-Identifier: GPL-3.0-or-later
// One open lab, as the window sees it: the only class that crosses threads. A reader thread owns the read-only Store and
// pulls at screen rate (data_version, then what changed); the engine, when this program runs it, has a thread of its own.
// Every member is for the user-interface thread; answers arrive there and are dropped when their receiver is gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <QObject>
#include <QString>

#include "core/agent/controls.h"
#include "core/agent/engine.h"
#include "core/agent/gate_record.h"
#include "core/agent/replication.h"
#include "core/agent/reward.h"
#include "core/agent/signals.h"
#include "core/agent/status.h"
#include "core/agent/vault.h"
#include "core/plugin/domain.h"
#include "core/store/lab.h"
#include "core/store/records.h"

namespace ratchet {

// A consistent picture of the small tables; immutable once made. Series and layers are asked for on demand.
struct Snapshot {
    LabConfig config;
    Measure measure = Measure::ExactMatch;
    std::vector<ProposalRecord> proposals;
    std::vector<TrialRecord> trials;
    std::vector<VersionRecord> versions;
    std::vector<VerdictRecord> verdicts;
    std::vector<ScorecardRecord> scorecards;          // of the newest question of each proposal, and of no question
    std::vector<ScorecardRecord> earlierScorecards;   // of its questions before that: what the champions answered there counts, too
    std::vector<DecisionRecord> decisions;
    std::vector<DeploymentRecord> deployments;
    std::vector<GoalRecord> goals;
    std::vector<LessonRecord> lessons;
    std::vector<ToothRecord> teeth;
    std::vector<SignalReport> signals;
    RewardUse reward;
    PlaceboCount placebos;
    VaultUse vault;
    std::vector<GateRecord> gate;                     // what it was told it may err
    std::optional<Replication> spread;                // of the champion's recipe beside itself, when that was measured
    std::vector<Sight> sights;                        // what the gate can see by it; found after it, so for a while empty or as before
    std::vector<Replication> replications;            // of versions whose recipe was trained again, against what they had to beat
    std::vector<ReplicationWish> asked;               // replications that are waited for
    std::map<Hash, Json> genomes;                     // of every version and proposal
    std::optional<Policy> policy;
    EngineStatus status;
    bool engineRuns = false;                          // in this program or another
    bool engineIsOurs = false;
    bool engineSilent = false;                        // holds the lab but has told nothing for some seconds
    std::vector<AnswerRecord> answers;                // to requests, newest first; the last hundred
    Flops spent;
    Json searchSpace;                                 // as the person wrote it; null when it cannot be read
    std::int64_t ledgerEntries = 0;
    QString ledgerFault;                              // empty: the chain holds
    std::int64_t change = 0;

    [[nodiscard]] const ProposalRecord* proposal(Id<ProposalRecord> id) const;      // null when unknown
    [[nodiscard]] const TrialRecord* trial(Id<TrialRecord> id) const;
    [[nodiscard]] const TrialRecord* trialOf(Id<ProposalRecord> proposal) const;    // newest
    [[nodiscard]] const VersionRecord* version(const Hash& hash) const;
    [[nodiscard]] const ProposalRecord* proposalOf(const VersionRecord& version) const;
    [[nodiscard]] const VerdictRecord* verdict(Id<ProposalRecord> proposal) const;      // of its newest question
    [[nodiscard]] std::vector<VerdictRecord> judgings(Id<ProposalRecord> proposal) const;   // of all of them, newest first
    // Of the target suite, gate split; what the queue shows as measured gain.
    [[nodiscard]] const ScorecardRecord* gateScore(Id<ProposalRecord> proposal) const;
    [[nodiscard]] const Json* genomeOf(const Hash& version) const;
    // Score on the target suite's gate items (its own question, else as champion of a later one); empty when never judged.
    [[nodiscard]] std::optional<double> scoreOf(const Hash& version) const;
};

// What the person looks at; shared by all panels.
struct Selection {
    std::optional<Id<ProposalRecord>> proposal;
    std::optional<Id<TrialRecord>> trial;
    std::optional<Hash> version;
    auto operator<=>(const Selection&) const = default;
};

class LabSession : public QObject {
    Q_OBJECT
public:
    // Blocking for the first snapshot only. Errors as Store::open.
    [[nodiscard]] static Result<std::unique_ptr<LabSession>> open(const std::filesystem::path& lab);
    ~LabSession() override;

    [[nodiscard]] const LabPaths& paths() const;
    [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
    [[nodiscard]] const Selection& selection() const;
    // Fills in what follows from what is new in it: a proposal's trial and version, and back.
    void select(const Selection& selection);
    void selectProposal(Id<ProposalRecord> proposal);
    void selectVersion(const Hash& version);

    void askSeries(Id<TrialRecord> trial, QObject* receiver, std::function<void(std::vector<SeriesInfo>)> answer);
    void askPoints(std::int64_t series, std::int64_t from, std::int64_t to, int maxBuckets, QObject* receiver,
                   std::function<void(std::vector<SeriesBucket>)> answer);
    void askLayers(Id<TrialRecord> trial, QObject* receiver, std::function<void(std::vector<LayerRecord>)> answer);

    // Runs the engine here when nobody does; step: one tooth. Problems arrive by failed().
    void start(const RunLimits& limits);
    void pause();
    void resume();
    void stop();
    // Has a recipe trained again: by the engine that holds the lab, before its next tooth, else by one that does nothing else.
    void replicate(const ReplicationWish& wish);
    // approve, reject, rollback, propose, cancel, retry, move, withdraw: carried out by the engine that holds the lab, or here.
    void ask(const QString& kind, const Json& arguments);
    // Whose name stands under requests: "person:<name>". The login name unless set.
    [[nodiscard]] QString reviewer() const;
    void setReviewer(const QString& name);

Q_SIGNALS:
    void changed();                                   // a newer snapshot() is there; at most four times a second
    void selectionChanged();
    void engineEnded(const QString& how);
    void failed(const QString& sentence, const QString& hint);

private:
    LabSession();
    void take(const std::shared_ptr<const Snapshot>& snapshot);
    void report(const Error& error);
    [[nodiscard]] Request requestOf(const QString& kind, const Json& arguments);
    void hearAnswer(const Snapshot& snapshot);
    template <typename Value>
    void question(QObject* receiver, std::function<Result<Value>(const Store&)> read, std::function<void(Value)> answer);
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
