// SPDX-License-Identifier: GPL-3.0-or-later
// Items that a trial trains on besides the domain's own: replayed failures, users' corrections and what the parent
// labelled; and what is checked about them before the first step. Values; any thread.
#pragma once

#include <vector>

#include "core/base/error.h"
#include "core/launch/messages.h"
#include "core/plugin/domain.h"

namespace ratchet
{

// Two answers to one prompt, of which the first is better.
struct Preference {
    Example chosen, rejected;
};

// Already in the genome's format.
struct Pools {
    std::vector<Example> replay, feedback;
    std::vector<Example> selfTraining;       // of the newest level, data.level + 1
    std::vector<std::vector<Example>> older; // of the levels 1 .. data.level; empty at level 0
    std::vector<Preference> pairs;           // of a preference loss, which shares no rows with the rest
    int contaminated = 0;                    // items left out because the gate or the vault may ask them
    int duplicates = 0;                      // items left out because another one has the same prompt
};

// Replay and feedback of a spec as examples, each only where data has a share of it. What the domain cannot write in this
// format is left out, and so is what it can name (Domain::parse) and counts to the gate or the vault; guide items are
// there to be learnt from.
[[nodiscard]] Pools poolsOf(const TrainSpec& spec, const Genome& genome, const Domain& domain);

// Whether the gate or the vault may ask this. A domain that cannot name an item from its prompt (pieces of a corpus) keeps
// its judged items where a worker cannot read them.
[[nodiscard]] bool isJudged(const Example& example, const Domain& domain);

// Keeps one example of every prompt (of every text where there is no prompt): corrections before replays before labels,
// the newest level before older ones; and of the pairs the first of every prompt.
void removeDuplicates(Pools& pools);

} // namespace ratchet
