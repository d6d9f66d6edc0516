// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/question.h"

#include <cmath>

#include "core/agent/controls.h"
#include "core/agent/judge_job.h"
#include "core/agent/screening.h"

namespace ratchet {
namespace {

constexpr int guideItems = 200;
// Enough for an interval a person can use, though large effects are proven sooner.
constexpr int firstBatch = 200;

// The gate's questions; then, for what it accepts, the answers that users corrected, guide items whose answers a person may see
// side by side, and the probes.
class Question : public Examiner {
public:
    Question(Context& context, Comparison comparison, ProposalRecord proposal, VerdictRecord header, int corrected)
        : m_context(context), m_comparison(std::move(comparison)), m_proposal(std::move(proposal)), m_header(std::move(header))
    {
        for (auto probe = m_context.probes.rbegin(); probe != m_context.probes.rend(); ++probe)
            m_after.emplace_back(*probe, Ask{probe->name, "guide", guideItems});
        m_after.emplace_back(m_context.target(), Ask{m_context.target().name, "guide", guideItems});
        if (corrected > 0)
            m_after.emplace_back(SuiteSpec{"feedback", "answers that users corrected", SuiteRole::Retained, 0}, Ask{"feedback", "gate", corrected});
    }

    [[nodiscard]] Status take(const Integrity& integrity) override { return m_comparison.addIntegrity(integrity); }

    [[nodiscard]] std::optional<Ask> next() override
    {
        if (auto ask = m_comparison.next())
            return ask;
        if (m_after.empty() || m_comparison.verdict().verdict != Verdict::Accept)
            return std::nullopt;
        return m_after.back().second;
    }

    [[nodiscard]] Status take(const Scores& scores) override
    {
        if (!m_comparison.isFinished())
            return m_comparison.add(scores);
        RATCHET_TRY(card, scorecardOf(scores, m_after.back().first, m_context.info.measure));
        m_after.pop_back();
        m_more.push_back(std::move(card));
        return {};
    }

    [[nodiscard]] std::pair<double, double> evidence() const override { return {m_comparison.logEValue(), m_comparison.logThreshold()}; }
    [[nodiscard]] double fraction() const override
    {
        return std::clamp(m_comparison.logEValue() / m_comparison.logThreshold(), 0.0, 1.0);
    }

    // The judge has gone. A stopped engine writes nothing: the same question is asked again, with the same items.
    [[nodiscard]] Status finish(const Status& how)
    {
        if (!how && how.error().code == Code::Cancelled && how.error().text == "The engine was stopped.")
            return {};
        if (!how && how.error().code == Code::Environment)      // no judge can be had: the engine's own trouble, asked again later
            return how;
        if (!how)
            m_comparison.abandon(how.error().text);      // nothing when the gate has answered
        return m_context.store->transaction(Store::Durable::Yes, [&] { return write(how); });
    }

private:
    // Whether the judge failed at guide items, which are only shown, after the gate had accepted: that decides nothing. The judge had
    // looked at its files after each of the gate's answers; one that then finds them changed, or fails its last look, is no such judge.
    [[nodiscard]] bool failedAfterwards(const Status& how) const
    {
        return !how && how.error().code != Code::Cancelled && how.error().code != Code::Damaged && !m_after.empty()
               && m_after.back().second.split == "guide" && m_comparison.verdict().verdict == Verdict::Accept;
    }

    [[nodiscard]] Status write(const Status& how)
    {
        std::vector<ScorecardRecord> cards = m_comparison.scorecards();
        cards.insert(cards.end(), m_more.begin(), m_more.end());
        for (ScorecardRecord& card : cards) {
            card.proposal = m_proposal.id;
            card.challenger = m_header.challenger;
            card.champion = m_header.champion;
            card.k = m_header.k;
            card.created = now();
            RATCHET_CHECK(m_context.store->add(card));
        }
        VerdictRecord verdict = m_comparison.verdict();
        verdict.proposal = m_header.proposal;
        verdict.challenger = m_header.challenger;
        verdict.champion = m_header.champion;
        verdict.k = m_header.k;
        if (failedAfterwards(how)) {
            verdict.reason += fmt::format(" What is shown beside it was not all answered: {}", how.error().text);
        } else if (!how) {      // also when the judge found out, or died, after its last answer: never a pass
            verdict.verdict = Verdict::NoResult;
            verdict.reason = how.error().text;
        }
        verdict.created = now();
        RATCHET_CHECK(m_context.store->add(verdict));
        m_proposal.state = !how && how.error().code == Code::Cancelled ? ProposalState::Cancelled : stateAfter(verdict.verdict);
        m_proposal.stateReason = verdict.reason;
        if (isControl(m_proposal) && m_proposal.state == ProposalState::Accepted) {
            m_proposal.state = ProposalState::Superseded;
            m_proposal.stateReason = "It is a placebo that the gate accepted: it is counted and goes no further.";
        }
        RATCHET_CHECK(m_context.store->update(m_proposal));
        return m_context.record("engine", "verdict",
                                {{"proposal", m_proposal.id.value}, {"version", verdict.challenger.hex}, {"champion", verdict.champion.hex},
                                 {"verdict", toText(verdict.verdict)}, {"k", verdict.k}, {"alpha", verdict.alpha}, {"pairs", verdict.pairs}});
    }

    static ProposalState stateAfter(Verdict verdict)
    {
        switch (verdict) {
        case Verdict::Accept:
            return ProposalState::Accepted;
        case Verdict::Reject:
            return ProposalState::Rejected;
        case Verdict::Inconclusive:
            return ProposalState::Inconclusive;
        case Verdict::NoResult:
            break;
        }
        return ProposalState::Failed;
    }

