// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/tensor/candidate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/model/voting.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr double drawTemperature = 0.7;     // of what is compared with the answer that would be given
constexpr int drawsEach = 4;

} // namespace

Result<std::unique_ptr<Candidate>> Candidate::load(const Artifact& artifact, const std::string& who, const Domain& domain,
                                                   const Json& tokenizer, const Placement& placement)
{
    const auto named = [&](const Error& error) { return fail(error.code, fmt::format("The {}: {}", who, error.text), error.hint); };
    auto genome = Genome::fromJson(artifact.genome);
    if (!genome)
        return named(genome.error());
    auto answerer = Answerer::load(*genome, artifact.weights, domain, tokenizer, placement);
    if (!answerer)
        return named(answerer.error());
    std::unique_ptr<Candidate> candidate(new Candidate(std::move(*genome), who, domain));
    candidate->m_answerer = std::move(*answerer);
    return candidate;
}

Result<std::vector<Reply>> Candidate::answer(const std::vector<ExamItem>& items, std::uint64_t seed)
{
    if (items.empty())
        return std::vector<Reply>{};
    const std::string plugin = m_domain.info().name;
    auto replies = guarded(plugin, [&] {
        return m_domain.info().measure == Measure::ExactMatch ? generate(items, seed) : measure(items);
    });
    if (!replies)
        return passOn(replies);
    return *replies;
}

Result<std::vector<Example>> Candidate::examples(const std::vector<ExamItem>& items) const
{
    std::vector<Example> examples;
    for (const auto& item : items) {
        if (item.correction.empty()) {
            examples.push_back(m_domain.example(item.item, m_genome.reasoning));
        } else {
            RATCHET_TRY(example, m_domain.exampleWith(item.item, item.correction, m_genome.reasoning));
            examples.push_back(std::move(example));
        }
    }
    return examples;
}

Reply Candidate::gradeOf(const ExamItem& item, const std::string& completion) const
{
    const Grade grade = m_domain.grade(item.item, completion, m_genome.reasoning);
    Reply reply{grade.score, grade.failureClass, grade.answer, 0};
    if (!item.correction.empty()) {
        reply.score = grade.answer == item.correction ? 1 : 0;
        reply.failureClass = reply.score > 0 ? "" : grade.failureClass.empty() ? "correction" : grade.failureClass;
    }
    return reply;
}

AnswerOptions Candidate::optionsFor(const std::vector<Example>& wanted, std::uint64_t seed) const
{
    AnswerOptions options;
    options.maxTokens = 2;   // beyond the longest right answer: one that does not end is seen to go on
    for (const auto& example : wanted)
        options.maxTokens = std::max(options.maxTokens, static_cast<int>(example.completion.size()) + 2);
    options.seed = seed;
    return options;
}

Candidate::Asked Candidate::askable(const std::vector<ExamItem>& items, const std::vector<Example>& wanted) const
{
    Asked asked;
    for (std::size_t i = 0; i < items.size(); ++i)
        if (m_answerer->fits(wanted[i].prompt)) {
            asked.places.push_back(i);
            asked.prompts.push_back(wanted[i].prompt);
            asked.items.push_back(items[i].item);
        }
    return asked;
}

Result<std::vector<Reply>> Candidate::generate(const std::vector<ExamItem>& items, std::uint64_t seed)
{
    RATCHET_TRY(wanted, examples(items));
    std::vector<Reply> replies(items.size(), Reply{0, "context", {}, 0});
    const Asked asked = askable(items, wanted);
    RATCHET_TRY(answers, answerByPolicy(*m_answerer, m_genome, m_domain, asked.items, asked.prompts, optionsFor(wanted, seed)));
    for (std::size_t i = 0; i < answers.size(); ++i) {
        Reply& reply = replies[asked.places[i]];
        reply = gradeOf(items[asked.places[i]], answers[i].completion);
        reply.confidence = answers[i].confidence;
    }
    return replies;
}

Result<std::vector<Reply>> Candidate::drawn(const std::vector<ExamItem>& items, std::uint64_t seed) const
{
    RATCHET_TRY(wanted, examples(items));
    AnswerOptions options = optionsFor(wanted, seed);
    options.temperature = drawTemperature;
    std::vector<Reply> replies(items.size(), Reply{0, "context", {}, 0});
    const Asked asked = askable(items, wanted);
    RATCHET_TRY(answers, m_answerer->answer(asked.prompts, options));
    for (std::size_t i = 0; i < answers.size(); ++i)
        replies[asked.places[i]] = gradeOf(items[asked.places[i]], answers[i].completion);
    return replies;
}

Result<std::vector<Reply>> Candidate::agreement(const std::vector<ExamItem>& items, Otherwise how, std::uint64_t seed)
{
    const auto compared = guarded(m_domain.info().name, [&]() -> Result<std::vector<Reply>> {
        RATCHET_TRY(replies, generate(items, seed));
        std::vector<ExamItem> others = items;
        Rng rng = Rng::stream(seed, "paraphrase");
        for (ExamItem& other : others)
            if (how == Otherwise::Paraphrased)
                if (auto said = m_domain.paraphrase(other.item, rng))
                    other.item = std::move(*said);
        const int rounds = how == Otherwise::Paraphrased ? 1 : drawsEach;
        std::vector<double> agreed(items.size(), 0);
        for (int round = 0; round < rounds; ++round) {
            const auto number = seed + 1 + static_cast<std::uint64_t>(round);
            RATCHET_TRY(second, how == Otherwise::Paraphrased ? generate(others, number) : drawn(items, number));
            for (std::size_t i = 0; i < items.size(); ++i)
                agreed[i] += second[i].answer == replies[i].answer ? 1.0 / rounds : 0;
        }
        for (std::size_t i = 0; i < items.size(); ++i) {
            replies[i].score = std::min(agreed[i], 1.0);
            replies[i].failureClass = agreed[i] > 1 - 1e-9 ? "" : "disagreement";
        }
        return replies;
    });
    return compared ? *compared : passOn(compared);
}

Result<std::vector<Reply>> Candidate::measure(const std::vector<ExamItem>& items)
{
    RATCHET_TRY(wanted, examples(items));
    std::vector<std::string> texts;
    for (const auto& example : wanted)
        texts.push_back(example.prompt + example.completion);
    RATCHET_TRY(bits, m_answerer->bitsPerByte(texts));
    std::vector<double> sorted = bits;
    const auto quarter = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 3 / 4);
    std::nth_element(sorted.begin(), quarter, sorted.end());
    std::vector<Reply> replies;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!std::isfinite(bits[i]))
            return fail(Code::Failed, fmt::format("The {} gave a text no likelihood.", m_who));
        Reply reply{std::clamp(1 - bits[i] / 8, 0.0, 1.0), {}, fmt::format("{:.3f} bits per byte", bits[i]), std::exp2(-bits[i])};
        if (bits[i] > *quarter)
            reply.failureClass = m_domain.grade(items[i].item, "", m_genome.reasoning).failureClass;
        replies.push_back(std::move(reply));
    }
    return replies;
}

std::vector<Check> Candidate::check(Rng& rng) const
{
    const auto seen = m_answerer->check(rng);
    return {{m_who + " normalisation", seen.normalisation <= 1e-4, fmt::format("probabilities sum to one within {:.1e}", seen.normalisation)},
            {m_who + " causality", seen.causal, seen.causal ? "later tokens change nothing before them" : "later tokens changed what is said before them"},
            {m_who + " finite", seen.finite, seen.finite ? "every probability is a number above 0" : "a probability is 0 or no number"}};
}

} // namespace ratchet
