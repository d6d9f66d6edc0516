// SPDX-License-Identifier: GPL-3.0-or-later
// Which tensors of a model train when its lowest blocks or its embeddings are frozen. Used by the trainer. Any thread.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/genome/genome.h"
#include "core/model/transformer.h"

namespace ratchet {

// Frozen are all tensors of the blocks below adaptation.frozenLayers and, with frozenEmbeddings, the tables of tokens
// and positions (a tied head with them; a value embedding belongs to its block).
[[nodiscard]] bool isFrozen(const std::string& tensor, const Adaptation& adaptation);

// The slots of `layout` that train, at the places they have. An optimizer made for these neither moves nor decays the
// others; the last slot, a norm, is never frozen, so its buffers have the full length.
[[nodiscard]] std::vector<TensorSlot> trainableSlots(const std::vector<TensorSlot>& layout,
                                                     const Adaptation& adaptation);

// Sets the frozen tensors' part of a flat gradient to zero, so that its norm is that of what trains.
void clearFrozen(const at::Tensor& gradient, const std::vector<TensorSlot>& layout, const Adaptation& adaptation);

} // namespace ratchet
