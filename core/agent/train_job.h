// SPDX-License-Identifier: GPL-3.0-or-later
// One trial in a worker: sends the spec, keeps series and statistics, holds the worker to its budget, checks what it made
// and stores the version. One thread.
#pragma once

#include <map>
#include <optional>

#include "core/agent/context.h"
#include "core/agent/crew.h"
#include "core/plugin/proxy.h"

namespace ratchet {

class TrainJob : public Job {
public:
    // `proposal` is empty for the seed model. `focus`: failure class whose items are replayed first.
    TrainJob(Context& context, TrialRecord trial, std::optional<ProposalRecord> proposal, std::string focus,
             std::function<Status(const TrialRecord&)> onTrained);
    [[nodiscard]] Result<ChildSpec> spec() override;
    [[nodiscard]] Status receive(const Message& message, Child& child) override;
    [[nodiscard]] Status end(const Status& how, std::chrono::milliseconds wall, double peakBytes) override;
    [[nodiscard]] Status flush() override;
    [[nodiscard]] EngineStatus::Running running() const override;
    [[nodiscard]] bool concerns(Id<ProposalRecord> proposal) const override { return m_proposal && m_proposal->id == proposal; }

private:
    // The genome, and what its training reads of other versions, once it is admitted.
    [[nodiscard]] Status addVersions(TrainSpec& spec, ChildSpec& child);
    // What the parent's optimizer held, where the genome carries it.
    [[nodiscard]] Status addMoments(TrainSpec& spec, ChildSpec& child) const;
    [[nodiscard]] Result<std::vector<Json>> replay(const Hash& parent) const;
    // Whether the worker is to show what it can before its end, and what it will be asked.
    [[nodiscard]] Status askProxy(TrainSpec& spec);
    [[nodiscard]] Status take(const Points& points);
    [[nodiscard]] Status take(const Proxy& proxy, Child& child);
    [[nodiscard]] Status take(const Trained& trained);
    [[nodiscard]] Status holdsItsSteps(const Trained& trained) const;
    [[nodiscard]] Status holdsItsPopulation(const Trained& trained) const;
    // `asked`: compute of the proxy, which no token of the training pays for.
    [[nodiscard]] Status charge(std::int64_t tokens, std::int64_t length, double reported, double asked = 0);
    [[nodiscard]] Result<VersionRecord> takeVersion();
    // Object of what the optimizer held, where it is kept and there is something.
    [[nodiscard]] bool keepsMoments() const;
    [[nodiscard]] Result<std::optional<Hash>> takeMoments() const;
    [[nodiscard]] Status store(const Status& how, const std::optional<VersionRecord>& version);
    [[nodiscard]] Status settleGivenUp();
    [[nodiscard]] std::filesystem::path scratch() const;

    Context& m_context;
    TrialRecord m_trial;
    std::optional<ProposalRecord> m_proposal;
    std::string m_focus;
    std::function<Status(const TrialRecord&)> m_onTrained;
    Genome m_genome;
    Hash m_genomeObject;
    std::vector<Architecture> m_taught;                   // Sources::taught
    Progress m_progress;
    ProxyItems m_proxy;                                   // no items: the worker is not asked
    bool m_shown = false, m_givenUp = false;              // this worker showed its proxy; and was told to stop
    std::optional<Trained> m_trained;
    std::optional<Failure> m_failure;
    std::map<std::string, std::vector<SeriesPoint>> m_points;
    std::map<std::string, std::int64_t> m_lastStep;       // of each series from this worker
    std::vector<LayerRecord> m_layers;
    std::chrono::milliseconds m_wallBefore{0};
};

} // namespace ratchet
