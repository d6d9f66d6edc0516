// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine is doing right now: kept in the store's meta row "status" twice a second, so that the text view and
// any window, in this process or another, show the same. Plain values; any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/store/records.h"

namespace ratchet {

// What the live text view and the window's status line show.
struct EngineStatus {
    std::string stage;                              // as ToothRecord::stage, or idle | paused | waiting
    int tooth = 0;
    struct Running {
        Id<ProposalRecord> proposal;
        std::string title, stage;
        double fraction = 0, loss = 0;
        std::chrono::milliseconds left{0};          // about; 0 while unknown
    };
    std::vector<Running> running;
    double logEValue = 0, logThreshold = 0;         // of the question being judged, natural log
    Flops spent, budget;
    double champion = 0;                            // score (0 .. 1) on the target suite's guide items
    int waitingDecisions = 0;
    int sandboxLevel = 0;
    std::chrono::milliseconds elapsed{0}, remaining{0};   // remaining: of RunLimits::time, 0 without
    Time updated{};                                 // a status much older than now belongs to an engine that is gone

    [[nodiscard]] Json toJson() const;
    [[nodiscard]] static Result<EngineStatus> fromJson(const Json& json);
};

} // namespace ratchet
