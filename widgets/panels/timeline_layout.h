// SPDX-License-Identifier: GPL-3.0-or-later
// Where each version of a lab stands on the timeline: columns by generation from left to right, champions on the base line,
// everything else in lanes above. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include <QString>

#include "widgets/bridge/lab_session.h"
#include "widgets/style/tokens.h"

namespace ratchet {

struct TimelineNode {
    Hash version;
    QString name;                    // "v3"
    State state = State::Inconclusive;
    int slot = 0;                    // horizontal place, 0 is the left end
    int lane = 0;                    // 0 is the base line, upwards
    int parent = -1;                 // index of a node; -1: the seed
    bool wasLive = false;
    std::optional<double> score;
    QString stateText, reason;       // for the hover
};

struct TimelineLayout {
    std::vector<TimelineNode> nodes; // in order of creation
    std::vector<int> path;           // champions in order of deployment, without those rolled back; the last is live
    int slots = 0;

    [[nodiscard]] static TimelineLayout of(const Snapshot& snapshot, int lanes);   // lanes above the base line, at least 1
    [[nodiscard]] int indexOf(const Hash& version) const;                          // -1 when absent
};

} // namespace ratchet
