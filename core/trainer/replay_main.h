// SPDX-License-Identifier: GPL-3.0-or-later
// The winner of a population trained again (core/trainer/population.h) in a ratchet-learner process of its own, started by
// `ratchet replay`.
#pragma once

#include <string>

#include "core/model/placement.h"

namespace ratchet
{

// Reads {"spec": a TrainSpec as a message, "log": the population's} from a JSON file and writes weights.safetensors into the
// spec's scratch folder. Writes {"error": text} to standard output where that fails. Returns the exit status.
[[nodiscard]] int replayMain(const std::string& file, const Placement& placement);

} // namespace ratchet
