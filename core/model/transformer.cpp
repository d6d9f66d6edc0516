// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/transformer.h"

#include <cmath>
#include <cstring>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/model/linear.h"

namespace ratchet
{
namespace
{

constexpr double normEpsilon = 1e-5;
constexpr double rotaryBase = 10000;

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight)
{
    return x * at::rsqrt(x.square().mean(-1, true) + normEpsilon) * weight;
}

// Rotates pairs (c, c + w/2) of the last dimension (Su 2021, in the half-split order of Hugging Face).
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine)
{
    const auto halves = x.chunk(2, -1);
    return at::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1);
}

} // namespace

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

void Transformer::bindViews()
{
    const auto bind = [this](at::Tensor& member, const std::string& name) {
        member = view(name);
        if (member.defined())
            m_leaves.push_back(&member);
    };
    bind(m_tokens, "embedding.token.weight");
    bind(m_positions, "embedding.position.weight");
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        Block& block = m_blocks[i];
        const std::string attention = "blocks." + std::to_string(i) + ".attention.";
        bind(block.attentionNorm, attention + "norm.weight");
        bind(block.attentionNormBias, attention + "norm.bias");
        bind(block.queryKeyValue, attention + "qkv.weight");
        bind(block.queryNorm, attention + "queryNorm.weight");
        bind(block.keyNorm, attention + "keyNorm.weight");
        bind(block.output, attention + "output.weight");
        const std::string feedForward = "blocks." + std::to_string(i) + ".feedForward.";
        bind(block.feedForwardNorm, feedForward + "norm.weight");
        bind(block.feedForwardNormBias, feedForward + "norm.bias");
        bind(block.gate, feedForward + "gate.weight");
        bind(block.up, feedForward + "up.weight");
        bind(block.down, feedForward + "down.weight");
    }
    bind(m_norm, "norm.weight");
    bind(m_normBias, "norm.bias");
    bind(m_head, "head.weight");
}

void Transformer::requireGradient()
{
    m_gradient = at::zeros_like(m_flat);
    const float* const start = m_flat.data_ptr<float>();
    for (at::Tensor* leaf : m_leaves) {
        leaf->requires_grad_(true);
        const std::int64_t offset = leaf->data_ptr<float>() - start;
        leaf->mutable_grad() = m_gradient.narrow(0, offset, leaf->numel()).view(leaf->sizes());
    }
}

void Transformer::initialise(std::uint64_t seed)
{
    const double blockScale = 1.0 / std::sqrt(2.0 * m_architecture.layers);
    float* const values = m_flat.data_ptr<float>();
    for (const TensorSlot& slot : m_layout) {
        float* const target = values + slot.offset;
        if (slot.shape.size() == 1) {
            std::fill_n(target, slot.count, slot.name.ends_with(".bias") ? 0.0F : 1.0F);
            continue;
        }
        const bool lookUp = slot.name.starts_with("embedding.") || slot.name == "head.weight";
        double deviation = lookUp ? 0.02 : 1.0 / std::sqrt(static_cast<double>(slot.shape[1]));
        if (slot.name.ends_with(".output.weight") || slot.name.ends_with(".down.weight"))
            deviation *= blockScale;
        Rng rng = Rng::stream(seed, slot.name);
        for (std::int64_t i = 0; i < slot.count; ++i)
            target[i] = static_cast<float>(deviation * rng.normal());
    }
}

Status Transformer::load(const WeightsFile& file)
{
    RATCHET_CHECK(checkWeights(file, m_architecture, m_vocabulary));
    for (const TensorSlot& slot : m_layout) {
        const TensorEntry& entry = file.tensors.at(slot.name);
        std::memcpy(m_flat.data_ptr<float>() + slot.offset, file.data.data() + entry.offset, entry.bytes);
    }
    return {};
}

