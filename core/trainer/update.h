// SPDX-License-Identifier: GPL-3.0-or-later
// The inner loops of AdamW and Lion: one pass over parameters, gradient and moments. Compiled by itself without errno
// in its square roots, so that the compiler uses vector instructions; the numbers are the same. Used by Optimizer.
#pragma once

#include <cstdint>

namespace ratchet
{

struct UpdateFactors {
    float keep = 1;  // of the parameter, after weight decay
    float rate = 0;  // of the update; AdamW: over the first moment's bias correction
    float scale = 1; // AdamW: one over the root of the second moment's bias correction
};

// first and second are the moments; all arrays have `count` entries and do not overlap.
void updateAdam(float* parameters, const float* gradient, float* first, float* second, std::int64_t count,
                const UpdateFactors& factors);
void updateLion(float* parameters, const float* gradient, float* first, std::int64_t count,
                const UpdateFactors& factors);

} // namespace ratchet
