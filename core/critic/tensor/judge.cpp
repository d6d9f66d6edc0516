// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/tensor/judge.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "core/critic/hunt.h"
#include "core/critic/probes.h"
#include "core/critic/tensor/candidate.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr std::size_t mostSamples = 24;
constexpr int mostItems = 100'000;          // of one Ask

class Judge {
public:
    [[nodiscard]] static Result<std::unique_ptr<Judge>> open(const JudgeSpec& spec, const Placement& placement);
    [[nodiscard]] Integrity integrity() const;
    [[nodiscard]] Result<Scores> score(const Ask& ask);
    // Damaged when a file the judge reads is not what it was at the start.
    [[nodiscard]] Status checkFiles() const;

private:
    explicit Judge(JudgeSpec spec) : m_spec(std::move(spec)) {}
    [[nodiscard]] Result<Answered> answersTo(const Ask& ask);
    [[nodiscard]] Result<Answered> ask(std::vector<ExamItem> items, std::uint64_t seed);
    [[nodiscard]] Result<Answered> agreementOn(std::vector<ExamItem> items, Candidate::Otherwise how, std::uint64_t seed);
    [[nodiscard]] Result<Answered> hunted(std::vector<ExamItem> fresh, std::uint64_t seed);
    [[nodiscard]] std::vector<Sample> samplesOf(const Answered& answered) const;
    JudgeSpec m_spec;
    Json m_files;
    std::unique_ptr<Domain> m_domain;
    std::optional<Exam> m_exam;
    std::unique_ptr<Candidate> m_champion, m_challenger;   // m_challenger is null when only the champion is measured
};

Result<std::unique_ptr<Judge>> Judge::open(const JudgeSpec& spec, const Placement& placement)
{
    std::unique_ptr<Judge> judge(new Judge(spec));
    RATCHET_TRY(files, evaluatorFiles(spec));
    judge->m_files = std::move(files);
    RATCHET_TRY(domain, loadDomain(spec.domain, spec.corpus));
    judge->m_domain = std::move(domain);
    RATCHET_TRY(exam, Exam::open(spec, *judge->m_domain));
    judge->m_exam.emplace(std::move(exam));
    RATCHET_TRY(champion, Candidate::load(spec.champion, "champion", *judge->m_domain, spec.tokenizer, placement));
    judge->m_champion = std::move(champion);
    if (!spec.challenger.version.empty()) {
        RATCHET_TRY(challenger, Candidate::load(spec.challenger, "challenger", *judge->m_domain, spec.tokenizer, placement));
        judge->m_challenger = std::move(challenger);
    }
    return judge;
}

Integrity Judge::integrity() const
{
    Integrity integrity;
    integrity.files = m_files;
    const auto add = [&](const Candidate& candidate, const std::string& who) {
        Rng rng = m_exam->stream("integrity " + who);
        for (auto& check : candidate.check(rng))
            integrity.checks.push_back(std::move(check));
        integrity.checks.push_back(m_exam->checkSplits(candidate.genome(), who));
        integrity.checks.push_back(m_exam->checkGrading(candidate.genome(), who));
        integrity.checks.push_back(m_exam->checkChance(candidate.genome(), who));
    };
    add(*m_champion, "champion");
    if (m_challenger)
        add(*m_challenger, "challenger");
    integrity.checks.push_back(m_exam->checkLeak(m_champion->genome()));
    const auto files = checkFiles();
    integrity.checks.push_back({"evaluator files", files.has_value(), files ? "unchanged" : files.error().text});
    return integrity;
}

Status Judge::checkFiles() const
{
    const auto files = evaluatorFiles(m_spec);
    if (files && *files == m_files)
        return {};
    return fail(Code::Damaged, files ? "A file that the judge reads was changed during the comparison." : files.error().text,
                "See who can write to the lab folder.");
}

void fold(const std::vector<Reply>& replies, std::vector<double>& scores, std::vector<double>* confidence, Json& classes)
{
    for (const auto& reply : replies) {
        scores.push_back(reply.score);
        if (confidence)
            confidence->push_back(reply.confidence);
        if (!reply.failureClass.empty())
            classes[reply.failureClass] = classes.value(reply.failureClass, 0) + 1;
    }
}

Result<Answered> Judge::ask(std::vector<ExamItem> items, std::uint64_t seed)
{
    Answered answered;
    RATCHET_TRY(champion, m_champion->answer(items, seed));
    answered.champion = std::move(champion);
    if (m_challenger) {
        RATCHET_TRY(challenger, m_challenger->answer(items, seed));
        answered.challenger = std::move(challenger);
    }
    answered.items = std::move(items);
    return answered;
}

Result<Answered> Judge::agreementOn(std::vector<ExamItem> items, Candidate::Otherwise how, std::uint64_t seed)
{
    Answered answered;
    RATCHET_TRY(champion, m_champion->agreement(items, how, seed));
    answered.champion = std::move(champion);
    if (m_challenger) {
        RATCHET_TRY(challenger, m_challenger->agreement(items, how, seed));
        answered.challenger = std::move(challenger);
    }
    answered.items = std::move(items);
    return answered;
}

