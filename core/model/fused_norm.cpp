// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/fused_norm.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/model/compat.h"
#include "core/model/row_kernel.h"

namespace ratchet {
namespace {

constexpr std::int64_t rowsAtLeast = 256; // a thread's share

struct FusedNorm : torch::autograd::Function<FusedNorm> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const c10::optional<at::Tensor>& bias, double epsilon)
    {
        const std::int64_t width = x.size(-1), rows = x.numel() / width;
        const at::Tensor out = at::empty(x.sizes(), x.options()), scales = at::empty({rows, 2}, x.options());
        const float *const values = x.data_ptr<float>(), *const weights = weight.data_ptr<float>(),
                           *const shifts = bias ? bias->data_ptr<float>() : nullptr;
        float* const results = out.data_ptr<float>();
        auto* const rowScales = reinterpret_cast<RowScale*>(scales.data_ptr<float>());
        at::parallel_for(0, rows, rowsAtLeast, [&](std::int64_t from, std::int64_t to) {
            normaliseRows(values + from * width, to - from, width, weights, shifts, static_cast<float>(epsilon),
                          results + from * width, rowScales + from);
        });
        context->save_for_backward({x, weight, scales});
        context->saved_data["bias"] = bias.has_value();
        return out;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients)
    {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], gradient = gradients[0].contiguous();
        const std::int64_t width = x.size(-1), rows = x.numel() / width, threads = threadsHere();
        const bool biased = context->saved_data["bias"].toBool();
        const at::Tensor dx = at::empty(x.sizes(), x.options()), sums = at::zeros({threads, 2, width}, x.options());
        const float *const values = x.data_ptr<float>(), *const weights = weight.data_ptr<float>(),
                           *const dOut = gradient.data_ptr<float>();
        float *const results = dx.data_ptr<float>(), *const totals = sums.data_ptr<float>();
        const auto* const rowScales = reinterpret_cast<const RowScale*>(saved[2].data_ptr<float>());
        at::parallel_for(0, rows, rowsAtLeast, [&](std::int64_t from, std::int64_t to) {
            float* const mine = totals + at::get_thread_num() * 2 * width;
            normaliseRowsBackward(values + from * width, to - from, width, weights, rowScales + from,
                                  dOut + from * width, results + from * width, mine, biased ? mine + width : nullptr);
        });
        const at::Tensor total = sums.sum(0);
        return {dx, total[0], biased ? total[1] : at::Tensor(), {}};
    }
};

} // namespace

at::Tensor fusedNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon)
{
    const c10::optional<at::Tensor> given = bias.defined() ? c10::optional<at::Tensor>(bias) : c10::nullopt;
    return FusedNorm::apply(x.contiguous(), weight, given, epsilon);
}

} // namespace ratchet
