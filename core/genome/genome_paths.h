// SPDX-License-Identifier: GPL-3.0-or-later
// Every path of a genome: what it says, the values it usually gets, and in which genomes it says anything. Used to open paths of a
// search space, by the proposer, and by docs/genome.md, which a test holds against it. Plain values; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/genome/genome.h"

namespace ratchet {

struct GenomePath {
    std::string path;                           // "/recipe/learningRate"
    std::string says;                           // for people, in a sentence
    Json usual;                                 // its bound as a search space has it; null: only a domain knows its values
    bool (*acts)(const Genome&) = nullptr;      // whether it changes anything in this genome; null: always
};

// One for every leaf of Genome::document(), and /data/mixture as a whole.
[[nodiscard]] const std::vector<GenomePath>& genomePaths();
// What search_space.json says of these paths with their usual bounds; those that no one but a domain knows are left out.
[[nodiscard]] Json usualBounds(const std::vector<std::string>& paths);
// Whether a change of this path changes what this genome does.
[[nodiscard]] bool acts(const std::string& path, const Genome& genome);
// Whether a genome has this path: a leaf, a section, or something of the domain's below /data/mixture.
[[nodiscard]] bool isGenomePath(const std::string& path);
// A bound of a search space for people: "adamw, muon, lion", "1 to 6, whole", "0.0001 to 0.02".
[[nodiscard]] std::string boundText(const Json& bound);

} // namespace ratchet
