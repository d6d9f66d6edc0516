// SPDX-License-Identifier: GPL-3.0-or-later
// A process and everything it started, as /proc shows it: what it holds in memory, and ending all of it. Any thread.
#pragma once

#include <sys/types.h>
#include <vector>

namespace ratchet {

// The process and its descendants, outermost first.
[[nodiscard]] std::vector<pid_t> processTree(pid_t root);

struct ProcessMemory {
    double resident = 0;   // bytes now: anonymous, shared and file pages in memory
    double peak = 0;       // largest `resident` of any single process since it started
};
[[nodiscard]] ProcessMemory memoryOf(const std::vector<pid_t>& processes);

// SIGKILL to the process, its group and its descendants.
void killTree(pid_t root);

} // namespace ratchet
