// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/importance.h"

#include <cmath>
#include <functional>

#include "core/model/compat.h"

namespace ratchet {
namespace {

// Of one block: what is written into the residual stream by heads and hidden units, as [width, heads * w] and
// [experts, width, hidden].
class Parts {
public:
    explicit Parts(const Transformer& model) : m_model(model) {}
    [[nodiscard]] at::Tensor tensor(const std::string& name) const
    {
        for (const TensorSlot& slot : m_model.layout())
            if (slot.name == name)
                return m_model.flat().narrow(0, slot.offset, slot.count).view(slot.shape).to(at::kDouble);
        return {};
    }
    [[nodiscard]] at::Tensor output(int block) const { return tensor(prefix(block) + "attention.output.weight"); }
    [[nodiscard]] at::Tensor feed(int block, const char* name) const
    {
        const at::Tensor found = tensor(prefix(block) + "feedForward." + name + ".weight");
        return found.defined() && found.dim() == 2 ? found.unsqueeze(0) : found;
    }
    // [heads * w, width], every key head's rows repeated for the query heads that share it.
    [[nodiscard]] at::Tensor values(int block) const
    {
        const Architecture& a = m_model.architecture();
        const std::int64_t keyWidth = std::int64_t(a.kvHeads) * (a.width / a.heads);
        return tensor(prefix(block) + "attention.qkv.weight")
            .narrow(0, a.width + keyWidth, keyWidth)
            .view({a.kvHeads, a.width / a.heads, a.width})
            .repeat_interleave(a.heads / a.kvHeads, 0);
    }

private:
    [[nodiscard]] static std::string prefix(int block) { return "blocks." + std::to_string(block) + "."; }
    const Transformer& m_model;
};

std::vector<double> listOf(const at::Tensor& values)
{
    const at::Tensor plain = values.to(at::kDouble).contiguous();
    return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

// The columns of each head: [width, heads * w] -> [heads].
at::Tensor byHead(const at::Tensor& columns, const Architecture& a)
{
    return columns.view({a.width, a.heads, a.width / a.heads}).sum(at::IntArrayRef{0, 2});
}

} // namespace

Importance importanceOf(const Transformer& model)
{
    const at::NoGradGuard noGradient;
    const Architecture& a = model.architecture();
    const Parts parts(model);
    Importance found;
    at::Tensor channels = parts.tensor("embedding.token.weight").square().sum(0);
    for (int block = 0; block < a.layers; ++block) {
        const at::Tensor output = parts.output(block).square(), down = parts.feed(block, "down").square();
        const at::Tensor values = parts.values(block).square().sum(at::IntArrayRef{1, 2});
        at::Tensor hidden = down.sum(1) * parts.feed(block, "up").square().sum(2);
        if (const at::Tensor gate = parts.feed(block, "gate"); gate.defined())
            hidden = hidden * gate.square().sum(2);
        found.blocks.push_back({(output.sum() + down.sum()).item<double>(), listOf((values * byHead(output, a)).sqrt()),
                                listOf(hidden.sqrt().sum(0))});
        channels = channels + output.sum(1) + down.sum(at::IntArrayRef{0, 2});
    }
    found.channels = listOf(channels.sqrt());
    return found;
}

} // namespace ratchet
