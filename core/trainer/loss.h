// SPDX-License-Identifier: GPL-3.0-or-later
// What a step minimises, and its gradient: cross-entropy with label smoothing, z-loss, a teacher's soft targets, in as
// many parts as the recipe accumulates. Checked against tests/learn/reference/losses.py. One thread.
#pragma once

#include "core/model/transformer.h"
#include "core/trainer/batches.h"
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

// Loss of a batch; its gradient is added to model.gradient(). With experts, recipe.balanceLoss times the load-balance
// loss of every block (Fedus 2021, eq. 4) is part of it. recipe.accumulation parts, each weighed by its share of
// the targets, give the loss and gradient of the whole up to rounding. `teachers` may be null.
[[nodiscard]] StepLoss addGradient(const Transformer& model, const Batch& batch, const Recipe& recipe,
                                   const ForwardOptions& options, const Teachers* teachers);

} // namespace ratchet
