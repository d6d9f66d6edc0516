// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/archive.h"

#include <algorithm>
#include <cmath>

namespace ratchet {
namespace {

double median(std::vector<double> values)
{
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

Hash chooseParent(const std::vector<Archived>& archive, Rng& rng)
{
    std::vector<double> scores, deviations, weights;
    std::vector<const Archived*> others;
    Hash champion;
    for (const Archived& one : archive) {
        if (one.champion)
            champion = one.version;
        else if (one.accepted)
            others.push_back(&one);
    }
    const bool explore = rng.uniform() < 0.2;
    if (!explore || others.empty())
        return champion;
    for (const Archived* one : others)
        scores.push_back(one->score);
    const double middle = median(scores);
    for (const double score : scores)
        deviations.push_back(std::abs(score - middle));
    const double scale = std::max(median(deviations), 1e-3);
    for (const Archived* one : others)
        weights.push_back(1 / (1 + std::exp(-(one->score - middle) / scale)) / (1 + one->children));
    return others[rng.pick(weights)]->version;
}

} // namespace ratchet
