// SPDX-License-Identifier: GPL-3.0-or-later
// The measurement of docs/surgery.md: whether a child that goes on from a parent that adds three digits learns more when its
// optimizer goes on too, as it is or grown. Built by hand (target measure_moments), no test. One thread.
//   measure_moments adamw|muon FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]
// Prints a JSON object a model and the table of the document at the end. Models that FOLDER holds are not trained again.
#include "tests/bench/measuring.h"

using namespace ratchet;

namespace {

// In pairs that differ in nothing else.
constexpr const char* goOn = R"({"recipe": {"start": "continue", "schedule": "linear"}})";
const std::vector<measuring::Arm> arms{
    {"the same shape, reset", R"({})", ""},
    {"the same shape, carried", R"({"recipe": {"moments": "carry"}})", "the same shape, reset"},
    {"the same at a constant rate, reset", R"({"recipe": {"schedule": "constant"}})", ""},
    {"the same at a constant rate, carried", R"({"recipe": {"schedule": "constant", "moments": "carry"}})", "the same at a constant rate, reset"},
    {"twice the feed-forward, reset", R"({"architecture": {"feedForwardWidth": 512}})", ""},
    {"twice the feed-forward, carried", R"({"architecture": {"feedForwardWidth": 512}, "recipe": {"moments": "carry"}})",
     "twice the feed-forward, reset"},
    {"a layer more, reset", R"({"architecture": {"layers": 3}})", ""},
    {"a layer more, carried", R"({"architecture": {"layers": 3}, "recipe": {"moments": "carry"}})", "a layer more, reset"},
};

// Answers from the left are hard to learn: with Muon it takes 300 GFLOP, with AdamW too long, so that one answers from the right.
Genome parentOf(Genome genome, const char* optimizer, double rate, const char* format)
{
    genome.reasoning.format = format;
    genome.architecture.positions = "coupled";
    genome.recipe.optimizer = optimizer;
    genome.recipe.learningRate = rate;
    genome.recipe.batch = 32;
    return genome;
}

} // namespace

int main(int count, char** words)
{
    const std::string optimizer = count > 2 ? words[1] : "";
    if (optimizer != "adamw" && optimizer != "muon") {
        std::fputs("measure_moments adamw|muon FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]\n", stderr);
        return 2;
    }
    Genome (*const parent)(Genome) = optimizer == "muon" ? +[](Genome genome) { return parentOf(std::move(genome), "muon", 0.02, "plain"); }
                                                         : +[](Genome genome) { return parentOf(std::move(genome), "adamw", 0.002, "reversed"); };
    return measuring::run(measuring::optionsFrom(count, words, 2), parent, goOn, arms);
}
