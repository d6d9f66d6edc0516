// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet-lab as a child of this program: whether it can open a window here, and running it. Used by demo. Main thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/error.h"

namespace ratchet {

// What DISPLAY or WAYLAND_DISPLAY names; empty when neither does, or when there is no ratchet-lab beside this program.
[[nodiscard]] std::string displayName();
// Asks ratchet-lab itself: a display that is named may be gone, refuse this user, or never answer (ten seconds are waited).
[[nodiscard]] bool canOpenWindow();
// Runs the window with these arguments until it is closed. SIGINT and SIGTERM close it as its cross does: Cancelled then.
// Environment when it cannot be started or fails.
[[nodiscard]] Status showWindow(const std::vector<std::string>& arguments);

} // namespace ratchet
