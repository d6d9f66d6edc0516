// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/wheel.h"

#include <algorithm>

#include "core/agent/controls.h"
#include "core/agent/promotion.h"
#include "core/agent/question.h"
#include "core/agent/reward_job.h"
#include "core/agent/screening.h"
#include "core/agent/train_job.h"
#include "core/agent/vault.h"
#include "core/critic/scorecard.h"
#include "core/memory/lessons.h"

namespace ratchet {

using namespace std::chrono_literals;

namespace {

constexpr int guideItems = 200;

std::uint64_t trialSeed(const Context& context, std::int64_t proposal)
{
    return Rng::stream(context.config.seed, "trial", static_cast<std::uint64_t>(proposal)).next() >> 1;
}

TrialRecord freshTrial(const Context& context, Id<ProposalRecord> proposal)
{
    TrialRecord trial;
    trial.proposal = proposal;
    trial.seed = trialSeed(context, proposal.value);
    trial.budget = context.config.trialBudget;
    return trial;
}

// What was laid down for a proposal's question when it was proposed: {"k", "question"}.
Json numbersOf(const ToothRecord& tooth, Id<ProposalRecord> proposal)
{
    return tooth.state.value("questions", Json::object()).value(std::to_string(proposal.value), Json::object());
}

} // namespace

Wheel::Wheel(Context& context, Crew& crew, Surroundings surroundings)
    : m_context(context), m_crew(crew), m_surroundings(std::move(surroundings))
{
}

Status Wheel::prepare()
{
    RATCHET_TRY(goal, parseGoal(m_context.config.goal, m_context.info, m_context.suites));
    m_goal = goal;
    RATCHET_TRY(live, m_context.store->live());
    if (live)
        return {};
    m_stage = "train";
    RATCHET_TRY(existing, m_context.store->trialOf(Id<ProposalRecord>{}));
    TrialRecord trial = existing.value_or(freshTrial(m_context, {}));
    constexpr int attempts = 2;               // a worker that dies costs one trial
    for (int attempt = 0; attempt < attempts && trial.state != TrialState::Trained; ++attempt) {
        if (!trial.id.isSet() || trial.state == TrialState::Failed || trial.state == TrialState::Cancelled) {
            trial = freshTrial(m_context, {});
            RATCHET_TRY(id, m_context.store->add(trial));
            trial.id = id;
        }
        m_crew.add(std::make_unique<TrainJob>(m_context, trial, std::nullopt, "", [](const TrialRecord&) -> Status { return {}; }));
        RATCHET_CHECK(untilIdle());
        RATCHET_TRY(after, m_context.store->trial(trial.id));
        trial = after.value_or(trial);
    }
    if (!trial.version)
        return fail(Code::Failed, fmt::format("The seed model could not be trained: {}", trial.failure), "`ratchet doctor` checks this machine.");
    return deploySeed(m_context, *trial.version);
}

Status Wheel::enter(const std::string& stage)
{
    m_stage = stage;
    m_tooth.stage = stage;
    RATCHET_CHECK(m_context.store->put(m_tooth));
    return m_surroundings.attend();
}

// Wall time of the tooth during which neither a trial nor a judging ran and no person was waited for: what the loop itself
// costs.
void Wheel::noteOverhead(std::chrono::steady_clock::time_point begun, std::chrono::milliseconds busyBefore)
{
    const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun - m_waited);
    const auto own = wall - (m_crew.busyTime() - busyBefore);
    m_tooth.state["wallMilliseconds"] = m_tooth.state.value("wallMilliseconds", std::int64_t(0)) + wall.count();
    m_tooth.state["ownMilliseconds"] = m_tooth.state.value("ownMilliseconds", std::int64_t(0)) + std::max<std::int64_t>(own.count(), 0);
}

Result<Turned> Wheel::turn()
{
    const auto begun = std::chrono::steady_clock::now();
    const auto busyBefore = m_crew.busyTime();
    m_waited = {};
    RATCHET_TRY(teeth, m_context.store->teeth());
    if (!teeth.empty() && teeth.back().ended == Time{}) {
        m_tooth = teeth.back();
        m_stage = m_tooth.stage;
    } else {
        m_tooth = {};
        m_tooth.number = teeth.empty() ? 1 : teeth.back().number + 1;
        m_tooth.state = Json::object();
        m_tooth.started = now();
        m_stage = m_tooth.stage = "observe";
    }
    if (m_stage == "observe") {
        RATCHET_CHECK(enter("observe"));
        RATCHET_CHECK(observe());
        RATCHET_CHECK(tendReward(m_context, toTheEnd()));
        RATCHET_CHECK(enter("plan"));
    }
    if (m_stage == "plan") {
        RATCHET_CHECK(plan());
        RATCHET_CHECK(enter("propose"));
    }
    if (m_stage == "propose")
        RATCHET_CHECK(propose());
    if (m_stage == "train" || m_stage == "judge") {
        RATCHET_CHECK(trainAndJudge());
        RATCHET_CHECK(enter("approve"));
    }
    if (m_stage == "approve") {
        RATCHET_TRY(turned, approve());
        if (turned == Turned::WaitsForPerson)
            return turned;
        RATCHET_CHECK(enter("learn"));
    }
    noteOverhead(begun, busyBefore);
    RATCHET_CHECK(learnLessons());
    m_stage = "idle";
    return Turned::Whole;
}

