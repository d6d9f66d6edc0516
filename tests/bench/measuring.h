// SPDX-License-Identifier: GPL-3.0-or-later
// What the measurements of the documents share: from one parent, the same compute in several arms, with several seeds and fresh
// items for each, as a table. Included by the programs measure_*.cpp, which are built by hand and are no tests. One thread.
#pragma once

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

namespace ratchet::measuring {

struct Arm {
    const char* name;
    const char* patch;   // merged into the parent's genome
    const char* against; // arm before it that it is compared with, item by item; empty: none
};

struct Options {
    std::filesystem::path folder; // models that it holds are not trained again
    std::uint64_t seeds = 3;
    int items = 1000;
    double parentFlops = 100e9, flops = 10e9;
};

struct Model {
    Genome genome;
    Trained trained;
};

inline Result<Model> train(const Domain& domain, const Options& options, std::uint64_t seed, const Json& genome,
                    const Model* parent, double flops, const std::string& name)
{
    TrainSpec spec;
    spec.seed = seed;
    spec.genome = genome;
    spec.budgetFlops = flops;
    spec.scratch = (options.folder / fmt::format("{}-{}", seed, name)).string();
    spec.checkpointSeconds = 0;
    spec.keepsMoments = true;
    std::filesystem::create_directories(spec.scratch);
    if (parent) {
        spec.parentGenome = parent->genome.toJson();
        spec.parentWeights = parent->trained.weights;
        spec.parentMoments = parent->trained.moments;
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
inline Result<std::vector<double>> scores(const Domain& domain, const Options& options, std::uint64_t seed, const Model& model)
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

inline double meanOf(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return sum / static_cast<double>(values.size());
}

// Half of the 95 % interval of a mean.
inline double halfWidth(const std::vector<double>& values)
{
    const double mean = meanOf(values);
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    const auto count = static_cast<double>(values.size());
    return 1.96 * std::sqrt(squares / (count - 1) / count);
}

using Table = std::map<std::string, std::vector<std::vector<double>>>; // by arm and seed

inline void print(const Options& options, const std::vector<Arm>& arms, const Table& table)
{
    std::printf("\n| arm | exact match, %llu seeds | mean | against | difference |\n|---|---|---|---|---|\n",
                static_cast<unsigned long long>(options.seeds));
    const auto row = [&](const std::string& name, const std::string& against) {
        std::string seeds;
        std::vector<double> all, differences;
        for (std::size_t seed = 0; seed < table.at(name).size(); ++seed) {
            const auto& its = table.at(name)[seed];
            seeds += fmt::format("{}{:.1f}", seed > 0 ? ", " : "", 100 * meanOf(its));
            all.insert(all.end(), its.begin(), its.end());
            for (std::size_t i = 0; !against.empty() && i < its.size(); ++i)
                differences.push_back(its[i] - table.at(against)[seed][i]);
        }
        const std::string difference =
            against.empty() ? std::string() : fmt::format("{:+.1f} +- {:.1f}", 100 * meanOf(differences), 100 * halfWidth(differences));
        std::printf("| %s | %s | %.1f +- %.1f | %s | %s |\n", name.c_str(), seeds.c_str(), 100 * meanOf(all), 100 * halfWidth(all),
                    against.c_str(), difference.c_str());
    };
    row("the parent", "");
    for (const Arm& arm : arms)
        row(arm.name, arm.against);
}

inline Status measure(const Domain& domain, const Options& options, const Genome& parentGenome, const char* goOn,
                      const std::vector<Arm>& arms)
{
    Table table;
    const auto take = [&](std::uint64_t seed, const std::string& name, const Model& model) -> Status {
        RATCHET_TRY(its, scores(domain, options, seed, model));
        const Trained& trained = model.trained;
        std::puts(Json{{"seed", seed}, {"arm", name}, {"exactMatch", meanOf(its)}, {"loss", trained.finalLoss}, {"steps", trained.steps},
                       {"flops", trained.flops}, {"seconds", trained.seconds}, {"preference", trained.preference},
                       {"selfTraining", trained.selfTraining}, {"surgery", trained.surgery}}
                      .dump()
                      .c_str());
        std::fflush(stdout);
        table[name].push_back(std::move(its));
        return {};
    };
    RATCHET_TRY(parent, train(domain, options, 1, parentGenome.toJson(), nullptr, options.parentFlops, "parent"));
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
    print(options, arms, table);
    return {};
}

// Words of the command line from `words[first]` on: FOLDER [SEEDS [ITEMS [GFLOP [PARENT_GFLOP]]]].
inline Options optionsFrom(int count, char** words, int first)
{
    Options options;
    options.folder = words[first];
    if (count > first + 1)
        options.seeds = std::strtoull(words[first + 1], nullptr, 10);
    if (count > first + 2)
        options.items = std::atoi(words[first + 2]);
    if (count > first + 3)
        options.flops = 1e9 * std::atof(words[first + 3]);
    if (count > first + 4)
        options.parentFlops = 1e9 * std::atof(words[first + 4]);
    return options;
}

// In the domain `arithmetic`; `parentOf` makes the parent's genome of its seed genome, `goOn` is the patch of all arms. The exit
// status.
inline int run(const Options& options, Genome (*parentOf)(Genome), const char* goOn, const std::vector<Arm>& arms)
{
    prepareProcess();
    const auto domain = loadDomain("arithmetic");
    const Status done = domain ? measure(**domain, options, parentOf((*domain)->seedGenome()), goOn, arms) : Status(passOn(domain));
    if (!done)
        std::fprintf(stderr, "%s %s\n", done.error().text.c_str(), done.error().hint.c_str());
    return done ? 0 : 1;
}

} // namespace ratchet::measuring
