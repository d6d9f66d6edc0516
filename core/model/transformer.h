// SPDX-License-Identifier: GPL-3.0-or-later
// The decoder-only transformer an Architecture describes (pre-norm). All parameters are views into one flat buffer and
// all gradients views into another, so that optimizer, average, checkpoint and file see one array each. One thread at a
// time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/genome/genome.h"
#include "core/genome/weights_file.h"
#include "core/model/attention.h"
#include "core/model/feed_forward.h"
#include "core/model/placement.h"

namespace ratchet {

// A tensor's place in the flat buffer, in elements. Tensors lie in name order.
struct TensorSlot {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t offset = 0, count = 0;
};
[[nodiscard]] std::vector<TensorSlot> tensorLayout(const Architecture& architecture, int vocabulary);

// Sees what flows through a forward pass; layer names as in LayerStatistics. Must not keep graph alive longer than the
// pass.
class ForwardObserver {
public:
    virtual ~ForwardObserver() = default;
    virtual void activation(const std::string& layer, const at::Tensor& value) = 0;
    virtual void attention(int block, const at::Tensor& probabilities) = 0; // [B, H, T, T]; the memory has the rest
};

struct ForwardOptions {
    AttentionKind attention = AttentionKind::Fused;
    double dropout = 0; // of embeddings and block outputs; needs gradients on
    ForwardObserver* observer = nullptr;
    ExpertKind experts = ExpertKind::Sparse;
    // Training of a mixture of experts: asks for capacity limits, and is told balance loss and dropped tokens of this
    // pass. Without it no token is dropped.
    Routing* routing = nullptr;
};

// What a step of generation writes to, kept from token to token; all [B, ..] float32 of the CPU.
struct DecodeBuffers {
    at::Tensor x, normed, packed, mixed, hidden, gate, logits;
    at::Tensor cosine, sine; // of "rope", [C, w / 2]
    at::Tensor scratch;      // [threads, ..]
};

// Keys and values of the memory and the tokens seen so far; row b holds lengths[b] tokens. Fused: a block's lie as
// attention_kernel.h keeps them, keys [B, K, blocks, w, 16] and values [B, K, 16 * blocks, w rounded up]. Plain, which any
// other device takes: both [B, memory + C, K, w].
struct KvCache {
    std::vector<at::Tensor> keys, values;
    std::vector<std::int64_t> lengths;
    AttentionKind attention = AttentionKind::Fused;
    DecodeBuffers buffers;   // of Fused

    // Keeps these rows only, in this order: finished ones drop out.
    void keepRows(const std::vector<std::int64_t>& rows);
};

class Transformer {
public:
    // All parameters zero; the architecture must be a valid one (Genome::fromJson).
    Transformer(const Architecture& architecture, int vocabulary);

    // Normal draws of Rng::stream(seed, tensor name): embeddings 0.02 ... see the .cpp; norms one, biases and value
    // embeddings zero; the last map of every block is scaled by 1 / sqrt(2 layers) (Radford 2019).
    void initialise(std::uint64_t seed);
    [[nodiscard]] Status load(const WeightsFile& file);
    // Of a file that was checked (checkWeights): the tensors whose names begin with `prefix`; and the other way round.
    void take(const WeightsFile& file, const std::string& prefix);
    void addTo(WeightsFile& file, const at::Tensor& flat, const std::string& prefix) const;
    // Moves the parameters there; before requireGradient(). A model is made on the CPU, in float32 and with own kernels.
    void place(const Placement& placement);
    [[nodiscard]] const Placement& placement() const { return m_placement; }
    [[nodiscard]] Status save(const std::string& file, const at::Tensor& flat,
                              const std::map<std::string, std::string>& metadata) const;

    // Logits [B, T, V] of tokens [B, T]; positions [B, T] are needed for "coupled" only and otherwise ignored.
    // Padding on the right changes nothing before it. Both may lie on the CPU wherever the model is; logits are float32 where it is.
    [[nodiscard]] at::Tensor forward(const at::Tensor& tokens, const at::Tensor& positions,
                                     const ForwardOptions& options = {}) const;

    // Generation, always in float32. start() runs padded prompts of the given lengths and returns the logits [B, V] after each one's last
    // token; step() appends one token [B] to every row, whose position id (for "coupled") is positions [B]. Its logits
    // stay until the next step.
    [[nodiscard]] at::Tensor start(const at::Tensor& tokens, const at::Tensor& positions,
                                   const std::vector<std::int64_t>& lengths, std::int64_t capacity,
                                   KvCache& cache) const;
    [[nodiscard]] at::Tensor step(const at::Tensor& tokens, const at::Tensor& positions, KvCache& cache) const;

