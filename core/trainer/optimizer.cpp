// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/optimizer.h"

#include <cmath>
#include <utility>

#include "core/model/compat.h"
#include "core/trainer/update.h"

namespace ratchet
{

Optimizer::Optimizer(const Recipe& recipe, const Architecture& architecture, std::vector<TensorSlot> layout,
                     const Placement& placement)
    : m_recipe(recipe), m_architecture(architecture), m_layout(std::move(layout)), m_placement(placement)
{
    const std::int64_t size = m_layout.back().offset + m_layout.back().count;
    m_first = at::zeros({size}, at::device(placement.device).dtype(at::kFloat));
    m_second = m_recipe.optimizer == "lion" ? at::Tensor() : at::zeros_like(m_first);
    if (!m_placement.usesOwnKernels())
        addStretches();
}

// Slots that follow one another are one stretch: without frozen ones and without Muon the whole buffer is.
void Optimizer::addStretches()
{
    std::vector<at::Tensor> decays;
    const auto close = [&] {
        if (!decays.empty())
            m_stretches.back().decays = at::cat(std::exchange(decays, {}));
    };
    for (const TensorSlot& slot : m_layout) {
        if (isMuon(slot))
            continue;
        if (m_stretches.empty() || m_stretches.back().offset + m_stretches.back().count != slot.offset) {
            close();
            m_stretches.push_back({slot.offset, 0, {}});
        }
        m_stretches.back().count += slot.count;
        decays.push_back(at::full({slot.count}, slot.shape.size() > 1 ? 1.0 : 0.0, m_first.options()));
    }
    close();
}

// What weight decay leaves of a parameter.
float Optimizer::keepOf(const TensorSlot& slot, double rate) const
{
    return slot.shape.size() > 1 ? static_cast<float>(1 - rate * m_recipe.weightDecay) : 1.0F;
}

// Matrices that tokens are multiplied with; what is looked up by its row is none.
bool Optimizer::isMuon(const TensorSlot& slot) const
{
    return m_recipe.optimizer == "muon" && slot.shape.size() >= 2 && slot.name.starts_with("blocks.") &&
           !slot.name.ends_with(".valueEmbedding.weight") && slot.name.find(".memory.") == std::string::npos;
}

void Optimizer::step(const at::Tensor& parameters, const at::Tensor& gradient, double learningRate, std::int64_t step)
{
    const at::NoGradGuard noGradient;
    for (const Stretch& stretch : m_stretches)
        stepStretch(stretch, parameters, gradient, learningRate, step);
    for (const TensorSlot& slot : m_layout) {
        if (isMuon(slot))
            stepMuon(slot, parameters, gradient, learningRate);
        else if (!m_placement.usesOwnKernels())
            continue; // in a stretch
        else if (m_recipe.optimizer == "lion")
            stepLion(slot, parameters.data_ptr<float>(), gradient.data_ptr<float>(), learningRate);
        else
            stepAdam(slot, parameters.data_ptr<float>(), gradient.data_ptr<float>(), learningRate, step);
    }
}

void Optimizer::stepAdam(const TensorSlot& slot, float* parameters, const float* gradient, double rate,
                         std::int64_t step)
{
    const double correction1 = 1 - std::pow(0.9, static_cast<double>(step)),
                 correction2 = 1 - std::pow(0.98, static_cast<double>(step));
    updateAdam(
        parameters + slot.offset, gradient + slot.offset, m_first.data_ptr<float>() + slot.offset,
        m_second.data_ptr<float>() + slot.offset, slot.count,
        {keepOf(slot, rate), static_cast<float>(rate / correction1), static_cast<float>(1 / std::sqrt(correction2))});
}

void Optimizer::stepLion(const TensorSlot& slot, float* parameters, const float* gradient, double rate)
{
    updateLion(parameters + slot.offset, gradient + slot.offset, m_first.data_ptr<float>() + slot.offset, slot.count,
               {keepOf(slot, rate), static_cast<float>(rate), 1});
}

// The arithmetic of updateAdam() and updateLion().
void Optimizer::stepStretch(const Stretch& stretch, const at::Tensor& parameters, const at::Tensor& gradient, double rate,
                            std::int64_t step)
{
    const auto part = [&](const at::Tensor& flat) { return flat.narrow(0, stretch.offset, stretch.count); };
    const at::Tensor p = part(parameters), g = part(gradient), first = part(m_first);
    p.addcmul_(p, stretch.decays, -rate * m_recipe.weightDecay);
    if (m_recipe.optimizer == "lion") {
        p.sub_((first * 0.9 + g * 0.1).sign_(), rate);
        first.mul_(0.99).add_(g, 0.01);
        return;
    }
    const double correction1 = 1 - std::pow(0.9, static_cast<double>(step)),
                 correction2 = 1 - std::pow(0.98, static_cast<double>(step));
    const at::Tensor second = part(m_second);
    first.mul_(0.9).add_(g, 0.1);
    second.mul_(0.98).addcmul_(g, g, 0.02);
    p.addcdiv_(first, second.sqrt().div_(std::sqrt(correction2)).add_(1e-8), -rate / correction1);
}

void Optimizer::stepMuon(const TensorSlot& slot, const at::Tensor& parameters, const at::Tensor& gradient, double rate)
{
    constexpr double momentum = 0.95;
    const std::int64_t columns = slot.shape.back(), rowsOfOne = slot.shape[slot.shape.size() - 2];
    const auto matrix = [&](const at::Tensor& flat) {
        return flat.narrow(0, slot.offset, slot.count).view({-1, columns});
    };
    const at::Tensor p = matrix(parameters), g = matrix(gradient), first = matrix(m_first);
    first.mul_(momentum).add_(g, 1 - momentum);
    const at::Tensor update = g * (1 - momentum) + first * momentum;
    p.mul_(1 - rate * m_recipe.weightDecay);
    // The experts of a block lie one after the other.
    std::vector<std::int64_t> rows(static_cast<std::size_t>(slot.count / (rowsOfOne * columns)), rowsOfOne);
    if (slot.name.ends_with(".qkv.weight")) {
        const std::int64_t keyWidth = (slot.shape[0] - m_architecture.width) / 2;
        rows = {m_architecture.width, keyWidth, keyWidth};
    }
    std::int64_t from = 0;
    for (const std::int64_t count : rows) {
        const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(count, columns)));
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

at::Tensor queueClip(const at::Tensor& gradient, double limit, const Placement& placement)
{
    if (placement.usesOwnKernels())
        return at::full({}, clipGradient(gradient, limit), at::kDouble);
    const at::Tensor norm = at::linalg_vector_norm(gradient, 2, {}, false, at::kDouble);
    if (limit > 0)
        gradient.mul_((limit / norm).clamp_max(1).to(at::kFloat));
    return norm;
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
