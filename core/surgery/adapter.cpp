// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/adapter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/surgery/freeze.h"

namespace ratchet {
namespace {

constexpr std::array adapted{".attention.qkv.weight", ".attention.output.weight", ".feedForward.up.weight",
                             ".feedForward.gate.weight", ".feedForward.down.weight"};

bool isAdapted(const TensorSlot& slot)
{
    return slot.name.starts_with("blocks.") &&
           std::any_of(adapted.begin(), adapted.end(), [&](const char* end) { return slot.name.ends_with(end); });
}

// [experts, rows, columns] of a flat buffer; a plain matrix is one expert.
at::Tensor stack(const at::Tensor& flat, const TensorSlot& slot)
{
    const std::size_t n = slot.shape.size();
    const std::int64_t rows = slot.shape[n - 2], columns = slot.shape[n - 1];
    return flat.narrow(0, slot.offset, slot.count).view({slot.count / (rows * columns), rows, columns});
}

TensorSlot factor(const TensorSlot& target, const char* suffix, std::int64_t rows, std::int64_t columns,
                  std::int64_t offset)
{
    std::vector<std::int64_t> shape = target.shape;
    shape.end()[-2] = rows;
    shape.end()[-1] = columns;
    const std::int64_t experts = target.count / (target.shape.end()[-2] * target.shape.end()[-1]);
    const std::string name = target.name.substr(0, target.name.rfind(".weight")) + suffix;
    return {name, std::move(shape), offset, experts * rows * columns};
}

} // namespace

Result<Adapters> Adapters::create(const Transformer& model, const Adaptation& adaptation, std::uint64_t seed)
{
    Adapters made;
    made.m_scale = adaptation.alpha / adaptation.rank;
    std::int64_t at = 0;
    for (const TensorSlot& slot : trainableSlots(model.layout(), adaptation)) {
        if (!isAdapted(slot))
            continue;
        const TensorSlot a = factor(slot, ".loraA", adaptation.rank, slot.shape.end()[-1], at);
        const TensorSlot b = factor(slot, ".loraB", slot.shape.end()[-2], adaptation.rank, at + a.count);
        at = b.offset + b.count;
        made.m_layout.push_back(a);
        made.m_layout.push_back(b);
        made.m_matrices.push_back({slot, a, b, stack(model.flat(), slot).clone()});
    }
    if (made.m_matrices.empty())
        return fail(Code::Refused, "Every block is frozen, so low-rank adapters have nothing to change.",
                    "Lower /adaptation/frozenLayers.");
    made.m_flat = at::zeros({at}, at::kFloat);
    for (const Matrix& matrix : made.m_matrices) {
        const double deviation = 1.0 / std::sqrt(static_cast<double>(matrix.a.shape.back()));
        Rng rng = Rng::stream(seed, matrix.a.name);
        float* const values = made.m_flat.data_ptr<float>() + matrix.a.offset;
        for (std::int64_t i = 0; i < matrix.a.count; ++i)
            values[i] = static_cast<float>(deviation * rng.normal());
    }
    made.m_flat = made.m_flat.to(model.placement().device);
    made.m_gradient = at::zeros_like(made.m_flat);
    return made;
}

void Adapters::compose(Transformer& model) const
{
    const at::NoGradGuard noGradient;
    for (const Matrix& matrix : m_matrices)
        stack(model.flat(), matrix.target)
            .copy_(at::baddbmm(matrix.fixed, stack(m_flat, matrix.b), stack(m_flat, matrix.a), 1, m_scale));
}

void Adapters::pullBack(const Transformer& model) const
{
    const at::NoGradGuard noGradient;
    for (const Matrix& matrix : m_matrices) {
        const at::Tensor sum = stack(model.gradient(), matrix.target);
        const at::Tensor a = stack(m_flat, matrix.a), b = stack(m_flat, matrix.b);
        stack(m_gradient, matrix.a).copy_(at::bmm(b.transpose(1, 2), sum)).mul_(m_scale);
        stack(m_gradient, matrix.b).copy_(at::bmm(sum, a.transpose(1, 2))).mul_(m_scale);
    }
}

} // namespace ratchet
