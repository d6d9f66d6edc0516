// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of a reward model: sends its work to a child, checks and charges what comes back, and writes the RewardRecord.
// Nothing here promotes or refuses anything. The engine's thread.
#pragma once

#include <string>
#include <vector>

#include "core/agent/context.h"
#include "core/agent/judge_job.h"
#include "core/agent/reward.h"

namespace ratchet {

// Grades the champion's answers and learns a model where rewardNeed() says so and the budget has room for it and a trial besides; at
// most LabConfig::reward of a trial's budget each time. A child that fails costs one attempt. An error is the engine's own.
[[nodiscard]] Status tendReward(Context& context, const RunToEnd& runToEnd);

// Asks the model about these trained proposals and the champion, all on the same prompts of the target suite, and keeps each one's
// RewardScore. Returns them with the most promising first, or as they were when the model could not be asked.
[[nodiscard]] Result<std::vector<ProposalRecord>> rewardOrder(Context& context, std::vector<ProposalRecord> trained, const RunToEnd& runToEnd);

} // namespace ratchet
