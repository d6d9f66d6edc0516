// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of a model before its scores count, tried on random tokens against the very function that its scores are taken
// from. Used by Answerer::check(), and by its test with models at fault. One thread.
#pragma once

#include <functional>

#include "core/base/rng.h"
#include "core/model/tensor_operations.h"

namespace ratchet {

// Natural logarithms of the probabilities of every next token, [rows, length, vocabulary], given tokens and their position ids, both
// [rows, length].
using LogProbabilities = std::function<at::Tensor(const at::Tensor& tokens, const at::Tensor& positions)>;

struct Soundness {
    double normalisation = 0;   // largest |sum of a place's probabilities - 1|
    bool causal = true;         // exchanging later tokens left all earlier places bit-identical
    bool finite = true;         // every logarithm was
};

// Rows of the whole context, and others of a random length with positions that start anywhere. In each row every token from a random cut
// on is exchanged for another one; the cuts of the rows are spread over their length, so that what is seen only here or
// there, or from afar, is met.
[[nodiscard]] Soundness soundnessOf(const LogProbabilities& model, int vocabulary, int context, Rng& rng);

} // namespace ratchet
