// SPDX-License-Identifier: GPL-3.0-or-later
// Compares champion and challenger: JudgeSpec in, Integrity out, then Scores for every Ask until Stop.
// Runs in a ratchet-learner process of its own.
#pragma once

#include "core/launch/frame.h"
#include "core/model/placement.h"

namespace ratchet {

// Returns the exit status of the process; Hello has been sent already.
[[nodiscard]] int judgeMain(FrameChannel& channel, const Placement& placement = {});

} // namespace ratchet
