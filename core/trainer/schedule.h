// SPDX-License-Identifier: GPL-3.0-or-later
// Learning rate over a trial's compute budget. Pure; any thread.
#pragma once

#include <cstdint>

#include "core/genome/genome.h"

namespace ratchet
{

// Rate of step `step` (from 0) of `total`: linear warm-up over recipe.warmup, then constant; or down to zero at the end
// as a half cosine, linearly, or (wsd) constant until the last 30 % and linearly from there.
[[nodiscard]] double learningRateAt(const Recipe& recipe, std::int64_t step, std::int64_t total);

} // namespace ratchet
