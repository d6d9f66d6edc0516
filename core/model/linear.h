// SPDX-License-Identifier: GPL-3.0-or-later
// Linear maps on oneDNN's matrix product, which is faster than OpenBLAS for the long thin matrices of a small transformer.
// Used by Transformer. One thread at a time.
#pragma once

#include <ATen/core/Tensor.h>

namespace ratchet
{

// OneDnn: float32 on the CPU, where the build found oneDNN; everything else is computed as Plain, by ATen.
enum class LinearKind { OneDnn, Plain };

// x [.., in] times the transpose of weight [out, in], plus bias [out] unless undefined: [.., out], computed in x's type.
[[nodiscard]] at::Tensor linearMap(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
                                   LinearKind kind = LinearKind::OneDnn);

// The same without a gradient and without tensors of its own: out [rows, out] is set to it, or has it added.
enum class Sum { Set, Add };
void mapRows(const float* x, std::int64_t rows, const at::Tensor& weight, const at::Tensor& bias, float* out, Sum sum);

} // namespace ratchet
