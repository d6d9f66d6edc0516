// SPDX-License-Identifier: GPL-3.0-or-later
// Causal attention (Vaswani 2017) on the CPU: a fused kernel with its own gradient for training, one that reads a KV
// cache for generation, and the plain composition of operators both are tested against. Used by Transformer. One thread
// at a time.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ratchet
{

// Fused: float32 on the CPU, softmax over the keys up to the query only. Plain: ATen operators, any device.
enum class AttentionKind { Fused, Plain };

// query [B, T, H, w], key and value [B, T, K, w] with K dividing H; last dimension contiguous. Result [B, T, H * w].
// Scores are scaled by 1 / sqrt(w).
[[nodiscard]] at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                         AttentionKind kind);

// The probabilities [B, H, T, T] of the same attention, zero above the diagonal; for looking at.
[[nodiscard]] at::Tensor attentionProbabilities(const at::Tensor& query, const at::Tensor& key);

// One query a row: query [B, H, w]; keys and values [B, C, K, w], of which row b holds lengths[b] entries. Result [B, H
// * w].
[[nodiscard]] at::Tensor cachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                                         const std::vector<std::int64_t>& lengths);

} // namespace ratchet
