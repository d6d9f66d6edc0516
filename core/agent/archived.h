// SPDX-License-Identifier: GPL-3.0-or-later
// The archive as the choice of parents wants it, read from a lab. The engine's thread.
#pragma once

#include <vector>

#include "core/agent/context.h"
#include "core/selector/archive.h"

namespace ratchet {

// Every version but controls', in the order of their proposals, with its newest gate score. Novelty and cell are those of versions that can be
// parents (the champion, and what the gate accepted).
[[nodiscard]] Result<std::vector<Archived>> archived(Context& context, const Hash& champion);

} // namespace ratchet
