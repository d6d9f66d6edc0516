// SPDX-License-Identifier: GPL-3.0-or-later
// The measurement of docs/preferences.md: from one parent that adds three digits rightly most of the time, what the same
// compute makes of going on, of expert iteration and of learning from preferences, with several seeds and fresh items for
// each. Built by hand (target measure_preferences), no test. One thread.
//   measure_preferences FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]
// Prints a JSON object a model and the table of the document at the end. Models that FOLDER holds are not trained again.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "core/base/file.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/plugin/loader.h"
#include "core/trainer/trainer.h"

using namespace ratchet;

namespace {

struct Options {
    std::filesystem::path folder;
    std::uint64_t seeds = 3;
    int items = 1000;
    double parentFlops = 100e9, flops = 10e9;
};

struct Arm {
    const char* name;
    const char* patch; // on the parent's genome
};

// All go on from the parent with a rate that falls to zero, from half of the parent's where nothing else is said.
constexpr const char* goOn = R"({"recipe": {"start": "continue", "schedule": "linear", "learningRate": 0.01}})";
const std::vector<Arm> arms{
    {"going on", R"({})"},
    {"expert iteration", R"({"data": {"selfTraining": 0.5, "labels": "checked", "mixture": {"digits": {"3": 0}}}})"},
    {"preferences 0.2", R"({"recipe": {"preference": 0.2}})"},
    {"preferences 0.5", R"({"recipe": {"preference": 0.5}})"},
    {"preferences 0.2, beta 1", R"({"recipe": {"preference": 0.2, "preferenceBeta": 1.0}})"},
    {"preferences 0.2, rate 0.003", R"({"recipe": {"preference": 0.2, "learningRate": 0.003}})"},
    {"preferences 0.2, rate 0.003, beta 1", R"({"recipe": {"preference": 0.2, "learningRate": 0.003, "preferenceBeta": 1.0}})"},
    {"going on, rate 0.003", R"({"recipe": {"learningRate": 0.003}})"},
    {"preferences alone, rate 0.0001", R"({"recipe": {"preference": 1.0, "learningRate": 0.0001}})"},
    {"preferences alone, rate 0.001", R"({"recipe": {"preference": 1.0, "learningRate": 0.001}})"},
};

// Answers from the left, which are hard to learn: 100 GFLOP bring it to about 80 % of three digits.
Genome parentGenome(const Domain& domain)
{
    Genome genome = domain.seedGenome();
    genome.architecture.positions = "coupled";
    genome.architecture.width = 48;
    genome.recipe.optimizer = "muon";
    genome.recipe.schedule = "wsd";
    genome.recipe.learningRate = 0.02;
    genome.recipe.batch = 32;
    return genome;
}

struct Model {
    Genome genome;
    Trained trained;
};

Result<Model> train(const Domain& domain, const Options& options, std::uint64_t seed, const Json& genome,
                    const Model* parent, double flops, const std::string& name)
{
    TrainSpec spec;
    spec.seed = seed;
    spec.genome = genome;
    spec.budgetFlops = flops;
    spec.scratch = (options.folder / fmt::format("{}-{}", seed, name)).string();
    spec.checkpointSeconds = 0;
    std::filesystem::create_directories(spec.scratch);
    if (parent) {
        spec.parentGenome = parent->genome.toJson();
        spec.parentWeights = parent->trained.weights;
    }
    RATCHET_TRY(its, Genome::fromJson(genome));
    const std::filesystem::path told = std::filesystem::path(spec.scratch) / "trained.json";
    if (const auto text = readFile(told)) {
        RATCHET_TRY(json, parseJson(*text, told.string()));
        RATCHET_TRY(message, messageFromJson(json));
        return Model{std::move(its), std::get<Trained>(std::move(message))};
    }
    RATCHET_TRY(trainer, Trainer::create(spec, domain));
    RATCHET_TRY(trained, trainer->run());
    RATCHET_CHECK(writeFile(told, toJson(trained).dump()));
    return Model{std::move(its), std::move(trained)};
}

// Which of the seed's fresh items a model answers rightly.
Result<std::vector<double>> scores(const Domain& domain, const Options& options, std::uint64_t seed, const Model& model)
{
    RATCHET_TRY(answerer, Answerer::load(model.genome, model.trained.weights, domain));
    Rng rng = Rng::stream(seed, "fresh items");
    std::vector<Item> items;
    std::vector<std::string> prompts;
    for (int i = 0; i < options.items; ++i) {
        items.push_back(domain.draw(domain.suites().front().name, Split::Gate, rng));
        prompts.push_back(domain.example(items.back(), model.genome.reasoning).prompt);
    }
    RATCHET_TRY(answers, answerer->answer(prompts));
    std::vector<double> list;
    for (std::size_t i = 0; i < items.size(); ++i)
        list.push_back(domain.grade(items[i], answers[i].completion, model.genome.reasoning).score);
    return list;
}

double meanOf(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return sum / static_cast<double>(values.size());
}

// Half of the 95 % interval of a mean.
double halfWidth(const std::vector<double>& values)
{
    const double mean = meanOf(values);
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    const auto count = static_cast<double>(values.size());
    return 1.96 * std::sqrt(squares / (count - 1) / count);
}

using Table = std::map<std::string, std::vector<std::vector<double>>>; // by arm and seed

void print(const Options& options, const Table& table)
{
    std::printf("\n| arm | exact match, %llu seeds | mean | against going on |\n|---|---|---|---|\n",
                static_cast<unsigned long long>(options.seeds));
    const auto row = [&](const std::string& name) {
        std::string seeds;
        std::vector<double> all, differences;
        for (std::size_t seed = 0; seed < table.at(name).size(); ++seed) {
            const auto& its = table.at(name)[seed];
            const auto& base = table.at(arms.front().name)[seed];
            seeds += fmt::format("{}{:.1f}", seed > 0 ? ", " : "", 100 * meanOf(its));
            for (std::size_t i = 0; i < its.size(); ++i) {
                all.push_back(its[i]);
                differences.push_back(its[i] - base[i]);
            }
        }
        std::printf("| %s | %s | %.1f +- %.1f | %+.1f +- %.1f |\n", name.c_str(), seeds.c_str(), 100 * meanOf(all),
                    100 * halfWidth(all), 100 * meanOf(differences), 100 * halfWidth(differences));
    };
    row("the parent");
    for (const Arm& arm : arms)
        row(arm.name);
}

Status measure(const Domain& domain, const Options& options)
{
    Table table;
    const auto take = [&](std::uint64_t seed, const std::string& name, const Model& model) -> Status {
        RATCHET_TRY(its, scores(domain, options, seed, model));
        const Trained& trained = model.trained;
        std::puts(Json{{"seed", seed}, {"arm", name}, {"exactMatch", meanOf(its)}, {"steps", trained.steps}, {"flops", trained.flops},
                       {"seconds", trained.seconds}, {"preference", trained.preference}, {"selfTraining", trained.selfTraining}}
                      .dump()
                      .c_str());
        std::fflush(stdout);
        table[name].push_back(std::move(its));
        return {};
    };
    RATCHET_TRY(parent, train(domain, options, 1, parentGenome(domain).toJson(), nullptr, options.parentFlops, "parent"));
    for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
        RATCHET_CHECK(take(seed, "the parent", parent));
        for (const Arm& arm : arms) {
            Json genome = parent.genome.toJson();
            genome.merge_patch(Json::parse(goOn));
            genome.merge_patch(Json::parse(arm.patch));
            RATCHET_TRY(child, train(domain, options, seed, genome, &parent, options.flops, arm.name));
            RATCHET_CHECK(take(seed, arm.name, child));
        }
    }
    print(options, table);
    return {};
}

} // namespace

int main(int count, char** words)
{
    if (count < 2) {
        std::fputs("measure_preferences FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]]\n", stderr);
        return 2;
    }
    prepareProcess();
    Options options;
    options.folder = words[1];
    if (count > 2)
        options.seeds = std::strtoull(words[2], nullptr, 10);
    if (count > 3)
        options.items = std::atoi(words[3]);
    if (count > 4)
        options.flops = 1e9 * std::atof(words[4]);
    if (count > 5)
        options.parentFlops = 1e9 * std::atof(words[5]);
    const auto domain = loadDomain("arithmetic");
    const Status done = domain ? measure(**domain, options) : Status(passOn(domain));
    if (!done)
        std::fprintf(stderr, "%s %s\n", done.error().text.c_str(), done.error().hint.c_str());
    return done ? 0 : 1;
}
