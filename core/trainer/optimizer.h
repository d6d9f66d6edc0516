// SPDX-License-Identifier: GPL-3.0-or-later
// One step of AdamW, Muon or Lion on the flat parameter buffer. Deterministic; state comes out and goes in for
// resuming. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/genome/genome.h"
#include "core/model/transformer.h"

namespace ratchet
{

// AdamW (Loshchilov and Hutter 2019; betas .9 and .98, eps 1e-8). Lion (Chen 2023, algorithm 2; betas .9 and .99).
// Muon (Jordan 2024; momentum .95, Nesterov, 5 Newton-Schulz steps) on the matrices inside blocks, each of query, key,
// value and every expert by itself, its update scaled by 0.2 sqrt(max(rows, columns)) so that it shares AdamW's rate
// (arXiv 2502.16982); AdamW on the rest. Decoupled weight decay on everything with two dimensions.
class Optimizer
{
public:
    // Slots that are missing from `layout` are not updated, not even by weight decay; the last one names the length.
    Optimizer(const Recipe& recipe, const Architecture& architecture, std::vector<TensorSlot> layout);
    // `step` counts from 1. Both buffers have the layout's length.
    void step(const at::Tensor& parameters, const at::Tensor& gradient, double learningRate, std::int64_t step);
    // First and (AdamW, Muon) second moments, flat; written into when resuming.
    [[nodiscard]] at::Tensor firstMoment() const { return m_first; }
    [[nodiscard]] at::Tensor secondMoment() const { return m_second; }

private:
    [[nodiscard]] float keepOf(const TensorSlot& slot, double rate) const;
    [[nodiscard]] bool isMuon(const TensorSlot& slot) const;
    void stepAdam(const TensorSlot& slot, float* parameters, const float* gradient, double rate, std::int64_t step);
    void stepLion(const TensorSlot& slot, float* parameters, const float* gradient, double rate);
    void stepMuon(const TensorSlot& slot, const at::Tensor& parameters, const at::Tensor& gradient, double rate);

    Recipe m_recipe;
    Architecture m_architecture;
    std::vector<TensorSlot> m_layout;
    at::Tensor m_first, m_second;
};

// Scales `gradient` to at most `limit` in L2 norm (0: only measures) and returns the norm before.
[[nodiscard]] double clipGradient(const at::Tensor& gradient, double limit);

// Approximately the nearest orthogonal matrix: the quintic Newton-Schulz iteration of Muon.
[[nodiscard]] at::Tensor orthogonalise(const at::Tensor& matrix);

} // namespace ratchet
