// SPDX-License-Identifier: GPL-3.0-or-later
// What a learner's last digits depend on, as the record of a trial keeps it. Any thread.
#pragma once

#include "core/base/json.h"
#include "core/model/placement.h"

namespace ratchet {

// Prepares the process for tensors and tells {"text": "libtorch 1.13.1, AVX2, 1 thread", "libtorch", "capability",
// "threads", "device", "precision"}.
[[nodiscard]] Json describePlatform(const Placement& placement = {});

} // namespace ratchet
