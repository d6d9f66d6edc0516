// SPDX-License-Identifier: GPL-3.0-or-later
// A version ready to use: genome + weights + tokenizer behind text in, text out. The judge, the server and self-training
// use this and nothing else of the model. Of libtorch nothing shows here but the name of a device. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/genome/genome.h"
#include "core/model/placement.h"
#include "core/plugin/domain.h"

namespace ratchet {

struct AnswerOptions {
    int maxTokens = 64;
    double temperature = 0;          // 0 is greedy
    int topK = 0;                    // sampling: of the k likeliest tokens only (Fan 2018); 0 is all
    double topP = 1;                 // sampling: of the likeliest that together reach this probability (Holtzman 2019)
    std::vector<std::string> stop;   // an answer ends before the first of these texts
    std::uint64_t seed = 0;          // of sampling
    // Called with each new piece of text of answer 0 (streaming): whole UTF-8 characters as far as the answer is UTF-8, and nothing
    // of a stop text; together they are the completion. May be empty.
    std::function<void(const std::string&)> onText;
};

struct Answer {
    std::string completion;          // without the end token
    double confidence = 0;           // product of the chosen tokens' probabilities
    int tokens = 0;                  // written, by the model and by tools that it called
    bool ended = false;              // the model wrote its end token
    int promptTokens = 0;
};

class Answerer {
public:
    // Checks the weights file strictly against the genome (exact tensor set, shapes, fp32, finite). `domain` must outlive it.
    // `tokenizer` is the lab's (Tokenizer::toJson), null for the domain's alphabet. Answers are computed in float32 wherever it is placed.
    [[nodiscard]] static Result<std::unique_ptr<Answerer>> load(const Genome& genome, const std::string& weightsFile, const Domain& domain,
                                                                const Json& tokenizer = nullptr, const Placement& placement = {});
    ~Answerer();

    // Whether the prompt is made of the tokenizer's characters and leaves room for an answer.
    [[nodiscard]] bool fits(const std::string& prompt) const;
    // Batched, ragged prompts, KV cache. BadInput when a prompt holds a character outside the alphabet or does not fit.
    [[nodiscard]] Result<std::vector<Answer>> answer(const std::vector<std::string>& prompts, const AnswerOptions& options = {}) const;
    // Mean negative log2-likelihood per byte of each text, in windows of the context length with half a window of overlap.
    [[nodiscard]] Result<std::vector<double>> bitsPerByte(const std::vector<std::string>& texts) const;

    // soundnessOf() the probabilities that bitsPerByte() scores by, on random tokens; nothing holds of a model that cannot be asked.
    struct Integrity { double normalisation = 1; bool causal = false; bool finite = false; };
    [[nodiscard]] Integrity check(Rng& rng) const;

    [[nodiscard]] double flopsUsed() const;     // forward compute so far, counted from architecture and tokens

private:
    Answerer();
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
