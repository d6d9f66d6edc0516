// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/pools.h"

#include <unordered_set>

namespace ratchet
{

bool isJudged(const Example& example, const Domain& domain)
{
    const auto item = domain.parse(example.prompt);
    if (!item)
        return false;
    const Split split = domain.splitOf(*item);
    return split == Split::Gate || split == Split::Vault;
}

Pools poolsOf(const TrainSpec& spec, const Genome& genome, const Domain& domain)
{
    Pools pools;
    const auto add = [&](std::vector<Example>& pool, Example example) {
        if (isJudged(example, domain))
            ++pools.contaminated;
        else
            pool.push_back(std::move(example));
    };
    for (const Json& question : genome.data.replay > 0 ? spec.replay : std::vector<Json>())
        add(pools.replay, domain.example(Item{{}, question}, genome.reasoning));
    for (const Json& given : genome.data.feedback > 0 ? spec.feedback : std::vector<Json>()) {
        if (!given.contains("question") || !given.contains("answer") || !given["answer"].is_string())
            continue;
        if (auto example = domain.exampleWith(Item{{}, given["question"]}, given["answer"], genome.reasoning))
            add(pools.feedback, std::move(*example));
    }
    return pools;
}

void removeDuplicates(Pools& pools)
{
    std::unordered_set<std::string> seen;
    const auto keepFirst = [&](std::vector<Example>& pool) {
        pools.duplicates += static_cast<int>(std::erase_if(pool, [&seen](const Example& example) {
            return !seen.insert(example.prompt.empty() ? example.completion : example.prompt).second;
        }));
    };
    keepFirst(pools.feedback);
    keepFirst(pools.replay);
    keepFirst(pools.selfTraining);
    for (auto level = pools.older.rbegin(); level != pools.older.rend(); ++level)
        keepFirst(*level);
    std::unordered_set<std::string> asked;
    pools.duplicates += static_cast<int>(
        std::erase_if(pools.pairs, [&asked](const Preference& pair) { return !asked.insert(pair.chosen.prompt).second; }));
}

} // namespace ratchet
