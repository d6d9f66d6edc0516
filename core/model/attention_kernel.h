// SPDX-License-Identifier: GPL-3.0-or-later
// Causal attention of one key-value head and the query heads that share it, float32, forward and backward, in tiles that stay
// in registers and the first caches. Called by attention.cpp from several threads; no libtorch here.
#pragma once

#include <cstdint>
#include <vector>

namespace ratchet
{

// Row i of a head is `width` floats at data + i * step.
struct HeadRows {
    float* data = nullptr;
    std::int64_t step = 0;
};

// Query i sees the keys 0 .. memory - 1 and, of those after them, j <= i; with a window only j > i - window.
struct AttentionShape {
    std::int64_t length = 0;    // queries; there are memory + length keys
    std::int64_t width = 0;     // of a head
    std::int64_t memory = 0;
    std::int64_t window = 0;    // 0: all
};

// Grown on first use, then reused: one for each thread.
using AttentionScratch = std::vector<float>;

// out = softmax(q k^T / sqrt(width)) v; `normaliser`[i] = log of the sum of exponentials, which the gradient needs.
void attentionForward(const AttentionShape& shape, HeadRows q, HeadRows k, HeadRows v, HeadRows out, float* normaliser,
                      AttentionScratch& scratch);

// One query head's share: writes dq, adds to dk and dv. Probabilities are computed again instead of kept (Dao 2022).
void attentionBackward(const AttentionShape& shape, HeadRows q, HeadRows k, HeadRows v, HeadRows out,
                       const float* normaliser, HeadRows dOut, HeadRows dq, HeadRows dk, HeadRows dv,
                       AttentionScratch& scratch);

// A kept head's keys lie transposed in blocks of 16 tokens, [blocks][width][16], and its values in rows of a width rounded up to
// 16; what is not written yet is finite. So a query streams through both and never sums across a vector.
inline constexpr std::int64_t keyBlock = 16;
[[nodiscard]] constexpr std::int64_t wholeBlocks(std::int64_t count) { return (count + keyBlock - 1) / keyBlock * keyBlock; }

// Floats at the beginning of a stream that are worth asking for early: from there on the processor sees it coming.
inline constexpr std::int64_t prefetched = 24 * keyBlock;

// The last of the shape's queries alone, over memory + length kept keys and values; `out` has wholeBlocks(width) floats, `scores`
// is scratch of wholeBlocks(memory + length).
void attentionDecode(const AttentionShape& shape, const float* q, const float* keys, const float* values, float* out,
                     float* scores);

} // namespace ratchet
