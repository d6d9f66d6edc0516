// SPDX-License-Identifier: GPL-3.0-or-later
// Transformer's step of generation on the CPU: one token a row through buffers that stay, without a tensor made for it.
#include <algorithm>

#include <ATen/Parallel.h>

#include "core/model/attention_kernel.h"
#include "core/model/compat.h"
#include "core/model/fused_feed_forward.h"
#include "core/model/linear.h"
#include "core/model/transformer.h"

namespace ratchet {
namespace {

const float* valuesOf(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

// Pairs (c, c + half), as rotate() of the whole pass.
void rotate(float* head, const float* cosine, const float* sine, std::int64_t half)
{
    for (std::int64_t c = 0; c < half; ++c) {
        const float a = head[c], b = head[c + half];
        head[c] = a * cosine[c] - b * sine[c];
        head[c + half] = b * cosine[c] + a * sine[c];
    }
}

} // namespace

void Transformer::prepareCache(std::int64_t batch, std::int64_t capacity, KvCache& cache) const
{
    const Architecture& a = m_architecture;
    const std::int64_t width = a.width / a.heads, places = wholeBlocks(a.memoryTokens + capacity);
    const auto floats = m_flat.options();
    cache = {{}, {}, {}, m_placement.usesOwnKernels() ? cache.attention : AttentionKind::Plain, {}};
    const bool fused = cache.attention == AttentionKind::Fused;
    for (int i = 0; i < a.layers; ++i)
        for (std::vector<at::Tensor>* side : {&cache.keys, &cache.values})
            side->push_back(!fused ? at::zeros({batch, a.memoryTokens + capacity, a.kvHeads, width}, floats)
                            : side == &cache.keys
                                ? at::zeros({batch, a.kvHeads, places / keyBlock, width, keyBlock}, floats)
                                : at::zeros({batch, a.kvHeads, places, wholeBlocks(width)}, floats));
    if (!fused)
        return;
    const auto rows = [&](std::int64_t columns) { return at::empty({batch, columns}, floats); };
    DecodeBuffers& buffers = cache.buffers;
    buffers.x = rows(a.width);
    buffers.normed = rows(a.width);
    buffers.packed = rows(a.width + 2 * a.kvHeads * width);
    buffers.mixed = rows(a.width);
    buffers.logits = rows(m_vocabulary);
    if (a.experts == 0)
        buffers.hidden = rows(a.feedForwardWidth);
    if (a.feedForward == "swiglu")
        buffers.gate = rows(a.feedForwardWidth);
    buffers.scratch = at::empty({at::get_num_threads(), wholeBlocks(width) + places}, floats);
    const ForwardOptions options;
    Pass table{1, capacity, {}, {}, {}, options};
    rotations(at::arange(capacity, floats.dtype(at::kLong)), table);
    buffers.cosine = table.cosine;
    buffers.sine = table.sine;
}

// Writes the keys and values of memory and prompts down.
void Transformer::keep(int block, const Heads& heads, KvCache& cache) const
{
    const at::Tensor &keys = cache.keys[static_cast<std::size_t>(block)],
                     &values = cache.values[static_cast<std::size_t>(block)];
    const std::int64_t length = heads.key.size(1), width = heads.key.size(3);
    if (cache.attention == AttentionKind::Plain) {
        keys.narrow(1, 0, length).copy_(heads.key);
        values.narrow(1, 0, length).copy_(heads.value);
        return;
    }
    for (std::int64_t from = 0; from < length; from += keyBlock) {
        const std::int64_t count = std::min(keyBlock, length - from);
        keys.select(2, from / keyBlock)
            .narrow(3, 0, count)
            .copy_(heads.key.narrow(1, from, count).permute({0, 2, 3, 1}));
    }
    values.narrow(2, 0, length).narrow(3, 0, width).copy_(heads.value.transpose(1, 2));
}

at::Tensor Transformer::decode(const at::Tensor& tokens, const at::Tensor& positions, KvCache& cache) const
{
    const std::int64_t rows = tokens.size(0);
    const at::Tensor ids = tokens.contiguous();
    const DecodeBuffers& buffers = cache.buffers;
    float* const x = buffers.x.data_ptr<float>();
    decodeEmbedding(ids.data_ptr<std::int64_t>(), positions, rows, cache);
    for (int i = 0; i < m_architecture.layers; ++i) {
        const Block& block = m_blocks[static_cast<std::size_t>(i)];
        normaliseTo(block.attentionNorm, rows, buffers);
        mapRows(buffers.normed.data_ptr<float>(), rows, block.queryKeyValue.weight, block.queryKeyValue.bias,
                buffers.packed.data_ptr<float>(), Sum::Set);
        decodeAttention(i, ids.data_ptr<std::int64_t>(), rows, cache);
        mapRows(buffers.mixed.data_ptr<float>(), rows, block.output.weight, block.output.bias, x, Sum::Add);
        normaliseTo(block.feedForwardNorm, rows, buffers);
        decodeFeedForward(block, rows, buffers);
    }
    for (auto& length : cache.lengths)
        ++length;
    normaliseTo(m_norm, rows, buffers);
    float* const logits = buffers.logits.data_ptr<float>();
    mapRows(buffers.normed.data_ptr<float>(), rows, m_head.defined() ? m_head : m_tokens, {}, logits, Sum::Set);
    if (m_architecture.softCap > 0)
        capSoftly(logits, rows * m_vocabulary, static_cast<float>(m_architecture.softCap));
    return buffers.logits.narrow(0, 0, rows);
}

void Transformer::decodeEmbedding(const std::int64_t* tokens, const at::Tensor& positions, std::int64_t rows,
                                  const KvCache& cache) const
{
    const std::int64_t width = m_architecture.width;
    const at::Tensor given = m_architecture.positions == "coupled" ? positions.contiguous() : at::Tensor();
    const std::int64_t* const places = given.defined() ? given.data_ptr<std::int64_t>() : cache.lengths.data();
    float* const x = cache.buffers.x.data_ptr<float>();
    for (std::int64_t row = 0; row < rows; ++row) {
        std::copy_n(valuesOf(m_tokens) + tokens[row] * width, width, x + row * width);
        for (std::int64_t c = 0; m_positions.defined() && c < width; ++c)
            x[row * width + c] += valuesOf(m_positions)[places[row] * width + c];
    }
}

void Transformer::normaliseTo(const Norm& norm, std::int64_t rows, const DecodeBuffers& buffers) const
{
    normaliseRows(valuesOf(buffers.x), rows, m_architecture.width, valuesOf(norm.weight), valuesOf(norm.bias),
                  static_cast<float>(m_architecture.normEpsilon), buffers.normed.data_ptr<float>());
}

void Transformer::decodeAttention(int block, const std::int64_t* tokens, std::int64_t rows, KvCache& cache) const
{
    const at::Tensor& scratch = cache.buffers.scratch;
    at::parallel_for(0, rows, 8, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t row = from; row < to; ++row)
            decodeRow(block, tokens[row], row, cache,
                      scratch.data_ptr<float>() + at::get_thread_num() * scratch.size(1));
    });
}

