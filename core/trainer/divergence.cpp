// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/divergence.h"

#include <algorithm>

namespace ratchet
{

bool DivergenceWatch::add(double loss, std::int64_t total, bool settled)
{
    best = settled ? std::min(best, loss) : loss;
    above = loss > 2 * best && loss > best + 1 ? above + 1 : 0;
    return above >= std::max<std::int64_t>(100, total / 10);
}

} // namespace ratchet
