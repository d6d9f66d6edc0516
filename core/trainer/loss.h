// SPDX-License-Identifier: GPL-3.0-or-later
// What a step minimises, and its gradient: cross-entropy with label smoothing, z-loss, a teacher's soft targets, and the
// preference loss of pairs of answers, in as many parts as the recipe accumulates. Batches lie on the CPU, wherever the
// model does. Checked against tests/learn/reference/losses.py. One thread.
#pragma once

#include "core/model/transformer.h"
#include "core/trainer/batches.h"
#include "core/trainer/shards.h"
#include "core/trainer/teachers.h"

namespace ratchet
{

// Mean over the M places with a target, in nats: (1 - w) (label loss) + w T^2 KL(teacher || student at temperature T)
// (Hinton 2015, section 2.1) + z mean(log^2 Z) (PaLM, Chowdhery 2022, section 5). The label loss is cross-entropy to
// (1 - s) one-hot + s / V (Szegedy 2016, section 7). `logits` [N, V], `targets` [N] with -100 for no target; `taught`
// [M, V] are a teacher's probabilities at `places` [M], undefined without one (then w counts as 0).
[[nodiscard]] at::Tensor lossOf(const Recipe& recipe, const at::Tensor& logits, const at::Tensor& targets,
                                const at::Tensor& places, const at::Tensor& taught);

// Indices of the flattened targets that are not -100.
[[nodiscard]] at::Tensor placesOf(const at::Tensor& targets);

struct StepLoss {
    double value = 0;
    double droppedShare = 0; // of a mixture of experts: assignments of tokens that found their expert full
};

// Log-probability of the targets of each row, in nats: [B] of logits [B, T, V] and targets [B, T] with -100 for none.
[[nodiscard]] at::Tensor logProbabilities(const at::Tensor& logits, const at::Tensor& targets);

// Direct preference optimization (DPO, Rafailov 2023, arXiv 2305.18290, eq. 7): mean over P pairs of
// -log sigmoid(beta (margin - reference)). A margin is log p(chosen) - log p(rejected) of whole completions, [P]: the
// model's, and its frozen parent's.
[[nodiscard]] at::Tensor preferenceLoss(double beta, const at::Tensor& margins, const at::Tensor& reference);

// Margins [B / 2] of pairs, laid out as for addPreference.
[[nodiscard]] at::Tensor marginsOf(const Transformer& model, const Batch& rows);

struct PreferenceLoss {
    double value = 0;  // with its weight
    double right = 0;  // share of the pairs whose margin is above zero
    double margin = 0; // mean, nats
};

// recipe.preference times the loss of pairs; its gradient is added to model.gradient(). Row 2 i holds the chosen answer
// of pair i and row 2 i + 1 the rejected one; `reference` [B / 2] are the parent's margins. The model is taken without
// dropout and experts without limits, as its parent was. recipe.accumulation parts, each a whole number of pairs.
[[nodiscard]] PreferenceLoss addPreference(const Transformer& model, const Batch& rows, const at::Tensor& reference,
                                           const Recipe& recipe);
// The same without waiting for the device, by every shard at once: value, right and margin as [3] float64 there.
[[nodiscard]] at::Tensor queuePreference(const Shards& shards, const Batch& rows, const at::Tensor& reference,
                                         const Recipe& recipe);

// Loss of a batch, weighed 1 - recipe.preference; its gradient is added to model.gradient(). With experts,
// recipe.balanceLoss times the load-balance loss of every block (Fedus 2021, eq. 4) is part of it. recipe.accumulation
// parts, each weighed by its share of the targets, give the loss and gradient of the whole up to rounding. `teachers` may
// be null.
[[nodiscard]] StepLoss addGradient(const Transformer& model, const Batch& batch, const Recipe& recipe,
                                   const ForwardOptions& options, const Teachers* teachers);

// The same without waiting for the device, but for what experts need to know, and by every shard at once, without dropout and experts
// if there are several: `value` [] is float64 there.
struct QueuedLoss {
    at::Tensor value;
    double droppedShare = 0;
};
[[nodiscard]] QueuedLoss queueGradient(const Shards& shards, const Batch& batch, const Recipe& recipe,
                                       const ForwardOptions& options, const Teachers* teachers);

} // namespace ratchet
