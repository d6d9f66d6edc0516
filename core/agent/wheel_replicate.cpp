// SPDX-License-Identifier: GPL-3.0-or-later
// Replications beside the teeth of the loop: trained and measured like candidates, on items of their own.
#include <algorithm>

#include "core/agent/judge_job.h"
#include "core/agent/replication.h"
#include "core/agent/train_job.h"
#include "core/agent/wheel.h"
#include "core/critic/scorecard.h"

namespace ratchet {

Status Wheel::replicate(const ReplicationWish& wish, const IsWanted& isWanted)
{
    RATCHET_TRY(version, m_context.store->version(wish.version));
    if (!version)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", wish.version.brief()), "`ratchet versions` lists them.");
    RATCHET_TRY(reference, referenceOf(*m_context.store, *version, wish.besideItself));
    RATCHET_TRY(runs, replicationsWanted(*version, wish.seeds));
    m_stage = "train";
    RATCHET_CHECK(trainReplications(runs));
    m_stage = "judge";
    for (const ProposalRecord& run : runs) {
        RATCHET_TRY(wanted, isWanted ? isWanted() : Result<bool>(true));
        if (!wanted)
            break;
        RATCHET_CHECK(measureReplication(run, reference, wish.items));
    }
    m_stage = "idle";
    RATCHET_TRY(lesson, replicatedLesson(*m_context.store, wish.version));
    return lesson && lesson->replicated > 0 && !m_context.config.isDataFinite() ? m_context.store->put(*lesson) : Status{};
}

// Those that are there and did not fail, and new ones up to `seeds`.
Result<std::vector<ProposalRecord>> Wheel::replicationsWanted(const VersionRecord& version, int seeds)
{
    RATCHET_TRY(runs, replicationsOf(*m_context.store, version));
    const int before = static_cast<int>(runs.size());
    RATCHET_TRY(missing, missingRuns(m_context, version, seeds));
    std::erase_if(runs, &isLost);
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        for (int i = 0; i < missing; ++i) {
            RATCHET_TRY(run, replicationProposal(m_context, version, before + i + 1));
            RATCHET_TRY(id, m_context.store->add(run));
            run.id = id;
            runs.push_back(std::move(run));
        }
        return missing > 0 ? m_context.record("engine", "replication", {{"version", version.hash.hex}, {"seeds", missing}}) : Status{};
    }));
    return runs;
}

Status Wheel::trainReplications(const std::vector<ProposalRecord>& runs)
{
    for (const ProposalRecord& run : runs) {
        RATCHET_TRY(trial, trialFor(run));
        if (trial.state != TrialState::Trained)
            m_crew.add(std::make_unique<TrainJob>(m_context, trial, run, "", [](const TrialRecord&) -> Status { return {}; }));
    }
    return untilIdle();
}

Status Wheel::measureReplication(const ProposalRecord& run, const Hash& reference, int items)
{
    RATCHET_TRY(trial, m_context.store->trialOf(run.id));
    RATCHET_TRY(known, m_context.store->scorecards(run.id));
    const bool measured = std::any_of(known.begin(), known.end(), [&](const ScorecardRecord& card) { return measures(card, reference, items); });
    if (!trial || !trial->version || measured)
        return {};
    std::vector<Ask> asks;
    for (const SuiteSpec& suite : m_context.suites)
        asks.push_back({suite.name, "gate", suite.role == SuiteRole::Target ? items : std::max(1, items / 2)});
    const auto question = questionNumber(fmt::format("replication {} {}", run.id.value, reference.hex));
    RATCHET_TRY(spec, judgeSpec(m_context, reference, trial->version, question));
    const auto asked = askJudge(m_context, spec, asks, run.operatorName, run.id, toTheEnd());
    if (!asked && asked.error().code == Code::Cancelled)
        return m_surroundings.attend();       // an error when it is the engine that stops; else it was this measurement alone
    RATCHET_TRY(answers, asked);
    return m_context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        for (std::size_t i = 0; i < answers.size(); ++i) {
            RATCHET_TRY(card, scorecardOf(answers[i], m_context.suites[i], m_context.info.measure));
            card.proposal = run.id;
            card.champion = reference;
            card.challenger = *trial->version;
            card.created = now();
            RATCHET_CHECK(m_context.store->add(card));
        }
        RATCHET_TRY(proposal, m_context.store->proposal(run.id));
        if (!proposal)
            return fail(Code::Damaged, fmt::format("Proposal {} is missing.", run.id.value));
        proposal->stateReason = "It is a replication: measured, and no candidate.";
        return m_context.store->update(*proposal);
    });
}

} // namespace ratchet
