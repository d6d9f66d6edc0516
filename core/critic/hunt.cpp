// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/hunt.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace ratchet {
namespace {

constexpr std::size_t startItems = 48, generation = 48, parentsEach = 12;
constexpr int triesEach = 8;           // of a parent that gives only neighbours that are known

double hardness(const Reply& reply)
{
    return reply.score < 1 ? 1 : 1 - reply.confidence;
}

// Indices of the hardest, hardest first; among equals the later found, so that the search moves on.
std::vector<std::size_t> hardest(const std::vector<Reply>& replies)
{
    std::vector<std::size_t> order(replies.size());
    std::iota(order.rbegin(), order.rend(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return hardness(replies[a]) > hardness(replies[b]); });
    order.resize(std::min(order.size(), parentsEach));
    return order;
}

void append(Answered& all, const Answered& more)
{
    all.items.insert(all.items.end(), more.items.begin(), more.items.end());
    all.champion.insert(all.champion.end(), more.champion.begin(), more.champion.end());
    all.challenger.insert(all.challenger.end(), more.challenger.begin(), more.challenger.end());
}

std::vector<ExamItem> neighbours(const Domain& domain, const Answered& pool, std::size_t wanted, std::set<std::string>& seen, Rng& rng)
{
    std::vector<std::size_t> parents = hardest(pool.champion);
    const auto ofChallenger = hardest(pool.challenger);
    parents.insert(parents.end(), ofChallenger.begin(), ofChallenger.end());
    std::vector<ExamItem> found;
    for (std::size_t i = 0; i < wanted * triesEach && found.size() < wanted; ++i)
        if (auto item = domain.neighbour(pool.items[parents[i % parents.size()]].item, rng); item && seen.insert(item->id).second)
            found.push_back({std::move(*item), {}});
    return found;
}

} // namespace

Result<Answered> hunt(const Domain& domain, const std::vector<ExamItem>& fresh, int count, Rng& rng, const AskBoth& ask)
{
    const std::size_t begin = std::min(fresh.size(), startItems);
    std::set<std::string> seen;
    for (std::size_t i = 0; i < begin; ++i)
        seen.insert(fresh[i].item.id);
    RATCHET_TRY(pool, ask({fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(begin)}));
    Answered found;
    for (std::size_t next = 0; found.items.size() < static_cast<std::size_t>(count);) {
        const std::size_t wanted = std::min(generation, static_cast<std::size_t>(count) - found.items.size());
        auto items = neighbours(domain, pool, wanted, seen, rng);
        while (items.size() < wanted && next < fresh.size())
            items.push_back(fresh[next++]);
        if (items.empty())
            return fail(Code::Failed, "No items are left to search among.");
        RATCHET_TRY(answered, ask(std::move(items)));
        append(pool, answered);
        append(found, answered);
    }
    return found;
}

} // namespace ratchet
