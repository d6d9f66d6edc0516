// SPDX-License-Identifier: GPL-3.0-or-later
// Operators: kinds of change, each turning a genome into a child inside the search space. Most are read off the search
// space (one for each choice, up and down for each range); a few change several paths together because only together they
// mean something (continue and replay failures, grow and continue, cool down from a higher rate), or draw on other versions
// of the archive (distil two into one, average the last). Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/genome/search_space.h"

namespace ratchet {

struct Idea {
    std::string family;          // architecture | data | tuning | reasoning | growth | replay | self-training | recombination
    std::string operatorName;    // stable name of the kind, "format = reversed"
    std::string reason;          // one sentence
    Genome genome;
};

// A version of the archive that a child may learn from or be made of.
struct Elder {
    Hash version;
    Genome genome;
    Hash ancestor;               // whose weights it went on from, over all generations; itself when it started from scratch
    double score = 0;            // target suite, 0 .. 1, when it was judged
    bool isChampion = false;
    bool isAccepted = false;     // by the gate, at the time
};

// Family of a path: "/reasoning/format" is reasoning.
[[nodiscard]] std::string familyOf(const std::string& path);
// One child of every kind that applies to `parent`; all of them are admitted by the space and differ from the parent. An
// average has been made and preferences have been learnt already: what changes such a parent goes on from its weights without them,
// and what changes an ensemble from its first member. `archive` is in the order of its trials.
[[nodiscard]] std::vector<Idea> ideas(const Genome& parent, const SearchSpace& space, int vocabulary, Rng& rng,
                                      const std::vector<Elder>& archive = {});
// The parent with several patches on top of one another; empty when they do not fit together or leave the space.
[[nodiscard]] std::optional<Genome> recombine(const Genome& parent, const std::vector<Json>& patches, const SearchSpace& space, int vocabulary);

} // namespace ratchet
