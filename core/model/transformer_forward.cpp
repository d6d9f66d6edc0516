// SPDX-License-Identifier: GPL-3.0-or-later
// Transformer's passes: whole sequences for training and scoring, and prompt plus single tokens with a KV cache.
#include "core/model/transformer.h"

#include <cmath>

#include "core/model/compat.h"
#include "core/model/fused_attention.h"
#include "core/model/fused_norm.h"
#include "core/model/linear.h"

namespace ratchet {
namespace {

// Rotates pairs (c, c + w/2) of the last dimension (Su 2021, in the half-split order of Hugging Face).
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine)
{
    const auto halves = x.chunk(2, -1);
    return at::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, -1);
}

// As the matrix products of a pass take it.
at::Tensor narrowed(const at::Tensor& x, Precision precision)
{
    return precision == Precision::BFloat16 ? x.to(at::kBFloat16) : x;
}

} // namespace

at::Tensor Transformer::normalise(const at::Tensor& x, const Norm& norm) const
{
    if (m_placement.usesOwnKernels() && x.scalar_type() == at::kFloat)
        return fusedNorm(x, norm.weight, norm.bias, m_architecture.normEpsilon);
    const at::Tensor wide = x.to(at::kFloat);
    return norm.bias.defined() ? at::layer_norm(wide, {x.size(-1)}, norm.weight, norm.bias, m_architecture.normEpsilon)
                               : wide * at::rsqrt(wide.square().mean(-1, true) + m_architecture.normEpsilon) * norm.weight;
}

void Transformer::rotations(const at::Tensor& positions, Pass& pass) const
{
    if (m_architecture.positions != "rope")
        return;
    const std::int64_t half = m_architecture.width / m_architecture.heads / 2;
    const at::Tensor frequencies =
        at::pow(m_architecture.ropeBase, at::arange(half, m_flat.options()) / -static_cast<double>(half));
    const at::Tensor angles = (positions.to(at::kFloat).unsqueeze(-1) * frequencies).unsqueeze(-2); // [.., T, 1, w/2]
    pass.cosine = angles.cos();
    pass.sine = angles.sin();
}

at::Tensor Transformer::placesOf(const at::Tensor& positions, std::int64_t length) const
{
    return m_architecture.positions == "coupled" ? positions.to(m_flat.device())
                                                 : at::arange(length, m_flat.options().dtype(at::kLong));
}

at::Tensor Transformer::embed(const at::Tensor& tokens, const at::Tensor& positions) const
{
    const at::Tensor x = at::embedding(m_tokens, tokens);
    return m_positions.defined() ? x + at::embedding(m_positions, positions) : x;
}

// Whether attention takes what the linear map gives as it is.
bool Transformer::isPacked(const Pass& pass) const
{
    const Architecture& a = m_architecture;
    return !pass.cache && !pass.options.observer && pass.options.attention == AttentionKind::Fused &&
           m_placement.usesOwnKernels() && pass.precision == Precision::Float32 && !a.qkNorm && !a.valueEmbedding && a.memoryTokens == 0 && a.positions != "rope";
}

// Queries, keys and values as attention takes them, of what the linear map gives.
Transformer::Heads Transformer::project(const Block& block, const at::Tensor& packed, const Pass& pass) const
{
    const Architecture& a = m_architecture;
    const std::int64_t headWidth = a.width / a.heads, keyWidth = a.kvHeads * headWidth;
    const auto parts = packed.split_with_sizes({a.width, keyWidth, keyWidth}, -1);
    at::Tensor q = parts[0].view({pass.batch, pass.length, a.heads, headWidth});
    at::Tensor k = parts[1].view({pass.batch, pass.length, a.kvHeads, headWidth});
    at::Tensor v = parts[2].view({pass.batch, pass.length, a.kvHeads, headWidth});
    if (a.qkNorm) {
        q = normalise(q, {block.queryNorm, {}});
        k = normalise(k, {block.keyNorm, {}});
    }
    if (pass.cosine.defined()) {
        q = rotate(q, pass.cosine, pass.sine);
        k = rotate(k, pass.cosine, pass.sine);
    }
    if (block.valueEmbedding.defined())
        v = v + at::embedding(block.valueEmbedding, pass.tokens).view(v.sizes());
    const at::ScalarType type = packed.scalar_type();
    return {q.to(type), k.to(type), v.to(type)};
}

// [M, K, w]. They are keys without a place: normalised like keys, never rotated.
at::Tensor Transformer::memoryKeys(const Block& block) const
{
    const at::Tensor keys = block.memoryKey.view({m_architecture.memoryTokens, m_architecture.kvHeads, -1});
    return m_architecture.qkNorm ? normalise(keys, {block.keyNorm, {}}) : keys;
}

at::Tensor Transformer::attend(int index, const at::Tensor& x, const Pass& pass) const
{
    const Block& block = m_blocks[static_cast<std::size_t>(index)];
    const at::Tensor packed =
        block.queryKeyValue(narrowed(normalise(x, block.attentionNorm), pass.precision)).view({pass.batch, pass.length, -1});
    if (isPacked(pass)) {
        const Architecture& a = m_architecture;
        return block.output(fusedAttention(packed, a.heads, a.kvHeads, a.window).view({-1, a.width}));
    }
    Heads heads = project(block, packed, pass);
    if (pass.decoding)
        return block.output(attendCached(index, heads, *pass.cache));
    const std::int64_t memory = m_architecture.memoryTokens;
    if (memory > 0) {
        const std::vector<std::int64_t> shape{pass.batch, memory, heads.key.size(2), heads.key.size(3)};
        const at::ScalarType type = heads.key.scalar_type();
        heads.key = at::cat({memoryKeys(block).unsqueeze(0).to(type).expand(shape), heads.key}, 1);
        heads.value =
            at::cat({block.memoryValue.view({1, memory, shape[2], shape[3]}).to(type).expand(shape), heads.value}, 1);
    }
    if (pass.cache)
        keep(index, heads, *pass.cache);
    if (pass.options.observer)
        pass.options.observer->attention(
            index, attentionProbabilities(heads.query, heads.key, sight()).narrow(3, memory, pass.length));
    const bool byLibrary = pass.options.attention == AttentionKind::Fused && !m_placement.usesOwnKernels();
    const at::Tensor mixed = causalAttention(heads.query, heads.key, heads.value, sight(),
                                             byLibrary ? AttentionKind::Library : pass.options.attention);
    return block.output(mixed.view({pass.batch * pass.length, m_architecture.width}));
}

