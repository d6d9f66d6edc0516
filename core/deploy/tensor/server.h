// SPDX-License-Identifier: GPL-3.0-or-later
// Serves the champion over HTTP on loopback: ServeSpec in, Listening, Served and FeedbackGiven out, Load swaps the model.
// Runs in a ratchet-learner process of its own.
#pragma once

#include "core/launch/frame.h"
#include "core/model/placement.h"

namespace ratchet {

// Returns the exit status of the process; Hello has been sent already.
[[nodiscard]] int serverMain(FrameChannel& channel, const Placement& placement = {});

} // namespace ratchet
