// SPDX-License-Identifier: GPL-3.0-or-later
// The archive of everything measured, and the choice of the version to start from. Pure and seeded; any thread.
#pragma once

#include <vector>

#include "core/base/rng.h"
#include "core/store/records.h"

namespace ratchet {

// One measured version.
struct Archived {
    Hash version;
    double score = 0;        // target suite, 0 .. 1
    int children = 0;        // proposals that started from it
    bool champion = false;
    bool accepted = false;   // by the gate, at the time
};

// Four times in five the champion. Else one of the accepted others: weight = sigmoid of the score in units of the median
// absolute deviation, divided by 1 + children (as in the Darwin Gödel Machine, arXiv 2505.22954, section 3).
[[nodiscard]] Hash chooseParent(const std::vector<Archived>& archive, Rng& rng);

} // namespace ratchet
