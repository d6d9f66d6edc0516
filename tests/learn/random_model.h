// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the surgery room share: architectures written as changes to a small one, models with no weight at
// its initial value, and the distance of two functions.
#pragma once

#include <QString>
#include <QStringList>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/model/transformer.h"

namespace ratchet {

inline constexpr int vocabulary = 9;

// "width=32 heads=8" on top of `base`, as the genome would read it.
inline Result<Architecture> altered(const Architecture& base, const QString& changes)
{
    Genome genome;
    genome.architecture = base;
    Json json = genome.toJson();
    for (const QString& change : changes.split(' ', Qt::SkipEmptyParts)) {
        const std::string key = change.section('=', 0, 0).toStdString(), value = change.section('=', 1).toStdString();
        const Json parsed = Json::parse(value, nullptr, false);
        json["architecture"][key] = parsed.is_discarded() ? Json(value) : parsed;
    }
    RATCHET_TRY(read, Genome::fromJson(json));
    return read.architecture;
}

inline Architecture smallArchitecture()
{
    return {.layers = 2, .width = 16, .heads = 4, .kvHeads = 4, .feedForwardWidth = 24, .context = 10};
}

// Gains about one, everything else about zero: a model that was trained has no zero bias and no gain of one left.
inline Transformer randomModel(const Architecture& architecture, std::uint64_t seed = 3)
{
    Transformer model(architecture, vocabulary);
    Rng rng(seed);
    for (const TensorSlot& slot : model.layout()) {
        const double mean = slot.shape.size() == 1 && slot.name.ends_with(".weight") ? 1 : 0;
        for (std::int64_t i = 0; i < slot.count; ++i)
            model.flat().data_ptr<float>()[slot.offset + i] = static_cast<float>(mean + 0.3 * rng.normal());
    }
    return model;
}

inline at::Tensor tokensOf(std::int64_t length)
{
    return (at::arange(4 * length) * 5 + at::arange(4 * length).div(7, "floor"))
        .remainder(vocabulary)
        .view({4, length});
}

inline at::Tensor logitsOf(const Transformer& model, std::int64_t length)
{
    const at::Tensor positions = (at::arange(length).flip(0)).expand({4, length}).contiguous();
    return model.forward(tokensOf(length), positions);
}

// The largest difference of a logit, on sequences that both can read.
inline double differenceOf(const Transformer& a, const Transformer& b)
{
    const at::NoGradGuard noGradient;
    const int length = std::min(a.architecture().context, b.architecture().context);
    return (logitsOf(a, length) - logitsOf(b, length)).abs().max().item<double>();
}

inline at::Tensor lossOf(const Transformer& model, std::int64_t length)
{
    const at::Tensor next = (tokensOf(length) * 2 + 1).remainder(vocabulary);
    return at::cross_entropy_loss(logitsOf(model, length).view({-1, vocabulary}), next.view({-1}));
}

// The flat gradient of lossOf().
inline at::Tensor gradientOf(Transformer& model, std::int64_t length)
{
    model.requireGradient();
    lossOf(model, length).backward();
    return model.gradient().clone();
}

inline at::Tensor tensorOf(const Transformer& model, const at::Tensor& flat, const std::string& name)
{
    for (const TensorSlot& slot : model.layout())
        if (slot.name == name)
            return flat.narrow(0, slot.offset, slot.count).view(slot.shape);
    return {};
}

} // namespace ratchet