Result<ScorecardRecord> Wheel::observe()
{
    RATCHET_TRY(champion, m_context.champion());
    RATCHET_TRY(known, m_context.store->scorecardsOf(champion.hash));
    for (const ScorecardRecord& card : known)
        if (card.split == "guide" && !card.proposal.isSet() && card.suite == m_context.target().name)
            return card;
    std::vector<SuiteSpec> suites = m_context.suites;
    suites.insert(suites.end(), m_context.probes.begin(), m_context.probes.end());
    std::vector<Ask> asks;
    for (const SuiteSpec& suite : suites)
        asks.push_back({suite.name, "guide", suite.role == SuiteRole::Retained ? guideItems / 2 : guideItems});
    RATCHET_TRY(spec, judgeSpec(m_context, champion.hash, std::nullopt, questionNumber("observe " + champion.hash.hex)));
    RATCHET_TRY(answers, askJudge(m_context, spec, asks, "observe the champion", Id<ProposalRecord>{}, toTheEnd()));
    ScorecardRecord target;
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::No, [&]() -> Status {
        for (std::size_t i = 0; i < suites.size(); ++i) {
            const Scores& scores = answers[i];
            RATCHET_TRY(card, scorecardOf(scores, suites[i], m_context.info.measure));
            card.champion = champion.hash;
            card.created = now();
            RATCHET_CHECK(m_context.store->add(card));
            if (scores.suite == m_context.target().name)
                target = card;
            // Failures are what the next candidates learn from: a probe that was learnt from would show nothing any more.
            for (const Sample& sample : scores.samples)
                if (!card.probe && !sample.championClass.empty())
                    RATCHET_CHECK(m_context.store->add(FailureRecord{champion.hash, scores.suite, sample.championClass, sample.question,
                                                                     sample.prompt, sample.expected, sample.champion,
                                                                     sample.championConfidence, now()}));
        }
        return {};
    }));
    return target;
}

Status Wheel::plan()
{
    RATCHET_TRY(guide, observe());
    RATCHET_TRY(focus, ratchet::plan(m_context, m_goal, guide, m_context.config.trialBudget));
    m_tooth.state["focus"] = focus ? focus->failureClass : "";
    return {};
}

Result<std::vector<ProposalRecord>> Wheel::proposals() const
{
    RATCHET_TRY(all, m_context.store->proposals());
    std::erase_if(all, [&](const ProposalRecord& p) { return p.tooth != m_tooth.number; });
    return all;
}

Result<TrialRecord> Wheel::trialFor(const ProposalRecord& proposal)
{
    RATCHET_TRY(last, m_context.store->trialOf(proposal.id));
    if (last && last->state != TrialState::Failed && last->state != TrialState::Cancelled)
        return *last;                     // left by an engine that is gone: the worker goes on from its checkpoint
    TrialRecord trial = freshTrial(m_context, proposal.id);
    if (last && (screeningDecision(*last) == givenUp || screeningDecision(*last) == asWished))      // a person wants it all the same
        trial.proxy = {{"decision", asWished}};
    RATCHET_TRY(id, m_context.store->add(trial));
    trial.id = id;
    return trial;
}

Status Wheel::addTrial(const ProposalRecord& proposal)
{
    RATCHET_TRY(last, m_context.store->trialOf(proposal.id));
    if (last && last->version) {         // tried again after its judging: what was trained and paid for is kept
        ProposalRecord trained = proposal;
        trained.state = ProposalState::Trained;
        RATCHET_CHECK(m_context.store->update(trained));
        return addJudging(trained);
    }
    if (isMadeHere(proposal)) {
        RATCHET_TRY(made, makePlacebo(m_context, proposal, last.value_or(freshTrial(m_context, proposal.id))));
        return addJudging(made);
    }
    RATCHET_TRY(trial, trialFor(proposal));
    m_crew.add(std::make_unique<TrainJob>(m_context, trial, proposal, m_tooth.state.value("focus", ""), [this](const TrialRecord& trained) -> Status {
        RATCHET_TRY(now, m_context.store->proposal(trained.proposal));
        return now ? addJudging(*now) : Status{};
    }));
    return {};
}

