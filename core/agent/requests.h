// SPDX-License-Identifier: GPL-3.0-or-later
// Carries out what a person asked for: decisions, rollback, queue changes, feedback. Used by the engine while it runs and by
// carryOut() when none does. The engine's thread.
#pragma once

#include "core/agent/context.h"
#include "core/agent/crew.h"

namespace ratchet {

// pause, resume, step and stop are the engine's own and are Refused here. Errors leave the store as it was.
[[nodiscard]] Status apply(Context& context, Crew& crew, const Request& request);

// What earlier proposals tried, for duplicates and recombination.
struct Attempt;
[[nodiscard]] Result<std::vector<Attempt>> attempts(Context& context);

} // namespace ratchet
