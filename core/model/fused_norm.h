// SPDX-License-Identifier: GPL-3.0-or-later
// A norm over rows as an operator with a gradient, on all threads the process may use. Used by Transformer. One thread
// at a time.
#pragma once

#include <ATen/core/Tensor.h>

namespace ratchet {

// Layer norm of x [.., d], or without a bias its root mean square (row_kernel.h); float32 on the CPU, without gaps.
[[nodiscard]] at::Tensor fusedNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                   double epsilon);

} // namespace ratchet
