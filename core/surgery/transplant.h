// SPDX-License-Identifier: GPL-3.0-or-later
// Moves a parent's weights into a child of another shape, without changing the function where mathematics allows
// (Net2Net, Chen 2016), else copying what fits. Used by the trainer for recipes that continue. One thread.
#pragma once

#include <string>

#include "core/model/transformer.h"

namespace ratchet
{

struct Transplant {
    bool keepsFunction = false;
    std::string note; // one sentence: what was kept, or why the function changed
};

// `child` is initialised already; what has no origin in the parent stays as it is, except that new blocks start as the
// identity and new hidden units and heads are not listened to yet.
// Function-preserving: more blocks, more hidden units, an integer multiple of the width (channels repeated; same group
// of heads a key head, and wider heads only without RoPE and QK-norm), a longer context, untying the head.
Transplant transplant(const Transformer& parent, Transformer& child);

} // namespace ratchet
