// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/loss.h"

#include <utility>

#include "core/model/compat.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t noLoss = -100;

std::int64_t targetsIn(const at::Tensor& targets)
{
    const std::int64_t* const values = targets.data_ptr<std::int64_t>();
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < targets.numel(); ++i)
        count += values[i] == noLoss ? 0 : 1;
    return count;
}

Batch partOf(const Batch& batch, std::int64_t from, std::int64_t rows)
{
    return {batch.inputs.narrow(0, from, rows), batch.targets.narrow(0, from, rows),
            batch.positions.defined() ? batch.positions.narrow(0, from, rows) : at::Tensor()};
}

// Of `count` things those of part `part`: where they begin, and how many.
std::pair<std::int64_t, std::int64_t> stretchOf(std::int64_t count, std::int64_t part, std::int64_t parts)
{
    const std::int64_t from = count * part / parts;
    return {from, count * (part + 1) / parts - from};
}

// Of those that there are, in order.
at::Tensor sumOf(const std::vector<at::Tensor>& tensors, const at::TensorOptions& options, at::IntArrayRef sizes)
{
    at::Tensor sum = at::zeros(sizes, options.dtype(at::kDouble));
    for (const at::Tensor& tensor : tensors)
        if (tensor.defined())
            sum.add_(tensor);
    return sum;
}

at::Tensor forwardLoss(const Transformer& model, const Batch& batch, const Recipe& recipe,
                       const ForwardOptions& options, const Teachers* teachers)
{
    const at::Tensor logits = model.forward(batch.inputs, batch.positions, options).view({-1, model.vocabulary()});
    const at::Tensor targets = batch.targets.view({-1});
    const at::Device device = logits.device();
    const bool distils = teachers && recipe.distillation > 0;
    const at::Tensor places = distils || recipe.zLoss > 0 ? placesOf(targets).to(device) : at::Tensor();
    const at::Tensor taught =
        distils ? teachers->probabilities(batch, places, recipe.distillationTemperature) : at::Tensor();
    return lossOf(recipe, logits, targets.to(device), places, taught);
}

// Loss and gradient of a part that counts this much; 1 is the whole. The balance loss is a mean over the part's tokens,
// so it is weighed alike.
at::Tensor addPart(const Transformer& model, const Batch& batch, const Recipe& recipe, const ForwardOptions& options,
               const Teachers* teachers, double weight)
{
    at::Tensor loss = forwardLoss(model, batch, recipe, options, teachers);
    if (options.routing && options.routing->balanceLoss.defined())
        loss = loss + std::exchange(options.routing->balanceLoss, {}) * recipe.balanceLoss;
    if (weight < 1)
        loss = loss * weight;
    loss.backward();
    return loss.detach().to(at::kDouble);
}

} // namespace

at::Tensor placesOf(const at::Tensor& targets)
{
    return at::nonzero(targets.ne(noLoss)).view({-1});
}

at::Tensor lossOf(const Recipe& recipe, const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& places,
                  const at::Tensor& taught)
{
    at::Tensor loss = at::cross_entropy_loss(logits, targets, {}, at::Reduction::Mean, noLoss, recipe.labelSmoothing);
    if (!taught.defined() && recipe.zLoss <= 0)
        return loss;
    const at::Tensor chosen = logits.index_select(0, places);
    if (taught.defined()) {
        const double weight = recipe.distillation, temperature = recipe.distillationTemperature;
        const at::Tensor student = at::log_softmax(chosen / temperature, -1);
        const at::Tensor divergence = (at::xlogy(taught, taught) - taught * student).sum(-1).mean();
        loss = loss * (1 - weight) + divergence * (weight * temperature * temperature);
    }
    if (recipe.zLoss > 0)
        loss = loss + at::logsumexp(chosen, -1).square().mean() * recipe.zLoss;
    return loss;
}

