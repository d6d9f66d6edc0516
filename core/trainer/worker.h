// SPDX-License-Identifier: GPL-3.0-or-later
// Builds and trains one candidate: TrainSpec in, Progress, Points, Observation and one Trained or Failure out.
// Runs in a ratchet-learner process of its own.
#pragma once

#include "core/launch/frame.h"
#include "core/model/placement.h"

namespace ratchet
{

// Returns the exit status of the process; Hello has been sent already.
[[nodiscard]] int workerMain(FrameChannel& channel, const Placement& placement = {});

} // namespace ratchet
