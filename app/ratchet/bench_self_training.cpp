// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench self-training: rounds of self-training on longer strings beside their controls (core/trainer/rounds.h), one
// ratchet-learner process a seed. Prints accuracy by arm and length after the last round, writes every row as CSV and the
// mean curves as SVG.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <fcntl.h>

#include "app/ratchet/bench.h"
#include "app/ratchet/command.h"
#include "core/agent/svg.h"
#include "core/base/file.h"
#include "core/genome/genome.h"
#include "core/guard/sandbox.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

using namespace std::chrono_literals;

// A process that runs one seed.
struct Seed {
    std::uint64_t seed = 0;
    pid_t pid = 0;
    bool ended = false;
    int status = 0;
    std::filesystem::path log;
    std::vector<Json> rows;
    std::string error, where;
    double progress = 0;
};

Genome copyGenome()
{
    Genome genome;
    genome.architecture.layers = 3;
    genome.architecture.width = 64;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForward = "swiglu";
    genome.architecture.feedForwardWidth = 192;
    genome.architecture.norm = "rmsnorm";
    genome.architecture.positions = "none";       // as in the paper: nothing in it knows a longest place
    genome.architecture.context = 96;
    genome.recipe.learningRate = 2e-3;
    genome.recipe.schedule = "wsd";
    genome.recipe.batch = 64;
    genome.data.mixture = {{"tasks", {{"copy", 1.0}}}, {"longest", 10}};
    return genome;
}

Json specOf(const SelfTrainingBench& bench, std::uint64_t seed, const std::filesystem::path& scratch)
{
    std::vector<int> levels;
    for (int level = 0; level <= bench.rounds + 4; ++level)
        levels.push_back(level);
    return {{"domain", "strings"}, {"seed", seed}, {"arms", bench.arms}, {"rounds", bench.rounds},
            {"baseFlops", bench.baseFlops}, {"roundFlops", bench.roundFlops}, {"levels", levels}, {"items", bench.items},
            {"acceleration", 1}, {"genome", copyGenome().toJson()}, {"scratch", scratch.string()}};
}

Status start(Seed& seed, const SelfTrainingBench& bench, const std::filesystem::path& learner, const std::filesystem::path& folder)
{
    RATCHET_CHECK(makeFolder(folder));
    seed.log = folder / "rows.jsonl";
    const auto spec = folder / "spec.json";
    RATCHET_CHECK(writeFile(spec, specOf(bench, seed.seed, folder).dump()));
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 1, seed.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::string words[] = {learner.string(), "rounds", spec.string()};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    const int failed = ::posix_spawn(&seed.pid, arguments[0], &files, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0)
        return fail(Code::Environment, fmt::format("{} cannot be started.", learner.string()), "Build the project again.");
    return {};
}

// Reads what the process has written so far, whole lines only.
void look(Seed& seed)
{
    std::ifstream in(seed.log);
    seed.rows.clear();
    for (std::string line; std::getline(in, line) && !in.eof();) {
        const auto json = parseJson(line, "a line of the experiment");
        if (!json)
            continue;
        if (json->contains("row"))
            seed.rows.push_back((*json)["row"]);
        seed.progress = json->value("progress", seed.progress);
        if (json->contains("arm"))
            seed.where = fmt::format("{} round {}", json->value("arm", ""), json->value("round", 0));
        seed.error = json->value("error", seed.error);
    }
    if (!seed.ended && ::waitpid(seed.pid, &seed.status, WNOHANG) == seed.pid)
        seed.ended = true;
}

// Ends what still runs when the bench is left early.
struct Reaper {
    std::vector<Seed>& seeds;
    ~Reaper()
    {
        for (Seed& seed : seeds)
            if (seed.pid > 0 && !seed.ended) {
                ::kill(seed.pid, SIGKILL);
                ::waitpid(seed.pid, &seed.status, 0);
            }
    }
};

void showProgress(const std::vector<Seed>& seeds, std::chrono::steady_clock::duration elapsed)
{
    double done = 0;
    std::string where;
    for (const Seed& seed : seeds) {
        done += (seed.ended ? 1 : seed.progress) / static_cast<double>(seeds.size());
        if (seed.pid > 0 && !seed.ended)
            where += fmt::format("; seed {} {}", seed.seed, seed.where);
    }
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const std::string left = done > 0.02 ? fmt::format(", about {:.0f} min left", seconds / done * (1 - done) / 60 + 0.5) : "";
    fmt::print(stderr, "\r\033[K{:3.0f} %{}{}", 100 * done, left, where);
    std::fflush(stderr);
}

