// SPDX-License-Identifier: GPL-3.0-or-later
// Fresh draws of the domain's training items by which a trial chooses between models: members of a soup, of a population.
// Never a judge's. One thread.
#pragma once

#include <vector>

#include "core/trainer/batches.h"

namespace ratchet {

class Ensemble;
class Transformer;

class Taste
{
public:
    // As many batches (one at least, 16 at most) as `tastings` of them by one model cost `flops` at most. The seed
    // says which; the mixture is the genome's, without curriculum or pools.
    [[nodiscard]] static Result<Taste> draw(const Genome& genome, const Domain& domain, const Tokenizer& tokenizer,
                                            std::uint64_t seed, double flops, double tastings);

    // Mean cross-entropy of a target, in nats.
    [[nodiscard]] double loss(const Transformer& model) const;
    [[nodiscard]] double loss(const Ensemble& model) const;
    [[nodiscard]] double flops() const { return m_flops; } // of one look by one model
    [[nodiscard]] std::int64_t rows() const;

private:
    template <typename Model> [[nodiscard]] double lossOf(const Model& model) const;
    std::vector<Batch> m_batches;
    double m_flops = 0;
};

} // namespace ratchet
