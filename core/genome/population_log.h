// SPDX-License-Identifier: GPL-3.0-or-later
// What a population did (core/trainer/population.h): enough of it to train its winner again without the others. Written by
// the worker into the weights' metadata, recounted by the engine. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/rng.h"
#include "core/genome/genome.h"

namespace ratchet {

// The part of a recipe that a population tunes: what changes neither shapes nor data nor the price of a step. What is off
// (0) stays off.
struct Hyperparameters {
    double learningRate = 0, weightDecay = 0, dropout = 0, labelSmoothing = 0, ema = 0;

    [[nodiscard]] static Hyperparameters of(const Recipe& recipe);
    [[nodiscard]] Recipe in(Recipe recipe) const;
    // Each times a factor of its own, the decay of the average by its distance from one, within what a genome may hold:
    // drawn log-uniformly from 1/3 .. 3 for the start, and 0.8 or 1.25 to explore (Jaderberg 2017, arXiv 1711.09846,
    // section 4.1.1).
    [[nodiscard]] Hyperparameters spread(Rng& rng) const;
    [[nodiscard]] Hyperparameters explored(Rng& rng) const;
};

// One member in one generation.
struct MemberLog {
    int from = 0;                // whose weights and moments of the generation before it goes on from; itself unless replaced
    Hyperparameters with;
    std::int64_t steps = 0;
    bool isLost = false;         // its loss left for good
    std::optional<double> loss;  // on the items that this generation is compared by, nats a token; none when lost
    double flops = 0;            // steps and comparison
};

struct PopulationLog {
    std::int64_t steps = 0;                  // of a member in a generation
    std::int64_t items = 0;                  // that a generation is compared by, drawn afresh for each
    std::vector<std::uint64_t> seeds;        // a member's each: its data, its dropout and where it starts from scratch
    std::vector<std::vector<MemberLog>> generations;

    [[nodiscard]] Json toJson() const;
    // Strict; BadInput when members or their sources are not there.
    [[nodiscard]] static Result<PopulationLog> fromJson(const Json& json);
    // Members of the last generation, the best first; lost ones last.
    [[nodiscard]] std::vector<int> ranking() const;
    // The member whose state the best of the last generation had in each, from the first generation on.
    [[nodiscard]] std::vector<int> lineage() const;
    // Over all members and generations.
    [[nodiscard]] std::int64_t stepsOfAll() const;
    [[nodiscard]] double flopsOfAll() const;
};

} // namespace ratchet
