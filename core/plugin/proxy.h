// SPDX-License-Identifier: GPL-3.0-or-later
// What a trial is asked when a share of its budget is spent (TrainSpec::proxy): the same items of the target suite's training split
// for every trial of a domain, so that recipes and formats can be compared. The worker asks them, the engine recounts their price.
// Pure; any thread.
#pragma once

#include <vector>

#include "core/genome/tokenizer.h"
#include "core/plugin/domain.h"

namespace ratchet {

inline constexpr int mostProxyItems = 200, fewestProxyItems = 16;
inline constexpr double proxyPrice = 0.02;      // most that asking may cost, as a share of the trial's budget; comes on top of it

struct ProxyItems {
    std::vector<Item> items;       // none: the budget does not pay for the fewest, or an item cannot be written in tokens
    int maxTokens = 0;             // of an answer: a little more than the longest right one has
    double least = 0, most = 0;    // FLOPs: the questions are read; every answer is as long as it may be
};

// The first mostProxyItems of the fixed stream, or as many as are paid for. May throw what the plugin throws.
[[nodiscard]] ProxyItems proxyItems(const Domain& domain, const Genome& genome, const Tokenizer& tokenizer, double budgetFlops);

} // namespace ratchet