at::Tensor logProbabilities(const at::Tensor& logits, const at::Tensor& targets)
{
    const at::Tensor perToken = at::cross_entropy_loss(logits.reshape({-1, logits.size(-1)}), targets.reshape({-1}), {},
                                                       at::Reduction::None, noLoss);
    return perToken.view_as(targets).sum(-1).neg();
}

at::Tensor preferenceLoss(double beta, const at::Tensor& margins, const at::Tensor& reference)
{
    const at::Tensor reward = (margins - reference) * beta; // of the chosen over the rejected
    return at::logsumexp(at::stack({at::zeros_like(reward), -reward}), 0).mean();
}

at::Tensor marginsOf(const Transformer& model, const Batch& rows)
{
    const at::Tensor logits = model.forward(rows.inputs, rows.positions);
    const at::Tensor pairs = logProbabilities(logits, rows.targets.to(logits.device())).view({-1, 2});
    return pairs.select(1, 0) - pairs.select(1, 1);
}

PreferenceLoss addPreference(const Transformer& model, const Batch& rows, const at::Tensor& reference,
                             const Recipe& recipe)
{
    const at::Tensor sums = queuePreference(Shards(model), rows, reference, recipe).cpu();
    const double* const values = sums.data_ptr<double>();
    return {values[0], values[1], values[2]};
}

at::Tensor queuePreference(const Shards& shards, const Batch& rows, const at::Tensor& reference, const Recipe& recipe)
{
    const std::int64_t pairs = rows.inputs.size(0) / 2, parts = recipe.accumulation * shards.count();
    std::vector<at::Tensor> sums(static_cast<std::size_t>(parts));
    shards.run(parts, [&](const Transformer& model, std::int64_t part) {
        const auto [from, count] = stretchOf(pairs, part, parts);
        if (count == 0)
            return;
        const double share = static_cast<double>(count) / static_cast<double>(pairs);
        const at::Tensor margins = marginsOf(model, partOf(rows, 2 * from, 2 * count));
        const at::Tensor loss = preferenceLoss(recipe.preferenceBeta, margins, reference.narrow(0, from, count)) *
                                (recipe.preference * share);
        loss.backward();
        const at::NoGradGuard noGradient;
        const at::Tensor right = margins.gt(0).to(at::kFloat).mean(), margin = margins.mean();
        sums[static_cast<std::size_t>(part)] = at::stack({loss.detach(), right * share, margin * share}).to(at::kDouble);
    });
    return sumOf(sums, reference.options(), {3});
}

StepLoss addGradient(const Transformer& model, const Batch& batch, const Recipe& recipe, const ForwardOptions& options,
                     const Teachers* teachers)
{
    const QueuedLoss loss = queueGradient(Shards(model), batch, recipe, options, teachers);
    return {loss.value.item<double>(), loss.droppedShare};
}

QueuedLoss queueGradient(const Shards& shards, const Batch& batch, const Recipe& recipe, const ForwardOptions& options,
                         const Teachers* teachers)
{
    Routing routing;
    ForwardOptions routed = options;
    if (shards.model().architecture().experts > 0)
        routed.routing = &routing;
    const std::int64_t rows = batch.inputs.size(0), parts = recipe.accumulation * shards.count();
    const auto all = static_cast<double>(std::max<std::int64_t>(1, targetsIn(batch.targets)));
    std::vector<at::Tensor> losses(static_cast<std::size_t>(parts));
    shards.run(parts, [&](const Transformer& model, std::int64_t part) {
        const auto [from, count] = stretchOf(rows, part, parts);
        const Batch some = partOf(batch, from, count);
        const double share = parts > 1 ? static_cast<double>(targetsIn(some.targets)) / all : 1;
        if (share > 0)
            losses[static_cast<std::size_t>(part)] =
                addPart(model, some, recipe, routed, teachers, share * (1 - recipe.preference));
    });
    return {sumOf(losses, shards.model().flat().options(), {}), routing.droppedShare()};
}

} // namespace ratchet
