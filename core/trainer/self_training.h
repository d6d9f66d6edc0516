// SPDX-License-Identifier: GPL-3.0-or-later
// One round of self-training (arXiv 2502.01612): the parent labels items one step harder than it was trained on; labels
// it agrees with itself about are kept. The right answers are never used, only counted for the report. One thread.
#pragma once

#include <vector>

#include "core/base/error.h"
#include "core/model/answerer.h"
#include "core/plugin/domain.h"

namespace ratchet
{

struct SelfTrainingOptions {
    std::uint64_t seed = 0;
    std::size_t items = 4096; // asked at most
    double flops = 0;         // no further batch is asked when this much is spent
    double confidence = 0.5;  // greedy: least product of probabilities; voting: least share of equal votes
};

struct SelfTrainingResult {
    std::vector<Example> examples; // in the child's format
    double flops = 0;
    Json report; // {"asked", "kept", "right": share of the kept that is right, "flops"}
};

// Labels with `parent` (its genome: `parentGenome`), writes for `child`. With reasoning.samples > 1 the parent answers
// that many times at temperature 0.7 and the majority counts.
[[nodiscard]] Result<SelfTrainingResult> selfTrain(const Answerer& parent, const Genome& parentGenome,
                                                   const Genome& child, const Domain& domain,
                                                   const SelfTrainingOptions& options);

} // namespace ratchet
