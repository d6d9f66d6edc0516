// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet run: turns the loop of a lab here, with a live view in text.
#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "app/ratchet/run_here.h"
#include "core/agent/summary.h"

namespace ratchet {
namespace {

struct RunOptions {
    std::string folder, policy;
    std::optional<int> teeth;
    std::optional<double> minutes, gigabytes;
    bool untilGoal = false, wait = false, json = false;
    int workers = 0, threads = 1;
    std::string device = "auto", precision = "auto", kernels = "own";
};

// What a campaign should know of its instrument before it spends anything.
Status showSight(const std::string& folder)
{
    RATCHET_TRY(lab, openLab(folder));
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    if (!summary.live)
        return {};
    RATCHET_TRY(spread, replicationResult(*lab.store, summary.live->hash, true));
    if (spread.suites.empty()) {
        fmt::print("The noise of this champion's recipe was not measured: ratchet aa {} tells how small a gain the gate can see.\n", folder);
        return {};
    }
    RATCHET_TRY(sights, sightOf(*lab.store, ObjectStore(lab.paths.objects()), lab.config, spread));
    if (sights.empty())
        fmt::print("The spread of this champion's recipe was measured by an older Ratchet: ratchet aa {} measures it again.\n", folder);
    else
        fmt::print("{}\n", sightText(summary, sights.back()));
    return {};
}

Result<int> run(const RunOptions& options)
{
    RATCHET_TRY(config, readLabConfig({options.folder}));
    RunHere here;
    here.lab.root = options.folder;
    here.workers = options.workers;
    here.threads = options.threads;
    here.device = options.device;
    here.precision = options.precision;
    here.kernels = options.kernels;
    if (options.gigabytes)
        here.memoryBytes = *options.gigabytes * 1e9;
    here.quiet = options.json;
    here.limits.teeth = options.teeth;
    here.limits.untilGoal = options.untilGoal;
    if (options.minutes)
        here.limits.time = minutesToTime(*options.minutes);
    RATCHET_TRY(policy, readPolicy(options.policy.empty() ? here.lab.policy() : std::filesystem::path(options.policy),
                                   options.policy.empty() ? PolicyFile::Optional : PolicyFile::Required));
    here.policy = policy;
    here.limits.waitForDecisions = options.wait && !policy;
    if (!options.json)
        RATCHET_CHECK(showSight(options.folder));
    RATCHET_TRY(end, runHere(here));
    if (options.json) {
        RATCHET_TRY(lab, openLab(options.folder));
        RATCHET_TRY(summary, summarise(*lab.store, lab.config));
        printJson(toJson(summary));
    } else {
        fmt::print("{}\nratchet report {} says what was tried.\n", endSentence(end, options.folder), options.folder);
    }
    const bool missedGoal = options.untilGoal && end != RunEnd::Goal;
    return end == RunEnd::Stopped || missedGoal ? 1 : 0;
}

} // namespace

void addRunCommands(Commands& commands)
{
    addDemoCommand(commands);
    const auto options = std::make_shared<RunOptions>();
    CLI::App* command =
        commands.add("run", "Turn the loop of a lab; goes on where it stopped", [options] { return run(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    CLI::Option* teeth = command->add_option("--teeth", options->teeth, "Stop after this many more turns")
                             ->type_name("N")
                             ->check(between(1, 1'000'000));
    command->add_flag("--until-goal", options->untilGoal, "Stop when the goal is reached; exit 1 when it is not")
        ->excludes(teeth);
    command->add_option("--minutes", options->minutes, "Stop after this time")
        ->type_name("M")
        ->check(between(0.01, 1e6));
    addWorkers(command, options->workers, options->threads);
    command->add_option("--memory", options->gigabytes, "Memory that a trial may use; the device's unless given")
        ->type_name("GB")
        ->check(between(0.1, 1e6));
    addDevice(command, options->device, options->precision);
    addKernels(command, options->kernels);
    command
        ->add_option("--unattended", options->policy,
                     "Written policy that decides instead of a person (JSON file); LAB/policy.json when it is there")
        ->type_name("POLICY.json");
    command->add_flag("--wait", options->wait,
                      "Wait for a person's decision instead of ending when only that can go on");
    command->add_flag("--json", options->json, "No live view; print the summary as JSON at the end");
}

} // namespace ratchet
