// SPDX-License-Identifier: GPL-3.0-or-later
// The report's part on what was measured of the champion beside the gate, and on how far the lab's signals can be trusted.
// Internal to the report; the caller's thread (the Store's).
#pragma once

#include <string>

#include "core/agent/summary.h"

namespace ratchet {

// HTML; empty before anything was measured.
[[nodiscard]] Result<std::string> scorecardSection(const Store& store, const Summary& summary);
[[nodiscard]] std::string rewardSection(const RewardUse& reward);
[[nodiscard]] Result<std::string> signalSection(const Store& store);

} // namespace ratchet
