// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment of core/trainer/rounds.h in a ratchet-learner process of its own, started by `ratchet bench self-training`.
#pragma once

#include <string>

namespace ratchet
{

// Reads what to do from a JSON file: {"domain", "seed", "arms", "rounds", "baseFlops", "roundFlops", "levels", "items",
// "acceleration", "genome", "scratch"}. Writes a JSON object a line to standard output: {"row": {...}} as each is known,
// {"progress": 0 .. 1, "arm", "round"} about once a second, and at the end {"done": true} or {"error": text}. Returns the
// exit status.
[[nodiscard]] int roundsMain(const std::string& specFile);

} // namespace ratchet
