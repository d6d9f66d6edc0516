// SPDX-License-Identifier: GPL-3.0-or-later
// What training a genome costs in memory, counted from the genome alone. The engine limits a worker by it and refuses what
// does not fit; tests/learn/tst_cost holds it against what libtorch really allocates. Pure; any thread.
#pragma once

#include "core/base/error.h"
#include "core/genome/genome.h"

namespace ratchet {

// Bytes of a training step, fp32, in parts; rows of `length` tokens, recipe.batch / recipe.accumulation of them at
// once, of a preference loss those of pairs and the others one after the other. Within 15 % below and 25 % above what is allocated.
struct TrainingMemory {
    double state = 0;  // weights, gradient, moments, average, adapters, teachers: from the first step to the last
    double kept = 0;   // what the forward pass keeps of every token for the backward one, in all blocks
    double moment = 0; // the largest that lives for a moment on top: logits, gradients of activations, an update
    [[nodiscard]] double bytes() const { return state + kept + moment; }
};
// Every term's source is in the .cpp. `teachers` are frozen models beside: those that are distilled from, or the parent
// that a preference loss compares with; without any it is one of the genome's own architecture. Making an average or an
// ensemble holds all members at once, comparing with the parent the model and the parent; of that and the training after
// it, if there is one, the larger counts. A population holds every member at once, one that takes the place of another,
// and the weights that are compared. Every thread beyond the first keeps a gradient of its own.
[[nodiscard]] TrainingMemory trainingMemory(const Genome& genome, int vocabulary, int length,
                                            const std::vector<Architecture>& teachers = {}, int threads = 1);

// Pairs in the batch of a step: about the share recipe.preference of its rows, at least one in each part and, unless the
// loss is all preference, never the whole part.
[[nodiscard]] int pairsOfStep(const Recipe& recipe);

// Threads that a training step is shared between when there are `threads`: as many as a part of it has rows, and with dropout or
// experts, where rows are not independent of one another, one.
[[nodiscard]] int shardsOf(const Genome& genome, int threads);

// A feed-forward of at most so many hidden floats goes through its products tile by tile (core/model/fused_feed_forward) and
// keeps of them what goes into the activation only. At 1536 (d = 384, T = 256) whole products are as fast or faster.
inline constexpr int widestFusedFeedForward = 1024;

// A process that trains anything: libtorch and its libraries, the domain, data pools.
inline constexpr double learnerBytes = 4e8;

// Asked before any compute, by the engine and by the worker. Refused, naming what is needed, what is allowed and what to
// change, when a step and the learner itself need more than `allowed` bytes.
[[nodiscard]] Status fitsMemory(const Genome& genome, int vocabulary, int length, double allowed,
                                const std::vector<Architecture>& teachers = {}, int threads = 1);

} // namespace ratchet