Status Transformer::save(const std::string& file, const at::Tensor& flat,
                         const std::map<std::string, std::string>& metadata) const
{
    WeightsFile content;
    content.metadata = metadata;
    for (const TensorSlot& slot : m_layout)
        content.add(slot.name, "F32", slot.shape, flat.data_ptr<float>() + slot.offset);
    return writeWeights(file, content);
}

at::Tensor Transformer::normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const
{
    return bias.defined() ? at::layer_norm(x, {x.size(-1)}, weight, bias, normEpsilon) : rmsNorm(x, weight);
}

void Transformer::rotations(const at::Tensor& positions, Pass& pass) const
{
    if (m_architecture.positions != "rope")
        return;
    const std::int64_t half = m_architecture.width / m_architecture.heads / 2;
    const at::Tensor frequencies = at::pow(rotaryBase, at::arange(half, at::kFloat) / -static_cast<double>(half));
    const at::Tensor angles = (positions.to(at::kFloat).unsqueeze(-1) * frequencies).unsqueeze(-2); // [.., T, 1, w/2]
    pass.cosine = angles.cos();
    pass.sine = angles.sin();
}

at::Tensor Transformer::embed(const at::Tensor& tokens, const at::Tensor& positions) const
{
    const at::Tensor x = at::embedding(m_tokens, tokens);
    return m_positions.defined() ? x + at::embedding(m_positions, positions) : x;
}

at::Tensor Transformer::attend(int index, const at::Tensor& x, const Pass& pass) const
{
    const Block& block = m_blocks[static_cast<std::size_t>(index)];
    const Architecture& a = m_architecture;
    const std::int64_t headWidth = a.width / a.heads, keyWidth = a.kvHeads * headWidth;
    const at::Tensor packed =
        linearMap(normalise(x, block.attentionNorm, block.attentionNormBias), block.queryKeyValue)
            .view({pass.batch, pass.length, a.width + 2 * keyWidth});
    const auto parts = packed.split_with_sizes({a.width, keyWidth, keyWidth}, -1);
    at::Tensor q = parts[0].view({pass.batch, pass.length, a.heads, headWidth});
    at::Tensor k = parts[1].view({pass.batch, pass.length, a.kvHeads, headWidth});
    const at::Tensor v = parts[2].view({pass.batch, pass.length, a.kvHeads, headWidth});
    if (a.qkNorm) {
        q = rmsNorm(q, block.queryNorm);
        k = rmsNorm(k, block.keyNorm);
    }
    if (pass.cosine.defined()) {
        q = rotate(q, pass.cosine, pass.sine);
        k = rotate(k, pass.cosine, pass.sine);
    }
    at::Tensor mixed;
    if (pass.decoding) {
        KvCache& cache = *pass.cache;
        const at::Tensor &keys = cache.keys[static_cast<std::size_t>(index)],
                         &values = cache.values[static_cast<std::size_t>(index)];
        std::vector<std::int64_t> lengths = cache.lengths;
        const at::Tensor rows = at::arange(pass.batch), places = at::tensor(lengths, at::kLong);
        at::Tensor(keys).index_put_({rows, places}, k.squeeze(1));
        at::Tensor(values).index_put_({rows, places}, v.squeeze(1));
        for (auto& length : lengths)
            ++length;
        mixed = cachedAttention(q.squeeze(1), keys, values, lengths);
    } else {
        if (pass.cache) {
            pass.cache->keys[static_cast<std::size_t>(index)].narrow(1, 0, pass.length).copy_(k);
            pass.cache->values[static_cast<std::size_t>(index)].narrow(1, 0, pass.length).copy_(v);
        }
        if (pass.options.observer)
            pass.options.observer->attention(index, attentionProbabilities(q, k));
        mixed = causalAttention(q, k, v, pass.options.attention).view({pass.batch * pass.length, a.width});
    }
    return linearMap(mixed, block.output);
}

