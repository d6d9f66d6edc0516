// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/row_kernel.h"

namespace ratchet {
namespace {

#define KERNEL_BODY "core/model/row_kernel.inc"
#include "core/model/kernel_versions.inc"

struct Kernels {
    decltype(&plain::normalise) normalise;
    decltype(&plain::normaliseBackward) normaliseBackward;
    decltype(&plain::activate) activate;
    decltype(&plain::activateBackward) activateBackward;
    decltype(&plain::cap) cap;
};

const Kernels& kernels()
{
#define KERNELS(set)                                                                                                   \
    Kernels{&set::normalise, &set::normaliseBackward, &set::activate, &set::activateBackward, &set::cap}
    static const Kernels chosen = BEST_KERNELS(KERNELS);
    return chosen;
}

} // namespace

void normaliseRows(const float* x, std::int64_t rows, std::int64_t width, const float* weight, const float* bias,
                   float epsilon, float* out, RowScale* scales)
{
    kernels().normalise(x, rows, width, weight, bias, epsilon, out, scales);
}

void normaliseRowsBackward(const float* x, std::int64_t rows, std::int64_t width, const float* weight,
                           const RowScale* scales, const float* dOut, float* dx, float* dWeight, float* dBias)
{
    kernels().normaliseBackward(x, rows, width, weight, scales, dOut, dx, dWeight, dBias);
}

void activate(Activation kind, const float* x, const float* factor, float* result, std::int64_t count)
{
    kernels().activate(kind, x, factor, result, count);
}

void activateBackward(Activation kind, const float* x, const float* factor, float* gradient, float* factorGradient,
                      float* result, std::int64_t count)
{
    kernels().activateBackward(kind, x, factor, gradient, factorGradient, result, count);
}

void capSoftly(float* x, std::int64_t count, float cap)
{
    kernels().cap(x, count, cap);
}

} // namespace ratchet
