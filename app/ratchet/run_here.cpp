// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/run_here.h"

#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/live_view.h"
#include "app/ratchet/stop_signal.h"

namespace ratchet {

Result<RunEnd> runHere(const RunHere& wanted)
{
    EngineOptions options;
    options.workers = wanted.workers;
    options.policy = wanted.policy;
    options.memoryBytes = wanted.memoryBytes;
    RATCHET_TRY(engine, Engine::open(wanted.lab.root, options));
    RATCHET_TRY(config, readLabConfig(wanted.lab));
    const StopOnSignal signal;
    if (wanted.quiet)
        return engine->run(wanted.limits, signal.token());
    LiveView view(LiveView::Style::Automatic, config.goal.find("bits per byte") != std::string::npos);
    return engine->run(wanted.limits, signal.token(), [&view](const EngineStatus& status) { view.show(status); });
}

std::string endSentence(RunEnd end, const std::string& folder)
{
    switch (end) {
    case RunEnd::Teeth:
        return "All the turns asked for are done.";
    case RunEnd::Goal:
        return "The goal is reached.";
    case RunEnd::OutOfTime:
        return "The time given is over.";
    case RunEnd::Budget:
        return "The lab's budget is spent.";
    case RunEnd::Stopped:
        return fmt::format("Stopped on request; ratchet run {} goes on from here.", folder);
    case RunEnd::WaitingForPerson:
        return fmt::format("Only a person can go on: ratchet status {} lists what waits for a decision.", folder);
    }
    return {};
}

std::chrono::milliseconds minutesToTime(double minutes)
{
    return std::chrono::milliseconds(std::llround(minutes * 60'000));
}

Result<std::optional<Policy>> readPolicy(const std::filesystem::path& file, PolicyFile kind)
{
    std::error_code error;
    if (kind == PolicyFile::Optional && !std::filesystem::exists(file, error))
        return std::nullopt;
    RATCHET_TRY(text, readFile(file));
    RATCHET_TRY(json, parseJson(text, file.string()));
    RATCHET_TRY(policy, Policy::fromJson(json));
    return policy;
}

} // namespace ratchet
