// SPDX-License-Identifier: GPL-3.0-or-later
// A trial's pairs of answers: what its frozen parent makes of them, once, and the preference loss of a step.
#include <numeric>

#include "core/model/compat.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{

Json reportOf(const at::Tensor& margins)
{
    return {{"right", margins.gt(0).to(at::kFloat).mean().item<float>()}, {"margin", margins.mean().item<float>()}};
}

Result<at::Tensor> Trainer::Private::look(const Transformer& at, const Progress& meanwhile) const
{
    const at::NoGradGuard noGradient;
    const OneThread alone;
    const std::size_t all = batches.pairs();
    const auto most = static_cast<std::size_t>(genome.recipe.batch / genome.recipe.accumulation / 2);
    std::vector<at::Tensor> margins;
    Clock::time_point told = Clock::now();
    for (std::size_t from = 0; from < all; from += most) {
        std::vector<std::size_t> pairs(std::min(most, all - from));
        std::iota(pairs.begin(), pairs.end(), from);
        RATCHET_TRY(rows, batches.pairRows(pairs, Padding::Least));
        margins.push_back(marginsOf(at, rows));
        if (events.onProgress && secondsSince(told) >= 1) {      // who says nothing for long is ended
            told = Clock::now();
            events.onProgress(meanwhile);
        }
    }
    return at::cat(margins);
}

Status Trainer::Private::compare()
{
    RATCHET_TRY(parent, Genome::fromJson(spec.parentGenome));
    RATCHET_TRY(file, readWeights(spec.parentWeights));
    Transformer frozen(parent.architecture, model.vocabulary());
    RATCHET_CHECK(frozen.load(file));
    frozen.place(placement);
    RATCHET_TRY(margins, look(frozen, {0, 0, startFlops, 0, 0, "preferences"}));
    reference = std::move(margins);
    preference["before"] = reportOf(reference);
    const int length = batches.length();
    for (const Architecture& looking : {parent.architecture, genome.architecture}) // now, and when it is trained
        startFlops += 2.0 * static_cast<double>(batches.pairs() * static_cast<std::size_t>(length)) *
                      trainingFlops(looking, model.vocabulary(), length).value / 3;
    return {};
}

Status Trainer::Private::addPairs(Step& step)
{
    const std::vector<std::size_t> pairs = batches.drawPairs(state.step);
    RATCHET_TRY(rows, batches.pairRows(pairs, Padding::AsTrained));
    if (genome.recipe.preference == 1 && isProbed())
        observe(rows);
    const at::Tensor numbers = at::empty({static_cast<std::int64_t>(pairs.size())}, at::kLong);
    std::copy(pairs.begin(), pairs.end(), numbers.data_ptr<std::int64_t>());
    step.pairs = queuePreference(*shards, rows, reference.index_select(0, numbers.to(reference.device())), genome.recipe);
    step.tokens += rows.inputs.numel();
    step.flops += priceOf(rows.inputs.size(0), rows.inputs.size(1));
    return {};
}

} // namespace ratchet
