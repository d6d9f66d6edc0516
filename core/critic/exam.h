// SPDX-License-Identifier: GPL-3.0-or-later
// The judge's closed side: draws the items of a comparison from the secret that only the judge reads, and watches the files
// it judges by. Blocking on files only; one thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/launch/messages.h"
#include "core/plugin/domain.h"

namespace ratchet {

// "guide", "gate" or "vault"; BadInput otherwise.
[[nodiscard]] Result<Split> splitFromText(const std::string& name);

// The check that a corpus fails which holds the same texts on both sides of a split, and what a person can do.
inline constexpr const char* corpusOverlap = "corpus overlap";
inline constexpr const char* corpusOverlapHint = "Make a new lab from the corpus: what is judged is then cleared of what is trained on.";

struct ExamItem {
    Item item;
    std::string correction;      // a user's answer, which counts instead of the domain's; empty for drawn items
};

// What a candidate made of an item.
struct Reply {
    double score = 0;              // 0 .. 1
    std::string failureClass;      // empty when right
    std::string answer;            // canonical form; for bits per byte the figure as text
    double confidence = 0;         // probability of the answer that was given
};

class Exam {
public:
    // Reads spec.closedFolder/secret. `domain` must outlive the exam. BadInput when the secret is missing or too short.
    [[nodiscard]] static Result<Exam> open(const JudgeSpec& spec, const Domain& domain);

    // The next `count` items of this suite and split: a function of (secret, suite, split, question) and of how many were
    // drawn before. Failed when the domain draws one outside its split. Suite "feedback": the corrected items, once. Suites that
    // the judge makes (core/critic/probes.h): target items of the guide split, of "fixed" the same whatever the question, of
    // "paraphrase" such as have one.
    [[nodiscard]] Result<std::vector<ExamItem>> draw(const Ask& ask);

    // No training item of this genome is in the splits that judge, and judged items are in theirs: `samples` of each are drawn.
    [[nodiscard]] Check checkSplits(const Genome& genome, const std::string& who, int samples = 200) const;
    // Right answers are graded right, empty ones wrong, in the genome's format.
    [[nodiscard]] Check checkGrading(const Genome& genome, const std::string& who, int samples = 50) const;
    // What knows nothing is right no oftener than chance, within a twentieth of the items: another item's answer (by chance: as
    // often as both have the same one), the prompt copied.
    [[nodiscard]] Check checkChance(const Genome& genome, const std::string& who, int samples = 50) const;
    // Named corpusOverlap. Of the texts that the gate and the vault ask none stands in the corpus' training documents or in the
    // guide's, whose failures are replayed: no n-gram of a passage, no question (Overlap). Without a corpus there is nothing to look at.
    [[nodiscard]] Check checkLeak(const Genome& genome, int samples = 200) const;
    [[nodiscard]] Rng stream(const std::string& name) const;

private:
    Exam(const JudgeSpec& spec, const Domain& domain, std::uint64_t seed);
    std::string m_plugin, m_corpus;
    const Domain* m_domain;
    std::uint64_t m_seed, m_question;
    std::vector<Json> m_feedback;
    std::size_t m_feedbackUsed = 0;
    std::map<std::string, Rng> m_streams;      // by suite and split
};

// SHA-256 of every file the judge reads: {"champion", "challenger", "domain", "judge/secret", "corpus/gate.txt", ...}. The engine
// compares the weights' with what it stored, secret and corpus with what the lab was judged by before; the judge takes it
// again after each batch and gives up when it changed.
[[nodiscard]] Result<Json> evaluatorFiles(const JudgeSpec& spec);

} // namespace ratchet
