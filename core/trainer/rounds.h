// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment of self-training in rounds (arXiv 2502.01612): one base model, then for every arm the same number of
// rounds through the real Trainer, each labelled by the round before, measured level by level on fresh items. Used by
// benches and tests. Blocking; one thread, so several seeds run as several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/genome/genome.h"
#include "core/plugin/domain.h"

namespace ratchet {

// A level is a number of steps harder than what the genome's mixture trains (Domain::drawHarder); level 0 is the
// mixture itself. Where a step is one character, level 5 of a base that was trained up to 10 is length 15.
struct RoundsOptions {
    Genome genome;                     // of the base model; rounds continue from it with `data.labels` set to the arm
    std::optional<Recipe> roundRecipe; // of the rounds; the genome's own when absent
    std::vector<std::string> arms = {"filtered", "unfiltered", "oracle", "none"}; // values of data.labels
    int rounds = 5;
    std::uint64_t seed = 1;
    double baseFlops = 0;    // budget of the base model
    double roundFlops = 0;   // budget of each round, labels included
    double newest = 0.5;     // share of a batch that is of the newest level
    std::vector<int> levels; // measured after every round
    int items = 200;         // a level
    int acceleration = 1;    // most levels a round goes up ...
    double mastered = 0.95;  // ... by one more for every further level in a row that is this accurate
    std::string scratch;     // folder for weights; needed. Rounds finished there with these options are not run again
};

// What one arm could do at one level after one round; round 0 is the base model, the same in every arm.
struct RoundRow {
    std::string arm;
    int round = 0;
    int trainedLevel = 0; // newest level trained so far
    int level = 0;        // measured
    double accuracy = 0;  // share of right answers, greedy
    int items = 0;
    double length = 0;      // mean characters of a prompt and its right answer
    std::int64_t steps = 0; // of this round
    double flops = 0;       // of this arm so far, base and labels included
    double kept = 0;        // share of the asked labels that the filters kept; 0 in round 0
    double right = 0;       // share of the kept labels that were right; for the report, never for training
};

[[nodiscard]] Json toJson(const RoundRow& row);
[[nodiscard]] Result<RoundRow> roundRowFrom(const Json& json);

struct RoundsEvents {
    std::function<void(const RoundRow&)> onRow;
    // Arm ("base" before the first), round, fraction of the whole experiment's budget, running loss.
    std::function<void(const std::string&, int, double, double)> onProgress;
    std::function<bool()> isStopped;
};

// Rows by round, arm and level. Cancelled when stopped, BadInput for an arm that is none or a genome that cannot be
// trained, else what the Trainer failed with. The same options give the same rows on the same machine.
[[nodiscard]] Result<std::vector<RoundRow>> selfTrainingRounds(const Domain& domain, const RoundsOptions& options,
                                                               const RoundsEvents& events = {});

// data.level of the round after one that trained level + 1 newest: that level, and one more for every further level in
// a row that `accuracyAt` finds mastered, at most `acceleration` above `level`. Asked only as far as needed.
[[nodiscard]] int nextLevel(int level, int acceleration, double mastered, const std::function<double(int)>& accuracyAt);

} // namespace ratchet
