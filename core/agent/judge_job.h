// SPDX-License-Identifier: GPL-3.0-or-later
// One judging in a judge process: integrity first, then the questions of an Examiner until it has no more. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/agent/context.h"
#include "core/agent/crew.h"

namespace ratchet {

// What is asked of a judge and what is made of its answers.
class Examiner {
public:
    virtual ~Examiner() = default;
    [[nodiscard]] virtual Status take(const Integrity& integrity) = 0;   // an error ends the judging with no result
    [[nodiscard]] virtual std::optional<Ask> next() = 0;                 // empty: finished
    [[nodiscard]] virtual Status take(const Scores& scores) = 0;
    // Natural log of the evidence and of what it takes, for display.
    [[nodiscard]] virtual std::pair<double, double> evidence() const { return {0, 0}; }
    [[nodiscard]] virtual double fraction() const { return 0; }
};

class JudgeJob : public Job {
public:
    // Called once when the judge has gone: success when every question was answered; Damaged when it found a file changed that it
    // judges by.
    using Done = std::function<Status(const Status& how)>;
    // `examiner` must outlive the job. `title` and `proposal` are for display and cancelling.
    JudgeJob(Context& context, JudgeSpec spec, Examiner& examiner, std::string title, Id<ProposalRecord> proposal, Done done);
    [[nodiscard]] Result<ChildSpec> spec() override;
    [[nodiscard]] Status receive(const Message& message, Child& child) override;
    [[nodiscard]] Status end(const Status& how, std::chrono::milliseconds wall, double peakBytes) override;
    [[nodiscard]] EngineStatus::Running running() const override;
    [[nodiscard]] bool isJudging() const override { return true; }
    [[nodiscard]] bool concerns(Id<ProposalRecord> proposal) const override { return proposal.isSet() && m_proposal == proposal; }
    [[nodiscard]] std::pair<double, double> evidence() const override { return m_examiner.evidence(); }

private:
    [[nodiscard]] Status sameArtifacts(const Integrity& integrity) const;
    [[nodiscard]] Status sameEvaluator(const Integrity& integrity) const;
    void askNext(Child& child);
    Context& m_context;
    JudgeSpec m_spec;
    Examiner& m_examiner;
    std::string m_title;
    Id<ProposalRecord> m_proposal;
    Done m_done;
    std::optional<Ask> m_open;
    std::optional<Failure> m_failure;
    bool m_finished = false;
};

// Asks a judge a fixed list of questions and returns all answers. `runToEnd` brings the job it is given to its end, beside
// whatever else the crew does. A judge that dies is replaced once; an integrity check that does not hold is Refused, answers
// that are none are Failed, files that the judge found changed Damaged.
using RunToEnd = std::function<Status(std::unique_ptr<Job>)>;
[[nodiscard]] Result<std::vector<Scores>> askJudge(Context& context, const JudgeSpec& spec, const std::vector<Ask>& asks,
                                                   const std::string& title, Id<ProposalRecord> proposal, const RunToEnd& runToEnd);

// Number of a comparison, by what it is for: equal purposes draw equal items, others never the same. A killed engine that
// asks again asks the same, and what it asks besides shifts nothing.
[[nodiscard]] std::int64_t questionNumber(const std::string& purpose);

// A comparison's spec; `challenger` may be empty (only the champion is measured). `question` numbers the items drawn.
[[nodiscard]] Result<JudgeSpec> judgeSpec(Context& context, const Hash& champion, const std::optional<Hash>& challenger, std::int64_t question);

} // namespace ratchet
