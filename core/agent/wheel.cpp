// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/wheel.h"

#include <algorithm>
#include <cmath>

#include "core/agent/judge_job.h"
#include "core/agent/promotion.h"
#include "core/agent/question.h"
#include "core/agent/requests.h"
#include "core/agent/train_job.h"
#include "core/critic/scorecard.h"
#include "core/memory/lessons.h"
#include "core/proposer/proposer.h"
#include "core/selector/archive.h"

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

Result<Turned> Wheel::turn()
{
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
    std::vector<Ask> asks;
    for (const SuiteSpec& suite : m_context.suites)
        asks.push_back({suite.name, "guide", suite.role == SuiteRole::Target ? guideItems : guideItems / 2});
    RATCHET_TRY(spec, judgeSpec(m_context, champion.hash, std::nullopt, questionNumber("observe " + champion.hash.hex)));
    RATCHET_TRY(answers, askJudge(m_context, spec, asks, "observe the champion", Id<ProposalRecord>{}, [&](auto job) {
        m_crew.add(std::move(job));
        return untilIdle();
    }));
    ScorecardRecord target;
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::No, [&]() -> Status {
        for (std::size_t i = 0; i < m_context.suites.size(); ++i) {
            const Scores& scores = answers[i];
            RATCHET_TRY(card, scorecardOf(scores, m_context.suites[i], m_context.info.measure));
            card.champion = champion.hash;
            card.created = now();
            RATCHET_CHECK(m_context.store->add(card));
            if (scores.suite == m_context.target().name)
                target = card;
            for (const Sample& sample : scores.samples)
                if (!sample.championClass.empty())
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

Result<int> Wheel::affordable() const
{
    RATCHET_TRY(spent, m_context.store->spent());
    return std::max(0, static_cast<int>(std::floor((m_context.config.budget - spent).value / m_context.config.trialBudget.value + 1e-9)));
}

Result<std::vector<ProposalRecord>> Wheel::queuedByHand() const
{
    RATCHET_TRY(all, m_context.store->proposals());
    std::erase_if(all, [](const ProposalRecord& p) { return p.state != ProposalState::Queued || p.tooth != 0; });
    std::stable_sort(all.begin(), all.end(), [](const ProposalRecord& a, const ProposalRecord& b) { return a.rank < b.rank; });
    return all;
}

Result<std::vector<ProposalRecord>> Wheel::drawProposals(int count, const std::string& focus) const
{
    Rng rng = Rng::stream(m_context.config.seed, "propose", static_cast<std::uint64_t>(m_tooth.number));
    RATCHET_TRY(champion, m_context.champion());
    RATCHET_TRY(archive, archived(m_context, champion.hash));
    const Hash parentHash = chooseParent(archive, rng);
    RATCHET_TRY(parent, m_context.store->version(parentHash));
    RATCHET_TRY(genome, m_context.genome(parent->genome));
    RATCHET_TRY(lessons, m_context.store->lessons());
    RATCHET_TRY(tried, attempts(m_context));
    const ProposeTask task{genome, parentHash, lessons, tried, focus, count};
    std::vector<ProposalRecord> records;
    for (const Proposed& proposed : ratchet::propose(task, m_context.space, m_context.vocabulary, rng)) {
        RATCHET_TRY(object, m_context.objects.put(proposed.idea.genome.toJson().dump()));
        ProposalRecord record;
        record.tooth = m_tooth.number;
        record.created = now();
        record.family = proposed.idea.family;
        record.operatorName = proposed.idea.operatorName;
        record.parent = parentHash;
        record.patch = patchBetween(genome, proposed.idea.genome);
        record.genome = object;
        record.reason = proposed.idea.reason;
        record.author = "improver:0";
        record.predictedGain = proposed.predictedGain;
        record.price = m_context.config.trialBudget;
        record.duplicateOf = proposed.duplicateOf;
        if (proposed.duplicateOf) {
            record.state = ProposalState::Duplicate;
            record.stateReason = fmt::format("Proposal {} tried this already.", proposed.duplicateOf->value);
        }
        records.push_back(std::move(record));
    }
    return records;
}

// The k of each question and the number of earlier discoveries are fixed here, before anything is trained, so that the
// verdicts do not depend on the order in which workers and judges end. Counting discoveries only up to the tooth's start
// makes alpha_k smaller than e-LOND allows, never larger.
Status Wheel::propose()
{
    RATCHET_TRY(room, affordable());
    const int count = std::min(m_context.config.candidates, room);
    RATCHET_TRY(byHand, queuedByHand());
    const auto taken = std::min<std::size_t>(byHand.size(), static_cast<std::size_t>(count));
    RATCHET_TRY(drawn, drawProposals(count - static_cast<int>(taken), m_tooth.state.value("focus", "")));
    RATCHET_TRY(verdicts, m_context.store->verdicts());
    int discoveries = 0, questions = 0;
    for (const VerdictRecord& verdict : verdicts) {
        discoveries += verdict.verdict == Verdict::Accept;
        questions = std::max(questions, verdict.k);
    }
    return m_context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        Json numbers = Json::object();
        int k = questions;
        const auto number = [&](Id<ProposalRecord> id) {
            ++k;
            numbers[std::to_string(id.value)] = {{"k", k}, {"question", questionNumber(fmt::format("gate {} {}", id.value, k))}};
        };
        for (std::size_t i = 0; i < taken; ++i) {
            byHand[i].tooth = m_tooth.number;
            RATCHET_CHECK(m_context.store->update(byHand[i]));
            number(byHand[i].id);
        }
        double rank = 0;
        for (ProposalRecord& record : drawn) {
            record.rank = m_tooth.number * 1000 + rank++;
            RATCHET_TRY(id, m_context.store->add(record));
            if (record.state == ProposalState::Queued)
                number(id);
        }
        m_tooth.state["questions"] = numbers;
        m_tooth.state["discoveries"] = discoveries;
        m_stage = m_tooth.stage = "train";
        return m_context.store->put(m_tooth);
    });
}

Result<std::vector<ProposalRecord>> Wheel::proposals() const
{
    RATCHET_TRY(all, m_context.store->proposals());
    std::erase_if(all, [&](const ProposalRecord& p) { return p.tooth != m_tooth.number; });
    return all;
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
    TrialRecord trial = freshTrial(m_context, proposal.id);
    if (last && (last->state == TrialState::Running || last->state == TrialState::Pending)) {
        trial = *last;                    // left by an engine that is gone: the worker goes on from its checkpoint
    } else {
        RATCHET_TRY(id, m_context.store->add(trial));
        trial.id = id;
    }
    m_crew.add(std::make_unique<TrainJob>(m_context, trial, proposal, m_tooth.state.value("focus", ""), [this](const TrialRecord& trained) -> Status {
        RATCHET_TRY(now, m_context.store->proposal(trained.proposal));
        return now ? addJudging(*now) : Status{};
    }));
    return {};
}

Status Wheel::addJudging(const ProposalRecord& proposal)
{
    const Json numbers = m_tooth.state.value("questions", Json::object()).value(std::to_string(proposal.id.value), Json::object());
    const int k = numbers.value("k", 0);
    const auto question = numbers.value("question", std::int64_t(0));
    if (k == 0)
        return fail(Code::Damaged, fmt::format("Proposal {} has no question number in tooth {}.", proposal.id.value, m_tooth.number));
    RATCHET_TRY(job, questionJob(m_context, proposal, k, m_tooth.state.value("discoveries", 0), question));
    m_crew.add(std::move(job));
    return {};
}

Status Wheel::untilIdle()
{
    while (!m_crew.isIdle()) {
        if (const Status pumped = m_crew.pump(100ms, m_surroundings.isHeld()); !pumped) {
            m_crew.stop(5s);
            return pumped;
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

Status Wheel::trainAndJudge()
{
    RATCHET_TRY(list, proposals());
    for (const ProposalRecord& proposal : list) {
        if (proposal.state == ProposalState::Queued || proposal.state == ProposalState::Running)
            RATCHET_CHECK(addTrial(proposal));
        else if (proposal.state == ProposalState::Trained)
            RATCHET_CHECK(addJudging(proposal));
    }
    return untilIdle();
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
        for (const ScorecardRecord& card : cards)
            if (card.split == "gate" && card.suite == m_context.target().name && (!best || card.difference > bestGain)) {
                best = proposal;
                bestGain = card.difference;
            }
    }
    return best;
}

Status Wheel::decideByPolicyOn(const ProposalRecord& proposal, const Hash& version)
{
    RATCHET_TRY(evidence, evidenceOf(m_context, version));
    RATCHET_TRY(deployments, m_context.store->deployments());
    const auto decision = decideByPolicy(evidence, *m_context.policy, static_cast<int>(deployments.size()) - 1);
    if (!decision) {
        ProposalRecord declined = proposal;
        declined.state = ProposalState::Declined;
        declined.stateReason = "The written policy does not allow it.";
        return m_context.store->update(declined);
    }
    const Status done = decide(m_context, m_crew, version, decision->kind, decision->actor, decision->reason);
    if (!done && done.error().code == Code::Refused) {
        ProposalRecord declined = proposal;
        declined.state = ProposalState::Declined;
        declined.stateReason = done.error().text;
        return m_context.store->update(declined);
    }
    return done;
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
            RATCHET_CHECK(decideByPolicyOn(*best, trial->version.value_or(Hash{})));
            continue;
        }
        if (!m_surroundings.waitForDecisions)
            return Turned::WaitsForPerson;
        RATCHET_CHECK(m_crew.pump(100ms, true));
        RATCHET_CHECK(m_surroundings.attend());
    }
}

Status Wheel::learnLessons()
{
    RATCHET_TRY(list, proposals());
    RATCHET_TRY(lessons, m_context.store->lessons());
    std::vector<LessonRecord> changed;
    for (const ProposalRecord& proposal : list) {
        if (proposal.state == ProposalState::Duplicate || proposal.state == ProposalState::Cancelled)
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
