// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that differs between libtorch 1.13 and 2.x, and the process-wide settings, in one place.
// Included by .cpp files of ratchet_learn only.
#pragma once

#include "core/model/tensor_operations.h"

#include <string>

namespace ratchet
{

// One thread, only deterministic kernels, tiny numbers flushed to zero, freed memory kept for the next step. Call once,
// before the first tensor; the results of a trial depend on it.
void prepareProcess();

// "libtorch 1.13.1, AVX2, 1 thread": what a trial's last digits depend on.
[[nodiscard]] std::string computePlatform();

// The first line of a libtorch exception's text, without its stack trace.
[[nodiscard]] std::string firstLine(const std::string& text);

} // namespace ratchet
