// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/rounds_main.h"

#include <chrono>
#include <cstdio>

#include "core/base/file.h"
#include "core/launch/messages.h"
#include "core/model/compat.h"
#include "core/plugin/loader.h"
#include "core/trainer/rounds.h"

namespace ratchet
{
namespace
{

void tell(const Json& line)
{
    fmt::print("{}\n", line.dump());
    std::fflush(stdout);
}

Result<RoundsOptions> optionsFrom(const Json& json, std::string& domain)
{
    RoundsOptions options;
    Json genome;
    Fields in(json, "the experiment");
    in.read("domain", domain).read("seed", options.seed).read("arms", options.arms).read("rounds", options.rounds);
    in.read("baseFlops", options.baseFlops).read("roundFlops", options.roundFlops).read("levels", options.levels);
    in.read("items", options.items).read("acceleration", options.acceleration).read("genome", genome);
    in.read("scratch", options.scratch).onlyKnown();
    RATCHET_CHECK(in.status());
    RATCHET_TRY(read, Genome::fromJson(genome));
    options.genome = read;
    return options;
}

Status experiment(const std::string& specFile)
{
    RATCHET_TRY(text, readFile(specFile));
    RATCHET_TRY(json, parseJson(text, specFile));
    std::string name;
    RATCHET_TRY(options, optionsFrom(json, name));
    RATCHET_TRY(domain, loadDomain(name));
    RoundsEvents events;
    events.onRow = [](const RoundRow& row) { tell({{"row", toJson(row)}}); };
    auto last = std::chrono::steady_clock::time_point{};
    events.onProgress = [&last](const std::string& arm, int round, double fraction, double) {
        if (const auto time = std::chrono::steady_clock::now(); time - last >= std::chrono::seconds(1)) {
            last = time;
            tell({{"progress", fraction}, {"arm", arm}, {"round", round}});
        }
    };
    RATCHET_CHECK(selfTrainingRounds(*domain, options, events));
    return {};
}

} // namespace

int roundsMain(const std::string& specFile)
{
    prepareProcess();
    const Status done = experiment(specFile);
    tell(done ? Json{{"done", true}} : Json{{"error", failureOf(done.error()).text}});
    return done ? 0 : exitStatus(done.error().code);
}

} // namespace ratchet
