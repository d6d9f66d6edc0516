// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/freeze.h"

#include <charconv>
#include <string_view>

#include "core/model/compat.h"

namespace ratchet {

bool isFrozen(const std::string& tensor, const Adaptation& adaptation)
{
    constexpr std::string_view blocks = "blocks.";
    if (tensor.starts_with("embedding."))
        return adaptation.frozenEmbeddings;
    if (!tensor.starts_with(blocks))
        return false;
    int block = 0;
    std::from_chars(tensor.data() + blocks.size(), tensor.data() + tensor.size(), block);
    return block < adaptation.frozenLayers;
}

std::vector<TensorSlot> trainableSlots(const std::vector<TensorSlot>& layout, const Adaptation& adaptation)
{
    std::vector<TensorSlot> slots;
    for (const TensorSlot& slot : layout)
        if (!isFrozen(slot.name, adaptation))
            slots.push_back(slot);
    return slots;
}

void clearFrozen(const at::Tensor& gradient, const std::vector<TensorSlot>& layout, const Adaptation& adaptation)
{
    for (const TensorSlot& slot : layout)
        if (isFrozen(slot.name, adaptation))
            gradient.narrow(0, slot.offset, slot.count).zero_();
}

} // namespace ratchet