    Context& m_context;
    Comparison m_comparison;
    ProposalRecord m_proposal;
    VerdictRecord m_header;
    std::vector<std::pair<SuiteSpec, Ask>> m_after;   // asked once the gate has accepted, last first
    std::vector<ScorecardRecord> m_more;   // their answers
};

// Owns its examiner.
class QuestionJob : public Job {
public:
    QuestionJob(Context& context, JudgeSpec spec, std::unique_ptr<Question> question, const ProposalRecord& proposal)
        : m_question(std::move(question)),
          m_job(context, std::move(spec), *m_question, proposal.operatorName, proposal.id, [this](const Status& how) { return m_question->finish(how); })
    {
    }
    [[nodiscard]] Result<ChildSpec> spec() override { return m_job.spec(); }
    [[nodiscard]] Status receive(const Message& message, Child& child) override { return m_job.receive(message, child); }
    [[nodiscard]] Status end(const Status& how, std::chrono::milliseconds wall, double peak) override { return m_job.end(how, wall, peak); }
    [[nodiscard]] EngineStatus::Running running() const override { return m_job.running(); }
    [[nodiscard]] bool isJudging() const override { return true; }
    [[nodiscard]] bool concerns(Id<ProposalRecord> proposal) const override { return m_job.concerns(proposal); }
    [[nodiscard]] std::pair<double, double> evidence() const override { return m_question->evidence(); }

private:
    std::unique_ptr<Question> m_question;
    JudgeJob m_job;
};

} // namespace

Result<AskedSoFar> askedSoFar(const Store& store)
{
    AskedSoFar asked;
    RATCHET_TRY(verdicts, store.verdicts());
    for (const VerdictRecord& verdict : verdicts) {
        RATCHET_TRY(proposal, store.proposal(verdict.proposal));
        if (proposal && isControl(*proposal))
            continue;
        asked.discoveries += verdict.verdict == Verdict::Accept;
        asked.questions = std::max(asked.questions, verdict.k);
    }
    return asked;
}

double alphaOf(const LabConfig& config, int k, int discoveries)
{
    return (config.isDataFinite() ? finiteDataAlpha : elondAlpha)(config.alpha, k, discoveries, config.alphaDecay);
}

Comparison::Options comparisonOptions(const LabConfig& config, int k, int discoveries)
{
    Comparison::Options options;
    options.measure = config.isBitsPerByte() ? Measure::BitsPerByte : Measure::ExactMatch;      // parseGoal() held it against the domain's
    options.alpha = alphaOf(config, k, discoveries);
    options.minEffect = config.minEffect;
    options.maxPairs = config.gateItems;
    options.firstBatch = std::min(firstBatch, options.maxPairs);
    options.retainedAlpha = config.retainedAlpha;
    return options;
}

Result<std::unique_ptr<Job>> questionJob(Context& context, const ProposalRecord& proposal, int k, int discoveries, std::int64_t question)
{
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(trial, context.store->trialOf(proposal.id));
    if (!trial || !trial->version)
        return fail(Code::Damaged, fmt::format("Proposal {} is trained, but its version is missing.", proposal.id.value));
    RATCHET_TRY(spec, judgeSpec(context, champion.hash, trial->version, question));
    VerdictRecord header;
    header.proposal = proposal.id;
    header.challenger = *trial->version;
    header.champion = champion.hash;
    header.k = k;
    auto examiner = std::make_unique<Question>(context, Comparison(context.suites, comparisonOptions(context.config, k, discoveries)), proposal, header,
                                               static_cast<int>(spec.feedback.size()));
    return std::make_unique<QuestionJob>(context, std::move(spec), std::move(examiner), proposal);
}

namespace {

// Of a paired difference; of bits per byte as it was measured, or in cards that do not say, as of differences of 0.8 bits.
double variance(const ScorecardRecord& card, Measure measure)
{
    if (measure == Measure::ExactMatch)
        return std::max((card.wins + card.losses) / static_cast<double>(card.items) - card.difference * card.difference, 1e-4);
    const double deviation = card.differenceDeviation.value_or(0.1);
    return std::max(deviation * deviation, 1e-8);
}

} // namespace

Result<LessonEvidence> lessonEvidence(Context& context, const ProposalRecord& proposal)
{
    LessonEvidence evidence;
    evidence.family = proposal.family;
    evidence.operatorName = proposal.operatorName;
    evidence.predicted = proposal.predictedGain;
    evidence.failed = true;
    RATCHET_TRY(trial, context.store->trialOf(proposal.id));
    if (trial) {
        evidence.cost = trial->spent;
        evidence.propensity = propensityOf(*trial);
    }
    RATCHET_TRY(verdict, context.store->verdict(proposal.id));
    evidence.accepted = verdict && verdict->verdict == Verdict::Accept;
    RATCHET_TRY(cards, context.store->scorecards(proposal.id));
    for (const ScorecardRecord& card : cards) {
        if (card.split != context.learnsFrom() || card.suite != context.target().name || card.items == 0)
            continue;
        evidence.gain = card.difference;
        evidence.standardError = std::sqrt(variance(card, context.info.measure) / card.items);
        evidence.failed = false;
    }
    if (verdict && verdict->verdict == Verdict::NoResult)                        // what its judge drew is kept, and says nothing
        evidence.failed = true;
    else if (context.config.isDataFinite() && verdict && !evidence.accepted)     // that it is no better is all that may be known
        evidence.failed = false;
    return evidence;
}

} // namespace ratchet
