// SPDX-License-Identifier: GPL-3.0-or-later
// What a transformer does to rows of floats between its matrix products. Called by transformer_decode.cpp, fused_norm.cpp and
// fused_feed_forward.cpp, from several threads; no libtorch here.
#pragma once

#include <cstdint>

namespace ratchet {

enum class Activation { Gelu, GeluTanh, Relu2, Silu };

// Of a row: what is taken off it and what it is then multiplied with.
struct RowScale {
    float mean, scale;
};

// out = (x - mean) / sqrt(variance + epsilon) * weight + bias over each row (Ba 2016); without a bias the mean counts
// as zero (Zhang 2019). `out` may be `x`; `scales`, one a row, may be null.
void normaliseRows(const float* x, std::int64_t rows, std::int64_t width, const float* weight, const float* bias,
                   float epsilon, float* out, RowScale* scales = nullptr);

// The gradient of that: writes dx, and adds to dWeight and, where there was a bias, to dBias.
void normaliseRowsBackward(const float* x, std::int64_t rows, std::int64_t width, const float* weight,
                           const RowScale* scales, const float* dOut, float* dx, float* dWeight, float* dBias);

// result = activation(x), times `factor` of the same size unless null; may be x. Gelu's error function is Abramowitz
// and Stegun's 7.1.26, to 1.5e-7.
void activate(Activation kind, const float* x, const float* factor, float* result, std::int64_t count);

// The gradient of that: `gradient` is of the result and becomes that of x, and `result` is computed again. With a
// `factor` its gradient is written too.
void activateBackward(Activation kind, const float* x, const float* factor, float* gradient, float* factorGradient,
                      float* result, std::int64_t count);

// x = cap tanh(x / cap)
void capSoftly(float* x, std::int64_t count, float cap);

} // namespace ratchet
