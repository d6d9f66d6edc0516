// SPDX-License-Identifier: GPL-3.0-or-later
// One round of self-training (arXiv 2502.01612): the parent labels items one step harder than those mastered so far,
// and older levels again; what it can be believed about becomes the pools of the child. With the control arms that tell
// whether the labels did it. One thread.
#pragma once

#include <vector>

#include "core/base/error.h"
#include "core/plugin/domain.h"
#include "core/trainer/labels.h"

namespace ratchet
{

struct SelfTrainingOptions {
    std::uint64_t seed = 0;
    std::size_t items = 4096; // asked at most of the newest level, and as many of all older ones together
    double flops = 0;         // no further batch is asked when this much is spent
    double confidence = 0.5;  // see agreedReply
    int vocabulary = 0;       // for the price of labels that a control arm does not ask for
};

struct SelfTrainingResult {
    std::vector<Example> newest;             // of level data.level + 1, in the child's format
    std::vector<std::vector<Example>> older; // of levels 1 .. data.level
    double flops = 0;                        // spent
    double withheld = 0; // what the labels of an arm without them would have cost: not to be spent on more steps
    // {"labels", "asked", "kept", "right": share of the kept that is right, "flops", "levels": [{"level", "asked",
    // "kept", "right"}]}, for "poisoned" also "poisoned": how many labels were changed.
    Json report;
};

// Labels by child.data.labels, drawn by Domain::drawHarder(data, level); voters[0] is the parent.
//   filtered    what agreedReply and dropOddLengths leave; with reasoning.samples > 1 (of parent or child) or several
//               voters the majority counts
//   unfiltered  the parent's first answer, whatever it is
//   checked     of n = max(4, reasoning.samples) samples those that the domain's checker finds right (expert iteration,
//               arXiv 1705.08439; legitimate because these are items of the training split)
//   oracle      the right answers
//   poisoned    filtered, then every other label (by chance) is exchanged for that of another item of the level
//   none        no items: the same steps on the data there was
// Failed when the domain draws an item that a judge may ask.
[[nodiscard]] Result<SelfTrainingResult> selfTrain(const std::vector<Voter>& voters, const Genome& child,
                                                   const Domain& domain, const SelfTrainingOptions& options);

} // namespace ratchet
