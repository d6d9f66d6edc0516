// SPDX-License-Identifier: GPL-3.0-or-later
// What a reviewer is asked and the evidence for it, read out of a snapshot. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include <QString>

#include "core/guard/approval.h"
#include "widgets/bridge/lab_session.h"

namespace ratchet {

enum class Turn { Yours, Waiting, Decided };      // waiting: for somebody or something else

struct ReviewCase {
    Id<ProposalRecord> proposal;
    Hash version;
    Turn turn = Turn::Waiting;
    QString why;                                  // why it is not your turn; empty when it is
};

// Everything that reached a person, newest first within each turn. `reviewer` is "person:<name>".
[[nodiscard]] std::vector<ReviewCase> casesOf(const Snapshot& snapshot, const QString& reviewer);

// What a decision about this proposal is bound to; empty when its version is not there.
[[nodiscard]] std::optional<Evidence> evidenceIn(const Snapshot& snapshot, Id<ProposalRecord> proposal);
// The newest decision about a version.
[[nodiscard]] const DecisionRecord* decisionOn(const Snapshot& snapshot, const Hash& version);
// The requirements a person cannot fulfil by deciding: all but "reviewer". Empty sentence when they hold.
[[nodiscard]] QString obstacle(const std::vector<Requirement>& requirements);

struct GenomeChange { QString path, champion, challenger; };
// Only the leaves that differ, in the order of the paths; a leaf that one side lacks is an en dash there.
[[nodiscard]] std::vector<GenomeChange> genomeChanges(const Json& champion, const Json& challenger);

struct SamplePair { QString suite, prompt, expected, champion, challenger; bool championRight = false, challengerRight = false; };
// Samples of guide and vault cards: first those where one of the two is right, then where both are wrong, then the rest.
// Entries that are not what they should be are left out.
[[nodiscard]] std::vector<SamplePair> samplesIn(const std::vector<const ScorecardRecord*>& cards);

} // namespace ratchet
