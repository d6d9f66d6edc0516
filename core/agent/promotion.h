// SPDX-License-Identifier: GPL-3.0-or-later
// Putting a version to use and taking it back: evidence, decision, vault, deployment, rollback. The only place that moves
// the champion pointer. Blocking (a judge runs for a moment, and is stopped with Cancelled when the crew is told to heed
// something); nothing is written before the judge has answered, everything in one transaction then. The engine's thread.
#pragma once

#include <functional>
#include <string>

#include "core/agent/context.h"
#include "core/agent/crew.h"

namespace ratchet {

// Everything a decision on this version rests on, as stored now.
[[nodiscard]] Result<Evidence> evidenceOf(Context& context, const Hash& version);

// Called inside the transaction that records something, with what the one who asked for it is to be told.
using Tell = std::function<Status(const Status& answered)>;

// A person's (or policy's) word about a version. `binding`: the hash the person looked at; empty: whatever holds now.
struct Word {
    Hash version;
    DecisionKind kind = DecisionKind::Approve;
    std::string actor, reason, binding = {};
    Tell tell = {};
};

// Records the word. Approve: all requirements must hold, the vault is opened once, and the version goes live; Refused with
// the first requirement that does not hold, when the evidence has changed since the person looked at it, and when the vault
// contradicts or, with everything as before, is spent. Reject and MoreEvidence only record.
[[nodiscard]] Status decide(Context& context, Crew& crew, const Word& word);

// Makes the first trained version live.
[[nodiscard]] Status deploySeed(Context& context, const Hash& version);

// Back (or forward again) to a version that was live before: verifies its objects, loads it and runs the integrity checks,
// then moves the pointer.
[[nodiscard]] Status rollBack(Context& context, Crew& crew, const Hash& version, const std::string& actor, const std::string& reason,
                              const Tell& tell = {});

// Compares the champion with the seed model on vault items, for the summary, and stores the scorecards (proposal 0). Nothing when
// they are the same or were compared, or when the vault is spent.
[[nodiscard]] Status compareWithSeed(Context& context, Crew& crew, const Hash& seed, const Hash& champion);

} // namespace ratchet
