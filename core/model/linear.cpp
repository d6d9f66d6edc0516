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

#ifdef RATCHET_ONEDNN
namespace
{

void check(dnnl_status_t status)
{
    TORCH_CHECK(status == dnnl_success, "oneDNN cannot multiply these matrices: status ", static_cast<int>(status));
}

// c [m, n] = a b with a or b read transposed; all row-major and without gaps.
void multiply(char transposeA, char transposeB, const at::Tensor& a, const at::Tensor& b, const at::Tensor& c)
{
    const std::int64_t inner = transposeA == 'T' ? a.size(0) : a.size(1);
    check(dnnl_sgemm(transposeA, transposeB, c.size(0), c.size(1), inner, 1.0F, a.data_ptr<float>(), a.size(1),
                     b.data_ptr<float>(), b.size(1), 0.0F, c.data_ptr<float>(), c.size(1)));
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

void mapRows(const float* x, std::int64_t rows, const at::Tensor& weight, const at::Tensor& bias, float* out, Sum sum)
{
    const std::int64_t inner = weight.size(1), outer = weight.size(0);
    const float* const shift = bias.defined() ? bias.data_ptr<float>() : nullptr;
    for (std::int64_t row = 0; shift && row < rows; ++row)
        for (std::int64_t c = 0; c < outer; ++c)
            out[row * outer + c] = shift[c] + (sum == Sum::Add ? out[row * outer + c] : 0);
    const bool adds = sum == Sum::Add || shift;
#ifdef RATCHET_ONEDNN
    check(dnnl_sgemm('N', 'T', rows, outer, inner, 1.0F, x, inner, weight.data_ptr<float>(), inner, adds ? 1.0F : 0.0F, out,
                     outer));
#else
    at::Tensor result = at::from_blob(out, {rows, outer});
    const at::Tensor product = at::mm(at::from_blob(const_cast<float*>(x), {rows, inner}), weight.t());
    adds ? result.add_(product) : result.copy_(product);
#endif
}

} // namespace ratchet
