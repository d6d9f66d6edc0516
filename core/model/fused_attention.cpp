// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/fused_attention.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/model/attention_kernel.h"
#include "core/model/compat.h"

namespace ratchet
{
namespace
{

HeadRows rowsOf(const at::Tensor& tensor, std::int64_t batch, std::int64_t head)
{
    return {tensor.data_ptr<float>() + batch * tensor.stride(0) + head * tensor.stride(2), tensor.stride(1)};
}

// Calls work(sequence, key head, scratch) for each; query heads that share a key head stay on one thread.
template <typename Work> void overHeads(std::int64_t batch, std::int64_t heads, const Work& work)
{
    at::parallel_for(0, batch * heads, 1, [&](std::int64_t from, std::int64_t to) {
        AttentionScratch scratch;
        for (std::int64_t i = from; i < to; ++i)
            work(i / heads, i % heads, scratch);
    });
}

// Queries [B, T, H, w], and keys and values [B, memory + T, K, w].
struct Heads {
    at::Tensor q, k, v;
};

Heads unpack(const at::Tensor& packed, std::int64_t heads, std::int64_t keyHeads)
{
    const at::Tensor all = packed.view({packed.size(0), packed.size(1), heads + 2 * keyHeads, -1});
    return {all.narrow(2, 0, heads), all.narrow(2, heads, keyHeads), all.narrow(2, heads + keyHeads, keyHeads)};
}

// Writes out [B, T, H, w] and normaliser [B, H, T].
void attend(const Heads& in, const AttentionShape& shape, const at::Tensor& out, const at::Tensor& normaliser)
{
    const std::int64_t heads = in.q.size(2), keyHeads = in.k.size(2), group = heads / keyHeads;
    float* const normalisers = normaliser.data_ptr<float>();
    overHeads(in.q.size(0), keyHeads, [&](std::int64_t b, std::int64_t key, AttentionScratch& scratch) {
        for (std::int64_t h = key * group; h < (key + 1) * group; ++h)
            attentionForward(shape, rowsOf(in.q, b, h), rowsOf(in.k, b, key), rowsOf(in.v, b, key), rowsOf(out, b, h),
                             normalisers + (b * heads + h) * shape.length, scratch);
    });
}

void clear(HeadRows rows, std::int64_t count, std::int64_t width)
{
    for (std::int64_t i = 0; i < count; ++i)
        std::fill_n(rows.data + i * rows.step, width, 0.0F);
}

// Writes the gradients of all three.
void attendBackward(const Heads& in, const AttentionShape& shape, const at::Tensor& out, const at::Tensor& normaliser,
                    const at::Tensor& dOut, const Heads& gradients)
{
    const std::int64_t heads = in.q.size(2), keyHeads = in.k.size(2), group = heads / keyHeads, keys = in.k.size(1);
    const float* const normalisers = normaliser.data_ptr<float>();
    overHeads(in.q.size(0), keyHeads, [&](std::int64_t b, std::int64_t key, AttentionScratch& scratch) {
        const HeadRows dk = rowsOf(gradients.k, b, key), dv = rowsOf(gradients.v, b, key);
        clear(dk, keys, shape.width);
        clear(dv, keys, shape.width);
        for (std::int64_t h = key * group; h < (key + 1) * group; ++h)
            attentionBackward(shape, rowsOf(in.q, b, h), rowsOf(in.k, b, key), rowsOf(in.v, b, key), rowsOf(out, b, h),
                              normalisers + (b * heads + h) * shape.length, rowsOf(dOut, b, h),
                              rowsOf(gradients.q, b, h), dk, dv, scratch);
    });
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct FusedAttention : torch::autograd::Function<FusedAttention> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              std::int64_t memory, std::int64_t window)
    {
        const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2), width = q.size(3);
        const at::Tensor out = at::empty({batch, length, heads, width}, q.options());
        const at::Tensor normaliser = at::empty({batch, heads, length}, q.options());
        attend({q, k, v}, {length, width, memory, window}, out, normaliser);
        context->save_for_backward({q, k, v, out, normaliser});
        context->saved_data["memory"] = memory;
        context->saved_data["window"] = window;
        return out.view({batch, length, heads * width});
    }

    static variable_list backward(AutogradContext* context, variable_list gradients)
    {
        const variable_list saved = context->get_saved_variables();
        const Heads in{saved[0], saved[1], saved[2]};
        const AttentionShape shape{in.q.size(1), in.q.size(3), context->saved_data["memory"].toInt(),
                                   context->saved_data["window"].toInt()};
        const auto like = [](const at::Tensor& tensor) { return at::empty(tensor.sizes(), tensor.options()); };
        const Heads d{like(in.q), like(in.k), like(in.v)};
        attendBackward(in, shape, saved[3], saved[4], gradients[0].contiguous().view(in.q.sizes()), d);
        return {d.q, d.k, d.v, {}, {}};
    }
};

struct PackedAttention : torch::autograd::Function<PackedAttention> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& packed, std::int64_t heads,
                              std::int64_t keyHeads, std::int64_t window)
    {
        const std::int64_t batch = packed.size(0), length = packed.size(1), width = packed.size(2) / (heads + 2 * keyHeads);
        const at::Tensor out = at::empty({batch, length, heads, width}, packed.options());
        const at::Tensor normaliser = at::empty({batch, heads, length}, packed.options());
        attend(unpack(packed, heads, keyHeads), {length, width, 0, window}, out, normaliser);
        context->save_for_backward({packed, out, normaliser});
        context->saved_data["keyHeads"] = keyHeads;
        context->saved_data["window"] = window;
        return out.view({batch, length, heads * width});
    }

    static variable_list backward(AutogradContext* context, variable_list gradients)
    {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor &packed = saved[0], &out = saved[1], dPacked = at::empty(packed.sizes(), packed.options());
        const std::int64_t heads = out.size(2), keyHeads = context->saved_data["keyHeads"].toInt();
        attendBackward(unpack(packed, heads, keyHeads), {out.size(1), out.size(3), 0, context->saved_data["window"].toInt()},
                       out, saved[2], gradients[0].contiguous().view(out.sizes()), unpack(dPacked, heads, keyHeads));
        return {dPacked, {}, {}, {}};
    }
};

} // namespace

at::Tensor fusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t memory,
                          std::int64_t window)
{
    return FusedAttention::apply(query, key, value, memory, window);
}

at::Tensor fusedAttention(const at::Tensor& packed, std::int64_t heads, std::int64_t keyHeads, std::int64_t window)
{
    return PackedAttention::apply(packed, heads, keyHeads, window);
}

} // namespace ratchet
