// SPDX-License-Identifier: GPL-3.0-or-later
// A genome and a search space with every kind of bound, for the tests around proposals.
#pragma once

#include "core/genome/search_space.h"

namespace ratchet {

inline constexpr int demoVocabulary = 14;

inline Genome demoGenome()
{
    Genome genome;
    genome.data.mixture = {{"digits", {{"1", 0.2}, {"2", 0.8}}}};
    return genome;
}

inline SearchSpace demoSpace()
{
    return SearchSpace::fromJson(Json::parse(R"({"paths": {
        "/reasoning/format": {"choices": ["plain", "reversed", "scratchpad"]},
        "/architecture/layers": {"low": 1, "high": 6, "integer": true},
        "/architecture/heads": {"choices": [1, 2, 3, 4]},
        "/architecture/feedForwardWidth": {"choices": [128, 256, 512]},
        "/architecture/positions": {"choices": ["learned", "rope", "none", "coupled"]},
        "/recipe/optimizer": {"choices": ["adamw", "muon", "lion"]},
        "/recipe/learningRate": {"low": 1e-4, "high": 1e-2, "log": true},
        "/recipe/schedule": {"choices": ["constant", "linear"]},
        "/recipe/warmup": {"low": 0, "high": 0.2},
        "/recipe/start": {"choices": ["scratch", "continue"]},
        "/data/replay": {"choices": [0.0, 0.25, 0.5]},
        "/data/selfTraining": {"choices": [0.0, 0.25]},
        "/data/mixture": {"choices": [{"digits": {"1": 0.2, "2": 0.8}}, {"digits": {"1": 0.5, "2": 0.5}}]}},
        "maxParameters": 400000})")).value();
}

} // namespace ratchet
