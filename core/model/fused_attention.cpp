// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/fused_attention.h"

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

struct FusedAttention : torch::autograd::Function<FusedAttention> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                              const at::Tensor& v, std::int64_t memory, std::int64_t window)
    {
        const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2), width = q.size(3);
        const std::int64_t group = heads / k.size(2);
        const AttentionShape shape{length, width, memory, window};
        const at::Tensor out = at::empty({batch, length, heads, width}, q.options());
        const at::Tensor normaliser = at::empty({batch, heads, length}, q.options());
        float* const normalisers = normaliser.data_ptr<float>();
        overHeads(batch, k.size(2), [&](std::int64_t b, std::int64_t key, AttentionScratch& scratch) {
            for (std::int64_t h = key * group; h < (key + 1) * group; ++h)
                attentionForward(shape, rowsOf(q, b, h), rowsOf(k, b, key), rowsOf(v, b, key), rowsOf(out, b, h),
                                 normalisers + (b * heads + h) * length, scratch);
        });
        context->save_for_backward({q, k, v, out, normaliser});
        context->saved_data["memory"] = memory;
        context->saved_data["window"] = window;
        return out.view({batch, length, heads * width});
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients)
    {
        const auto saved = context->get_saved_variables();
        const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
        const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2), width = q.size(3);
        const std::int64_t keys = k.size(1), keyHeads = k.size(2), group = heads / keyHeads;
        const AttentionShape shape{length, width, context->saved_data["memory"].toInt(),
                                   context->saved_data["window"].toInt()};
        const at::Tensor dOut = gradients[0].contiguous().view({batch, length, heads, width});
        const at::Tensor dq = at::empty({batch, length, heads, width}, q.options());
        const at::Tensor dk = at::zeros({batch, keys, keyHeads, width}, k.options()), dv = at::zeros_like(dk);
        const float* const normalisers = saved[4].data_ptr<float>();
        overHeads(batch, keyHeads, [&](std::int64_t b, std::int64_t key, AttentionScratch& scratch) {
            for (std::int64_t h = key * group; h < (key + 1) * group; ++h)
                attentionBackward(shape, rowsOf(q, b, h), rowsOf(k, b, key), rowsOf(v, b, key), rowsOf(out, b, h),
                                  normalisers + (b * heads + h) * length, rowsOf(dOut, b, h), rowsOf(dq, b, h),
                                  rowsOf(dk, b, key), rowsOf(dv, b, key), scratch);
        });
        return {dq, dk, dv, {}, {}};
    }
};

} // namespace

at::Tensor fusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t memory,
                          std::int64_t window)
{
    return FusedAttention::apply(query, key, value, memory, window);
}

} // namespace ratchet
