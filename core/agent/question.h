// SPDX-License-Identifier: GPL-3.0-or-later
// "Is the challenger better than the champion?" as a job for a judge, and what is read from its scorecards afterwards.
// The engine's thread.
#pragma once

#include <memory>
#include <vector>

#include "core/agent/context.h"
#include "core/agent/crew.h"
#include "core/critic/scorecard.h"
#include "core/memory/lessons.h"

namespace ratchet {

// What the lab's gate was asked so far and what of it was accepted, as the next question's number and alpha count it: controls use
// up no question and are no discoveries.
struct AskedSoFar { int questions = 0, discoveries = 0; };
[[nodiscard]] Result<AskedSoFar> askedSoFar(const Store& store);

// What of a lab's alpha its k-th question gets, after so many accepts.
[[nodiscard]] double alphaOf(const LabConfig& config, int k, int discoveries);

// What the lab asks of its k-th question, after so many accepts.
[[nodiscard]] Comparison::Options comparisonOptions(const LabConfig& config, int k, int discoveries);

// Judges a trained proposal as the lab's k-th question after `discoveries` accepts; stores verdict, scorecards and the
// proposal's new state in one transaction. Fails only when something it needs is missing.
[[nodiscard]] Result<std::unique_ptr<Job>> questionJob(Context& context, const ProposalRecord& proposal, int k, int discoveries, std::int64_t question);

// What the store says came of a proposal.
[[nodiscard]] Result<LessonEvidence> lessonEvidence(Context& context, const ProposalRecord& proposal);

} // namespace ratchet
