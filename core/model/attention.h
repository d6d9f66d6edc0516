// SPDX-License-Identifier: GPL-3.0-or-later
// Causal attention (Vaswani 2017): a fused kernel with its own gradient for the CPU, and the plain composition of
// operators that it and generation are tested against. Used by Transformer. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ratchet {

// Fused: float32 on the CPU, softmax over the keys a query sees only. Plain: ATen operators, any device. Library: libtorch's own
// fused one where it has one and queries see all tokens before them (no window, no memory), else Plain.
enum class AttentionKind { Fused, Plain, Library };

// Which keys a query sees: the first `memory` ones always, then of the tokens the last `window` up to and with its own;
// 0 is all.
struct Sight {
    std::int64_t memory = 0, window = 0;
    // The first token that the query of token `place` sees.
    [[nodiscard]] std::int64_t first(std::int64_t place) const
    {
        return window > 0 && place >= window ? place - window + 1 : 0;
    }
};

// query [B, T, H, w], key and value [B, memory + T, K, w] with K dividing H; last dimension contiguous. Result [B, T, H
// * w]. Scores are scaled by 1 / sqrt(w).
[[nodiscard]] at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                         const Sight& sight, AttentionKind kind);

// The probabilities [B, H, T, memory + T] of the same attention, in float32, zero where a query does not see; for looking at.
[[nodiscard]] at::Tensor attentionProbabilities(const at::Tensor& query, const at::Tensor& key, const Sight& sight);

// One query a row, of its latest token: query [B, H, w]; keys and values [B, C, K, w], of which row b holds memory +
// lengths[b] entries. Result [B, H * w]. Of ATen operators.
[[nodiscard]] at::Tensor cachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                                         const std::vector<std::int64_t>& lengths, const Sight& sight);

} // namespace ratchet