Status runAll(std::vector<Seed>& seeds, const SelfTrainingBench& bench, const BenchOptions& options)
{
    const Reaper reaper{seeds};
    const bool terminal = ::isatty(2) == 1;
    const auto begun = std::chrono::steady_clock::now();
    for (;;) {
        int running = 0;
        bool allEnded = true;
        for (Seed& seed : seeds) {
            if (seed.pid > 0)
                look(seed);
            if (seed.ended && (seed.status != 0 || !seed.error.empty()))
                return fail(Code::Failed, fmt::format("Seed {} failed: {}", seed.seed, seed.error.empty() ? "its process died." : seed.error));
            running += seed.pid > 0 && !seed.ended;
            allEnded = allEnded && seed.ended;
        }
        if (allEnded)
            break;
        for (Seed& seed : seeds)
            if (seed.pid == 0 && running < bench.workers) {
                RATCHET_CHECK(start(seed, bench, options.programs.learner, options.scratch / fmt::format("seed-{}", seed.seed)));
                ++running;
            }
        if (terminal)
            showProgress(seeds, std::chrono::steady_clock::now() - begun);
        std::this_thread::sleep_for(500ms);
    }
    if (terminal)
        fmt::print(stderr, "\r\033[K");
    return {};
}

using Key = std::tuple<std::string, int, int>;      // arm, round, level
std::map<Key, std::vector<double>> byKey(const std::vector<Seed>& seeds)
{
    std::map<Key, std::vector<double>> values;
    for (const Seed& seed : seeds)
        for (const Json& row : seed.rows)
            values[{row["arm"], row["round"], row["level"]}].push_back(row["accuracy"]);
    return values;
}

double mean(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

std::string csvOf(const std::vector<Seed>& seeds)
{
    std::string text = "seed,arm,round,length,trained_length,accuracy,items,steps,tflop,kept,right\n";
    for (const Seed& seed : seeds)
        for (const Json& row : seed.rows)
            text += fmt::format("{},{},{},{},{},{:.4f},{},{},{:.4f},{:.4f},{:.4f}\n", seed.seed, row["arm"].get<std::string>(),
                                row["round"].get<int>(), 10 + row["level"].get<int>(), 10 + row["trainedLevel"].get<int>(),
                                row["accuracy"].get<double>(), row["items"].get<int>(), row["steps"].get<std::int64_t>(),
                                row["flops"].get<double>() / 1e12, row["kept"].get<double>(), row["right"].get<double>());
    return text;
}

// Accuracy over length, before and after the last round of every arm.
std::string figureOf(const std::map<Key, std::vector<double>>& values, const SelfTrainingBench& bench)
{
    Chart chart;
    chart.title = fmt::format("Copying longer strings after {} rounds of self-training, mean of {} seeds", bench.rounds, bench.seeds);
    chart.x = "length (trained with right answers up to 10)";
    chart.y = "exact match";
    chart.range = {0, 1};
    chart.wholeX = true;
    const auto add = [&](const std::string& title, const std::string& arm, int round) {
        ChartLine line{title, {}, false};
        for (const auto& [key, of] : values)
            if (std::get<0>(key) == arm && std::get<1>(key) == round)
                line.points.emplace_back(10 + std::get<2>(key), mean(of));
        std::sort(line.points.begin(), line.points.end());
        if (!line.points.empty())
            chart.lines.push_back(std::move(line));
    };
    add("base", bench.arms.front(), 0);
    for (const std::string& arm : bench.arms)
        add(arm, arm, bench.rounds);
    return toSvg(chart);
}

} // namespace

Status benchSelfTraining(const SelfTrainingBench& bench, const BenchOptions& options)
{
    RATCHET_TRY(domain, loadDomain("strings"));
    (void)domain;
    std::vector<Seed> seeds(static_cast<std::size_t>(bench.seeds));
    for (std::size_t i = 0; i < seeds.size(); ++i)
        seeds[i].seed = i + 1;
    RATCHET_CHECK(runAll(seeds, bench, options));
    const auto values = byKey(seeds);
    for (const auto& [key, of] : values) {
        const auto& [arm, round, level] = key;
        if (round == bench.rounds || (round == 0 && arm == bench.arms.front()))
            options.show({fmt::format("self-training/{}/length-{}", round == 0 ? "base" : arm, 10 + level), mean(of), "exact match", {}, 0, 0,
                          static_cast<int>(of.size())});
    }
    if (!bench.csv.empty())
        RATCHET_CHECK(writeFile(bench.csv, csvOf(seeds)));
    if (!bench.figure.empty())
        RATCHET_CHECK(writeFile(bench.figure, figureOf(values, bench)));
    return {};
}

} // namespace ratchet
