// SPDX-License-Identifier: GPL-3.0-or-later
// Wall time as the store keeps it: milliseconds since 1970, UTC. Any thread.
#pragma once

#include <chrono>
#include <string>

namespace ratchet {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

[[nodiscard]] Time now();
[[nodiscard]] std::string toIso(Time time);   // "2026-01-31T12:00:00.123Z"

} // namespace ratchet
