// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention_kernel.h"

namespace ratchet
{
namespace
{

namespace plain
{
#define WIDE_COUNT 1
#include "core/model/attention_kernel.inc"
#undef WIDE_COUNT
} // namespace plain

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define RATCHET_KERNELS 1
#pragma GCC push_options
#pragma GCC target("arch=haswell")
namespace avx2
{
#define WIDE_COUNT 1
#include "core/model/attention_kernel.inc"
#undef WIDE_COUNT
} // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=skylake-avx512,prefer-vector-width=512")
namespace avx512
{
#define WIDE_COUNT 2
#include "core/model/attention_kernel.inc"
#undef WIDE_COUNT
} // namespace avx512
#pragma GCC pop_options
#endif

struct Kernels {
    decltype(&plain::forward) forward;
    decltype(&plain::backward) backward;
    decltype(&plain::decode) decode;
};

// What this processor can run; ATEN_CPU_CAPABILITY does not matter here, the record of a trial names the processor's best.
const Kernels& kernels()
{
    static const Kernels chosen = [] {
#ifdef RATCHET_KERNELS
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma"))
            return Kernels{&avx512::forward, &avx512::backward, &avx512::decode};
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return Kernels{&avx2::forward, &avx2::backward, &avx2::decode};
#endif
        return Kernels{&plain::forward, &plain::backward, &plain::decode};
    }();
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

void attentionDecode(const AttentionShape& shape, const float* q, HeadRows k, HeadRows v, float* out, float* scores)
{
    kernels().decode(shape, q, k, v, out, scores);
}

} // namespace ratchet
