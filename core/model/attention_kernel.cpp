// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention_kernel.h"

namespace ratchet
{
namespace
{

#define KERNEL_BODY "core/model/attention_kernel.inc"
#include "core/model/kernel_versions.inc"

struct Kernels {
    decltype(&plain::forward) forward;
    decltype(&plain::backward) backward;
    decltype(&plain::decode) decode;
};

const Kernels& kernels()
{
#define KERNELS(set) Kernels{&set::forward, &set::backward, &set::decode}
    static const Kernels chosen = BEST_KERNELS(KERNELS);
    return chosen;
}

float* grown(AttentionScratch& scratch, std::int64_t floats)
{
    if (scratch.size() < static_cast<std::size_t>(floats))
        scratch.resize(static_cast<std::size_t>(floats));
    return scratch.data();
}

} // namespace

void attentionForward(const AttentionShape& shape, HeadRows q, HeadRows k, HeadRows v, HeadRows out, float* normaliser,
                      AttentionScratch& scratch)
{
    kernels().forward(shape, q, k, v, out, normaliser, grown(scratch, plain::forwardFloats(plain::Frame(shape))));
}

void attentionBackward(const AttentionShape& shape, HeadRows q, HeadRows k, HeadRows v, HeadRows out,
                       const float* normaliser, HeadRows dOut, HeadRows dq, HeadRows dk, HeadRows dv,
                       AttentionScratch& scratch)
{
    kernels().backward(shape, q, k, v, out, normaliser, dOut, dq, dk, dv,
                       grown(scratch, plain::backwardFloats(plain::Frame(shape))));
}

void attentionDecode(const AttentionShape& shape, const float* q, const float* keys, const float* values, float* out,
                     float* scores)
{
    kernels().decode(shape, q, keys, values, out, scores);
}

} // namespace ratchet
