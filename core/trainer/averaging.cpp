// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/averaging.h"

#include <algorithm>
#include <memory>

#include "core/model/compat.h"
#include "core/surgery/average.h"
#include "core/trainer/teachers.h"

namespace ratchet {
namespace {

constexpr double tastingShare = 0.1; // of the budget
constexpr double mostBatches = 16;

// Rows that every candidate for the soup is scored on.
class Taste {
public:
    [[nodiscard]] static Result<Taste> draw(const TrainSpec& spec, const Genome& genome, const Domain& domain,
                                            const Tokenizer& tokenizer)
    {
        Genome plain = genome;
        plain.recipe.batch = genome.recipe.batch / genome.recipe.accumulation;
        plain.data.curriculum = 0;
        plain.data.bucketing = false;
        RATCHET_TRY(batches, Batches::create(plain, domain, Rng::stream(spec.seed, "soup").next(), {}, tokenizer));
        const double perToken = trainingFlops(genome.architecture, tokenizer.vocabulary(), batches.length()).value / 3;
        Taste taste;
        taste.m_flops = perToken * batches.length() * plain.recipe.batch;
        const double tastings = 2.0 * static_cast<double>(genome.recipe.members.size()) - 1;
        const auto count = static_cast<std::int64_t>(
            std::clamp(spec.budgetFlops * tastingShare / (tastings * taste.m_flops), 1.0, mostBatches));
        taste.m_flops *= static_cast<double>(count);
        for (std::int64_t i = 0; i < count; ++i) {
            RATCHET_TRY(batch, batches.draw(i, count));
            taste.m_batches.push_back(std::move(batch));
        }
        return taste;
    }

    // Mean cross-entropy of a target, in nats.
    [[nodiscard]] double loss(const Transformer& model)
    {
        const at::NoGradGuard noGradient;
        double sum = 0, targets = 0;
        for (const Batch& batch : m_batches) {
            const at::Tensor logits = model.forward(batch.inputs, batch.positions).view({-1, model.vocabulary()});
            const at::Tensor flat = batch.targets.view({-1}).to(logits.device());
            sum += at::cross_entropy_loss(logits, flat, {}, at::Reduction::Sum, noLoss, 0).item<float>();
            targets += static_cast<double>(flat.ne(noLoss).sum().item<std::int64_t>());
        }
        ++m_tastings;
        return sum / std::max(1.0, targets);
    }
    [[nodiscard]] double flops() const { return m_flops * m_tastings; }

private:
    static constexpr std::int64_t noLoss = -100;
    std::vector<Batch> m_batches;
    double m_flops = 0; // of one tasting
    int m_tastings = 0;
};

Result<std::vector<std::unique_ptr<Transformer>>> loadMembers(const TrainSpec& spec, const Genome& genome,
                                                              int vocabulary, const Placement& placement)
{
    RATCHET_CHECK(areNamed(spec.members, genome.recipe.members, "members"));
    std::vector<std::unique_ptr<Transformer>> models;
    for (const Artifact& member : spec.members) {
        RATCHET_TRY(its, Genome::fromJson(member.genome));
        RATCHET_TRY(file, readWeights(member.weights));
        models.push_back(std::make_unique<Transformer>(its.architecture, vocabulary));
        RATCHET_CHECK(models.back()->load(file));
        models.back()->place(placement);
    }
    return models;
}

} // namespace

Result<Averaged> averageInto(Transformer& model, const TrainSpec& spec, const Genome& genome, const Domain& domain,
                             const Tokenizer& tokenizer)
{
    RATCHET_TRY(models, loadMembers(spec, genome, tokenizer.vocabulary(), model.placement()));
    RATCHET_TRY(taste, Taste::draw(spec, genome, domain, tokenizer));
    std::vector<const Transformer*> versions;
    for (const auto& member : models)
        versions.push_back(member.get());
    Averaged averaged;
    averaged.members = genome.recipe.members;
    if (genome.recipe.start == "average") {
        RATCHET_TRY(flat, averageWeights(versions));
        model.flat().copy_(flat);
        averaged.loss = taste.loss(model);
    } else {
        RATCHET_TRY(soup,
                    greedySoup(versions, [&](const Transformer& one) -> Result<double> { return -taste.loss(one); }));
        model.flat().copy_(soup.flat);
        averaged.loss = -soup.score;
        averaged.members.clear();
        for (const std::size_t member : soup.members)
            averaged.members.push_back(genome.recipe.members[member]);
    }
    averaged.flops = taste.flops();
    return averaged;
}

} // namespace ratchet
