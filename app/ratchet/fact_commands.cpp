// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet status and report: what a lab is doing, and what it did.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/agent/report.h"
#include "core/agent/signals.h"
#include "core/agent/status.h"
#include "core/agent/summary.h"

namespace ratchet {
namespace {

struct StatusOptions {
    std::string folder;
    bool json = false;
};

struct Waiting {
    ProposalRecord proposal;
    std::optional<Hash> version;
};

struct LabStatus {
    Summary summary;
    std::optional<EngineStatus> engine;
    bool engineRuns = false;
    std::vector<Waiting> waiting;
    std::vector<GoalRecord> goals;
    std::map<std::string, int> states;
    std::vector<SignalReport> signals;
};

Result<LabStatus> statusOf(const OpenLab& lab)
{
    LabStatus status;
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    status.summary = std::move(summary);
    status.engineRuns = isEngineRunning(lab.paths);
    RATCHET_TRY(meta, lab.store->meta("status"));
    if (meta)
        if (Result<EngineStatus> engine = EngineStatus::fromJson(*meta))
            status.engine = std::move(*engine);
    RATCHET_TRY(proposals, lab.store->proposals());
    for (const ProposalRecord& proposal : proposals) {
        ++status.states[toText(proposal.state)];
        if (proposal.state != ProposalState::Waiting)
            continue;
        RATCHET_TRY(trial, lab.store->trialOf(proposal.id));
        status.waiting.push_back({proposal, trial ? trial->version : std::nullopt});
    }
    RATCHET_TRY(goals, lab.store->goals());
    status.goals = std::move(goals);
    RATCHET_TRY(signals, signalsOf(*lab.store));
    status.signals = std::move(signals);
    return status;
}

Json toJson(const OpenLab& lab, const LabStatus& status)
{
    Json waiting = Json::array(), goals = Json::array();
    for (const Waiting& one : status.waiting)
        waiting.push_back({{"proposal", one.proposal.id.value},
                           {"change", one.proposal.operatorName},
                           {"version", one.version ? Json(one.version->hex) : Json()}});
    for (const GoalRecord& goal : status.goals)
        goals.push_back({{"title", goal.title},
                         {"suite", goal.suite},
                         {"metric", goal.metric},
                         {"target", goal.target},
                         {"value", goal.value},
                         {"state", toText(goal.state)},
                         {"spentFlops", goal.spent.value}});
    Json json{{"lab", lab.paths.root.string()},
              {"engineRuns", status.engineRuns},
              {"engine", status.engine ? status.engine->toJson() : Json()},
              {"waiting", waiting},
              {"goals", goals},
              {"proposals", status.states},
              {"signals", toJson(status.signals)}};
    json.update(toJson(status.summary));
    json["lab"] = lab.paths.root.string();
    json["config"] = lab.config.toJson();
    return json;
}

void printStatus(const OpenLab& lab, const LabStatus& status)
{
    const Summary& s = status.summary;
    fmt::print("Lab      {} ({}, goal \"{}\")\n", lab.paths.root.string(), lab.config.domain, lab.config.goal);
    const bool busy = status.engineRuns && status.engine;
    fmt::print("Engine   {}\n", busy ? fmt::format("running, tooth {}, {}", status.engine->tooth, status.engine->stage)
                                     : std::string(status.engineRuns ? "running" : "not running"));
    if (busy)
        for (const EngineStatus::Running& run : status.engine->running)
            fmt::print("         {} {}: {}, loss {:.3f}{}\n", run.title, run.stage, toTextPercent(run.fraction),
                       run.loss, run.left.count() > 0 ? fmt::format(", {} left", toText(run.left)) : std::string());
    fmt::print("Live     {}\n",
               s.live ? fmt::format("{} ({}, generation {})", s.live->hash.brief(), s.live->origin, s.live->generation)
                      : std::string("nothing yet: ratchet run trains the seed model first"));
    if (status.engine && s.live)
        fmt::print("Score    {} on guide items\n",
                   s.bitsPerByte ? fmt::format("{:.3f} bits per byte", (1 - status.engine->champion) * 8)
                                 : toTextPercent(status.engine->champion));
    fmt::print("Budget   {} of {} spent in {} trials\n", toText(s.spent), toText(lab.config.budget), s.trials);
    std::string states;
    for (const auto& [name, count] : status.states)
        states += fmt::format("{}{} {}", states.empty() ? "" : ", ", count, name);
    fmt::print("Tried    {}\n", states.empty() ? "nothing yet" : states);
    fmt::print("Vault    {}\n", toText(s.vaultUse));
    for (const std::string& change : gateChanges(s))
        fmt::print("Gate     {}\n", change);
    if (const std::string placebos = placeboText(s.placebos); !placebos.empty())
        fmt::print("Placebos {}\n", placebos);
    if (const std::string screening = screeningText(s.screening); !screening.empty()) {
        fmt::print("Stages   {}\n", screening);
        for (const auto& family : s.screening.families)
            fmt::print("         {}: accepted {} of the better half, {} of the worse\n", family.name, passRateText(family.pass), passRateText(family.fail));
    }
    if (const std::string reward = rewardLine(s.reward); !reward.empty())
        fmt::print("Reward   {}\n", reward);
    for (const SignalReport& signal : status.signals)
        if (signal.reliability.pairs >= Reliability::fewest)
            fmt::print("Signal   {}: rank correlation {:+.2f} [{:+.2f}, {:+.2f}] with the hidden score over {} judged, {}\n", signal.name,
                       signal.reliability.rank, signal.reliability.rankLow, signal.reliability.rankHigh, signal.reliability.pairs,
                       judgementOn(signal.reliability));
    for (const GoalRecord& goal : status.goals)
        if (!goal.parent)
            fmt::print("Goal     {}: {} ({})\n", goal.title, toTextNumber(goal.value), toText(goal.state));
    for (const Waiting& one : status.waiting)
        fmt::print("Waiting  {} ({}): ratchet approve {} {} --reason \"...\"\n", one.proposal.operatorName,
                   one.proposal.family, lab.paths.root.string(), one.version ? one.version->brief() : "?");
}

Result<int> showStatus(const StatusOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(status, statusOf(lab));
    if (options.json)
        printJson(toJson(lab, status));
    else
        printStatus(lab, status);
    return 0;
}

struct ReportOptions {
    std::string folder, html;
    bool json = false;
};

Result<int> showReport(const ReportOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    if (options.json) {
        printJson(toJson(summary));
        return 0;
    }
    const std::filesystem::path file = options.html.empty() ? lab.paths.report() : std::filesystem::path(options.html);
    RATCHET_TRY(html, htmlReport(*lab.store, ObjectStore(lab.paths.objects()), lab.config));
    if (const Status written = writeFile(file, html); !written) {
        fmt::print("{}\n", toText(summary));
        return fail(written.error().code, written.error().text,
                    options.html.empty() ? "Name a file that you may write with --html." : written.error().hint);
    }
    fmt::print("{}\nReport: {}\n", toText(summary), std::filesystem::absolute(file).string());
    return 0;
}

} // namespace

void addFactCommands(Commands& commands)
{
    const auto status = std::make_shared<StatusOptions>();
    CLI::App* command = commands.add("status", "What a lab is doing now", [status] { return showStatus(*status); });
    command->add_option("DIR", status->folder, "Lab folder")->type_name("")->required();
    command->add_flag("--json", status->json, "Print JSON");

    const auto report = std::make_shared<ReportOptions>();
    command = commands.add("report", "What a lab did: text here, and a report as one HTML file",
                           [report] { return showReport(*report); });
    command->add_option("DIR", report->folder, "Lab folder")->type_name("")->required();
    command->add_option("--html", report->html, "File to write; LAB/report.html unless given")->type_name("FILE");
    command->add_flag("--json", report->json, "Print JSON and write no file");
}

} // namespace ratchet
