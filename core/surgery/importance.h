// SPDX-License-Identifier: GPL-3.0-or-later
// How much each part of a model matters: which heads, hidden units, channels and blocks are kept when it shrinks. One
// thread.
#pragma once

#include <vector>

#include "core/model/transformer.h"

namespace ratchet {

// Larger is kept first; only the order within one list means something.
struct Importance {
    struct Block {
        double whole = 0;
        std::vector<double> heads;  // query heads
        std::vector<double> hidden; // feed-forward units, summed over experts
    };
    std::vector<Block> blocks;
    std::vector<double> channels; // of the residual stream
};

// Magnitude (Han 2015, Li 2017). Head: norm of its value rows times norm of its output columns. Hidden unit: norm of
// its row of up (times that of gate) times norm of its column of down. Channel: norm of all that is written into it by
// token embedding, output and down. Block: norm of all that it writes. Biases and tables are not looked at. A first-order measure
// kept less (docs/surgery.md).
[[nodiscard]] Importance importanceOf(const Transformer& model);

} // namespace ratchet
