// SPDX-License-Identifier: GPL-3.0-or-later
// A reward model: a version's transformer that goes on learning, from answers that are known to be right or wrong, to say of a
// prompt with an answer how probably it is right (an outcome verifier that starts from the generator: Cobbe 2021, arXiv 2110.14168,
// section 4). Used by core/critic/tensor/reward. Deterministic per seed; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/critic/reward.h"
#include "core/genome/genome.h"
#include "core/model/placement.h"
#include "core/plugin/domain.h"

namespace ratchet {

// A prompt with an answer and the end token, as the model reads it, and how sure the version was of that answer.
struct ReadAnswer { std::vector<std::int64_t> tokens, positions; double confidence = 0.5; };
struct ShownAnswer { ReadAnswer text; bool right = false; };

class RewardModel {
public:
    // `weights` of a version, or of a reward model that save() wrote. `domain` must outlive it. Errors of readWeights() and
    // checkWeights(); Refused when learning does not fit `memoryBytes` (0: no limit).
    // Float32 wherever it is placed, as everything that judges.
    [[nodiscard]] static Result<std::unique_ptr<RewardModel>> load(const Genome& genome, const std::string& weights, const Domain& domain,
                                                                   const Json& tokenizer, double memoryBytes, const Placement& placement = {});
    ~RewardModel();

    // The answer in its canonical form, whatever format it was given in: as it is, or in the order in which the version writes it
    // when that is an order of the same characters and nothing else (other formats may show what is right). Empty when it
    // holds characters that the tokenizer does not know or is longer than the context. Throws what the plugin throws.
    [[nodiscard]] std::optional<ReadAnswer> read(const Item& item, const std::string& answer) const;

    // Cross-entropy of two tokens' logits after the end token, batches with as many right answers as wrong ones, until `flops` are
    // spent or the loss on `calibrate` (each kind counts half) has not fallen for a while; the best weights stay. Then probabilities
    // are calibrated on `calibrate`, with the versions' confidence beside the logits. Both must hold both kinds. Returns the steps. Failed when the loss is not finite; Cancelled when
    // `isStopped` says so.
    [[nodiscard]] Result<int> learn(const std::vector<ShownAnswer>& shown, const std::vector<ShownAnswer>& calibrate, double flops,
                                    std::uint64_t seed, const std::function<bool(double fraction, double loss)>& isStopped);
    [[nodiscard]] std::vector<double> probabilities(const std::vector<ReadAnswer>& answers);

    [[nodiscard]] Status save(const std::string& file) const;
    [[nodiscard]] double flopsUsed() const;
    // Compute of one learning step on rows of `length` tokens.
    [[nodiscard]] double stepPrice(std::size_t length) const;

private:
    RewardModel();
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