// Writes the new tokens' keys and values down and attends to all of a row.
at::Tensor Transformer::attendCached(int index, const Heads& heads, KvCache& cache) const
{
    const at::Tensor &keys = cache.keys[static_cast<std::size_t>(index)],
                     &values = cache.values[static_cast<std::size_t>(index)];
    const at::Tensor lengths = at::tensor(cache.lengths, at::kLong).to(keys.device());
    const at::Tensor rows = at::arange(keys.size(0), lengths.options()), places = lengths + m_architecture.memoryTokens;
    at::Tensor(keys).index_put_({rows, places}, heads.key.squeeze(1));
    at::Tensor(values).index_put_({rows, places}, heads.value.squeeze(1));
    std::vector<std::int64_t> grown = cache.lengths;
    for (auto& length : grown)
        ++length;
    return cachedAttention(heads.query.squeeze(1), keys, values, grown, sight());
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
        const Block& block = m_blocks[static_cast<std::size_t>(i)];
        const at::Tensor fed = feedForward(narrowed(normalise(x, block.feedForwardNorm), pass.precision), block.feedForward,
                                           m_architecture, pass.options.experts, pass.options.routing);
        show("block." + std::to_string(i) + ".feed-forward", fed);
        x = x + drop(fed);
    }
    return x;
}

at::Tensor Transformer::head(const at::Tensor& x, Precision precision) const
{
    const LinearKind kind = m_placement.usesOwnKernels() ? LinearKind::OneDnn : LinearKind::Plain;
    const at::Tensor logits =
        linearMap(narrowed(normalise(x, m_norm), precision), m_head.defined() ? m_head : m_tokens, {}, kind).to(at::kFloat);
    return m_architecture.softCap > 0 ? at::tanh(logits / m_architecture.softCap) * m_architecture.softCap : logits;
}

at::Tensor Transformer::forward(const at::Tensor& given, const at::Tensor& positions,
                                const ForwardOptions& options) const
{
    const at::Tensor tokens = given.to(m_flat.device());
    const std::int64_t batch = tokens.size(0), length = tokens.size(1);
    const at::Tensor places = placesOf(positions, length);
    Pass pass{batch, length, tokens.reshape({-1}), {}, {}, options};
    pass.precision = m_placement.precision;
    rotations(places, pass);
    const at::Tensor logits =
        head(run(embed(tokens, places).view({batch * length, m_architecture.width}), pass), pass.precision);
    if (options.observer)
        options.observer->activation("head", logits);
    return logits.view({batch, length, m_vocabulary});
}

at::Tensor Transformer::start(const at::Tensor& given, const at::Tensor& positions,
                              const std::vector<std::int64_t>& lengths, std::int64_t capacity, KvCache& cache) const
{
    const at::NoGradGuard noGradient;
    const at::Tensor tokens = given.to(m_flat.device());
    const std::int64_t batch = tokens.size(0), length = tokens.size(1);
    prepareCache(batch, capacity, cache);
    const at::Tensor places = placesOf(positions, length);
    ForwardOptions options;
    options.attention = cache.attention;
    Pass pass{batch, length, tokens.reshape({-1}), {}, {}, options, &cache};
    rotations(places, pass);
    const at::Tensor x = run(embed(tokens, places).view({batch * length, m_architecture.width}), pass);
    cache.lengths = lengths;
    const at::Tensor last = at::tensor(lengths, at::kLong) - 1 + at::arange(batch) * length;
    return head(x.index_select(0, last.to(x.device())), pass.precision);
}

at::Tensor Transformer::step(const at::Tensor& given, const at::Tensor& positions, KvCache& cache) const
{
    const at::NoGradGuard noGradient;
    if (cache.attention == AttentionKind::Fused)
        return decode(given, positions, cache);
    const at::Tensor tokens = given.to(m_flat.device());
    const at::Tensor places =
        (m_architecture.positions == "coupled" ? positions : at::tensor(cache.lengths, at::kLong)).to(tokens.device()).unsqueeze(1);
    const ForwardOptions options;
    Pass pass{tokens.size(0), 1, tokens, {}, {}, options, &cache, true};
    rotations(places, pass);
    const at::Tensor x = run(embed(tokens, places.squeeze(1)), pass);
    for (auto& length : cache.lengths)
        ++length;
    return head(x, pass.precision);
}

void KvCache::keepRows(const std::vector<std::int64_t>& rows)
{
    const at::Tensor kept = at::tensor(rows, at::kLong);
    for (std::vector<at::Tensor>* side : {&keys, &values})
        for (at::Tensor& block : *side)
            block = block.index_select(0, kept.to(block.device()));
    std::vector<std::int64_t> left;
    for (const std::int64_t row : rows)
        left.push_back(lengths[static_cast<std::size_t>(row)]);
    lengths = std::move(left);
}

} // namespace ratchet
