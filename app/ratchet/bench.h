// SPDX-License-Identifier: GPL-3.0-or-later
// What the benches share: figures and how they are printed, the number of rounds, a scratch folder. Used by
// bench_command.cpp. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/ratchet/bench_child.h"
#include "core/launch/device.h"
#include "core/critic/gate_simulation.h"

namespace ratchet {

// One measured number; a peer's number stands beside it when a peer ran in the same rounds.
struct Figure {
    std::string name;                   // "train-d128/tokens"
    double value = 0;                   // median of the rounds
    std::string unit;
    std::string peer;                   // who the peer is; empty when there is none
    double peerValue = 0;               // its median
    double ratio = 0;                   // how many times better we are: median of the rounds' ratios
    int n = 0;                          // rounds
};

struct BenchOptions {
    bool json = false, quick = false;
    BenchPrograms programs;
    std::filesystem::path scratch;
    std::function<void(const Figure&)> show;        // prints at once, so that a long bench can be watched
    LearnerDevice device = {};                      // of both sides
    [[nodiscard]] int rounds() const { return quick ? 1 : 5; }
};

[[nodiscard]] double median(std::vector<double> values);
// Figure of values measured side by side with a peer's (higher is better).
[[nodiscard]] Figure compared(const std::string& name, const std::vector<double>& ours, const std::string& unit,
                              const std::string& peer, const std::vector<double>& theirs);
[[nodiscard]] Figure alone(const std::string& name, const std::vector<double>& values, const std::string& unit);
// What people call a contender.
[[nodiscard]] std::string titleOf(Contender contender);
// Tokens a second of an answer of BenchChild.
[[nodiscard]] double rateOf(const Json& answer);
// A text corpus made up from a seed, the same on every machine, of texts with so many words; the path of its folder.
[[nodiscard]] Result<std::string> makeCorpus(const BenchOptions& options, int words = 300);

[[nodiscard]] Status benchTraining(const BenchOptions& options);
[[nodiscard]] Status benchGeneration(const BenchOptions& options);
[[nodiscard]] Status benchStore(const BenchOptions& options);

// The experiment of `ratchet bench self-training`: copying strings from length 10 on, a character longer every round.
struct SelfTrainingBench {
    int seeds = 3, rounds = 6, workers = 2;
    int items = 100;                    // asked of a length, arm, round and seed
    std::vector<std::string> arms{"filtered", "unfiltered", "oracle", "none", "poisoned"};      // values of data.labels
    double baseFlops = 1.2e12, roundFlops = 3e11;
    int acceleration = 1;               // most levels a round goes up (core/trainer/rounds.h)
    std::string csv, figure;            // files to write; empty: none
    std::string folder;                 // keeps models and rows, so that a stopped experiment goes on; empty: none
};
// Cancelled after SIGINT or SIGTERM, with what was measured shown and written.
[[nodiscard]] Status benchSelfTraining(const SelfTrainingBench& bench, const BenchOptions& options);

// Attacks on the real engine, judge and gate, the naive gate beside them. Failed, naming it, when one is accepted that must not be
// or when the naive gate withstands all of them; Cancelled after SIGINT or SIGTERM.
[[nodiscard]] Status benchAttacks(const BenchOptions& options);

// `ratchet bench goodhart`: candidates searched by their score on the same visible items, beside a champion that only the gate moves.
struct GoodhartBench {
    int seeds = 5, candidates = 30;
    int visibleItems = 50, hiddenItems = 1000;
    double noise = 0.04;                // of each tensor's root mean square
    double trueShare = 0.1;             // of candidates that are a step towards a model trained longer
    std::string csv, figure;            // files to write; empty: none
};
[[nodiscard]] Status benchGoodhart(const GoodhartBench& bench, const BenchOptions& options);

// `ratchet bench gate`: simulated streams, or a file of outcomes.
struct GateBench {
    StreamOptions stream;
    int nullLabs = 10'000;
    double minEffect = 0.005;
    std::string outcomes;               // file; empty: simulate
};
// Failed, saying which, when a promise does not hold: false accepts over a lab; at alpha = 0.05 power and price, too.
[[nodiscard]] Status benchGate(const GateBench& bench, const BenchOptions& options);
[[nodiscard]] Status benchOutcomes(const GateBench& bench, bool json);

} // namespace ratchet
