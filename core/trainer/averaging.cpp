// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/averaging.h"

#include <memory>

#include "core/model/compat.h"
#include "core/model/ensemble.h"
#include "core/surgery/average.h"
#include "core/trainer/taste.h"
#include "core/trainer/teachers.h"

namespace ratchet {
namespace {

constexpr double tastingShare = 0.1; // of the budget

// What the members, and what is made of them, are looked at with.
Result<Taste> tasteOf(const TrainSpec& spec, const Genome& genome, const Domain& domain, const Tokenizer& tokenizer)
{
    const auto members = static_cast<double>(genome.recipe.members.size());
    const double tastings = genome.recipe.isEnsemble() ? members : 2 * members - 1;
    return Taste::draw(genome, domain, tokenizer, Rng::stream(spec.seed, "soup").next(), spec.budgetFlops * tastingShare,
                       tastings);
}

// BadInput when it is another version than the genome names, another shape, or an ensemble itself.
Status checkMembers(const TrainSpec& spec, const Genome& genome)
{
    RATCHET_CHECK(areNamed(spec.members, genome.recipe.members, "members"));
    const Json shape = genome.toJson().at("architecture");
    for (const Artifact& member : spec.members) {
        RATCHET_TRY(its, Genome::fromJson(member.genome));
        if (its.recipe.isEnsemble())
            return fail(Code::BadInput, fmt::format("The member {} is an ensemble itself.", member.version),
                        "Name its members instead.");
        if (its.toJson().at("architecture") != shape)
            return fail(Code::BadInput,
                        fmt::format("The member {} has another architecture than the genome.", member.version),
                        "Name versions of one shape.");
    }
    return {};
}

Status loadMember(const Artifact& member, Transformer& model)
{
    RATCHET_TRY(file, readWeights(member.weights));
    return model.load(file);
}

} // namespace

Result<Averaged> averageInto(Transformer& model, const TrainSpec& spec, const Genome& genome, const Domain& domain,
                             const Tokenizer& tokenizer)
{
    RATCHET_CHECK(checkMembers(spec, genome));
    std::vector<std::unique_ptr<Transformer>> models;
    std::vector<const Transformer*> versions;
    for (const Artifact& member : spec.members) {
        models.push_back(std::make_unique<Transformer>(genome.architecture, tokenizer.vocabulary()));
        RATCHET_CHECK(loadMember(member, *models.back()));
        models.back()->place(model.placement());
        versions.push_back(models.back().get());
    }
    RATCHET_TRY(taste, tasteOf(spec, genome, domain, tokenizer));
    Averaged averaged;
    averaged.members = genome.recipe.members;
    if (genome.recipe.start == "average") {
        RATCHET_TRY(flat, averageWeights(versions));
        model.flat().copy_(flat);
        averaged.loss = taste.loss(model);
        averaged.flops = taste.flops();
        return averaged;
    }
    const auto score = [&](const Transformer& one) -> Result<double> {
        averaged.flops += taste.flops();
        return -taste.loss(one);
    };
    RATCHET_TRY(soup, greedySoup(versions, score));
    model.flat().copy_(soup.flat);
    averaged.loss = -soup.score;
    averaged.members.clear();
    for (const std::size_t member : soup.members)
        averaged.members.push_back(genome.recipe.members[member]);
    return averaged;
}

Result<Averaged> gatherInto(Ensemble& ensemble, const TrainSpec& spec, const Domain& domain, const Tokenizer& tokenizer)
{
    const Genome& genome = ensemble.genome();
    RATCHET_CHECK(checkMembers(spec, genome));
    for (std::size_t i = 0; i < ensemble.size(); ++i)
        RATCHET_CHECK(loadMember(spec.members[i], ensemble.member(i)));
    RATCHET_TRY(taste, tasteOf(spec, genome, domain, tokenizer));
    return Averaged{genome.recipe.members, taste.loss(ensemble), static_cast<double>(ensemble.size()) * taste.flops()};
}

} // namespace ratchet
