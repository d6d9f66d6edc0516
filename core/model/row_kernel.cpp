// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/row_kernel.h"

namespace ratchet {
namespace {

#define KERNEL_BODY "core/model/row_kernel.inc"
#include "core/model/kernel_versions.inc"

struct Kernels {
    decltype(&plain::normalise) normalise;
    decltype(&plain::activate) activate;
    decltype(&plain::cap) cap;
};

const Kernels& kernels()
{
#define KERNELS(set)                                                                                                   \
    Kernels                                                                                                            \
    {                                                                                                                  \
        &set::normalise, &set::activate, &set::cap                                                                     \
    }
    static const Kernels chosen = BEST_KERNELS(KERNELS);
    return chosen;
}

} // namespace

void normaliseRows(const float* x, std::int64_t rows, std::int64_t width, const float* weight, const float* bias,
                   float epsilon, float* out)
{
    kernels().normalise(x, rows, width, weight, bias, epsilon, out);
}

void activate(Activation kind, float* x, const float* factor, std::int64_t count)
{
    kernels().activate(kind, x, factor, count);
}

void capSoftly(float* x, std::int64_t count, float cap)
{
    kernels().cap(x, count, cap);
}

} // namespace ratchet
