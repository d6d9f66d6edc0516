// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/kept_moments.h"

#include <cstring>

#include <fmt/format.h>

#include "core/genome/weights_file.h"
#include "core/model/compat.h"

namespace ratchet
{

Status writeMoments(const std::string& file, const Transformer& model, const KeptMoments& kept)
{
    WeightsFile content;
    content.metadata = {{"steps", std::to_string(kept.steps)}};
    model.addTo(content, kept.moments.first, momentPrefix(1));
    if (kept.moments.second.defined())
        model.addTo(content, kept.moments.second, momentPrefix(2));
    return writeWeights(file, content);
}

Result<KeptMoments> readMoments(const std::string& file, const Genome& genome, const Transformer& model)
{
    RATCHET_TRY(content, readWeights(file));
    RATCHET_CHECK(checkMoments(content, genome, model.vocabulary()));
    RATCHET_TRY(steps, momentSteps(content));
    const auto flat = [&](int power) {
        const at::Tensor values = at::zeros({model.flat().numel()}, at::kFloat);
        for (const TensorSlot& slot : model.layout())
            std::memcpy(values.data_ptr<float>() + slot.offset, content.floats(momentPrefix(power) + slot.name),
                        static_cast<std::size_t>(slot.count) * sizeof(float));
        return values;
    };
    return KeptMoments{{flat(1), genome.recipe.optimizer == "lion" ? at::Tensor() : flat(2)}, steps};
}

Result<CarriedMoments> carryMoments(const TrainSpec& spec, const Genome& parentGenome, const Transformer& parent,
                                    const Genome& childGenome, const Transformer& child)
{
    if (spec.parentMoments.empty())
        return CarriedMoments{{}, "Its optimizer starts anew: nothing was kept of the parent's."};
    if (parentGenome.recipe.optimizer != childGenome.recipe.optimizer)
        return CarriedMoments{{}, fmt::format("Its optimizer starts anew: the parent's was {}.", parentGenome.recipe.optimizer)};
    RATCHET_TRY(kept, readMoments(spec.parentMoments, parentGenome, parent));
    RATCHET_TRY(moments, transplantMoments(parent, child, kept.moments));
    return CarriedMoments{KeptMoments{std::move(moments), kept.steps},
                          fmt::format("Its optimizer goes on from where the parent's was after {} steps.", kept.steps)};
}

} // namespace ratchet
