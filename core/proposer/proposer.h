// SPDX-License-Identifier: GPL-3.0-or-later
// Chooses what to try next: Thompson sampling in two steps, first over families (so that a family of forty kinds does not
// crowd out one of three), then over the kinds in it. Duplicates are answered from memory before any compute. Pure and
// seeded; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/memory/lessons.h"
#include "core/proposer/operators.h"

namespace ratchet {

// What was tried before, for duplicates and recombination.
struct Attempt {
    Id<ProposalRecord> id;
    Hash identity;                   // identityOf()
    Hash parent;
    std::string family;
    Json patch;
    std::optional<double> gain;      // measured difference on the target suite
};

struct ProposeTask {
    Genome parent;
    Hash parentHash;
    std::vector<LessonRecord> lessons;
    std::vector<Attempt> attempts;
    std::string focus;               // failure class the planner chose; may be empty
    int count = 4;
    std::vector<Elder> archive = {};                         // for operators that draw on other versions
    std::function<bool(const Genome&)> isAdmitted = {};      // whether a trial can pay for it and it fits memory; empty: always
};

struct Proposed {
    Idea idea;
    double predictedGain = 0;        // posterior mean
    std::optional<Id<ProposalRecord>> duplicateOf;
};

// What a trial of this genome would repeat: the genome alone when it uses nothing of the parent. The order in which it names
// versions does not count.
[[nodiscard]] Hash identityOf(const Genome& genome, const Hash& parent);

// Up to `count` new candidates, families in the order of their draws and each family's best draw in turn, and the
// duplicates that were passed over on the way.
[[nodiscard]] std::vector<Proposed> propose(const ProposeTask& task, const SearchSpace& space, int vocabulary, Rng& rng);

} // namespace ratchet
