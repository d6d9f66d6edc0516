// SPDX-License-Identifier: GPL-3.0-or-later
// How a child's dimensions follow from its parent's, before any weight is moved: which channel, head, hidden unit,
// expert and block comes from where, and whether the function stays the same. Used by the surgery room. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/genome/genome.h"
#include "core/surgery/axis.h"
#include "core/surgery/importance.h"

namespace ratchet {

struct BlockPlan {
    std::optional<int> parent; // none: a new block, which starts as the identity
    Axis queryKeyValue;        // rows of the packed map
    Axis key, value;           // of the key heads alone, for memory and value embedding
    Axis mixed;                // columns of the output map
    Axis hidden, heard;        // rows of up and gate; columns of down
};

struct Plan {
    Axis words, places;        // rows of the tables
    Axis written;              // channels as rows of what writes into the residual stream and columns of the tables
    Axis read;                 // channels as columns of what reads it
    Axis gain, shift;          // weight and bias of the norms in blocks
    Axis lastGain, lastShift;  // of the norm before the head
    Axis queryGain, keyGain;   // QK-norm
    Axis memory, memoryValues; // memory tokens
    Axis experts, routes;      // feed-forwards of a block; rows of the router
    std::vector<BlockPlan> blocks;
    std::vector<std::string> changes; // what was done, as parts of a sentence
    std::vector<std::string> losses;  // why the function is another; empty when it is the same

    void change(const std::string& text);
    void lose(const std::string& reason);
};

// Function kept (on sequences that both can read) by: more blocks; more hidden units; a width that is a multiple
// (channels repeated: Net2Net, Chen 2016), or any larger width whose normEpsilon is the parent's times old width / new
// width (zero or, for LayerNorm, mean channels are added, and the gains shrink by the root of that ratio); more heads
// or key heads, as long as every parent's head finds a key head of its own group; wider heads (RoPE: where its angles
// are found again; QK-norm: a multiple, without RoPE); more experts as documented at planExperts() in the .cpp; a table
// of positions where there was none; longer or shorter context; a window that reaches as far as the context. Whatever
// else differs is a loss, and what fits is taken over as a start: the most important parts when it shrinks, else the
// ones with the same name and index.
[[nodiscard]] Plan planTransplant(const Architecture& parent, const Architecture& child, int vocabulary,
                                  const Importance& importance);

// The `count` places with the largest scores, in order of place; of equals the first.
[[nodiscard]] std::vector<std::int64_t> mostImportant(const std::vector<double>& scores, std::int64_t count);

// Parts of planTransplant(), by file.
void planHeads(const Architecture& parent, const Architecture& child, const Importance& importance, Plan& plan);
void planFeedForward(const Architecture& parent, const Architecture& child, const Importance& importance, Plan& plan);

} // namespace ratchet
