// SPDX-License-Identifier: GPL-3.0-or-later
// Notices that a training has left the good for long, so that its budget is not burnt to the end. Pure; any thread.
#pragma once

#include <cstdint>
#include <limits>

namespace ratchet
{

// A trial has diverged when its running mean loss has stayed above twice its best and above its best + 1 nat for a
// tenth of its steps in a row, 100 at least. A warm-up's or a harder item's bump is shorter than that; a loss that is
// not finite is noticed at once elsewhere.
struct DivergenceWatch {
    double best = std::numeric_limits<double>::max();
    std::int64_t above = 0; // steps in a row

    // The running mean after one more step; true when the trial has diverged. `settled` is false while the data still
    // gets harder: then the best so far says nothing yet.
    [[nodiscard]] bool add(double loss, std::int64_t total, bool settled);
    // Of the first few steps, which are too few for add(): the running mean is above twice its best and above twice what
    // a model that knows nothing loses, ln of the vocabulary.
    [[nodiscard]] bool hasExploded(double loss, double ofNoKnowledge) const
    {
        return loss > 2 * best && loss > 2 * ofNoKnowledge;
    }
};

} // namespace ratchet
