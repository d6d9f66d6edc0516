// SPDX-License-Identifier: GPL-3.0-or-later
// attention_kernel.h as an operator with a gradient, over all sequences and heads and on all threads the process may use.
// Used by attention.cpp. One thread at a time.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace ratchet
{

// Causal attention of query [B, T, H, w] over key and value [B, memory + T, K, w], float32 on the CPU, last dimension
// contiguous; what a query sees is AttentionShape's. Result [B, T, H * w].
[[nodiscard]] at::Tensor fusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                        std::int64_t memory = 0, std::int64_t window = 0);

// The same of queries, keys and values as their linear map leaves them, [B, T, (H + 2 K) w] with H queries, K keys and K values a
// token: their gradient comes as one too.
[[nodiscard]] at::Tensor fusedAttention(const at::Tensor& packed, std::int64_t heads, std::int64_t keyHeads,
                                        std::int64_t window);

} // namespace ratchet
