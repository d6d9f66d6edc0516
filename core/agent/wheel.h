// SPDX-License-Identifier: GPL-3.0-or-later
// One tooth of the loop, stage by stage. Every stage finds in the store what it needs, so that a tooth whose engine was
// killed goes on at the stage it had reached. The engine's thread.
#pragma once

#include <chrono>
#include <functional>

#include "core/agent/context.h"
#include "core/agent/crew.h"
#include "core/agent/goal.h"
#include "core/agent/judge_job.h"
#include "core/agent/replication.h"

namespace ratchet {

// What the wheel needs from the engine around it.
struct Surroundings {
    // Keeps the store and the watchers up to date and attends to requests; an error ends the tooth where it is
    // (Cancelled: the engine was asked to stop).
    std::function<Status()> attend;
    std::function<bool()> isHeld;            // paused: start nothing new
    bool waitForDecisions = true;
};

// What became of turning.
enum class Turned { Whole, WaitsForPerson };

class Wheel {
public:
    Wheel(Context& context, Crew& crew, Surroundings surroundings);

    // Trains and deploys the seed model when the lab has none.
    [[nodiscard]] Status prepare();
    // Goes on with the unfinished tooth or turns a new one.
    [[nodiscard]] Result<Turned> turn();
    // Scores the champion on the guide suites and the probes when that was not done yet; the target's scorecard.
    [[nodiscard]] Result<ScorecardRecord> observe();

    // Trains and measures what is missing of a version's replications, within the budget: Refused, with the figure, when it
    // does not pay for them. What is stored of an earlier call that was stopped is kept. Before each measurement `isWanted` is asked:
    // once it says no, nothing more is measured. A measurement that a person cancels is left out, and the others go on.
    using IsWanted = std::function<Result<bool>()>;
    [[nodiscard]] Status replicate(const ReplicationWish& wish, const IsWanted& isWanted = {});

    [[nodiscard]] const std::string& stage() const { return m_stage; }
    [[nodiscard]] int tooth() const { return m_tooth.number; }

private:
    [[nodiscard]] Status enter(const std::string& stage);
    void noteOverhead(std::chrono::steady_clock::time_point begun, std::chrono::milliseconds busyBefore);
    [[nodiscard]] Status plan();
    [[nodiscard]] Status propose();
    [[nodiscard]] Status trainAndJudge();
    [[nodiscard]] Result<Turned> approve();
    [[nodiscard]] Status learnLessons();

    [[nodiscard]] Result<std::vector<ProposalRecord>> proposals() const;      // of this tooth
    [[nodiscard]] Result<std::vector<ProposalRecord>> queuedByHand() const;
    [[nodiscard]] Result<std::vector<ProposalRecord>> drawProposals(int count, const std::string& focus) const;
    // The proposal's unfinished or trained trial, or a new one.
    [[nodiscard]] Result<TrialRecord> trialFor(const ProposalRecord& proposal);
    [[nodiscard]] Status addTrial(const ProposalRecord& proposal);
    [[nodiscard]] Result<std::vector<ProposalRecord>> replicationsWanted(const VersionRecord& version, int seeds);
    [[nodiscard]] Status trainReplications(const std::vector<ProposalRecord>& runs);
    [[nodiscard]] Status measureReplication(const ProposalRecord& run, const Hash& reference, int items);
    // At once, or once every trial before it in the tooth has passed its proxy: a trial that is given up uses up no question.
    [[nodiscard]] Status addJudging(const ProposalRecord& proposal);
    [[nodiscard]] Status addHeldJudgings();
    // The number of its question; none while that depends on a trial that has not passed its proxy.
    [[nodiscard]] Result<std::optional<int>> questionOf(const ProposalRecord& proposal) const;
    [[nodiscard]] Status judgeInOrder();
    [[nodiscard]] Status untilIdle();
    [[nodiscard]] RunToEnd toTheEnd();
    [[nodiscard]] Result<std::optional<ProposalRecord>> bestAccepted() const;
    [[nodiscard]] Result<Turned> decideByPolicyOn(const ProposalRecord& proposal, const Hash& version);

    Context& m_context;
    Crew& m_crew;
    Surroundings m_surroundings;
    Goal m_goal;
    ToothRecord m_tooth;
    std::string m_stage = "idle";
    std::vector<ProposalRecord> m_held;      // trained, and wait for the number of their question
    bool m_holdsJudgings = false;      // until all of a tooth are trained, and the reward model has put them in order
    std::chrono::steady_clock::duration m_waited{0};     // for a person, in this tooth
};

} // namespace ratchet
