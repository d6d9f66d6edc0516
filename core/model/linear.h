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

// Without a gradient and without tensors of its own: c [m, n] is set to a b or has it added, where a [m, k] and b [k, n] are
// row-major without gaps, or stored transposed ('T' instead of 'N').
enum class Sum { Set, Add };
struct Product {
    char transposeA, transposeB;
    std::int64_t m, n, k;
};
void multiply(const Product& product, const float* a, const float* b, float* c, Sum sum);

// The linear map so: out [rows, out] is set to it or has it added.
void mapRows(const float* x, std::int64_t rows, const at::Tensor& weight, const at::Tensor& bias, float* out, Sum sum);

} // namespace ratchet
