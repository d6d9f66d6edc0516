// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/judge_job.h"

#include "core/agent/train_job.h"

namespace ratchet {

using namespace std::chrono_literals;

Status ListExaminer::take(const Integrity& integrity)
{
    for (const Check& check : integrity.checks)
        if (!check.ok)
            return fail(Code::Refused, fmt::format("The integrity check \"{}\" does not hold: {}", check.name, check.detail));
    return {};
}

std::optional<Ask> ListExaminer::next()
{
    if (m_answers.size() == m_asks.size())
        return std::nullopt;
    return m_asks[m_answers.size()];
}

Status ListExaminer::take(const Scores& scores)
{
    m_answers.push_back(scores);
    return {};
}

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
    child.limits = limitsFor(m_context.config.trialBudget, genome, m_context.vocabulary);
    child.sandbox.required = m_context.sandboxLevel;
    child.sandbox.forbidden = {m_context.paths.database(), m_context.paths.keys() / "private.pem"};
    child.sandbox.readable = {m_spec.champion.weights, m_context.paths.judge()};
    if (!m_spec.challenger.weights.empty())
        child.sandbox.readable.emplace_back(m_spec.challenger.weights);
    if (!m_spec.corpus.empty())
        child.sandbox.readable.emplace_back(m_spec.corpus);
    child.log = m_context.paths.judge() / "judge.log";
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
        return m_done(fail(Code::Failed, m_failure->text));
    if (how && !m_finished)
        return m_done(fail(Code::Failed, "The judge ended before it had answered."));
    return m_done(how);
}

EngineStatus::Running JudgeJob::running() const
{
    return {m_proposal, m_title, "judging", m_examiner.fraction(), 0};
}

Result<JudgeSpec> judgeSpec(Context& context, const Hash& champion, const std::optional<Hash>& challenger, std::int64_t question)
{
    JudgeSpec spec;
    spec.domain = context.config.domain;
    spec.corpus = context.corpusFolder();
    spec.closedFolder = context.paths.judge().string();
    spec.question = question;
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
