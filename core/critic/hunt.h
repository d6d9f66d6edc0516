// SPDX-License-Identifier: GPL-3.0-or-later
// Adversarial search: from items of a suite, generation by generation, to neighbours of those a model fails or is least sure
// of. Used by the judge for the probe "adversarial". Pure but for what it asks; one thread.
#pragma once

#include <functional>
#include <vector>

#include "core/critic/exam.h"

namespace ratchet {

// Items with what champion and challenger made of them; `challenger` is empty when there is none.
struct Answered {
    std::vector<ExamItem> items;
    std::vector<Reply> champion, challenger;
};

using AskBoth = std::function<Result<Answered>(std::vector<ExamItem>)>;

// `count` items that are neighbours of hard ones, and answers to them. A generation's parents are half those that are hardest
// for the champion and half for the challenger, so that the search is as hard on one as on the other. `fresh` (at least
// `count`) is where the search starts, and fills up when no new neighbour can be found. Errors of `ask`; throws what the plugin
// throws.
[[nodiscard]] Result<Answered> hunt(const Domain& domain, const std::vector<ExamItem>& fresh, int count, Rng& rng, const AskBoth& ask);

} // namespace ratchet
