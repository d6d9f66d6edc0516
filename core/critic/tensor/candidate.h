// SPDX-License-Identifier: GPL-3.0-or-later
// A version that sits the exam: items in, scores out. Used by the judge. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/critic/exam.h"
#include "core/model/answerer.h"

namespace ratchet {

class Candidate {
public:
    // Errors of Genome::fromJson and Answerer::load, naming `who`. `domain` must outlive it.
    // `tokenizer` is the lab's, null for the domain's alphabet.
    [[nodiscard]] static Result<std::unique_ptr<Candidate>> load(const Artifact& artifact, const std::string& who, const Domain& domain,
                                                                 const Json& tokenizer = nullptr, const Placement& placement = {});

    // Exact match: greedy, or with reasoning.samples > 1 the most frequent of that many sampled answers (temperature 0.7,
    // first seen wins a tie; Wang 2022, arXiv 2203.11171); a prompt that the context cannot hold is answered wrong, class
    // "context". Bits per byte b: 1 - b / 8 within 0 .. 1; the items in the worst quarter of the batch carry the failure class of
    // their text. `seed` is of sampling.
    [[nodiscard]] Result<std::vector<Reply>> answer(const std::vector<ExamItem>& items, std::uint64_t seed);
    // One answer each, drawn at temperature 0.7 whatever its policy; exact match only.
    [[nodiscard]] Result<std::vector<Reply>> drawn(const std::vector<ExamItem>& items, std::uint64_t seed) const;
    // How consistent it is with itself: the score is how much of what it answers otherwise (the item's paraphrase, or four
    // answers drawn at temperature 0.7) is what answer() says, whether right or wrong. Exact match only.
    enum class Otherwise { Paraphrased, Drawn };
    [[nodiscard]] Result<std::vector<Reply>> agreement(const std::vector<ExamItem>& items, Otherwise how, std::uint64_t seed);
    // Probabilities sum to one within 1e-4, later tokens change nothing before them, all of it finite (core/model/soundness.h).
    [[nodiscard]] std::vector<Check> check(Rng& rng) const;
    [[nodiscard]] const Genome& genome() const { return m_genome; }
    [[nodiscard]] double flopsUsed() const { return m_answerer->flopsUsed(); }

private:
    Candidate(Genome genome, std::string who, const Domain& domain) : m_genome(std::move(genome)), m_who(std::move(who)), m_domain(domain) {}
    [[nodiscard]] Result<std::vector<Reply>> generate(const std::vector<ExamItem>& items, std::uint64_t seed);
    // The prompts that the context holds, and whose they are.
    struct Asked { std::vector<std::string> prompts; std::vector<Item> items; std::vector<std::size_t> places; };
    [[nodiscard]] Asked askable(const std::vector<ExamItem>& items, const std::vector<Example>& wanted) const;
    [[nodiscard]] AnswerOptions optionsFor(const std::vector<Example>& wanted, std::uint64_t seed) const;
    [[nodiscard]] Result<std::vector<Reply>> measure(const std::vector<ExamItem>& items);
    [[nodiscard]] Result<std::vector<Example>> examples(const std::vector<ExamItem>& items) const;
    [[nodiscard]] Reply gradeOf(const ExamItem& item, const std::string& completion) const;
    Genome m_genome;
    std::string m_who;
    const Domain& m_domain;
    std::unique_ptr<Answerer> m_answerer;
};

} // namespace ratchet