at::Tensor Transformer::feedForward(int index, const at::Tensor& x) const
{
    const Block& block = m_blocks[static_cast<std::size_t>(index)];
    const at::Tensor input = normalise(x, block.feedForwardNorm, block.feedForwardNormBias),
                     up = linearMap(input, block.up);
    if (block.gate.defined())
        return linearMap(at::silu(linearMap(input, block.gate)) * up, block.down);
    return linearMap(m_architecture.feedForward == "relu2" ? at::relu(up).square() : at::gelu(up), block.down);
}

at::Tensor Transformer::run(at::Tensor x, const Pass& pass) const
{
    const auto show = [&pass](const std::string& layer, const at::Tensor& value) {
        if (pass.options.observer)
            pass.options.observer->activation(layer, value);
    };
    const auto drop = [&pass](const at::Tensor& value) {
        return pass.options.dropout > 0 ? at::dropout(value, pass.options.dropout, true) : value;
    };
    x = drop(x);
    show("embedding", x);
    for (int i = 0; i < m_architecture.layers; ++i) {
        const at::Tensor attended = attend(i, x, pass);
        show("block." + std::to_string(i) + ".attention", attended);
        x = x + drop(attended);
        const at::Tensor fed = feedForward(i, x);
        show("block." + std::to_string(i) + ".feed-forward", fed);
        x = x + drop(fed);
    }
    return x;
}

at::Tensor Transformer::head(const at::Tensor& x) const
{
    const at::Tensor logits = linearMap(normalise(x, m_norm, m_normBias), m_head.defined() ? m_head : m_tokens);
    return m_architecture.softCap > 0 ? at::tanh(logits / m_architecture.softCap) * m_architecture.softCap : logits;
}

at::Tensor Transformer::forward(const at::Tensor& tokens, const at::Tensor& positions,
                                const ForwardOptions& options) const
{
    const std::int64_t batch = tokens.size(0), length = tokens.size(1);
    const at::Tensor places = m_architecture.positions == "coupled" ? positions : at::arange(length);
    Pass pass{batch, length, {}, {}, options};
    rotations(places, pass);
    const at::Tensor logits = head(run(embed(tokens, places).view({batch * length, m_architecture.width}), pass));
    if (options.observer)
        options.observer->activation("head", logits);
    return logits.view({batch, length, m_vocabulary});
}

at::Tensor Transformer::start(const at::Tensor& tokens, const at::Tensor& positions,
                              const std::vector<std::int64_t>& lengths, std::int64_t capacity, KvCache& cache) const
{
    const at::NoGradGuard noGradient;
    const std::int64_t batch = tokens.size(0), length = tokens.size(1),
                       width = m_architecture.width / m_architecture.heads;
    const auto block = [&] { return at::empty({batch, capacity, m_architecture.kvHeads, width}, at::kFloat); };
    cache = {};
    for (int i = 0; i < m_architecture.layers; ++i) {
        cache.keys.push_back(block());
        cache.values.push_back(block());
    }
    const at::Tensor places = m_architecture.positions == "coupled" ? positions : at::arange(length);
    const ForwardOptions options;
    Pass pass{batch, length, {}, {}, options, &cache};
    rotations(places, pass);
    const at::Tensor x = run(embed(tokens, places).view({batch * length, m_architecture.width}), pass);
    cache.lengths = lengths;
    const at::Tensor last = at::tensor(lengths, at::kLong) - 1 + at::arange(batch) * length;
    return head(x.index_select(0, last));
}

at::Tensor Transformer::step(const at::Tensor& tokens, const at::Tensor& positions, KvCache& cache) const
{
    const at::NoGradGuard noGradient;
    const at::Tensor places =
        (m_architecture.positions == "coupled" ? positions : at::tensor(cache.lengths, at::kLong)).unsqueeze(1);
    const ForwardOptions options;
    Pass pass{tokens.size(0), 1, {}, {}, options, &cache, true};
    rotations(places, pass);
    const at::Tensor x = run(embed(tokens, places.squeeze(1)), pass);
    for (auto& length : cache.lengths)
        ++length;
    return head(x);
}

} // namespace ratchet
