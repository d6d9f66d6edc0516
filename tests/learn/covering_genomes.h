// SPDX-License-Identifier: GPL-3.0-or-later
// Small random architectures in which every pair of options occurs, for tests of combinations: drawn with a seed, each
// of many draws the one that brings the most pairs not seen before (Cohen 1997, AETG).
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/rng.h"
#include "core/genome/genome.h"

namespace ratchet {

// One dimension of choice and what it may be, as JSON fields of an architecture. kvHeads is a share of the heads here.
struct Dimension {
    std::string name;
    std::vector<Json> values;
};

inline const std::vector<Dimension>& dimensions()
{
    static const std::vector<Dimension> all{{"layers", {1, 2, 3}},
                                            {"width", {16, 32}},
                                            {"heads", {2, 4, 8}},
                                            {"kvHeads", {"all", "half", "one"}},
                                            {"feedForward", {"gelu", "gelu-tanh", "relu2", "swiglu"}},
                                            {"feedForwardWidth", {20, 48}},
                                            {"norm", {"layernorm", "rmsnorm"}},
                                            {"positions", {"learned", "rope", "none", "coupled"}},
                                            {"qkNorm", {false, true}},
                                            {"tied", {false, true}},
                                            {"softCap", {0, 3}},
                                            {"window", {0, 4}},
                                            {"memoryTokens", {0, 3}},
                                            {"valueEmbedding", {false, true}},
                                            {"experts", {"none", "1 of 3", "2 of 4"}},
                                            {"bias", {false, true}}};
    return all;
}

using Choices = std::vector<std::size_t>;                                    // an index into each dimension's values
using Pair = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t>; // dimension, value, later dimension, value

inline std::string textOf(const Choices& choices)
{
    std::string text;
    for (std::size_t i = 0; i < choices.size(); ++i)
        text += (text.empty() ? "" : " ") + dimensions()[i].name + "=" + dimensions()[i].values[choices[i]].dump();
    return text;
}

// Empty where the genome refuses the combination.
inline Result<Architecture> architectureOf(const Choices& choices, int context = 12)
{
    Genome genome;
    Json json = genome.toJson();
    Json& a = json["architecture"];
    a["context"] = context;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        const Dimension& dimension = dimensions()[i];
        const Json& value = dimension.values[choices[i]];
        if (dimension.name == "kvHeads") {
            const int heads = a["heads"];
            a["kvHeads"] = value == "all" ? heads : value == "half" ? heads / 2 : 1;
        } else if (dimension.name == "experts") {
            a["experts"] = value == "none" ? 0 : value == "1 of 3" ? 3 : 4;
            a["expertsPerToken"] = value == "2 of 4" ? 2 : 1;
        } else {
            a[dimension.name] = value;
        }
    }
    RATCHET_TRY(read, Genome::fromJson(json));
    return read.architecture;
}

inline std::set<Pair> pairsOf(const Choices& choices)
{
    std::set<Pair> pairs;
    for (std::size_t i = 0; i < choices.size(); ++i)
        for (std::size_t j = i + 1; j < choices.size(); ++j)
            pairs.emplace(i, choices[i], j, choices[j]);
    return pairs;
}

// Every pair but the one that a genome refuses: experts with biases.
inline std::set<Pair> allPairs()
{
    std::set<Pair> pairs;
    for (std::size_t i = 0; i < dimensions().size(); ++i)
        for (std::size_t j = i + 1; j < dimensions().size(); ++j)
            for (std::size_t a = 0; a < dimensions()[i].values.size(); ++a)
                for (std::size_t b = 0; b < dimensions()[j].values.size(); ++b)
                    if (!(dimensions()[i].name == "experts" && dimensions()[j].name == "bias" && a > 0 && b == 1))
                        pairs.emplace(i, a, j, b);
    return pairs;
}

inline std::vector<Choices> coveringChoices(std::size_t count, std::uint64_t seed)
{
    constexpr int draws = 50;
    Rng rng(seed);
    std::set<Pair> missing = allPairs();
    std::vector<Choices> chosen;
    while (chosen.size() < count) {
        Choices best;
        std::size_t most = 0;
        for (int draw = 0; draw < draws; ++draw) {
            Choices choices;
            for (const Dimension& dimension : dimensions())
                choices.push_back(rng.below(dimension.values.size()));
            if (!architectureOf(choices))
                continue;
            std::size_t fresh = 0;
            for (const Pair& pair : pairsOf(choices))
                fresh += missing.count(pair);
            if (best.empty() || fresh > most) {
                best = choices;
                most = fresh;
            }
        }
        for (const Pair& pair : pairsOf(best))
            missing.erase(pair);
        chosen.push_back(best);
    }
    return chosen;
}

} // namespace ratchet
