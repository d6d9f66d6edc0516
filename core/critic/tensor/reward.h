// SPDX-License-Identifier: GPL-3.0-or-later
// `ratchet-learner reward`: one piece of work of a reward model in a child of the engine: it is learnt from answers of the lab's
// versions that the domain's checker grades, held against answers that it has not learnt from, or asked about versions whose answers
// nobody grades. It sees what a worker may see: items of the training and the guide split, never those of gate and vault.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "core/launch/frame.h"
#include "core/model/placement.h"
#include "core/plugin/domain.h"

namespace ratchet {

// Told how far it is, from time to time; answers whether to stop.
using RewardProgress = std::function<bool(const Progress& progress)>;

// Does what the spec says, within its budget (a batch may be begun that ends beyond). A quarter of a learning's budget, at most, goes to
// answers: greedy and drawn ones of the items to learn from, one greedy answer of one version for each item held out. An answer that
// cannot be read (RewardModel::read) counts as certainly wrong when versions are scored and is left out elsewhere. Deterministic per seed.
// BadInput for a spec without versions or of a domain that is measured in bits per byte, Failed when the domain draws an item of
// gate or vault, when a version or a tokenizer does not fit or when the loss is not finite, Cancelled when stopped. May throw what the
// plugin throws.
[[nodiscard]] Result<std::variant<Graded, Rewards>> doRewardWork(const RewardSpec& spec, const Domain& domain, const RewardProgress& isStopped,
                                                                   const Placement& placement = {});

[[nodiscard]] int rewardMain(FrameChannel& channel, const Placement& placement = {});

} // namespace ratchet
