// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench self-training: rounds of self-training on longer strings beside their controls (core/trainer/rounds.h), one
// ratchet-learner process a seed. Prints accuracy by arm and length after the last round and the 50 % length of every round,
// writes every row as CSV and the mean curves as SVG.
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
#include "app/ratchet/stop_signal.h"
#include "core/agent/rounds_report.h"
#include "core/base/file.h"
#include "core/genome/genome.h"
#include "core/guard/sandbox.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

using namespace std::chrono_literals;

constexpr int longestTrained = 10;

// A process that runs one seed.
struct Seed {
    std::uint64_t seed = 0;
    pid_t pid = 0;
    bool ended = false;
    int status = 0;
    std::filesystem::path log;
    std::vector<LengthRow> rows;
    std::string error, where;
    double progress = 0;
};

// Calibrated with single seeds of 0.6 to 2 TFLOP. Without positions nothing in the model knows a longest place, as in the
// paper: from 10 trained characters it copies 11 and half of 12, and each round moves that on. Learned places and RoPE know
// lengths up to 10 perfectly and 11 not at all, so that they have nothing to label; coupled places copy a few of 15 to 20 from
// the start, unevenly. Muon at 1e-2 gets 98 % of lengths up to 10 right after 0.6 TFLOP, AdamW at 2e-3 71 %.
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
    genome.architecture.positions = "none";
    genome.architecture.context = 96;
    genome.recipe.optimizer = "muon";
    genome.recipe.learningRate = 1e-2;
    genome.recipe.schedule = "wsd";
    genome.recipe.batch = 64;
    genome.data.mixture = {{"tasks", {{"copy", 1.0}}}, {"longest", longestTrained}};
    return genome;
}

Json specOf(const SelfTrainingBench& bench, std::uint64_t seed, const std::filesystem::path& scratch)
{
    constexpr int beyond = 4;           // lengths measured past the longest that is trained
    std::vector<int> levels;
    for (int level = 0; level <= bench.rounds * bench.acceleration + beyond; ++level)
        levels.push_back(level);
    return {{"domain", "strings"}, {"seed", seed}, {"arms", bench.arms}, {"rounds", bench.rounds},
            {"baseFlops", bench.baseFlops}, {"roundFlops", bench.roundFlops}, {"levels", levels}, {"items", bench.items},
            {"acceleration", bench.acceleration}, {"genome", copyGenome().toJson()}, {"scratch", scratch.string()}};
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

LengthRow rowFrom(std::uint64_t seed, const Json& json)
{
    LengthRow row;
    row.seed = seed;
    row.arm = json["arm"];
    row.round = json["round"];
    row.length = longestTrained + json["level"].get<int>();
    row.trained = longestTrained + json["trainedLevel"].get<int>();
    row.accuracy = json["accuracy"];
    row.items = json["items"];
    row.steps = json["steps"];
    row.flops = json["flops"];
    row.kept = json["kept"];
    row.right = json["right"];
    return row;
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
            seed.rows.push_back(rowFrom(seed.seed, (*json)["row"]));
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

// Ctrl-C in a terminal reaches the process itself too.
bool wasStopped(const Seed& seed)
{
    return seed.ended && WIFSIGNALED(seed.status) && (WTERMSIG(seed.status) == SIGINT || WTERMSIG(seed.status) == SIGTERM);
}

Status runAll(std::vector<Seed>& seeds, const SelfTrainingBench& bench, const BenchOptions& options)
{
    const StopOnSignal stop;
    const Reaper reaper{seeds};
    const bool terminal = ::isatty(2) == 1;
    const auto begun = std::chrono::steady_clock::now();
    for (;;) {
        int running = 0;
        bool allEnded = true;
        for (Seed& seed : seeds) {
            if (seed.pid > 0)
                look(seed);
            if (stop.token().stop_requested() || wasStopped(seed))
                return fail(Code::Cancelled, "Stopped before the last round; what was measured so far is shown.",
                            bench.folder.empty() ? "With --folder the same command goes on where it was stopped."
                                                 : "The same command goes on where it was stopped.");
            if (seed.ended && (seed.status != 0 || !seed.error.empty()))
                return fail(Code::Failed, fmt::format("Seed {} failed: {}", seed.seed, seed.error.empty() ? "its process died." : seed.error));
            running += seed.pid > 0 && !seed.ended;
            allEnded = allEnded && seed.ended;
        }
        if (allEnded)
            break;
        for (Seed& seed : seeds)
            if (seed.pid == 0 && running < bench.workers) {
                RATCHET_CHECK(start(seed, bench, options.programs.learner,
                                    (bench.folder.empty() ? options.scratch : std::filesystem::path(bench.folder)) /
                                        fmt::format("seed-{}", seed.seed)));
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

void show(const std::vector<LengthRow>& rows, const SelfTrainingBench& bench, const BenchOptions& options)
{
    std::map<std::tuple<std::string, int, int>, std::vector<double>> values;    // arm, round, length
    for (const LengthRow& row : rows)
        values[{row.arm, row.round, row.length}].push_back(row.accuracy);
    for (const auto& [key, of] : values) {
        const auto& [arm, round, length] = key;
        if (round == bench.rounds || (round == 0 && arm == bench.arms.front())) {
            double mean = 0;
            for (const double value : of)
                mean += value / static_cast<double>(of.size());
            options.show({fmt::format("self-training/{}/length-{}", round == 0 ? "base" : arm, length), mean, "exact match", {}, 0, 0,
                          static_cast<int>(of.size())});
        }
    }
    for (const HalfLength& half : halfLengths(rows))
        options.show({fmt::format("self-training/{}/half-length/round-{}", half.arm, half.round), half.mean,
                      fmt::format("characters ({:.1f} to {:.1f})", half.low, half.high), {}, 0, 0, half.seeds});
}

} // namespace

Status benchSelfTraining(const SelfTrainingBench& bench, const BenchOptions& options)
{
    RATCHET_TRY(domain, loadDomain("strings"));
    (void)domain;
    std::vector<Seed> seeds(static_cast<std::size_t>(bench.seeds));
    for (std::size_t i = 0; i < seeds.size(); ++i)
        seeds[i].seed = i + 1;
    const Status done = runAll(seeds, bench, options);
    std::vector<LengthRow> rows;
    for (const Seed& seed : seeds)
        rows.insert(rows.end(), seed.rows.begin(), seed.rows.end());
    if (rows.empty())
        return done;
    show(rows, bench, options);
    if (!bench.csv.empty())
        RATCHET_CHECK(writeFile(bench.csv, roundsCsv(rows)));
    if (!bench.figure.empty())
        RATCHET_CHECK(writeFile(bench.figure, roundsFigure(rows)));
    return done;
}

} // namespace ratchet
