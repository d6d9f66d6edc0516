// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ratchet
{

double learningRateAt(const Recipe& recipe, std::int64_t step, std::int64_t total)
{
    constexpr double coolDown = 0.3;
    const double done = static_cast<double>(step + 1) / static_cast<double>(std::max<std::int64_t>(total, 1));
    if (recipe.warmup > 0 && done < recipe.warmup)
        return recipe.learningRate * done / recipe.warmup;
    const double left = recipe.warmup < 1 ? std::clamp((1 - done) / (1 - recipe.warmup), 0.0, 1.0) : 0.0;
    if (recipe.schedule == "linear")
        return recipe.learningRate * left;
    if (recipe.schedule == "cosine")
        return recipe.learningRate * 0.5 * (1 + std::cos(std::numbers::pi * (1 - left)));
    if (recipe.schedule == "wsd")
        return recipe.learningRate * std::min(1.0, std::max(0.0, 1 - done) / coolDown);
    return recipe.learningRate;
}

} // namespace ratchet