    // Makes every parameter a leaf whose gradient lies in gradient().
    void requireGradient();
    // Another model of the very same parameters, with a gradient of its own: for a thread beside this one's.
    [[nodiscard]] std::unique_ptr<Transformer> replica() const;
    [[nodiscard]] at::Tensor flat() const { return m_flat; }
    [[nodiscard]] at::Tensor gradient() const { return m_gradient; }
    [[nodiscard]] const std::vector<TensorSlot>& layout() const { return m_layout; }
    [[nodiscard]] const Architecture& architecture() const { return m_architecture; }
    [[nodiscard]] int vocabulary() const { return m_vocabulary; }

private:
    struct Norm {
        at::Tensor weight, bias;
    };
    struct Block {
        Norm attentionNorm, feedForwardNorm;
        Linear queryKeyValue, output;
        at::Tensor queryNorm, keyNorm, memoryKey, memoryValue, valueEmbedding;
        FeedForwardMaps feedForward;
    };
    struct Pass {
        std::int64_t batch = 0, length = 0;
        at::Tensor tokens;       // [B * T]
        at::Tensor cosine, sine; // of "rope", broadcast over batch and heads
        const ForwardOptions& options;
        KvCache* cache = nullptr;
        bool decoding = false;
        Precision precision = Precision::Float32;
    };
    struct Heads {
        at::Tensor query, key, value; // [B, T, heads, w]
    };
    [[nodiscard]] at::Tensor view(const std::string& name) const;
    void bindViews();
    void bindBlock(std::size_t index);
    void bind(at::Tensor& member, const std::string& name);
    void bind(Linear& member, const std::string& name);
    void bind(Norm& member, const std::string& name);
    [[nodiscard]] double deviationOf(const TensorSlot& slot) const;
    [[nodiscard]] Sight sight() const { return {m_architecture.memoryTokens, m_architecture.window}; }
    [[nodiscard]] at::Tensor placesOf(const at::Tensor& positions, std::int64_t length) const;
    [[nodiscard]] at::Tensor embed(const at::Tensor& tokens, const at::Tensor& positions) const;
    [[nodiscard]] at::Tensor run(at::Tensor x, const Pass& pass) const;
    [[nodiscard]] bool isPacked(const Pass& pass) const;
    [[nodiscard]] Heads project(const Block& block, const at::Tensor& packed, const Pass& pass) const;
    [[nodiscard]] at::Tensor attend(int block, const at::Tensor& x, const Pass& pass) const;
    [[nodiscard]] at::Tensor attendCached(int block, const Heads& heads, KvCache& cache) const;
    // Of a Fused cache (transformer_decode.cpp).
    void prepareCache(std::int64_t batch, std::int64_t capacity, KvCache& cache) const;
    void keep(int block, const Heads& heads, KvCache& cache) const;
    [[nodiscard]] at::Tensor decode(const at::Tensor& tokens, const at::Tensor& positions, KvCache& cache) const;
    void decodeEmbedding(const std::int64_t* tokens, const at::Tensor& positions, std::int64_t rows,
                         const KvCache& cache) const;
    void decodeAttention(int block, const std::int64_t* tokens, std::int64_t rows, KvCache& cache) const;
    void decodeRow(int block, std::int64_t token, std::int64_t row, KvCache& cache, float* scratch) const;
    void decodeFeedForward(const Block& block, std::int64_t rows, const DecodeBuffers& buffers) const;
    void normaliseTo(const Norm& norm, std::int64_t rows, const DecodeBuffers& buffers) const;
    [[nodiscard]] at::Tensor memoryKeys(const Block& block) const;
    [[nodiscard]] at::Tensor normalise(const at::Tensor& x, const Norm& norm) const;
    [[nodiscard]] at::Tensor head(const at::Tensor& x, Precision precision) const;
    void rotations(const at::Tensor& positions, Pass& pass) const;

    Architecture m_architecture;
    int m_vocabulary;
    Placement m_placement;
    std::vector<TensorSlot> m_layout;
    at::Tensor m_flat, m_gradient;
    at::Tensor m_tokens, m_positions, m_head;
    Norm m_norm;
    std::vector<Block> m_blocks;
    std::vector<at::Tensor*> m_leaves;
};

} // namespace ratchet
