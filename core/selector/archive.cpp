// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/archive.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace ratchet {
namespace {

using Parents = std::vector<const Archived*>;

constexpr double exploration = 0.2;      // of Balanced
constexpr std::array policies{"balanced", "sequential", "best-of-n", "sigmoid", "novelty", "clade", "islands"};     // in the order of ParentPolicy

double median(std::vector<double> values)
{
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::vector<double> sigmoidWeights(const Parents& parents)
{
    std::vector<double> scores, deviations, weights;
    for (const Archived* one : parents)
        scores.push_back(one->score);
    const double middle = median(scores);
    for (const double score : scores)
        deviations.push_back(std::abs(score - middle));
    const double scale = std::max(median(deviations), 1e-3);
    for (const Archived* one : parents)
        weights.push_back(1 / (1 + std::exp(-(one->score - middle) / scale)) / (1 + one->children));
    return weights;
}

std::vector<double> noveltyWeights(const Parents& parents)
{
    double mean = 0;
    for (const Archived* one : parents)
        mean += one->novelty / static_cast<double>(parents.size());
    std::vector<double> weights = sigmoidWeights(parents);
    for (std::size_t i = 0; i < weights.size() && mean > 0; ++i)
        weights[i] *= 1 + parents[i]->novelty / mean;
    return weights;
}

// Gamma(shape, 1) for whole shapes: the sum of as many exponentials.
double gammaDraw(int shape, Rng& rng)
{
    double sum = 0;
    for (int i = 0; i < shape; ++i)
        sum -= std::log1p(-rng.uniform());
    return sum;
}

const Archived* byClade(const std::vector<Archived>& archive, const Parents& parents, Rng& rng)
{
    std::map<Hash, std::size_t> place;
    for (std::size_t i = 0; i < archive.size(); ++i)
        place[archive[i].version] = i;
    std::vector<int> accepted(archive.size(), 0), others(archive.size(), 0);
    for (const Archived& one : archive) {
        // Up the line of ancestors; a version is created after its parent, so that the walk ends.
        std::optional<Hash> ancestor = one.parent;
        for (std::size_t steps = 0; ancestor && steps < archive.size(); ++steps) {
            const auto found = place.find(*ancestor);
            if (found == place.end())
                break;
            ++(one.accepted ? accepted : others)[found->second];
            ancestor = archive[found->second].parent;
        }
    }
    const Archived* best = nullptr;
    double largest = -1;
    for (const Archived* one : parents) {
        const std::size_t at = place[one->version];
        const double good = gammaDraw(1 + accepted[at], rng), bad = gammaDraw(1 + others[at], rng);
        if (const double draw = good / (good + bad); draw > largest) {
            largest = draw;
            best = one;
        }
    }
    return best;
}

const Archived* byIsland(const Parents& parents, Rng& rng)
{
    std::map<std::string, const Archived*> elites;
    for (const Archived* one : parents)
        if (const auto [elite, isNew] = elites.emplace(one->cell, one); !isNew && one->score > elite->second->score)
            elite->second = one;
    return std::next(elites.begin(), static_cast<std::ptrdiff_t>(rng.below(elites.size())))->second;
}

} // namespace

std::string toText(ParentPolicy policy)
{
    return policies[static_cast<std::size_t>(policy)];
}

std::vector<std::string> parentPolicies()
{
    return {policies.begin(), policies.end()};
}

Result<ParentPolicy> parentPolicyFromText(const std::string& name)
{
    const auto found = std::find(policies.begin(), policies.end(), name);
    if (found == policies.end())
        return fail(Code::BadInput, fmt::format("\"{}\" is no way to choose parents.", name), fmt::format("There are {}.", fmt::join(policies, ", ")));
    return static_cast<ParentPolicy>(found - policies.begin());
}

Hash chooseParent(const std::vector<Archived>& archive, Rng& rng, ParentPolicy policy)
{
    Parents parents, others;
    const Archived* champion = nullptr;
    for (const Archived& one : archive) {
        if (one.champion)
            champion = &one;
        else if (one.accepted)
            others.push_back(&one);
        if (one.champion || one.accepted)
            parents.push_back(&one);
    }
    if (!champion)
        return {};
    switch (policy) {
    case ParentPolicy::Balanced:
        return rng.uniform() >= exploration || others.empty() ? champion->version : others[rng.pick(sigmoidWeights(others))]->version;
    case ParentPolicy::Sequential:
        return champion->version;
    case ParentPolicy::BestOfN:
        return archive.front().version;
    case ParentPolicy::Sigmoid:
        return parents[rng.pick(sigmoidWeights(parents))]->version;
    case ParentPolicy::Novelty:
        return parents[rng.pick(noveltyWeights(parents))]->version;
    case ParentPolicy::Clade:
        return byClade(archive, parents, rng)->version;
    case ParentPolicy::Islands:
        return byIsland(parents, rng)->version;
    }
    return champion->version;
}

} // namespace ratchet
