// SPDX-License-Identifier: GPL-3.0-or-later
// What a transformer does to rows of floats between its matrix products: norms, activations, rotations. Called by
// transformer_decode.cpp, from several threads; no libtorch here.
#pragma once

#include <cstdint>

namespace ratchet {

enum class Activation { Gelu, GeluTanh, Relu2, Silu };

// out = (x - mean) / sqrt(variance + epsilon) * weight + bias over each row (Ba 2016); without a bias the mean counts
// as zero (Zhang 2019). `out` may be `x`.
void normaliseRows(const float* x, std::int64_t rows, std::int64_t width, const float* weight, const float* bias,
                   float epsilon, float* out);

// x = activation(x), times `factor` of the same size unless null. Gelu's error function is Abramowitz and
// Stegun's 7.1.26, to 1.5e-7.
void activate(Activation kind, float* x, const float* factor, std::int64_t count);

// x = cap tanh(x / cap)
void capSoftly(float* x, std::int64_t count, float cap);

} // namespace ratchet
