// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/linear.h"

#ifdef RATCHET_ONEDNN
#include <dnnl.h>
#include <torch/csrc/autograd/custom_function.h>
#endif

#include "core/model/compat.h"

namespace ratchet
{
namespace
{

at::Tensor inTypeOf(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    const at::ScalarType type = x.scalar_type();
    return at::linear(x, weight.to(type), bias.defined() ? bias.to(type) : bias);
}

} // namespace

void multiply(const Product& product, const float* a, const float* b, float* c, Sum sum)
{
    const auto [transposeA, transposeB, m, n, k] = product;
#ifdef RATCHET_ONEDNN
    const dnnl_status_t status =
        dnnl_sgemm(transposeA, transposeB, m, n, k, 1.0F, a, transposeA == 'T' ? m : k, b, transposeB == 'T' ? k : n,
                   sum == Sum::Add ? 1.0F : 0.0F, c, n);
    TORCH_CHECK(status == dnnl_success, "oneDNN cannot multiply these matrices: status ", static_cast<int>(status));
#else
    const auto matrix = [](const float* data, bool transposed, std::int64_t rows, std::int64_t columns) {
        float* const values = const_cast<float*>(data); // only read
        return transposed ? at::from_blob(values, {columns, rows}).t() : at::from_blob(values, {rows, columns});
    };
    const at::Tensor result = at::mm(matrix(a, transposeA == 'T', m, k), matrix(b, transposeB == 'T', k, n));
    at::Tensor there = at::from_blob(c, {m, n});
    sum == Sum::Add ? there.add_(result) : there.copy_(result);
#endif
}

void mapRows(const float* x, std::int64_t rows, const at::Tensor& weight, const at::Tensor& bias, float* out, Sum sum)
{
    const std::int64_t inner = weight.size(1), outer = weight.size(0);
    const float* const shift = bias.defined() ? bias.data_ptr<float>() : nullptr;
    for (std::int64_t row = 0; shift && row < rows; ++row)
        for (std::int64_t c = 0; c < outer; ++c)
            out[row * outer + c] = shift[c] + (sum == Sum::Add ? out[row * outer + c] : 0);
    multiply({'N', 'T', rows, outer, inner}, x, weight.data_ptr<float>(), out, shift ? Sum::Add : sum);
}

#ifdef RATCHET_ONEDNN
namespace
{

// c = a b with a or b read transposed.
void multiply(char transposeA, char transposeB, const at::Tensor& a, const at::Tensor& b, const at::Tensor& c)
{
    multiply({transposeA, transposeB, c.size(0), c.size(1), transposeA == 'T' ? a.size(0) : a.size(1)},
             a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), Sum::Set);
}

struct OneDnnLinear : torch::autograd::Function<OneDnnLinear> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const c10::optional<at::Tensor>& bias)
    {
        const at::Tensor out = at::empty({x.size(0), weight.size(0)}, x.options());
        multiply('N', 'T', x, weight, out);
        if (bias)
            out.add_(*bias);
        context->saved_data["bias"] = bias.has_value();
        context->save_for_backward({x, weight});
        return out;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients)
    {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], gradient = gradients[0].contiguous();
        at::Tensor dx, dWeight, dBias;
        if (context->needs_input_grad(0))
            multiply('N', 'N', gradient, weight, dx = at::empty(x.sizes(), x.options()));
        if (context->needs_input_grad(1))
            multiply('T', 'N', gradient, x, dWeight = at::empty(weight.sizes(), weight.options()));
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2))
            dBias = gradient.sum(0);
        return {dx, dWeight, dBias};
    }
};

bool isPlainFloat(const at::Tensor& tensor)
{
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.numel() > 0;
}

} // namespace

at::Tensor linearMap(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, LinearKind kind)
{
    if (kind == LinearKind::Plain || !isPlainFloat(x) || !isPlainFloat(weight) || weight.dim() != 2)
        return inTypeOf(x, weight, bias);
    std::vector<std::int64_t> sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    const at::Tensor rows = x.reshape({-1, x.size(-1)}).contiguous();
    const c10::optional<at::Tensor> given = bias.defined() ? c10::optional<at::Tensor>(bias) : c10::nullopt;
    return OneDnnLinear::apply(rows, weight.contiguous(), given).view(sizes);
}
#else
at::Tensor linearMap(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, LinearKind)
{
    return inTypeOf(x, weight, bias);
}
#endif

} // namespace ratchet
