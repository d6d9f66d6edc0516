// SPDX-License-Identifier: GPL-3.0-or-later
// Training batches: examples of the domain and of the pools as token tensors. The batch of a step depends on the seed
// and the step's number only, so that a resumed trial sees the same data. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/domain.h"
#include "core/trainer/curriculum.h"
#include "core/trainer/pools.h"

namespace ratchet
{

struct Batch {
    at::Tensor inputs, targets; // [B, T]; targets are -100 where no loss is taken
    at::Tensor positions;       // [B, T] of coupled positions where wanted, else undefined
};

// Whether batches carry the domain's position ids: as the genome has it, or because a teacher needs them.
enum class Coupling { AsGenome, Always };

// How long rows of pairs are: as those of a step, or no longer than the longest of them.
enum class Padding { AsTrained, Least };

// Shares of the pools as data has them. What is left goes to the domain's own items and, in later rounds of
// self-training, in equal parts to each older level (arXiv 2502.01612, section 3).
// data.bucketing: the rows of 8 steps are drawn together, sorted by length and dealt out, so that a batch is as long as
// its own longest row only; which batch comes when is shuffled.
class Batches
{
public:
    // BadInput when the longest example does not fit the context. `domain` must outlive it.
    [[nodiscard]] static Result<Batches> create(const Genome& genome, const Domain& domain, std::uint64_t seed,
                                                Pools pools, const Tokenizer& tokenizer,
                                                Coupling coupling = Coupling::AsGenome);
    // Of step `step` (from 0) of `total`, without the rows of its pairs. May throw what the plugin throws.
    [[nodiscard]] Result<Batch> draw(std::int64_t step, std::int64_t total);
    // Of the pool's pairs those of step `step`, by number.
    [[nodiscard]] std::vector<std::size_t> drawPairs(std::int64_t step) const;
    // Those pairs: row 2 i holds the chosen answer of the i-th, row 2 i + 1 the rejected one.
    [[nodiscard]] Result<Batch> pairRows(const std::vector<std::size_t>& pairs, Padding padding) const;
    [[nodiscard]] std::size_t pairs() const { return m_pools.pairs.size(); }
    // Tokens of a row, padding included; of the longest batch where they differ.
    [[nodiscard]] int length() const { return m_length; }
    [[nodiscard]] const Curriculum& curriculum() const { return m_curriculum; }

private:
    Batches(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools, const Tokenizer& tokenizer);
    [[nodiscard]] const Example* drawPool(Rng& rng) const;
    [[nodiscard]] Example drawOwn(double share, Rng& rng) const;
    [[nodiscard]] Batch blank(std::int64_t rows, std::int64_t length) const;
    [[nodiscard]] Result<Batch> drawBucket(std::int64_t step, std::int64_t total);
    void fillWindow(std::int64_t window, std::int64_t total);
    [[nodiscard]] Status write(const Example& example, Rng& rng, std::int64_t row, const Batch& batch) const;
    void maskToolResults(const Example& example, std::size_t promptTokens, std::size_t from, std::size_t used,
                         std::int64_t* targets) const;
    [[nodiscard]] std::size_t inputsOf(const Example& example) const;
    [[nodiscard]] std::size_t usualInputs() const;

    // The rows of some steps in a row, by length.
    struct Window {
        std::int64_t number = -1;
        std::vector<Example> rows;
        std::vector<std::size_t> order; // which part each step takes
    };

    Genome m_genome;
    const Domain* m_domain;
    Measure m_measure;
    Tokenizer m_tokenizer;
    std::vector<Tool> m_tools;
    std::uint64_t m_seed;
    int m_pairs, m_rows; // of a step: pairs, and rows that are not of pairs
    Pools m_pools;
    Curriculum m_curriculum;
    bool m_coupled = false;
    int m_length = 0;
    Window m_window;
};

} // namespace ratchet