Status Wheel::addJudging(const ProposalRecord& proposal)
{
    if (m_holdsJudgings)
        return {};
    RATCHET_TRY(k, questionOf(proposal));
    if (!k) {
        m_held.push_back(proposal);
        return {};
    }
    const auto question = numbersOf(m_tooth, proposal.id).value("question", std::int64_t(0));
    RATCHET_TRY(job, questionJob(m_context, proposal, *k, m_tooth.state.value("discoveries", 0), question));
    m_crew.add(std::move(job));
    return {};
}

Status Wheel::addHeldJudgings()
{
    for (const ProposalRecord& proposal : std::exchange(m_held, {}))
        RATCHET_CHECK(addJudging(proposal));
    return {};
}

// Its place among those of the tooth that are not given up. Proxies are shown before the gate is asked and hold none of its items,
// so that alpha of every question is still fixed before its first item is drawn.
Result<std::optional<int>> Wheel::questionOf(const ProposalRecord& proposal) const
{
    const int place = numbersOf(m_tooth, proposal.id).value("k", 0);
    if (place == 0)
        return fail(Code::Damaged, fmt::format("Proposal {} has no question number in tooth {}.", proposal.id.value, m_tooth.number));
    int k = place;
    RATCHET_TRY(list, m_context.config.proxy > 0 ? proposals() : Result<std::vector<ProposalRecord>>{});
    for (const ProposalRecord& other : list) {
        const int itsPlace = numbersOf(m_tooth, other.id).value("k", 0);
        if (itsPlace == 0 || itsPlace >= place || isControl(other))
            continue;
        RATCHET_TRY(trial, m_context.store->trialOf(other.id));
        const bool isOpen = other.state == ProposalState::Queued || other.state == ProposalState::Running;
        if (isOpen && !(trial && !screeningDecision(*trial).empty()))
            return std::optional<int>();
        k -= other.state == ProposalState::Screened;
    }
    return std::optional(k);
}

RunToEnd Wheel::toTheEnd()
{
    return [this](std::unique_ptr<Job> job) {
        m_crew.add(std::move(job));
        return untilIdle();
    };
}

Status Wheel::untilIdle()
{
    while (!m_crew.isIdle()) {
        Status went = m_crew.pump(100ms, m_surroundings.isHeld());
        if (went)
            went = addHeldJudgings();
        if (!went) {
            m_crew.stop(5s);
            return went;
        }
        const auto running = m_crew.running();
        if (m_tooth.stage == "train" && !running.empty())
            m_stage = std::all_of(running.begin(), running.end(), [](const Job* job) { return job->isJudging(); }) ? "judge" : "train";
        if (const Status attended = m_surroundings.attend(); !attended) {
            m_crew.stop(5s);          // before anything the jobs refer to goes away
            return attended;
        }
    }
    return {};
}

// Judges what a reward model held back until it could be put in order.
Status Wheel::judgeInOrder()
{
    RATCHET_TRY(trained, proposals());
    std::erase_if(trained, [](const ProposalRecord& p) { return p.state != ProposalState::Trained; });
    RATCHET_TRY(ordered, rewardOrder(m_context, std::move(trained), toTheEnd()));
    m_holdsJudgings = false;
    for (const ProposalRecord& proposal : ordered)
        RATCHET_CHECK(addJudging(proposal));
    return untilIdle();
}

Status Wheel::trainAndJudge()
{
    RATCHET_TRY(reward, rewardUse(*m_context.store));
    m_holdsJudgings = reward.isOn();
    RATCHET_TRY(list, proposals());
    m_held.clear();
    for (const ProposalRecord& proposal : list) {
        if (proposal.state == ProposalState::Queued || proposal.state == ProposalState::Running)
            RATCHET_CHECK(addTrial(proposal));
        else if (proposal.state == ProposalState::Trained)
            RATCHET_CHECK(addJudging(proposal));
    }
    RATCHET_CHECK(untilIdle());
    return m_holdsJudgings ? judgeInOrder() : Status();
}

