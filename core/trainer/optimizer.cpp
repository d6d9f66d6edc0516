// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/optimizer.h"

#include <cmath>

#include "core/model/compat.h"

namespace ratchet
{

Optimizer::Optimizer(const Recipe& recipe, const Architecture& architecture, std::vector<TensorSlot> layout)
    : m_recipe(recipe), m_architecture(architecture), m_layout(std::move(layout))
{
    const std::int64_t size = m_layout.back().offset + m_layout.back().count;
    m_first = at::zeros({size}, at::kFloat);
    m_second = m_recipe.optimizer == "lion" ? at::Tensor() : at::zeros({size}, at::kFloat);
}

bool Optimizer::isMuon(const TensorSlot& slot) const
{
    return m_recipe.optimizer == "muon" && slot.shape.size() == 2 && slot.name.starts_with("blocks.");
}

void Optimizer::step(const at::Tensor& parameters, const at::Tensor& gradient, double learningRate, std::int64_t step)
{
    const at::NoGradGuard noGradient;
    for (const TensorSlot& slot : m_layout) {
        if (isMuon(slot))
            stepMuon(slot, parameters, gradient, learningRate);
        else if (m_recipe.optimizer == "lion")
            stepLion(slot, parameters.data_ptr<float>(), gradient.data_ptr<float>(), learningRate);
        else
            stepAdam(slot, parameters.data_ptr<float>(), gradient.data_ptr<float>(), learningRate, step);
    }
}

void Optimizer::stepAdam(const TensorSlot& slot, float* parameters, const float* gradient, double rate,
                         std::int64_t step)
{
    constexpr float beta1 = 0.9F, beta2 = 0.98F, epsilon = 1e-8F;
    const float keep = slot.shape.size() > 1 ? static_cast<float>(1 - rate * m_recipe.weightDecay) : 1.0F;
    const double correction1 = 1 - std::pow(0.9, static_cast<double>(step)),
                 correction2 = 1 - std::pow(0.98, static_cast<double>(step));
    const float size = static_cast<float>(rate / correction1), scale = static_cast<float>(1 / std::sqrt(correction2));
    float* const __restrict p = parameters + slot.offset;
    const float* const __restrict g = gradient + slot.offset;
    float* const __restrict first = m_first.data_ptr<float>() + slot.offset;
    float* const __restrict second = m_second.data_ptr<float>() + slot.offset;
    for (std::int64_t i = 0; i < slot.count; ++i) {
        first[i] = beta1 * first[i] + (1 - beta1) * g[i];
        second[i] = beta2 * second[i] + (1 - beta2) * g[i] * g[i];
        p[i] = p[i] * keep - size * first[i] / (std::sqrt(second[i]) * scale + epsilon);
    }
}

void Optimizer::stepLion(const TensorSlot& slot, float* parameters, const float* gradient, double rate)
{
    constexpr float beta1 = 0.9F, beta2 = 0.99F;
    const float keep = slot.shape.size() > 1 ? static_cast<float>(1 - rate * m_recipe.weightDecay) : 1.0F;
    float* const __restrict p = parameters + slot.offset;
    const float* const __restrict g = gradient + slot.offset;
    float* const __restrict first = m_first.data_ptr<float>() + slot.offset;
    for (std::int64_t i = 0; i < slot.count; ++i) {
        const float direction = beta1 * first[i] + (1 - beta1) * g[i];
        const float sign = static_cast<float>(direction > 0) - static_cast<float>(direction < 0);
        p[i] = p[i] * keep - static_cast<float>(rate) * sign;
        first[i] = beta2 * first[i] + (1 - beta2) * g[i];
    }
}

void Optimizer::stepMuon(const TensorSlot& slot, const at::Tensor& parameters, const at::Tensor& gradient, double rate)
{
    constexpr double momentum = 0.95;
    const auto matrix = [&slot](const at::Tensor& flat) {
        return flat.narrow(0, slot.offset, slot.count).view(slot.shape);
    };
    const at::Tensor p = matrix(parameters), g = matrix(gradient), first = matrix(m_first);
    first.mul_(momentum).add_(g, 1 - momentum);
    const at::Tensor update = g * (1 - momentum) + first * momentum;
    p.mul_(1 - rate * m_recipe.weightDecay);
    std::vector<std::int64_t> rows{slot.shape[0]};
    if (slot.name.ends_with(".qkv.weight")) {
        const std::int64_t keyWidth = (slot.shape[0] - m_architecture.width) / 2;
        rows = {m_architecture.width, keyWidth, keyWidth};
    }
    std::int64_t from = 0;
    for (const std::int64_t count : rows) {
        const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(count, slot.shape[1])));
        p.narrow(0, from, count).sub_(orthogonalise(update.narrow(0, from, count)), rate * scale);
        from += count;
    }
}

at::Tensor orthogonalise(const at::Tensor& matrix)
{
    const bool tall = matrix.size(0) > matrix.size(1);
    at::Tensor x = tall ? matrix.t() : matrix;
    x = x / (x.norm() + 1e-7);
    for (int i = 0; i < 5; ++i) {
        const at::Tensor a = at::mm(x, x.t());
        x = x * 3.4445 + at::mm(a * -4.7750 + at::mm(a, a) * 2.0315, x);
    }
    return tall ? x.t() : x;
}

double clipGradient(const at::Tensor& gradient, double limit)
{
    const float* const values = gradient.data_ptr<float>();
    double sum = 0;
    for (std::int64_t i = 0; i < gradient.numel(); ++i)
        sum += static_cast<double>(values[i]) * values[i];
    const double norm = std::sqrt(sum);
    if (limit > 0 && norm > limit)
        gradient.mul_(limit / norm);
    return norm;
}

} // namespace ratchet
