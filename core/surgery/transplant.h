// SPDX-License-Identifier: GPL-3.0-or-later
// Moves a parent's weights, and its optimizer's moments, into a child of another shape: without changing the function
// where mathematics allows, else as a start. Used by the trainer for recipes that continue. The parent is never
// changed, so every operation is undone by going back to it. One thread.
#pragma once

#include <string>

#include "core/base/error.h"
#include "core/model/transformer.h"
#include "core/surgery/importance.h"

namespace ratchet {

struct Transplant {
    bool keepsFunction = false; // logits equal but for rounding, on sequences that both can read
    std::string note;           // what was done, and why the function changed if it did; finished sentences
};

// `child` is initialised already; what has no origin in the parent stays as it is, except that new blocks start as the
// identity and new heads and hidden units are not listened to yet. What keeps the function stands at planTransplant();
// docs/surgery.md has the table. BadInput, with the child untouched, when the vocabularies differ or the parent holds a
// value that is not finite.
[[nodiscard]] Result<Transplant> transplant(const Transformer& parent, Transformer& child);
// The same with another order of what is kept when the child is smaller.
[[nodiscard]] Result<Transplant> transplant(const Transformer& parent, Transformer& child, const Importance& importance);

// First and second moment of an optimizer, flat as the model; the second may be undefined.
struct Moments {
    at::Tensor first, second;
};
// What the child's optimizer would hold had its gradients followed from the parent's (moveMoment() in graft.h); zero
// where that is not known: new parts, mixtures, and both tables when a head is untied. Of the same optimizer only, with
// its step count. BadInput as transplant(), or when a moment is not as long as the parent.
[[nodiscard]] Result<Moments> transplantMoments(const Transformer& parent, const Transformer& child, const Moments& moments);

} // namespace ratchet