Result<std::optional<ProposalRecord>> Wheel::bestAccepted() const
{
    RATCHET_TRY(list, proposals());
    std::optional<ProposalRecord> best;
    double bestGain = 0;
    for (const ProposalRecord& proposal : list) {
        if (proposal.state == ProposalState::Waiting)
            return proposal;
        if (proposal.state != ProposalState::Accepted)
            continue;
        RATCHET_TRY(cards, m_context.store->scorecards(proposal.id));
        double gain = 0;                  // of a corpus it may be missing: its judge failed after the gate had accepted
        for (const ScorecardRecord& card : cards)
            if (card.split == m_context.learnsFrom() && card.suite == m_context.target().name)
                gain = card.difference;
        if (!best || gain > bestGain) {
            best = proposal;
            bestGain = gain;
        }
    }
    return best;
}

// On a spent vault nothing can be decided: it stays as it is, for a person.
Result<Turned> Wheel::decideByPolicyOn(const ProposalRecord& proposal, const Hash& version)
{
    const auto put = [&](ProposalState state, const std::string& reason, Turned turned) -> Result<Turned> {
        ProposalRecord after = proposal;
        after.state = state;
        after.stateReason = reason;
        RATCHET_CHECK(m_context.store->update(after));
        return turned;
    };
    RATCHET_TRY(evidence, evidenceOf(m_context, version));
    RATCHET_TRY(deployments, m_context.store->deployments());
    const auto decision = decideByPolicy(evidence, *m_context.policy, static_cast<int>(deployments.size()) - 1);
    if (!decision)
        return put(ProposalState::Declined, "The written policy does not allow it.", Turned::Whole);
    RATCHET_TRY(vault, vaultUse(*m_context.store, m_context.config));
    if (decision->kind == DecisionKind::Approve && vault.isSpent())
        return put(ProposalState::Waiting, fmt::format("The policy allows it, but the vault is spent: it was {}.", toText(vault)), Turned::WaitsForPerson);
    const Status done = decide(m_context, m_crew, {version, decision->kind, decision->actor, decision->reason});
    if (!done && (done.error().code == Code::Refused || done.error().code == Code::Failed))
        return put(ProposalState::Declined, done.error().text, Turned::Whole);
    RATCHET_CHECK(done);
    return Turned::Whole;
}

Result<Turned> Wheel::approve()
{
    for (;;) {
        RATCHET_TRY(best, bestAccepted());
        if (!best)
            return Turned::Whole;
        RATCHET_TRY(champion, m_context.champion());
        RATCHET_TRY(verdict, m_context.store->verdict(best->id));
        if (verdict && verdict->champion != champion.hash) {      // rolled back or promoted meanwhile
            best->state = ProposalState::Superseded;
            best->stateReason = fmt::format("It was judged against {}, which is not the champion any more.", verdict->champion.brief());
            RATCHET_CHECK(m_context.store->update(*best));
            continue;
        }
        if (best->state != ProposalState::Waiting) {
            best->state = ProposalState::Waiting;
            best->stateReason = "It waits for a decision.";
            RATCHET_CHECK(m_context.store->update(*best));
        }
        RATCHET_TRY(trial, m_context.store->trialOf(best->id));
        if (m_context.policy) {
            RATCHET_TRY(turned, decideByPolicyOn(*best, trial->version.value_or(Hash{})));
            if (turned == Turned::WaitsForPerson)
                return turned;
            continue;
        }
        if (!m_surroundings.waitForDecisions)
            return Turned::WaitsForPerson;
        const auto before = std::chrono::steady_clock::now();
        RATCHET_CHECK(m_crew.pump(100ms, true));
        RATCHET_CHECK(m_surroundings.attend());
        m_waited += std::chrono::steady_clock::now() - before;
    }
}

Status Wheel::learnLessons()
{
    RATCHET_TRY(list, proposals());
    RATCHET_TRY(lessons, m_context.store->lessons());
    std::vector<LessonRecord> changed;
    for (const ProposalRecord& proposal : list) {
        if (proposal.state == ProposalState::Duplicate || proposal.state == ProposalState::Cancelled || isControl(proposal))
            continue;
        RATCHET_TRY(evidence, lessonEvidence(m_context, proposal));
        const LessonRecord after = learn(lessonOn(lessons, proposal.family, proposal.operatorName), evidence, now());
        std::erase_if(lessons, [&](const LessonRecord& l) { return l.family == after.family && l.operatorName == after.operatorName; });
        lessons.push_back(after);
        changed.push_back(after);
    }
    return m_context.store->transaction(Store::Durable::No, [&]() -> Status {
        for (const LessonRecord& lesson : changed)
            RATCHET_CHECK(m_context.store->put(lesson));
        m_tooth.stage = "done";
        m_tooth.ended = now();
        return m_context.store->put(m_tooth);
    });
}

} // namespace ratchet
