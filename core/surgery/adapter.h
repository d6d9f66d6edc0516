// SPDX-License-Identifier: GPL-3.0-or-later
// Low-rank adapters (Hu 2021, arXiv 2106.09685, section 4.1): every adapted matrix W of a model stays fixed and is used
// as W + alpha / rank B A, of which only A and B train. Used by the trainer for /adaptation/method "lora". One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/genome/genome.h"
#include "core/model/transformer.h"

namespace ratchet {

// The model knows nothing of adapters: its own buffer holds the sum, and the gradients of A and B follow from the
// sum's by the chain rule. A step is
//     model.gradient().zero_();  loss.backward();  adapters.pullBack(model);
//     optimizer.step(adapters.flat(), adapters.gradient(), ...);  adapters.compose(model);
// and after the last one the model holds ordinary weights: merging is the same sum.
class Adapters {
public:
    // For the maps qkv, output, up, gate and down of the blocks above adaptation.frozenLayers, every expert by itself;
    // the model's present values become W. A is normal with variance 1 / columns from Rng::stream(seed, name), B zero,
    // so the function is the model's. Refused when every block is frozen. Resuming: make the model from the parent and
    // the adapters from the same seed, fill flat(), compose.
    [[nodiscard]] static Result<Adapters> create(const Transformer& model, const Adaptation& adaptation,
                                                 std::uint64_t seed);

    // All A [(experts,) rank, in] and B [(experts,) out, rank] in one buffer, their gradients in another, in the order
    // of layout(), where they are called "blocks.0.attention.qkv.loraA" and so on.
    [[nodiscard]] at::Tensor flat() const { return m_flat; }
    [[nodiscard]] at::Tensor gradient() const { return m_gradient; }
    [[nodiscard]] const std::vector<TensorSlot>& layout() const { return m_layout; }

    // Writes W + alpha / rank B A into the model's buffer; nothing else of it is touched.
    void compose(Transformer& model) const;
    // Overwrites gradient(): of B with alpha / rank G A^T and of A with alpha / rank B^T G, G the model's gradient of
    // the sum.
    void pullBack(const Transformer& model) const;

private:
    struct Matrix {
        TensorSlot target; // in the model
        TensorSlot a, b;   // in m_flat
        at::Tensor fixed;  // W [experts or 1, out, in]
    };
    Adapters() = default;

    std::vector<Matrix> m_matrices;
    std::vector<TensorSlot> m_layout;
    at::Tensor m_flat, m_gradient;
    double m_scale = 1;
};

} // namespace ratchet
