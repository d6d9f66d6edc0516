// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet replay: the line of a population's winner, and whether training it again alone gives the same weights.
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "app/ratchet/run_here.h"
#include "app/ratchet/stop_signal.h"
#include "core/agent/context.h"
#include "core/agent/text_table.h"
#include "core/genome/population_log.h"
#include "core/genome/weights_file.h"
#include "core/launch/child.h"
#include "core/launch/spawn.h"

namespace ratchet {
namespace {

struct Options {
    std::string folder, version;
    std::string kernels = "own";
    int threads = 1;
    bool json = false;
};

// A version that a population trained, and what is needed to do it again.
struct Trial {
    VersionRecord version;
    TrainSpec spec;
    PopulationLog log;
};

// Removed with everything in it.
struct Scratch {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("ratchet-replay-{}", ::getpid());
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
};

Result<Json> objectOf(const ObjectStore& objects, const Hash& hash)
{
    RATCHET_TRY(text, objects.get(hash));
    return parseJson(text, fmt::format("the object {}", hash.brief()));
}

Status addParent(TrainSpec& spec, const OpenLab& lab, const ObjectStore& objects, const VersionRecord& version)
{
    if (!version.parent)
        return {};
    RATCHET_TRY(parent, lab.store->version(*version.parent));
    if (!parent)
        return fail(Code::Damaged, fmt::format("The parent of version {} is missing.", version.hash.brief()));
    RATCHET_TRY(genome, objectOf(objects, parent->genome));
    RATCHET_CHECK(objects.verify(parent->weights));
    spec.parentGenome = std::move(genome);
    spec.parentWeights = std::filesystem::absolute(objects.path(parent->weights)).string();
    if (spec.genome["recipe"].value("moments", "reset") != "carry" || !parent->moments)
        return {};
    RATCHET_CHECK(objects.verify(*parent->moments));
    spec.parentMoments = std::filesystem::absolute(objects.path(*parent->moments)).string();
    return {};
}

Result<Trial> trialOf(const OpenLab& lab, const std::string& name)
{
    Trial trial;
    const ObjectStore objects(lab.paths.objects());
    RATCHET_TRY(version, lab.store->findVersion(name));
    RATCHET_TRY(weights, readWeights(objects.path(version.weights)));
    const auto population = weights.metadata.find("population");
    if (population == weights.metadata.end() || !version.trial)
        return fail(Code::Refused, fmt::format("Version {} was not trained in a population.", version.hash.brief()),
                    "`ratchet replicate` trains the recipe of any version again with other seeds.");
    RATCHET_TRY(json, parseJson(population->second, "the population's log"));
    RATCHET_TRY(log, PopulationLog::fromJson(json));
    RATCHET_TRY(genomeJson, objectOf(objects, version.genome));
    RATCHET_TRY(genome, Genome::fromJson(genomeJson));
    if (genome.data.replay > 0 || genome.data.feedback > 0)
        return fail(Code::Refused, fmt::format("Version {} learnt from failures or feedback, which the lab may have more of by now.", version.hash.brief()),
                    "`ratchet replicate` trains its recipe again with other seeds.");
    RATCHET_TRY(trained, lab.store->trial(*version.trial));
    if (!trained)
        return fail(Code::Damaged, fmt::format("The trial of version {} is missing.", version.hash.brief()));
    TrainSpec& spec = trial.spec;
    spec.trial = trained->id.value;
    spec.seed = trained->seed;
    spec.domain = lab.config.domain;
    spec.corpus = lab.config.corpusSource.empty() ? std::string() : std::filesystem::absolute(lab.paths.corpus()).string();
    spec.genome = genome.toJson();
    spec.budgetFlops = trained->budget.value;
    RATCHET_TRY(tokenizer, labTokenizer(*lab.store, objects));
    spec.tokenizer = std::move(tokenizer);
    RATCHET_CHECK(addParent(spec, lab, objects, version));
    trial.version = version;
    trial.log = std::move(log);
    return trial;
}

// Its exit status; killed, and Cancelled, when this program is stopped.
Result<int> waitFor(const Spawned& learner)
{
    const StopOnSignal stop;
    pollfd ended{learner.process.get(), POLLIN, 0};
    while (::poll(&ended, 1, 200) != 1 && !stop.token().stop_requested()) {
    }
    const bool isStopped = (ended.revents & POLLIN) == 0;
    if (isStopped)
        ::kill(learner.pid, SIGKILL);
    int status = 0;
    ::waitpid(learner.pid, &status, 0);
    if (isStopped)
        return fail(Code::Cancelled, "Stopped before the weights were trained again.");
    return status;
}

// Trains in a learner and waits for it; the hash of the weights it made.
Result<Hash> trainAgain(Trial trial, const Options& options)
{
    const Scratch scratch;
    RATCHET_CHECK(makeFolder(scratch.folder, 0700));
    trial.spec.scratch = scratch.folder.string();
    const auto file = scratch.folder / "spec.json", output = scratch.folder / "output";
    RATCHET_CHECK(writeFile(file, Json{{"spec", toJson(Message(trial.spec))}, {"log", trial.log.toJson()}}.dump()));
    SandboxCommand command{{defaultLearner().string(), "--threads", std::to_string(options.threads), "--kernels", options.kernels, "replay", file.string()}, learnerEnvironment(), 0};
    for (const char* name : {"PATH", "HOME", "LD_LIBRARY_PATH", "RATCHET_PLUGIN_PATH"})
        if (const char* value = std::getenv(name))
            command.environment.push_back(fmt::format("{}={}", name, value));
    RATCHET_TRY(learner, spawn(command, output));
    RATCHET_TRY(status, waitFor(learner));
    if (status == 0)
        return hashOfFile(scratch.folder / "weights.safetensors");
    const auto said = readFile(output);
    const auto error = said ? parseJson(*said, "the learner's answer") : Result<Json>(passOn(said));
    return fail(Code::Failed, error ? error->value("error", "The learner failed.") : "The learner ended without a result.");
}

Json lineOf(const PopulationLog& log)
{
    Json line = Json::array();
    const std::vector<int> members = log.lineage();
    const Json generations = log.toJson().at("generations");
    for (std::size_t i = 0; i < members.size(); ++i) {
        Json one = generations[i][static_cast<std::size_t>(members[i])];
        one["member"] = members[i];
        line.push_back(std::move(one));
    }
    return line;
}

void print(const Trial& trial, bool isSame)
{
    constexpr auto right = Column::Align::Right;
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : lineOf(trial.log)) {
        rows.push_back({std::to_string(rows.size() + 1), one["member"].dump()});
        for (const char* name : {"learningRate", "weightDecay", "dropout", "labelSmoothing", "ema", "loss"})
            rows.back().push_back(toTextNumber(one[name]));
    }
    fmt::print("{}\n", textTable({{"generation", right}, {"member", right}, {"learning rate", right}, {"weight decay", right}, {"dropout", right},
                                  {"label smoothing", right}, {"average", right}, {"loss", right}}, rows));
    fmt::print("Trained again alone from the log of {} members, version {} has {} weights.\n", trial.log.seeds.size(),
               trial.version.hash.brief(), isSame ? "the same" : "other");
}

Result<int> replayVersion(const Options& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(trial, trialOf(lab, options.version));
    RATCHET_TRY(hash, trainAgain(trial, options));
    const bool isSame = hash == trial.version.weights;
    if (options.json)
        printJson({{"version", trial.version.hash.hex}, {"same", isSame}, {"line", lineOf(trial.log)}});
    else
        print(trial, isSame);
    return isSame ? 0 : 1;
}

} // namespace

void addReplayCommand(Commands& commands)
{
    const auto options = std::make_shared<Options>();
    CLI::App* command = commands.add("replay", "Train the winner of a population again, without the others, and compare the weights",
                                     [options] { return replayVersion(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("VERSION", options->version, "Its hash, or the first digits of it (at least 4)")
        ->type_name("")
        ->required();
    command->add_option("--threads", options->threads, "That the trial had; one unless given")->type_name("N")->check(between(1, 1024));
    addKernels(command, options->kernels);
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
