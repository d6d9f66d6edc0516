// SPDX-License-Identifier: GPL-3.0-or-later
// The measurement of docs/preferences.md: from one parent that adds three digits rightly most of the time, what the same
// compute makes of going on, of expert iteration and of learning from preferences, with several seeds and fresh items for
// each. Built by hand (target measure_preferences), no test. One thread.
//   measure_preferences FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]
// Prints a JSON object a model and the table of the document at the end. Models that FOLDER holds are not trained again.
#include "tests/bench/measuring.h"

using namespace ratchet;

namespace {

// All go on from the parent with a rate that falls to zero, from half of the parent's where nothing else is said.
constexpr const char* goOn = R"({"recipe": {"start": "continue", "schedule": "linear", "learningRate": 0.01}})";
const std::vector<measuring::Arm> arms{
    {"going on", R"({})", ""},
    {"expert iteration", R"({"data": {"selfTraining": 0.5, "labels": "checked", "mixture": {"digits": {"3": 0}}}})", "going on"},
    {"preferences 0.2", R"({"recipe": {"preference": 0.2}})", "going on"},
    {"preferences 0.5", R"({"recipe": {"preference": 0.5}})", "going on"},
    {"preferences 0.2, beta 1", R"({"recipe": {"preference": 0.2, "preferenceBeta": 1.0}})", "going on"},
    {"preferences 0.2, rate 0.003", R"({"recipe": {"preference": 0.2, "learningRate": 0.003}})", "going on"},
    {"preferences 0.2, rate 0.003, beta 1", R"({"recipe": {"preference": 0.2, "learningRate": 0.003, "preferenceBeta": 1.0}})", "going on"},
    {"going on, rate 0.003", R"({"recipe": {"learningRate": 0.003}})", "going on"},
    {"preferences alone, rate 0.0001", R"({"recipe": {"preference": 1.0, "learningRate": 0.0001}})", "going on"},
    {"preferences alone, rate 0.001", R"({"recipe": {"preference": 1.0, "learningRate": 0.001}})", "going on"},
};

// Answers from the left, which are hard to learn: 100 GFLOP bring it to about 80 % of three digits.
Genome parentGenome(Genome genome)
{
    genome.architecture.positions = "coupled";
    genome.architecture.width = 48;
    genome.recipe.optimizer = "muon";
    genome.recipe.schedule = "wsd";
    genome.recipe.learningRate = 0.02;
    genome.recipe.batch = 32;
    return genome;
}

} // namespace

int main(int count, char** words)
{
    if (count < 2) {
        std::fputs("measure_preferences FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]\n", stderr);
        return 2;
    }
    return measuring::run(measuring::optionsFrom(count, words, 1), parentGenome, goOn, arms);
}
