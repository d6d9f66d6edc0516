// SPDX-License-Identifier: GPL-3.0-or-later
// The archive of everything measured, and the choice of the version to start from. Pure and seeded; any thread.
#pragma once

#include <optional>
#include <string>
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
    std::optional<Hash> parent = {};
    double novelty = 0;      // mean number of genome fields that differ from the three nearest others
    std::string cell = {};   // niche: answer format and order of magnitude of the parameters
};

// Whom the next candidates start from. Only the champion and versions that the gate accepted are parents.
enum class ParentPolicy {
    // Four times in five the champion, else one of the others by Sigmoid.
    Balanced,
    // Always the champion: one line of improvements, without an archive.
    Sequential,
    // Always the first version: best of N independent changes, without compounding.
    BestOfN,
    // Weight = sigmoid of the score in units of the median absolute deviation, divided by 1 + children (as in the Darwin Gödel
    // Machine, arXiv 2505.22954, section 3).
    Sigmoid,
    // Weight = that sigmoid times 1 + novelty over the mean novelty: what scores well and is unlike the rest (Lehman and
    // Stanley 2011).
    Novelty,
    // Thompson sampling over clades: of each version a draw from Beta(1 + accepted, 1 + not accepted) of everything that
    // descends from it, the largest wins (as in the Huxley-Gödel Machine, arXiv 2510.21614).
    Clade,
    // An island per cell, each with its best version; islands are visited alike (MAP-Elites, Mouret and Clune 2015,
    // arXiv 1504.04909).
    Islands,
};
[[nodiscard]] std::string toText(ParentPolicy policy);                               // "balanced", "best-of-n" ...
[[nodiscard]] Result<ParentPolicy> parentPolicyFromText(const std::string& name);    // BadInput naming those there are
[[nodiscard]] std::vector<std::string> parentPolicies();

// `archive` in the order of the proposals, the first version before. Unset for an empty one.
[[nodiscard]] Hash chooseParent(const std::vector<Archived>& archive, Rng& rng, ParentPolicy policy = ParentPolicy::Balanced);

} // namespace ratchet
