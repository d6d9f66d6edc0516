// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/taste.h"

#include <algorithm>

#include "core/model/compat.h"
#include "core/model/ensemble.h"

namespace ratchet {
namespace {

constexpr double mostBatches = 16;
constexpr std::int64_t noLoss = -100;

} // namespace

Result<Taste> Taste::draw(const Genome& genome, const Domain& domain, const Tokenizer& tokenizer, std::uint64_t seed,
                          double flops, double tastings)
{
    Genome plain = genome;
    plain.recipe.batch = genome.recipe.batch / genome.recipe.accumulation;
    plain.data.curriculum = 0;
    plain.data.bucketing = false;
    RATCHET_TRY(batches, Batches::create(plain, domain, seed, {}, tokenizer));
    const double perToken = trainingFlops(genome.architecture, tokenizer.vocabulary(), batches.length()).value / 3;
    const double perBatch = perToken * batches.length() * plain.recipe.batch;
    const auto count = static_cast<std::int64_t>(std::clamp(flops / (tastings * perBatch), 1.0, mostBatches));
    Taste taste;
    taste.m_flops = perBatch * static_cast<double>(count);
    for (std::int64_t i = 0; i < count; ++i) {
        RATCHET_TRY(batch, batches.draw(i, count));
        taste.m_batches.push_back(std::move(batch));
    }
    return taste;
}

template <typename Model> double Taste::lossOf(const Model& model) const
{
    const at::NoGradGuard noGradient;
    const OneThread alone;
    double sum = 0, targets = 0;
    for (const Batch& batch : m_batches) {
        const at::Tensor logits = model.forward(batch.inputs, batch.positions).view({-1, model.vocabulary()});
        const at::Tensor flat = batch.targets.view({-1}).to(logits.device());
        sum += at::cross_entropy_loss(logits, flat, {}, at::Reduction::Sum, noLoss, 0).template item<float>();
        targets += static_cast<double>(flat.ne(noLoss).sum().template item<std::int64_t>());
    }
    return sum / std::max(1.0, targets);
}

double Taste::loss(const Transformer& model) const
{
    return lossOf(model);
}

double Taste::loss(const Ensemble& model) const
{
    return lossOf(model);
}

std::int64_t Taste::rows() const
{
    std::int64_t rows = 0;
    for (const Batch& batch : m_batches)
        rows += batch.inputs.size(0);
    return rows;
}

} // namespace ratchet
