// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/replay_main.h"

#include <cstdio>

#include "core/base/file.h"
#include "core/model/compat.h"
#include "core/plugin/loader.h"
#include "core/trainer/population.h"

namespace ratchet
{
namespace
{

Status replayFrom(const std::string& file, const Placement& placement)
{
    RATCHET_TRY(text, readFile(file));
    RATCHET_TRY(json, parseJson(text, file));
    Json specJson, logJson;
    Fields in(json, "what to train again");
    in.read("spec", specJson).read("log", logJson).onlyKnown();
    RATCHET_CHECK(in.status());
    RATCHET_TRY(message, messageFromJson(specJson));
    const auto* const spec = std::get_if<TrainSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "The file holds something else than what to train again.");
    RATCHET_TRY(log, PopulationLog::fromJson(logJson));
    RATCHET_TRY(domain, loadDomain(spec->domain, spec->corpus));
    RATCHET_CHECK(Population::replay(*spec, log, *domain, placement));
    return {};
}

} // namespace

int replayMain(const std::string& file, const Placement& placement)
{
    prepareProcess(placement.threads);
    const Status done = replayFrom(file, placement);
    if (done)
        return 0;
    fmt::print("{}\n", Json{{"error", failureOf(done.error()).text}}.dump());
    std::fflush(stdout);
    return exitStatus(done.error().code);
}

} // namespace ratchet
