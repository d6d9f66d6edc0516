// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/average.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/model/compat.h"

namespace ratchet {
namespace {

Json shapeOf(const Transformer& model)
{
    Genome genome;
    genome.architecture = model.architecture();
    return {{"architecture", genome.toJson().at("architecture")}, {"vocabulary", model.vocabulary()}};
}

Status checkAlike(const std::vector<const Transformer*>& versions)
{
    if (versions.empty())
        return fail(Code::BadInput, "There is no version to average.", "Name at least one.");
    const Json first = shapeOf(*versions.front());
    for (std::size_t i = 0; i < versions.size(); ++i) {
        if (shapeOf(*versions[i]) != first)
            return fail(Code::BadInput, fmt::format("Version {} has another architecture than the first.", i + 1),
                        "Average versions of one shape only.");
        if (!at::isfinite(versions[i]->flat()).all().item<bool>())
            return fail(Code::BadInput, fmt::format("Version {} holds a value that is not finite.", i + 1),
                        "Leave it out.");
    }
    return {};
}

} // namespace

Result<at::Tensor> averageWeights(const std::vector<const Transformer*>& versions, const std::vector<double>& weights)
{
    const at::NoGradGuard noGradient;
    RATCHET_CHECK(checkAlike(versions));
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    const bool allPositive = std::all_of(weights.begin(), weights.end(), [](double weight) { return weight >= 0; });
    if (weights.size() != versions.size() || !allPositive || !(total > 0) || !std::isfinite(total))
        return fail(Code::BadInput, fmt::format("{} weights do not fit {} versions.", weights.size(), versions.size()),
                    "Give every version one that is not negative, and not all zero.");
    at::Tensor sum = at::zeros_like(versions.front()->flat(), at::kDouble);
    for (std::size_t i = 0; i < versions.size(); ++i)
        sum.add_(versions[i]->flat().to(at::kDouble), weights[i] / total);
    return sum.to(at::kFloat);
}

Result<at::Tensor> averageWeights(const std::vector<const Transformer*>& versions)
{
    return averageWeights(versions, std::vector<double>(versions.size(), 1.0));
}

Result<Soup> greedySoup(const std::vector<const Transformer*>& versions,
                        const std::function<Result<double>(const Transformer&)>& score)
{
    RATCHET_CHECK(checkAlike(versions));
    std::vector<double> scores;
    for (const Transformer* version : versions) {
        RATCHET_TRY(value, score(*version));
        if (!std::isfinite(value))
            return fail(Code::Failed, fmt::format("The score of version {} is not finite.", scores.size() + 1),
                        "Leave it out.");
        scores.push_back(value);
    }
    std::vector<std::size_t> order(versions.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    Soup soup{versions[order.front()]->flat().clone(), {order.front()}, scores[order.front()]};
    std::vector<const Transformer*> bowl{versions[order.front()]};
    Transformer tasted(versions.front()->architecture(), versions.front()->vocabulary());
    tasted.place(versions.front()->placement());
    for (std::size_t i = 1; i < order.size(); ++i) {
        bowl.push_back(versions[order[i]]);
        RATCHET_TRY(average, averageWeights(bowl));
        tasted.flat().copy_(average);
        RATCHET_TRY(value, score(tasted));
        if (!(value >= soup.score)) {
            bowl.pop_back();
            continue;
        }
        soup.flat = average;
        soup.members.push_back(order[i]);
        soup.score = value;
    }
    return soup;
}

} // namespace ratchet
