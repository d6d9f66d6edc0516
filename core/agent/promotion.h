// SPDX-License-Identifier: GPL-3.0-or-later
// Putting a version to use and taking it back: evidence, decision, vault, deployment, rollback. The only place that moves
// the champion pointer. Blocking (a judge runs for a moment); the engine's thread.
#pragma once

#include <string>

#include "core/agent/context.h"
#include "core/agent/crew.h"

namespace ratchet {

// Everything a decision on this version rests on, as stored now.
[[nodiscard]] Result<Evidence> evidenceOf(Context& context, const Hash& version);

// Records the person's (or policy's) word. Approve: all requirements must hold, the vault is opened once, and the version
// goes live; Refused with the first requirement that does not hold, and when the vault contradicts. Reject and
// MoreEvidence only record. `binding`: the hash the person looked at; refused as stale when the evidence has changed.
[[nodiscard]] Status decide(Context& context, Crew& crew, const Hash& version, DecisionKind kind, const std::string& actor,
                            const std::string& reason, const std::string& binding = {});

// Makes the first trained version live.
[[nodiscard]] Status deploySeed(Context& context, const Hash& version);

// Back (or forward again) to a version that was live before: verifies its objects, loads it and runs the integrity checks,
// then moves the pointer.
[[nodiscard]] Status rollBack(Context& context, Crew& crew, const Hash& version, const std::string& actor, const std::string& reason);

// Compares two versions on vault items and stores the scorecards (proposal 0 unless given).
[[nodiscard]] Result<std::vector<ScorecardRecord>> openVault(Context& context, Crew& crew, const Hash& champion, const Hash& challenger,
                                                             Id<ProposalRecord> proposal, int items);

} // namespace ratchet