Result<Answered> Judge::hunted(std::vector<ExamItem> fresh, std::uint64_t seed)
{
    Rng rng = m_exam->stream("hunt");
    const auto found = guarded(m_spec.domain, [&] {
        return hunt(*m_domain, fresh, static_cast<int>(fresh.size()), rng, [&](std::vector<ExamItem> items) { return ask(std::move(items), seed); });
    });
    return found ? *found : passOn(found);
}

Result<Answered> Judge::answersTo(const Ask& ask)
{
    RATCHET_TRY(items, m_exam->draw(ask));
    const std::uint64_t seed = m_exam->stream("sampling " + ask.suite + "/" + ask.split).next();
    if (ask.suite == adversarialProbe)
        return hunted(std::move(items), seed);
    if (ask.suite == paraphraseProbe)
        return agreementOn(std::move(items), Candidate::Otherwise::Paraphrased, seed);
    if (ask.suite == samplingProbe)
        return agreementOn(std::move(items), Candidate::Otherwise::Drawn, seed);
    return this->ask(std::move(items), seed);
}

Result<Scores> Judge::score(const Ask& ask)
{
    if (ask.count < 1 || ask.count > mostItems)
        return fail(Code::BadInput, fmt::format("{} is no number of items to judge.", ask.count));
    const auto begin = std::chrono::steady_clock::now();
    const auto flops = [&] { return m_champion->flopsUsed() + (m_challenger ? m_challenger->flopsUsed() : 0); };
    const double flopsBefore = flops();
    RATCHET_TRY(answered, answersTo(ask));
    RATCHET_CHECK(checkFiles());
    Scores scores;
    scores.suite = ask.suite;
    scores.split = ask.split;
    // An agreement is no right answer, and a likelihood no answer at all.
    const bool isAgreement = ask.suite == paraphraseProbe || ask.suite == samplingProbe;
    const bool isSure = m_domain->info().measure == Measure::ExactMatch && !isAgreement;
    fold(answered.champion, scores.champion, isSure ? &scores.championConfidence : nullptr, scores.championClasses);
    fold(answered.challenger, scores.challenger, isSure ? &scores.challengerConfidence : nullptr, scores.challengerClasses);
    if (ask.split != "gate" && !isAgreement) {
        auto samples = guarded(m_spec.domain, [&] { return samplesOf(answered); });
        if (!samples)
            return passOn(samples);
        scores.samples = std::move(*samples);
    }
    scores.flops = flops() - flopsBefore;
    scores.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return scores;
}

// Failures of the challenger first (of the champion when it is alone), then what only the champion failed.
std::vector<Sample> Judge::samplesOf(const Answered& answered) const
{
    const auto& [items, champion, challenger] = answered;
    const auto& asker = challenger.empty() ? champion : challenger;
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    const auto rank = [&](std::size_t i) { return asker[i].failureClass.empty() ? champion[i].failureClass.empty() ? 2 : 1 : 0; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    order.resize(std::min(order.size(), mostSamples));
    std::vector<Sample> samples;
    for (const std::size_t i : order) {
        const Item& item = items[i].item;
        const Example example = m_domain->example(item, m_champion->genome().reasoning);
        Sample sample;
        sample.question = item.question;
        sample.prompt = example.prompt;
        sample.expected = items[i].correction.empty() ? m_domain->grade(item, "", m_champion->genome().reasoning).expected : items[i].correction;
        sample.champion = champion[i].answer;
        sample.championClass = champion[i].failureClass;
        sample.championConfidence = champion[i].confidence;
        if (!challenger.empty()) {
            sample.challenger = challenger[i].answer;
            sample.challengerClass = challenger[i].failureClass;
            sample.challengerConfidence = challenger[i].confidence;
        }
        samples.push_back(std::move(sample));
    }
    return samples;
}

Result<bool> serveOne(FrameChannel& channel, Judge& judge)
{
    RATCHET_TRY(message, channel.receive());
    if (std::holds_alternative<Stop>(message)) {
        RATCHET_CHECK(judge.checkFiles());
        return false;
    }
    const auto* ask = std::get_if<Ask>(&message);
    if (!ask)
        return fail(Code::BadInput, "A judge takes only questions about suites.");
    RATCHET_TRY(scores, judge.score(*ask));
    RATCHET_CHECK(channel.send(std::move(scores)));
    return true;
}

Status run(FrameChannel& channel, const Placement& placement)
{
    RATCHET_TRY(message, channel.receive());
    const auto* spec = std::get_if<JudgeSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "A judge needs to be told what to compare first.");
    RATCHET_TRY(judge, Judge::open(*spec, placement));
    RATCHET_CHECK(channel.send(judge->integrity()));
    for (;;) {
        RATCHET_TRY(more, serveOne(channel, *judge));
        if (!more)
            return {};
    }
}

} // namespace

int judgeMain(FrameChannel& channel, const Placement& placement)
{
    const auto status = run(channel, placement);
    if (status)
        return 0;
    if (status.error().code != Code::Cancelled)
        static_cast<void>(channel.send(failureOf(status.error())));
    return 1;
}

} // namespace ratchet
