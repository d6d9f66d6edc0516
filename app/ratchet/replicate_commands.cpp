// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet aa and ratchet replicate: a recipe trained again with other seeds. `replicate` asks how much of a version's gain
// comes back; `aa` measures the champion's recipe beside the champion, and so what the lab can see at all.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "app/ratchet/live_view.h"
#include "app/ratchet/run_here.h"
#include "app/ratchet/stop_signal.h"
#include "core/agent/engine.h"
#include "core/agent/summary.h"
#include "core/agent/text_table.h"
#include "core/selector/gate.h"

namespace ratchet {
namespace {

constexpr auto right = Column::Align::Right;

struct Options {
    std::string folder, version;
    int seeds = 5, items = 1000, workers = 0, threads = 1;
    bool json = false;
};

Json toJson(const Spread& spread)
{
    Json json{{"runs", spread.runs}, {"mean", spread.mean}, {"sigma", spread.sigma}};
    if (spread.runs > 1)
        json.update(Json{{"low", spread.low}, {"high", spread.high}});
    return json;
}

Json toJson(const Replication& result)
{
    Json suites = Json::array();
    for (const SuiteSpread& suite : result.suites)
        suites.push_back({{"suite", suite.suite},
                          {"score", toJson(suite.score)},
                          {"difference", toJson(suite.difference)},
                          {"itemSigma", suite.itemSigma},
                          {"discordant", suite.discordant},
                          {"differenceDeviation", suite.differenceDeviation ? Json(*suite.differenceDeviation) : Json()},
                          {"scores", suite.scores}});
    Json runs = Json::array();
    for (const Id<ProposalRecord> run : result.runs)
        runs.push_back(run.value);
    const auto share = result.share();
    return {{"version", result.version.hex},
            {"reference", result.reference.hex},
            {"change", result.change},
            {"nominalGain", result.nominal ? Json(*result.nominal) : Json()},
            {"share", share ? toJson(*share) : Json()},
            {"runs", runs},
            {"failed", result.failed},
            {"suites", suites}};
}

Result<Replication> replicateHere(const Options& options, const OpenLab& lab, const Hash& version, bool besideItself)
{
    EngineOptions wanted;
    wanted.workers = options.workers;
    wanted.threads = options.threads;
    RATCHET_TRY(engine, Engine::open(options.folder, wanted));
    const StopOnSignal signal;
    const ReplicationWish wish{version, besideItself, options.seeds, options.items};
    if (options.json)
        return engine->replicate(wish, signal.token());
    LiveView view(LiveView::Style::Automatic, lab.config.isBitsPerByte());
    return engine->replicate(wish, signal.token(), [&view](const EngineStatus& status) { view.show(status); });
}

std::string spreadText(const Summary& summary, const Spread& spread)
{
    if (spread.runs < 2)
        return gainText(summary, spread.mean);
    return fmt::format("{} [{}, {}]", gainText(summary, spread.mean), gainText(summary, spread.low), gainText(summary, spread.high));
}

// A standard deviation in the units of gainText, without its sign.
std::string sigmaText(const Summary& summary, double sigma)
{
    return gainText(summary, std::abs(sigma)).substr(1);
}

std::string suiteTable(const Summary& summary, const Replication& result)
{
    std::vector<std::vector<std::string>> rows;
    for (const SuiteSpread& suite : result.suites)
        rows.push_back({suite.suite, std::to_string(suite.score.runs), scoreText(summary, suite.score.mean),
                        sigmaText(summary, suite.score.sigma), sigmaText(summary, suite.itemSigma),
                        spreadText(summary, suite.difference),
                        summary.bitsPerByte ? sigmaText(summary, suite.differenceDeviation.value_or(0)) : toTextPercent(suite.discordant)});
    return textTable({{"suite"}, {"seeds", right}, {"score", right}, {"sigma over seeds", right}, {"sigma of items", right},
                      {"difference [95 %]", right}, {summary.bitsPerByte ? "sigma of one text" : "answers that differ", right}},
                     rows);
}

// --- what the lab can see -------------------------------------------------------------------------------------------

// Of fewer than four seeds a correlation says nothing: of two it is 1 or -1 whatever they are.
Json correlationsOf(const Replication& result)
{
    Json list = Json::array();
    const int seeds = static_cast<int>(result.runs.size());
    for (std::size_t a = 0; a < result.suites.size() && seeds >= fewestCorrelated; ++a)
        for (std::size_t b = a + 1; b < result.suites.size(); ++b) {
            const double r = correlationOf(result.suites[a].scores, result.suites[b].scores);
            const auto [low, high] = correlationInterval(r, seeds);
            list.push_back({{"a", result.suites[a].suite}, {"b", result.suites[b].suite}, {"r", r}, {"low", low}, {"high", high}});
        }
    return list;
}

Result<int> aa(const Options& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(live, lab.store->live());
    if (!live)
        return fail(Code::NotFound, "The lab has no champion yet.", fmt::format("ratchet run {} trains the seed model first.", options.folder));
    RATCHET_TRY(result, replicateHere(options, lab, live->version, true));
    RATCHET_TRY(sights, sightOf(*lab.store, ObjectStore(lab.paths.objects()), lab.config, result));
    if (options.json) {
        Json json = toJson(result);
        json["correlations"] = correlationsOf(result);
        json["trialFlops"] = lab.config.trialBudget.value;
        json["gateItems"] = lab.config.gateItems;
        Json& list = json["detectable"] = Json::array();
        for (const Sight& sight : sights)
            list.push_back({{"k", sight.k}, {"alpha", sight.alpha}, {"gain", sight.smallest.gain},
                            {"winShare", sight.smallest.winShare}, {"pairs", sight.smallest.meanPairs},
                            {"trainingFlops", sight.training.value}, {"judgingFlops", sight.judging.value}});
        printJson(json);
        return 0;
    }
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    fmt::print("\nThe champion's recipe ({}) with {} other seeds, beside the champion, in {}\n{}", result.version.brief(), result.runs.size(),
               summary.bitsPerByte ? "bits per byte" : "points of 100", suiteTable(summary, result));
    for (const Json& one : correlationsOf(result))
        fmt::print("Correlation over seeds of {} and {}: {:+.2f} [{:+.2f}, {:+.2f}]\n", one["a"].get<std::string>(), one["b"].get<std::string>(),
                   one["r"].get<double>(), one["low"].get<double>(), one["high"].get<double>());
    if (result.suites.size() > 1 && static_cast<int>(result.runs.size()) < fewestCorrelated)
        fmt::print("Correlations of suites take {} seeds or more.\n", fewestCorrelated);
    for (const Sight& sight : sights)
        fmt::print("{}\n", sightText(summary, sight));
    fmt::print("A gain below twice the sigma over seeds may be the luck of one seed: ratchet replicate asks.\n");
    return 0;
}

// --- what comes back ------------------------------------------------------------------------------------------------

void printReplication(const Summary& summary, const Replication& result)
{
    fmt::print("\nVersion {} ({}) with {} other seeds, beside {}, in {}\n{}", result.version.brief(),
               result.change.empty() ? "seed model" : result.change, result.runs.size(), result.reference.brief(),
               summary.bitsPerByte ? "bits per byte" : "points of 100", suiteTable(summary, result));
    if (result.failed > 0)
        fmt::print("Failed: {}\n", result.failed);
    if (!result.nominal || result.suites.empty())
        return;
    fmt::print("Gain the gate saw {}, gain that came back {}", gainText(summary, *result.nominal),
               spreadText(summary, result.suites.front().difference));
    if (const auto share = result.share())
        fmt::print(": {:.0f} % of it", 100 * share->mean);
    fmt::print(".\n");
}

Result<int> replicate(const Options& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(version, lab.store->findVersion(options.version));
    RATCHET_TRY(result, replicateHere(options, lab, version.hash, false));
    if (options.json) {
        printJson(toJson(result));
        return 0;
    }
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    printReplication(summary, result);
    return 0;
}

CLI::App* addOptions(CLI::App* command, Options& options)
{
    command->add_option("--seeds", options.seeds, "Results there shall be; those of an earlier call count")
        ->type_name("N")
        ->check(between(1, 1000))
        ->capture_default_str();
    command->add_option("--items", options.items, "Items of the target suite each is measured on")
        ->type_name("N")
        ->check(between(10, 100'000))
        ->capture_default_str();
    addWorkers(command, options.workers, options.threads);
    command->add_flag("--json", options.json, "No live view; print JSON");
    return command;
}

} // namespace

void addReplicateCommands(Commands& commands)
{
    const auto forAa = std::make_shared<Options>();
    CLI::App* command = commands.add("aa", "Train the champion's recipe again with other seeds: what the lab can see",
                                     [forAa] { return aa(*forAa); });
    command->add_option("DIR", forAa->folder, "Lab folder")->type_name("")->required();
    addOptions(command, *forAa);
    const auto forReplicate = std::make_shared<Options>();
    command = commands.add("replicate", "Train a version's recipe again with other seeds: what of its gain comes back",
                           [forReplicate] { return replicate(*forReplicate); });
    command->add_option("DIR", forReplicate->folder, "Lab folder")->type_name("")->required();
    command->add_option("VERSION", forReplicate->version, "Hash, or its first digits")->type_name("")->required();
    addOptions(command, *forReplicate);
}

} // namespace ratchet
