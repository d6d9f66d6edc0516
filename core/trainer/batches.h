// SPDX-License-Identifier: GPL-3.0-or-later
// Training batches: examples of the domain, replayed failures, users' corrections and self-labelled items as token
// tensors. The batch of a step depends on the seed and the step's number only, so that a resumed trial sees the same
// data. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/genome/tokenizer.h"
#include "core/launch/messages.h"
#include "core/plugin/domain.h"

namespace ratchet
{

struct Batch {
    at::Tensor inputs, targets; // [B, T]; targets are -100 where no loss is taken
    at::Tensor positions;       // [B, T] for "coupled", else undefined
};

// Items that are drawn besides the domain's own, already in the genome's format.
struct Pools {
    std::vector<Example> replay, feedback, selfTraining;
};

class Batches
{
public:
    // BadInput when the longest example does not fit the context. `domain` must outlive it.
    [[nodiscard]] static Result<Batches> create(const Genome& genome, const Domain& domain, std::uint64_t seed,
                                                Pools pools, const Tokenizer& tokenizer);
    // May throw what the plugin throws.
    [[nodiscard]] Result<Batch> draw(std::int64_t step) const;
    // Tokens of a row, padding included.
    [[nodiscard]] int length() const { return m_length; }

private:
    Batches(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools,
            const Tokenizer& tokenizer);
    [[nodiscard]] const Example* drawPool(Rng& rng) const;
    [[nodiscard]] Status write(const Example& example, Rng& rng, std::int64_t row, const Batch& batch) const;
    [[nodiscard]] std::size_t inputsOf(const Example& example) const;
    [[nodiscard]] std::size_t usualInputs() const;

    Genome m_genome;
    const Domain* m_domain;
    Measure m_measure;
    Tokenizer m_tokenizer;
    std::uint64_t m_seed;
    Pools m_pools;
    int m_length = 0;
};

// Replay and feedback of a spec as examples; what the domain cannot write in this format is left out.
[[nodiscard]] Pools poolsOf(const TrainSpec& spec, const Genome& genome, const Domain& domain);

} // namespace ratchet
