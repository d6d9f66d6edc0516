// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench: speed of training, generation and the store beside a peer measured in the same run, and what the gate keeps of
// its promises.
#include <algorithm>
#include <cstdio>
#include <stdlib.h>

#include <fmt/format.h>

#include "app/ratchet/attacker.h"
#include "app/ratchet/bench.h"
#include "app/ratchet/run_here.h"
#include "app/ratchet/command.h"
#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/plugin/corpus.h"

namespace ratchet {
namespace {

struct Wanted {
    bool json = false, quick = false;
    std::string peerBlas, peerPython, device = "cpu", precision = "auto", kernels = "own";
};

void print(const Figure& figure, bool json)
{
    if (json) {
        Json line{{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}, {"n", figure.n}};
        if (!figure.peer.empty()) {
            line["peer"] = figure.peer;
            line["peerValue"] = figure.peerValue;
            line["ratio"] = figure.ratio;
        }
        fmt::print("{}\n", line.dump());
    } else if (figure.peer.empty()) {
        fmt::print("{:<34} {:>10} {}\n", figure.name, toTextNumber(figure.value), figure.unit);
    } else {
        fmt::print("{:<34} {:>10} {}, {:.2f} x {} ({})\n", figure.name, toTextNumber(figure.value), figure.unit, figure.ratio,
                   figure.peer, toTextNumber(figure.peerValue));
    }
    std::fflush(stdout);
}

// A folder of its own that goes when the bench ends.
class Scratch {
public:
    Scratch()
    {
        std::string name = (std::filesystem::temp_directory_path() / "ratchet-bench-XXXXXX").string();
        if (::mkdtemp(name.data()))
            m_folder = name;
    }
    ~Scratch()
    {
        std::error_code error;
        if (!m_folder.empty())
            std::filesystem::remove_all(m_folder, error);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }

private:
    std::filesystem::path m_folder;
};

Result<int> bench(const Wanted& wanted, Status (*measure)(const BenchOptions&), bool usesPeer)
{
    const Scratch scratch;
    if (scratch.folder().empty())
        return fail(Code::Environment, "No temporary folder can be made.", "Set TMPDIR to a folder that can be written.");
    BenchOptions options{wanted.json, wanted.quick, benchPrograms(), scratch.folder(), {}};
    options.show = [json = wanted.json](const Figure& figure) { print(figure, json); };
    if (!wanted.peerBlas.empty())
        options.programs.peerBlas = wanted.peerBlas;
    options.programs.peerPython = wanted.peerPython;
    RATCHET_TRY(device, chooseDevice(options.programs.learner, wanted.device, wanted.precision));
    options.device = device;
    options.device.kernels = wanted.kernels;
    if (usesPeer && !options.programs.hasPeer())
        fmt::print(stderr, "ratchet: no peer: install python3-torch, or name a Python that has it with --peer-python\n");
    RATCHET_CHECK(measure(options));
    return 0;
}

} // namespace

double median(std::vector<double> values)
{
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Figure alone(const std::string& name, const std::vector<double>& values, const std::string& unit)
{
    return {name, median(values), unit, {}, 0, 0, static_cast<int>(values.size())};
}

Figure compared(const std::string& name, const std::vector<double>& ours, const std::string& unit, const std::string& peer,
                const std::vector<double>& theirs)
{
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.size() && i < theirs.size(); ++i)
        ratios.push_back(ours[i] / theirs[i]);
    return {name, median(ours), unit, peer, median(theirs), median(ratios), static_cast<int>(ratios.size())};
}

std::string titleOf(Contender contender)
{
    switch (contender) {
    case Contender::Ratchet:
        return "Ratchet";
    case Contender::EagerAsInstalled:
        return "PyTorch eager as Debian installs it";
    case Contender::Compiled:
        return "PyTorch through torch.compile";
    case Contender::EagerTuned:
        return "PyTorch eager with the best settings";
    }
    return {};
}

double rateOf(const Json& answer)
{
    return answer.value("tokens", 0.0) / std::max(1e-9, answer.value("seconds", 0.0));
}

Result<std::string> makeCorpus(const BenchOptions& options, int length)
{
    Rng rng = Rng::stream(1, "bench corpus");
    std::vector<std::string> words;
    for (int i = 0; i < 400; ++i) {
        words.emplace_back();
        for (std::uint64_t letters = 2 + rng.below(7); letters > 0; --letters)
            words.back() += static_cast<char>('a' + rng.below(26));
    }
    std::string text;
    for (int section = 0; section < 128; ++section) {
        for (int i = 0; i < length; ++i)    // common words come often, as in a language
            text += words[rng.below(1 + rng.below(words.size()))] + (i % 12 == 11 ? ".\n" : " ");
        text += "\n\n";
    }
    const auto source = options.scratch / fmt::format("corpus-{}.txt", length), folder = options.scratch / fmt::format("corpus-{}", length);
    RATCHET_CHECK(writeFile(source, text));
    RATCHET_TRY(summary, importCorpus(source, folder));
    (void)summary;
    return folder.string();
}

namespace {

void addSelfTraining(Commands& commands, CLI::App& group)
{
    struct Given { SelfTrainingBench bench; std::string base = "1.2TFLOP", round = "300GFLOP"; bool json = false, quick = false; };
    const auto given = std::make_shared<Given>();
    SelfTrainingBench& bench = given->bench;
    CLI::App* command = group.add_subcommand("self-training", "Rounds of self-training on longer strings, beside their controls; 31 TFLOP");
    command->final_callback([&commands, given] {
        commands.chosen = [given]() -> Result<int> {
            RATCHET_TRY(base, parseFlops(given->base));
            RATCHET_TRY(round, parseFlops(given->round));
            given->bench.baseFlops = base.value;
            given->bench.roundFlops = round.value;
            if (given->quick) {
                given->bench.seeds = 1;
                given->bench.rounds = 1;
                given->bench.items = 20;
                given->bench.baseFlops = given->bench.roundFlops = 5e9;
            }
            const Scratch scratch;
            if (scratch.folder().empty())
                return fail(Code::Environment, "No temporary folder can be made.", "Set TMPDIR to a folder that can be written.");
            BenchOptions options{given->json, given->quick, benchPrograms(), scratch.folder(), {}};
            options.show = [json = given->json](const Figure& figure) { print(figure, json); };
            RATCHET_CHECK(benchSelfTraining(given->bench, options));
            return 0;
        };
    });
    command->add_option("--seeds", bench.seeds, "How many seeds; 3 unless given")->type_name("N")->check(between(1, 1000));
    command->add_option("--rounds", bench.rounds, "Rounds after the base model; 6 unless given")->type_name("N")->check(between(1, 80));
    command->add_option("--workers", bench.workers, "Seeds at a time; 2 unless given")->type_name("N")->check(between(1, 1024));
    command->add_option("--arms", bench.arms, "Of filtered, unfiltered, checked, oracle, poisoned, none; all but checked unless given")
        ->type_name("ARM")
        ->check(CLI::IsMember({"filtered", "unfiltered", "checked", "oracle", "poisoned", "none"}).description(""));
    command->add_option("--base", given->base, "Compute of the base model; 1.2TFLOP unless given")->type_name("FLOPS");
    command->add_option("--round", given->round, "Compute of a round, its labels included; 300GFLOP unless given")->type_name("FLOPS");
    command->add_option("--acceleration", bench.acceleration, "Most characters a round goes further: past every length that is 95 % right; 1 unless given")
        ->type_name("N")
        ->check(between(1, 16));
    command->add_option("--items", bench.items, "Asked of every length after every round; 100 unless given")->type_name("N")->check(between(1, 100'000));
    command->add_option("--folder", bench.folder, "Keep models and rows here; the same command then goes on where it was stopped")
        ->type_name("DIR");
    command->add_option("--csv", bench.csv, "Write every row to this file")->type_name("FILE");
    command->add_option("--figure", bench.figure, "Draw accuracy over length by arm and round to this file")->type_name("FILE.svg");
    command->add_flag("--json", given->json, "One JSON object a line");
    command->add_flag("--quick", given->quick, "One tiny seed; for trying out, not for quoting");
}

void addGate(Commands& commands, CLI::App& group)
{
    struct Given { GateBench bench; bool json = false, quick = false; };
    const auto given = std::make_shared<Given>();
    GateBench& bench = given->bench;
    CLI::App* command = group.add_subcommand("gate", "The gate beside other rules on proposals whose truth is known, or on outcomes from a file");
    command->final_callback([&commands, given] {
        commands.chosen = [given]() -> Result<int> {
            BenchOptions options{given->json, given->quick, {}, {}, {}};
            options.show = [json = given->json](const Figure& figure) { print(figure, json); };
            RATCHET_CHECK(given->bench.outcomes.empty() ? benchGate(given->bench, options) : benchOutcomes(given->bench, given->json));
            return 0;
        };
    });
    command->add_option("--outcomes", bench.outcomes, "Judge the pairs in this file: lines proposal,win|loss|tie or proposal,scoreA,scoreB")
        ->type_name("FILE.csv");
    command->add_option("--alpha", bench.stream.alpha, "Of all questions together; 0.05 unless given")->type_name("SHARE");
    command->add_option("--min-effect", bench.minEffect, "Smallest difference worth accepting; 0.005 unless given")->type_name("SCORE");
    command->add_option("--labs", bench.stream.labs, "Simulated labs for the rules; 20 unless given")->type_name("N")->check(between(1, 100'000));
    command->add_option("--null-labs", bench.nullLabs, "Simulated labs of null proposals; 10000 unless given")
        ->type_name("N")
        ->check(between(1, 10'000'000));
    command->add_option("--proposals", bench.stream.proposals, "Of each lab; 200 unless given")->type_name("N")->check(between(1, 100'000));
    command->add_option("--better", bench.stream.better, "Of these truly better; 20 unless given")->type_name("N")->check(between(0, 100'000));
    command->add_option("--seed", bench.stream.seed, "1 unless given")->type_name("N");
    command->add_flag("--json", given->json, "One JSON object a line");
    command->add_flag("--quick", given->quick, "Few labs; for trying out, not for quoting");
}

void addGoodhart(Commands& commands, CLI::App& group)
{
    struct Given { GoodhartBench bench; bool json = false, quick = false; };
    const auto given = std::make_shared<Given>();
    GoodhartBench& bench = given->bench;
    CLI::App* command = group.add_subcommand("goodhart", "Search pressure on a visible score, with the gate and without");
    command->final_callback([&commands, given] {
        commands.chosen = [given]() -> Result<int> {
            if (given->quick) {
                given->bench.seeds = 2;
                given->bench.candidates = 4;
                given->bench.hiddenItems = 200;
            }
            const Scratch scratch;
            if (scratch.folder().empty())
                return fail(Code::Environment, "No temporary folder can be made.", "Set TMPDIR to a folder that can be written.");
            BenchOptions options{given->json, given->quick, benchPrograms(), scratch.folder(), {}};
            options.show = [json = given->json](const Figure& figure) { print(figure, json); };
            RATCHET_CHECK(benchGoodhart(given->bench, options));
            return 0;
        };
    });
    command->add_option("--seeds", bench.seeds, "How many seeds; 5 unless given")->type_name("N")->check(between(2, 1000));
    command->add_option("--candidates", bench.candidates, "Tried of each; 30 unless given")->type_name("N")->check(between(1, 100'000));
    command->add_option("--visible", bench.visibleItems, "Visible items, the same for all; 50 unless given")->type_name("N")->check(between(1, 100'000));
    command->add_option("--noise", bench.noise, "Of a candidate, in root mean squares of its tensors; 0.04 unless given")->type_name("SCALE")->check(between(0.0, 10.0));
    command->add_option("--better", bench.trueShare, "Of candidates that are a step to a better model; 0.1 unless given")->type_name("SHARE")->check(between(0.0, 1.0));
    command->add_option("--csv", bench.csv, "Write every row to this file")->type_name("FILE");
    command->add_option("--figure", bench.figure, "Draw both scores over the candidates tried to this file")->type_name("FILE.svg");
    command->add_flag("--json", given->json, "One JSON object a line");
    command->add_flag("--quick", given->quick, "A few candidates; for trying out, not for quoting");
}

// What `ratchet bench attacks` starts in the place of ratchet-learner.
void addAttacker(Commands& commands)
{
    struct Given { std::string plan, role; };
    const auto given = std::make_shared<Given>();
    CLI::App* command = commands.add("attacker", "A learner that lies; started by ratchet bench attacks", [given]() -> Result<int> {
        RATCHET_TRY(json, parseJson(given->plan, "the attack"));
        RATCHET_TRY(plan, AttackPlan::fromJson(json));
        return playAttacker(plan, given->role);
    });
    command->group("");
    command->add_option("PLAN", given->plan)->required();
    command->add_option("ROLE", given->role)->required();
}

} // namespace

void addBenchCommand(Commands& commands)
{
    addAttacker(commands);
    CLI::App* group = commands.app.add_subcommand("bench", "Measure speed beside a peer in the same run, and the gate");
    group->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& description, Status (*measure)(const BenchOptions&), bool usesPeer) {
        const auto wanted = std::make_shared<Wanted>();
        CLI::App* command = group->add_subcommand(name, description);
        command->final_callback([&commands, wanted, measure, usesPeer] {
            commands.chosen = [wanted, measure, usesPeer] { return bench(*wanted, measure, usesPeer); };
        });
        command->add_flag("--json", wanted->json, "One JSON object a line");
        command->add_flag("--quick", wanted->quick, "One short round; for trying out, not for quoting");
        if (!usesPeer)
            return;
        command->add_option("--peer-blas", wanted->peerBlas, "Folder of the BLAS that stands for Debian's default")
            ->type_name("DIR")
            ->check(CLI::ExistingDirectory.description(""));
        command->add_option("--peer-python", wanted->peerPython, "Python that runs the peer; Debian's unless given")
            ->type_name("FILE")
            ->check(CLI::ExistingFile.description(""));
        addDevice(command, wanted->device, wanted->precision);
        addKernels(command, wanted->kernels);
    };
    add("train", "Training steps against plain PyTorch", benchTraining, true);
    add("generate", "Generated tokens against plain PyTorch", benchGeneration, true);
    add("store", "Points written and curves read", benchStore, false);
    addSelfTraining(commands, *group);
    addGate(commands, *group);
    add("attacks", "Attacks on the real engine, judge and gate, beside a naive gate; minutes", benchAttacks, false);
    addGoodhart(commands, *group);
}

} // namespace ratchet
