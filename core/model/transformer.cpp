// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/transformer.h"

#include <cmath>
#include <cstring>

#include "core/base/rng.h"
#include "core/model/compat.h"

namespace ratchet {

std::vector<TensorSlot> tensorLayout(const Architecture& architecture, int vocabulary)
{
    std::vector<TensorSlot> slots;
    std::int64_t at = 0;
    for (auto& [name, shape] : expectedTensors(architecture, vocabulary)) {
        std::int64_t count = 1;
        for (const std::int64_t size : shape)
            count *= size;
        slots.push_back({name, shape, at, count});
        at += count;
    }
    return slots;
}

Transformer::Transformer(const Architecture& architecture, int vocabulary)
    : m_architecture(architecture), m_vocabulary(vocabulary), m_layout(tensorLayout(architecture, vocabulary))
{
    m_flat = at::zeros({m_layout.back().offset + m_layout.back().count}, at::kFloat);
    m_blocks.resize(static_cast<std::size_t>(architecture.layers));
    bindViews();
}

at::Tensor Transformer::view(const std::string& name) const
{
    for (const TensorSlot& slot : m_layout)
        if (slot.name == name)
            return m_flat.detach().narrow(0, slot.offset, slot.count).view(slot.shape);
    return {};
}

void Transformer::bind(at::Tensor& member, const std::string& name)
{
    member = view(name);
    if (member.defined())
        m_leaves.push_back(&member);
}

void Transformer::bind(Linear& member, const std::string& name)
{
    bind(member.weight, name + ".weight");
    bind(member.bias, name + ".bias");
    member.kind = m_placement.usesOwnKernels() ? LinearKind::OneDnn : LinearKind::Plain;
}

void Transformer::bind(Norm& member, const std::string& name)
{
    bind(member.weight, name + ".weight");
    bind(member.bias, name + ".bias");
}

void Transformer::bindBlock(std::size_t index)
{
    Block& block = m_blocks[index];
    const std::string attention = "blocks." + std::to_string(index) + ".attention.";
    bind(block.attentionNorm, attention + "norm");
    bind(block.queryKeyValue, attention + "qkv");
    bind(block.queryNorm, attention + "queryNorm.weight");
    bind(block.keyNorm, attention + "keyNorm.weight");
    bind(block.memoryKey, attention + "memory.key");
    bind(block.memoryValue, attention + "memory.value");
    bind(block.valueEmbedding, attention + "valueEmbedding.weight");
    bind(block.output, attention + "output");
    const std::string feedForward = "blocks." + std::to_string(index) + ".feedForward.";
    bind(block.feedForwardNorm, feedForward + "norm");
    bind(block.feedForward.router, feedForward + "router.weight");
    bind(block.feedForward.gate, feedForward + "gate");
    bind(block.feedForward.up, feedForward + "up");
    bind(block.feedForward.down, feedForward + "down");
}

void Transformer::bindViews()
{
    bind(m_tokens, "embedding.token.weight");
    bind(m_positions, "embedding.position.weight");
    for (std::size_t i = 0; i < m_blocks.size(); ++i)
        bindBlock(i);
    bind(m_norm, "norm");
    bind(m_head, "head.weight");
}

void Transformer::place(const Placement& placement)
{
    m_placement = placement;
    m_flat = m_flat.to(placement.device);
    m_leaves.clear();
    bindViews();
}

void Transformer::requireGradient()
{
    m_gradient = at::zeros_like(m_flat);
    for (at::Tensor* leaf : m_leaves) {
        leaf->requires_grad_(true);
        leaf->mutable_grad() = m_gradient.narrow(0, leaf->storage_offset(), leaf->numel()).view(leaf->sizes());
    }
}

std::unique_ptr<Transformer> Transformer::replica() const
{
    auto other = std::make_unique<Transformer>(m_architecture, m_vocabulary);
    other->m_flat = m_flat;
    other->place(m_placement);
    other->requireGradient();
    return other;
}

// Memory keys and values start as large as those of tokens, which are sums of normalised channels; the router starts
// nearly even; value embeddings start without effect.
double Transformer::deviationOf(const TensorSlot& slot) const
{
    const std::string& name = slot.name;
    if (name.ends_with(".valueEmbedding.weight"))
        return 0;
    if (name.find(".memory.") != std::string::npos)
        return 1;
    if (name.starts_with("embedding.") || name == "head.weight" || name.ends_with(".router.weight"))
        return 0.02;
    const bool isLast = name.ends_with(".output.weight") || name.ends_with(".down.weight");
    return (isLast ? 1.0 / std::sqrt(2.0 * m_architecture.layers) : 1.0) /
           std::sqrt(static_cast<double>(slot.shape.back()));
}

void Transformer::initialise(std::uint64_t seed)
{
    const at::Tensor here = m_flat.cpu(); // on the CPU itself
    for (const TensorSlot& slot : m_layout) {
        float* const target = here.data_ptr<float>() + slot.offset;
        if (slot.shape.size() == 1) {
            std::fill_n(target, slot.count, slot.name.ends_with(".bias") ? 0.0F : 1.0F);
            continue;
        }
        const double deviation = deviationOf(slot);
        Rng rng = Rng::stream(seed, slot.name);
        for (std::int64_t i = 0; i < slot.count; ++i)
            target[i] = static_cast<float>(deviation * rng.normal());
    }
    m_flat.copy_(here);
}

Status Transformer::load(const WeightsFile& file)
{
    RATCHET_CHECK(checkWeights(file, m_architecture, m_vocabulary));
    take(file, {});
    return {};
}

void Transformer::take(const WeightsFile& file, const std::string& prefix)
{
    const at::Tensor here = m_flat.cpu();
    for (const TensorSlot& slot : m_layout) {
        const TensorEntry& entry = file.tensors.at(prefix + slot.name);
        std::memcpy(here.data_ptr<float>() + slot.offset, file.data.data() + entry.offset, entry.bytes);
    }
    m_flat.copy_(here);
}

void Transformer::addTo(WeightsFile& file, const at::Tensor& flat, const std::string& prefix) const
{
    const at::Tensor here = flat.cpu();
    for (const TensorSlot& slot : m_layout)
        file.add(prefix + slot.name, "F32", slot.shape, here.data_ptr<float>() + slot.offset);
}

Status Transformer::save(const std::string& file, const at::Tensor& flat,
                         const std::map<std::string, std::string>& metadata) const
{
    WeightsFile content;
    content.metadata = metadata;
    addTo(content, flat, {});
    return writeWeights(file, content);
}

} // namespace ratchet
