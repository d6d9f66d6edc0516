// SPDX-License-Identifier: GPL-3.0-or-later
// Starting one sandboxed process with a socket on descriptor 3: posix_spawn, never fork (OpenMP hangs in a forked child, and
// forking a large engine takes long). Blocking for about a millisecond; any thread.
#pragma once

#include <filesystem>
#include <sys/types.h>

#include "core/base/file.h"
#include "core/guard/sandbox.h"

namespace ratchet {

struct Spawned {
    pid_t pid = 0;
    UniqueFd process;   // pidfd: readable once the process has ended
    UniqueFd channel;   // our end of the socket pair
};

// The process leads its own session, has no other descriptor than 0 to 3, and writes its output to `log` (empty: nowhere).
[[nodiscard]] Result<Spawned> spawn(const SandboxCommand& command, const std::filesystem::path& log);

} // namespace ratchet
