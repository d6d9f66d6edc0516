// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/judge_job.h"

#include <algorithm>

#include "core/agent/limits.h"
#include "core/base/hash.h"
#include "core/critic/exam.h"

namespace ratchet {

using namespace std::chrono_literals;

namespace {

// Shared by the job and who asks, because either may be gone first.
struct Answers { std::vector<Scores> scores; Status how = fail(Code::Failed, "The judge was never asked."); };

// Asks a fixed list, one after the other.
class ListExaminer : public Examiner {
public:
    ListExaminer(std::vector<Ask> asks, bool compares, std::shared_ptr<Answers> answers)
        : m_asks(std::move(asks)), m_compares(compares), m_answers(std::move(answers))
    {
    }
    [[nodiscard]] Status take(const Integrity& integrity) override
    {
        for (const Check& check : integrity.checks)
            if (!check.ok)
                return fail(Code::Refused, fmt::format("The integrity check \"{}\" does not hold: {}.", check.name, check.detail),
                            check.name == corpusOverlap ? corpusOverlapHint : "");
        return {};
    }
    [[nodiscard]] std::optional<Ask> next() override
    {
        return m_answers->scores.size() == m_asks.size() ? std::nullopt : std::optional(m_asks[m_answers->scores.size()]);
    }
    [[nodiscard]] Status take(const Scores& scores) override
    {
        const auto asked = static_cast<std::size_t>(m_asks[m_answers->scores.size()].count);
        if (scores.champion.size() != asked || scores.challenger.size() != (m_compares ? asked : 0))
            return fail(Code::Failed, fmt::format("The judge was asked for {} items of {} and answered otherwise.", asked, scores.suite));
        m_answers->scores.push_back(scores);
        return {};
    }
    [[nodiscard]] double fraction() const override
    {
        return static_cast<double>(m_answers->scores.size()) / static_cast<double>(m_asks.size());
    }

private:
    std::vector<Ask> m_asks;
    bool m_compares;
    std::shared_ptr<Answers> m_answers;
};

// Owns its examiner.
class ListJob : public JudgeJob {
public:
    ListJob(Context& context, const JudgeSpec& spec, std::unique_ptr<ListExaminer> examiner, const std::string& title,
            Id<ProposalRecord> proposal, const std::shared_ptr<Answers>& answers)
        : JudgeJob(context, spec, *examiner, title, proposal, [answers](const Status& how) -> Status { answers->how = how; return {}; }),
          m_examiner(std::move(examiner))
    {
    }

private:
    std::unique_ptr<ListExaminer> m_examiner;
};

} // namespace

JudgeJob::JudgeJob(Context& context, JudgeSpec spec, Examiner& examiner, std::string title, Id<ProposalRecord> proposal, Done done)
    : m_context(context), m_spec(std::move(spec)), m_examiner(examiner), m_title(std::move(title)), m_proposal(proposal),
      m_done(std::move(done))
{
}

Result<ChildSpec> JudgeJob::spec()
{
    RATCHET_TRY(genome, Genome::fromJson(m_spec.champion.genome));
    ChildSpec child;
    child.role = "judge";
    child.limits = limitsFor(m_context.config.trialBudget, genome, m_context.vocabulary, m_context.memoryBytes);
    if (!m_spec.challenger.genome.is_null() && !m_spec.challenger.weights.empty()) {       // both are held at once
        RATCHET_TRY(challenger, Genome::fromJson(m_spec.challenger.genome));
        const ChildLimits its = limitsFor(m_context.config.trialBudget, challenger, m_context.vocabulary, m_context.memoryBytes);
        child.limits.memoryBytes = std::min(m_context.memoryBytes, child.limits.memoryBytes + its.memoryBytes);
    }
    child.limits.silence = m_context.silence;
    child.sandbox.required = m_context.sandboxLevel;
    child.sandbox.forbidden = {m_context.paths.database(), m_context.paths.keys() / "private.pem"};
    child.sandbox.readable = {m_spec.champion.weights, m_context.paths.judge()};
    if (!m_spec.challenger.weights.empty())
        child.sandbox.readable.emplace_back(m_spec.challenger.weights);
    if (!m_spec.corpus.empty())
        child.sandbox.readable.emplace_back(m_spec.corpus);
    child.log = m_context.paths.work() / "judge.log";      // not beside the secret: the judge watches that folder for changes
    child.first = m_spec;
    return child;
}

// The judge must have read the very weights that the versions name.
Status JudgeJob::sameArtifacts(const Integrity& integrity) const
{
    for (const auto& [role, artifact] : {std::pair("champion", &m_spec.champion), std::pair("challenger", &m_spec.challenger)}) {
        if (artifact->version.empty())
            continue;
        RATCHET_TRY(version, m_context.store->version(Hash{artifact->version}));
        if (!version || integrity.files.value(role, "") != version->weights.hex)
            return fail(Code::Failed, fmt::format("The judge did not read the weights of {} {}.", role, Hash{artifact->version}.brief()));
    }
    return {};
}

// Nor may what it judges by change from one judging to the next: the files of the first one are kept in the store.
Status JudgeJob::sameEvaluator(const Integrity& integrity) const
{
    Json evaluator = Json::object();
    for (const auto& entry : integrity.files.items())
        if (entry.key().starts_with("judge/") || entry.key().starts_with("corpus/"))
            evaluator[entry.key()] = entry.value();
    RATCHET_TRY(known, m_context.store->meta("evaluator"));
    if (!known)
        return m_context.store->setMeta("evaluator", evaluator);
    if (*known != evaluator)
        return fail(Code::Failed, "The judge's secret or the corpus is not what the lab was judged by before.",
                    "Put the files back from a backup of the lab.");
    return {};
}

void JudgeJob::askNext(Child& child)
{
    m_open = m_examiner.next();
    m_finished = !m_open;
    if (m_open)
        child.send(*m_open);
    else
        child.send(Stop{});
}

Status JudgeJob::receive(const Message& message, Child& child)
{
    if (std::holds_alternative<Hello>(message) || std::holds_alternative<Progress>(message))
        return {};
    if (const auto* failure = std::get_if<Failure>(&message)) {
        m_failure = *failure;
    } else if (const auto* integrity = std::get_if<Integrity>(&message)) {
        RATCHET_CHECK(sameArtifacts(*integrity));
        RATCHET_CHECK(sameEvaluator(*integrity));
        RATCHET_CHECK(m_examiner.take(*integrity));
        if (!m_finished && !m_open)
            askNext(child);
    } else if (const auto* scores = std::get_if<Scores>(&message)) {
        if (!m_open || scores->suite != m_open->suite || scores->split != m_open->split)
            return fail(Code::Failed, "The judge answered a question that was not asked.");
        RATCHET_CHECK(m_examiner.take(*scores));
        askNext(child);
    } else {
        return fail(Code::Failed, "The judge sent a message that is none of its business.");
    }
    return {};
}

Status JudgeJob::end(const Status& how, std::chrono::milliseconds, double)
{
    if (m_failure && (how || how.error().code != Code::Cancelled))
        return m_done(fail(m_failure->code == codeName(Code::Damaged) ? Code::Damaged : Code::Failed, m_failure->text));
    if (how && !m_finished)
        return m_done(fail(Code::Failed, "The judge ended before it had answered."));
    return m_done(how);
}

EngineStatus::Running JudgeJob::running() const
{
    return {m_proposal, m_title, "judging", m_examiner.fraction(), 0};
}

Result<std::vector<Scores>> askJudge(Context& context, const JudgeSpec& spec, const std::vector<Ask>& asks, const std::string& title,
                                     Id<ProposalRecord> proposal, const RunToEnd& runToEnd)
{
    constexpr int attempts = 2;
    for (int attempt = 1;; ++attempt) {
        const auto answers = std::make_shared<Answers>();
        auto examiner = std::make_unique<ListExaminer>(asks, !spec.challenger.version.empty(), answers);
        RATCHET_CHECK(runToEnd(std::make_unique<ListJob>(context, spec, std::move(examiner), title, proposal, answers)));
        if (answers->how)
            return answers->scores;
        const Code code = answers->how.error().code;
        if ((code != Code::Failed && code != Code::Damaged) || attempt == attempts)
            return passOn(answers->how);
    }
}

std::int64_t questionNumber(const std::string& purpose)
{
    return std::stoll(hashOf("question " + purpose).hex.substr(0, 13), nullptr, 16);   // 52 bits: exact in JSON everywhere
}

Result<JudgeSpec> judgeSpec(Context& context, const Hash& champion, const std::optional<Hash>& challenger, std::int64_t question)
{
    JudgeSpec spec;
    spec.domain = context.config.domain;
    spec.corpus = context.corpusFolder();
    spec.closedFolder = context.paths.judge().string();
    spec.question = question;
    spec.tokenizer = context.tokenizerJson;
    RATCHET_TRY(first, context.artifact(champion));
    spec.champion = std::move(first);
    if (challenger) {
        RATCHET_TRY(second, context.artifact(*challenger));
        spec.challenger = std::move(second);
    }
    RATCHET_TRY(corrected, context.feedback(false));
    spec.feedback = std::move(corrected);
    return spec;
}

} // namespace ratchet
