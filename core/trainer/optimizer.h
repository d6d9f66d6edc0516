// SPDX-License-Identifier: GPL-3.0-or-later
// One step of AdamW, Muon or Lion on the flat parameter buffer: on the CPU by fused loops (update.h), elsewhere by a few
// operators on the whole buffer, which give the same numbers up to rounding and never wait for the device. Deterministic; state comes out and goes in for
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
    Optimizer(const Recipe& recipe, const Architecture& architecture, std::vector<TensorSlot> layout,
              const Placement& placement = {});
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
    // A stretch of the buffer that AdamW or Lion update, with 1 where weight decay applies, else 0.
    struct Stretch {
        std::int64_t offset = 0, count = 0;
        at::Tensor decays;
    };
    void addStretches();
    void stepStretch(const Stretch& stretch, const at::Tensor& parameters, const at::Tensor& gradient, double rate,
                     std::int64_t step);

    Recipe m_recipe;
    Architecture m_architecture;
    std::vector<TensorSlot> m_layout;
    Placement m_placement;
    std::vector<Stretch> m_stretches; // where the fused loops are not used
    at::Tensor m_first, m_second;
};

// Scales `gradient` to at most `limit` in L2 norm (0: only measures) and returns the norm before.
[[nodiscard]] double clipGradient(const at::Tensor& gradient, double limit);
// The same where the gradient is, without waiting for it: the norm as [] float64. Own kernels give clipGradient()'s numbers.
[[nodiscard]] at::Tensor queueClip(const at::Tensor& gradient, double limit, const Placement& placement);

// Approximately the nearest orthogonal matrix: the quintic Newton-Schulz iteration of Muon.
[[nodiscard]] at::Tensor orthogonalise(const at::Tensor& matrix);

} // namespace ratchet
