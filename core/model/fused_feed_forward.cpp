// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/fused_feed_forward.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/model/compat.h"
#include "core/model/linear.h"

namespace ratchet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t tileRows = 512;

float* valuesOf(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

// Calls work(first row, rows, thread) for tiles of rows; which tiles a thread gets depends on their numbers alone.
template <typename Work> void overTiles(std::int64_t rows, const Work& work)
{
    const std::int64_t tiles = (rows + tileRows - 1) / tileRows;
    at::parallel_for(0, tiles, 1, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t i = from; i < to; ++i)
            work(i * tileRows, std::min(tileRows, rows - i * tileRows), at::get_thread_num());
    });
}

// The gradients of a map's weight and bias, of every thread.
struct MapGradient {
    explicit MapGradient(const Linear& map)
    {
        const std::int64_t threads = threadsHere();
        if (map.weight.defined())
            weight = at::zeros({threads, map.weight.size(0), map.weight.size(1)}, map.weight.options());
        if (map.bias.defined())
            bias = at::zeros({threads, map.bias.size(0)}, map.bias.options());
    }
    // gradient [rows, out] of the map's results, x [rows, in].
    void add(const float* gradient, const float* x, std::int64_t rows, int thread) const
    {
        const std::int64_t out = weight.size(1), in = weight.size(2);
        multiply({'T', 'N', out, in, rows}, gradient, x, valuesOf(weight) + thread * out * in, Sum::Add);
        float* const sums = bias.defined() ? valuesOf(bias) + thread * out : nullptr;
        for (std::int64_t row = 0; sums && row < rows; ++row)
            for (std::int64_t c = 0; c < out; ++c)
                sums[c] += gradient[row * out + c];
    }
    [[nodiscard]] static at::Tensor total(const at::Tensor& parts)
    {
        if (!parts.defined())
            return {};
        return parts.size(0) == 1 ? parts[0] : parts.sum(0);
    }
    at::Tensor weight, bias;
};

// A parameter that not every feed-forward has: an autograd function takes no undefined tensor.
using Given = c10::optional<at::Tensor>;
Given given(const at::Tensor& tensor)
{
    return tensor.defined() ? Given(tensor) : c10::nullopt;
}

struct FusedFeedForward : torch::autograd::Function<FusedFeedForward> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Given& givenGate,
                              const Given& givenGateBias, const at::Tensor& upWeight, const Given& givenUpBias,
                              const at::Tensor& downWeight, const Given& givenDownBias, Activation activation,
                              bool keeps)
    {
        const at::Tensor gateWeight = givenGate.value_or(at::Tensor()), gateBias = givenGateBias.value_or(at::Tensor()),
                         upBias = givenUpBias.value_or(at::Tensor()), downBias = givenDownBias.value_or(at::Tensor());
        const std::int64_t rows = x.size(0), width = x.size(1), hidden = upWeight.size(0);
        const bool gates = gateWeight.defined();
        const auto matrix = [&](bool there, std::int64_t height) {
            return there ? at::empty({height, hidden}, x.options()) : at::Tensor();
        };
        const at::Tensor out = at::empty({rows, downWeight.size(0)}, x.options()), up = matrix(keeps, rows),
                         gate = matrix(keeps && gates, rows);
        overTiles(rows, [&](std::int64_t first, std::int64_t count, int) {
            const at::Tensor scratch = matrix(true, (keeps ? 1 : gates ? 3 : 2) * count);
            float *const result = valuesOf(scratch), *const behind = result + count * hidden,
                         *const ups = keeps ? valuesOf(up) + first * hidden : behind,
                         *const gated = keeps ? valuesOf(gate) + (gates ? first * hidden : 0) : behind + count * hidden;
            mapRows(valuesOf(x) + first * width, count, upWeight, upBias, ups, Sum::Set);
            if (gates)
                mapRows(valuesOf(x) + first * width, count, gateWeight, gateBias, gated, Sum::Set);
            activate(activation, gates ? gated : ups, gates ? ups : nullptr, result, count * hidden);
            mapRows(result, count, downWeight, downBias, valuesOf(out) + first * out.size(1), Sum::Set);
        });
        context->save_for_backward({x, gateWeight, gateBias, upWeight, upBias, downWeight, downBias, up, gate});
        context->saved_data["activation"] = static_cast<std::int64_t>(activation);
        return out;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients)
    {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &up = saved[7], &gate = saved[8], dOut = gradients[0].contiguous();
        const Linear gateMap{saved[1], saved[2]}, upMap{saved[3], saved[4]}, downMap{saved[5], saved[6]};
        const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
        const bool gates = gate.defined();
        const std::int64_t rows = x.size(0), width = x.size(1), hidden = up.size(1), outer = dOut.size(1);
        const MapGradient dGate(gateMap), dUp(upMap), dDown(downMap);
        const at::Tensor dx = at::empty(x.sizes(), x.options());
        overTiles(rows, [&](std::int64_t first, std::int64_t count, int thread) {
            const at::Tensor scratch = at::empty({(gates ? 3 : 2) * count, hidden}, x.options());
            const float *const input = valuesOf(x) + first * width, *const ups = valuesOf(up) + first * hidden,
                               *const outGradient = valuesOf(dOut) + first * outer;
            float *const result = valuesOf(scratch), *const inner = result + count * hidden,
                         *const upGradient = gates ? inner + count * hidden : inner,
                         *const inputGradient = valuesOf(dx) + first * width;
            multiply({'N', 'N', count, hidden, outer}, outGradient, valuesOf(downMap.weight), inner, Sum::Set);
            activateBackward(activation, gates ? valuesOf(gate) + first * hidden : ups, gates ? ups : nullptr, inner,
                             upGradient, result, count * hidden);
            dDown.add(outGradient, result, count, thread);
            dUp.add(upGradient, input, count, thread);
            multiply({'N', 'N', count, width, hidden}, upGradient, valuesOf(upMap.weight), inputGradient, Sum::Set);
            if (!gates)
                return;
            dGate.add(inner, input, count, thread);
            multiply({'N', 'N', count, width, hidden}, inner, valuesOf(gateMap.weight), inputGradient, Sum::Add);
        });
        const auto total = &MapGradient::total;
        return {dx,
                total(dGate.weight),
                total(dGate.bias),
                total(dUp.weight),
                total(dUp.bias),
                total(dDown.weight),
                total(dDown.bias),
                {},
                {}};
    }
};

} // namespace

Activation activationOf(const std::string& feedForward)
{
    return feedForward == "relu2"       ? Activation::Relu2
           : feedForward == "gelu-tanh" ? Activation::GeluTanh
           : feedForward == "swiglu"    ? Activation::Silu
                                        : Activation::Gelu;
}

at::Tensor fusedFeedForward(const at::Tensor& x, const FeedForwardMaps& maps, Activation activation)
{
    return FusedFeedForward::apply(x.contiguous(), given(maps.gate.weight), given(maps.gate.bias), maps.up.weight,
                                   given(maps.up.bias), maps.down.weight, given(maps.down.bias), activation,
                                   at::GradMode::is_enabled());
}

} // namespace ratchet