// Finishes a row's queries, keys and values, writes the latter down and attends to all that the row has.
void Transformer::decodeRow(int index, std::int64_t token, std::int64_t row, KvCache& cache, float* scratch) const
{
    const Architecture& a = m_architecture;
    const Block& block = m_blocks[static_cast<std::size_t>(index)];
    const DecodeBuffers& buffers = cache.buffers;
    const std::int64_t width = a.width / a.heads, half = width / 2,
                       length = cache.lengths[static_cast<std::size_t>(row)], place = a.memoryTokens + length,
                       padded = wholeBlocks(width), group = a.heads / a.kvHeads;
    float *const query = buffers.packed.data_ptr<float>() + row * buffers.packed.size(1), *const key = query + a.width,
                 *const value = key + a.kvHeads * width;
    if (a.qkNorm) {
        const auto epsilon = static_cast<float>(a.normEpsilon);
        normaliseRows(query, a.heads, width, valuesOf(block.queryNorm), nullptr, epsilon, query);
        normaliseRows(key, a.kvHeads, width, valuesOf(block.keyNorm), nullptr, epsilon, key);
    }
    for (std::int64_t head = 0; buffers.cosine.defined() && head < a.heads + a.kvHeads; ++head)
        rotate(query + head * width, valuesOf(buffers.cosine) + length * half, valuesOf(buffers.sine) + length * half,
               half);
    for (std::int64_t c = 0; block.valueEmbedding.defined() && c < a.kvHeads * width; ++c)
        value[c] += valuesOf(block.valueEmbedding)[token * a.kvHeads * width + c];
    const at::Tensor &keys = cache.keys[static_cast<std::size_t>(index)],
                     &values = cache.values[static_cast<std::size_t>(index)];
    for (std::int64_t head = 0; head < a.kvHeads; ++head) {
        float* const keptKeys = keys.data_ptr<float>() + (row * a.kvHeads + head) * keys.stride(1);
        float* const keptValues = values.data_ptr<float>() + (row * a.kvHeads + head) * values.stride(1);
        for (std::int64_t c = 0; c < width; ++c)
            keptKeys[(place / keyBlock * width + c) * keyBlock + place % keyBlock] = key[head * width + c];
        std::copy_n(value + head * width, width, keptValues + place * padded);
        for (std::int64_t c = 0; c < prefetched; c += keyBlock) // the next head's, or row's
            __builtin_prefetch(keptKeys + keys.stride(1) + c);
        for (std::int64_t h = head * group; h < (head + 1) * group; ++h) {
            attentionDecode({length + 1, width, a.memoryTokens, a.window}, query + h * width, keptKeys, keptValues,
                            scratch, scratch + padded);
            std::copy_n(scratch, width, buffers.mixed.data_ptr<float>() + row * a.width + h * width);
        }
    }
}

void Transformer::decodeFeedForward(const Block& block, std::int64_t rows, const DecodeBuffers& buffers) const
{
    const FeedForwardMaps& maps = block.feedForward;
    if (maps.router.defined()) {
        buffers.x.narrow(0, 0, rows)
            .add_(feedForward(buffers.normed.narrow(0, 0, rows), maps, m_architecture, ExpertKind::Sparse, nullptr));
        return;
    }
    const float* const normed = valuesOf(buffers.normed);
    const std::int64_t count = rows * m_architecture.feedForwardWidth;
    float* hidden = buffers.hidden.data_ptr<float>();
    mapRows(normed, rows, maps.up.weight, maps.up.bias, hidden, Sum::Set);
    if (maps.gate.weight.defined()) {
        float* const gate = buffers.gate.data_ptr<float>();
        mapRows(normed, rows, maps.gate.weight, maps.gate.bias, gate, Sum::Set);
        activate(Activation::Silu, gate, hidden, gate, count);
        hidden = gate;
    } else {
        activate(activationOf(m_architecture.feedForward), hidden, nullptr, hidden, count);
    }
    mapRows(hidden, rows, maps.down.weight, maps.down.bias, buffers.x.data_ptr<float>(), Sum::Add);
}

} // namespace ratchet
