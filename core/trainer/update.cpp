// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/update.h"

#include <cmath>

namespace ratchet
{

void updateAdam(float* parameters, const float* gradient, float* firstMoment, float* secondMoment, std::int64_t count,
                const UpdateFactors& factors)
{
    constexpr float beta1 = 0.9F, beta2 = 0.98F, epsilon = 1e-8F;
    const float keep = factors.keep, size = factors.rate, scale = factors.scale;
    float* const __restrict p = parameters;
    const float* const __restrict g = gradient;
    float* const __restrict first = firstMoment;
    float* const __restrict second = secondMoment;
    for (std::int64_t i = 0; i < count; ++i) {
        first[i] = beta1 * first[i] + (1 - beta1) * g[i];
        second[i] = beta2 * second[i] + (1 - beta2) * g[i] * g[i];
        p[i] = p[i] * keep - size * first[i] / (std::sqrt(second[i]) * scale + epsilon);
    }
}

void updateLion(float* parameters, const float* gradient, float* firstMoment, std::int64_t count,
                const UpdateFactors& factors)
{
    constexpr float beta1 = 0.9F, beta2 = 0.99F;
    const float keep = factors.keep, rate = factors.rate;
    float* const __restrict p = parameters;
    const float* const __restrict g = gradient;
    float* const __restrict first = firstMoment;
    for (std::int64_t i = 0; i < count; ++i) {
        const float direction = beta1 * first[i] + (1 - beta1) * g[i];
        const float sign = static_cast<float>(direction > 0) - static_cast<float>(direction < 0);
        p[i] = p[i] * keep - rate * sign;
        first[i] = beta2 * first[i] + (1 - beta2) * g[i];
    }
}

} // namespace ratchet
