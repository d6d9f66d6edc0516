// SPDX-License-Identifier: GPL-3.0-or-later
// Carries out what a person asked for: decisions, rollback, queue changes, feedback, and stores what became of it. Used by
// the engine while it runs and by carryOut() when none does. The engine's thread.
#pragma once

#include <functional>

#include "core/agent/context.h"
#include "core/agent/crew.h"

namespace ratchet {

// Carries the request out and stores its answer in the transaction of what it changes; a request that was answered before
// (a killed engine left its file) is not carried out again. What a person did not get is an answer too. An error is the
// engine's own trouble (Environment) or that it was asked to stop (Cancelled): nothing is stored then and the request stands.
// pause, resume, step and stop go to `control`; without one they are refused.
using Control = std::function<void(const std::string& kind)>;
[[nodiscard]] Result<AnswerRecord> carry(Context& context, Crew& crew, const Request& request, const Control& control = {});

// Writes the search space that a request asked for, when who carried it out was killed before that; a file that was edited since stays.
[[nodiscard]] Status finishSpace(Store& store, const LabPaths& paths);

[[nodiscard]] bool isControl(const std::string& kind);       // meant for the engine that runs, not for the lab
[[nodiscard]] bool isDecision(const std::string& kind);      // a judge may have to be asked for it

// What earlier proposals tried, for duplicates and recombination.
struct Attempt;
[[nodiscard]] Result<std::vector<Attempt>> attempts(Context& context);

} // namespace ratchet
