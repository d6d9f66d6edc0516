// SPDX-License-Identifier: GPL-3.0-or-later
// A lab's store for who only looks: the command line and the window. Blocking; any thread.
#pragma once

#include "core/store/lab.h"

namespace ratchet {

// Read-only. A store that an older Ratchet wrote is brought up to date first; Conflict, naming the pid, when an engine holds the lab.
[[nodiscard]] Result<std::unique_ptr<Store>> openForReading(const LabPaths& paths);

} // namespace ratchet
