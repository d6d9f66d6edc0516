// SPDX-License-Identifier: GPL-3.0-or-later
// A plan as a list of tensors with their maps, and what is done with it: weights moved, moments carried over.
// Used by transplant() and transplantMoments(). One thread.
#pragma once

#include <optional>
#include <vector>

#include "core/model/transformer.h"
#include "core/surgery/plan.h"

namespace ratchet {

// One tensor of the child as rows times columns (the last dimension; vectors have one column). Without a source it
// becomes zero.
struct Graft {
    TensorSlot target;
    std::optional<TensorSlot> source;
    Axis rows, columns;
    bool isDivided = false; // the source's gradient is a sum that cannot be told apart here: moments start at zero
};

// Tensors that neither come from the parent nor have to be zero are not in the list.
[[nodiscard]] std::vector<Graft> graftsOf(const Plan& plan, const Transformer& parent, const Transformer& child);

void moveWeights(const Graft& graft, const float* parent, float* child);

// A moment of the child's gradient, `power` 1 or 2. By the chain rule an entry that is `s` times its origin and one of
// n copies has 1 / (s n) of its gradient where the copies serve alike, so its moment is that to the power times the
// parent's. Entries that mix or have no origin become zero.
void moveMoment(const Graft& graft, const float* parent, float* child, int power);

} // namespace ratchet
