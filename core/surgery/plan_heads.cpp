// SPDX-License-Identifier: GPL-3.0-or-later
// The attention's part of a plan: which head, key head and channel within a head comes from where.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "core/surgery/plan.h"

namespace ratchet {
namespace {

int headWidth(const Architecture& a)
{
    return a.width / a.heads;
}

// Channels within a head: of queries and keys, whose products have to stay, and of values.
struct HeadChannels {
    Axis queryKey, value;
    double queryScale = 1; // of the query's rows
    double gainScale = 1;  // of the query's QK-norm
};

// The pair of the child that turns by the same angle as the parent's `pair`, or the child's number of pairs.
int samePair(const Architecture& p, const Architecture& c, int pair)
{
    const double half = headWidth(p) / 2.0, childHalf = headWidth(c) / 2.0;
    const double place = pair / half * std::log(p.ropeBase);
    int found = 0;
    while (found < headWidth(c) / 2 && std::abs(found / childHalf * std::log(c.ropeBase) - place) > 1e-9)
        ++found;
    return found;
}

// RoPE turns channel i together with i + w / 2 (Su 2021): both halves move alike, each pair to where its angle is.
Axis rotatedChannels(const Architecture& p, const Architecture& c, Plan& plan)
{
    const int half = headWidth(p) / 2, childHalf = headWidth(c) / 2;
    std::vector<int> pairs;
    for (int pair = 0; pair < half; ++pair)
        pairs.push_back(samePair(p, c, pair));
    if (std::find(pairs.begin(), pairs.end(), childHalf) != pairs.end()) {
        plan.lose("queries and keys are rotated by other angles");
        for (int pair = 0; pair < half; ++pair)
            pairs[static_cast<std::size_t>(pair)] = pair;
    }
    Axis axis(headWidth(c), headWidth(p));
    for (int pair = 0; pair < half; ++pair)
        if (const int at = pairs[static_cast<std::size_t>(pair)]; at < childHalf) {
            axis.take(at, pair);
            axis.take(childHalf + at, half + pair);
        }
    return axis;
}

HeadChannels planHeadChannels(const Architecture& p, const Architecture& c, Plan& plan)
{
    const int from = headWidth(p), to = headWidth(c);
    const double ratio = static_cast<double>(to) / from;
    HeadChannels channels{Axis::matching(to, from), Axis::matching(to, from)};
    if (c.positions == "rope" && p.positions == "rope")
        channels.queryKey = rotatedChannels(p, c, plan);
    if (to < from)
        plan.lose(fmt::format("heads have {} channels where they had {}", to, from));
    if (to == from)
        return channels;
    if (!c.qkNorm) {
        channels.queryScale = std::sqrt(ratio); // scores are divided by the root of the head width
    } else if (to % from == 0 && c.positions != "rope") {
        channels.queryKey = Axis::repeating(to, from); // the mean square stays, the product grows by the ratio
        channels.gainScale = 1 / std::sqrt(ratio);
    } else if (to > from) {
        plan.lose("wider heads are normalised differently");
    }
    return channels;
}

// Heads of the child by heads of the parent.
struct Places {
    Axis query, key;
};

// Query heads that share one key head, cut into parts that fit a key head of the child.
std::vector<std::vector<std::int64_t>> partsOf(const Architecture& p, const Architecture& c,
                                               const std::vector<double>& scores)
{
    const int group = p.heads / p.kvHeads, childGroup = c.heads / c.kvHeads;
    const bool fits = p.kvHeads * ((group + childGroup - 1) / childGroup) <= c.kvHeads;
    std::vector<std::vector<std::int64_t>> parts;
    for (int key = 0; key < p.kvHeads; ++key) {
        std::vector<std::int64_t> heads;
        for (int i = 0; i < group; ++i)
            heads.push_back(key * group + i);
        if (!fits) // the best together, so that they stay together
            std::stable_sort(heads.begin(), heads.end(), [&scores](std::int64_t a, std::int64_t b) {
                return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
            });
        for (std::size_t i = 0; i < heads.size(); i += static_cast<std::size_t>(childGroup)) {
            const std::size_t end = std::min(heads.size(), i + static_cast<std::size_t>(childGroup));
            parts.emplace_back(heads.begin() + static_cast<std::ptrdiff_t>(i),
                               heads.begin() + static_cast<std::ptrdiff_t>(end));
        }
    }
    return parts;
}

// These query heads stay, and each key head is the mean of those it stands for (Ainslie 2023, section 2.1).
Places mergedKeys(const Architecture& p, const Architecture& c, const std::vector<std::int64_t>& heads)
{
    const std::int64_t group = p.heads / p.kvHeads, childGroup = c.heads / c.kvHeads;
    Places places{Axis(c.heads, p.heads), Axis(c.kvHeads, p.kvHeads)};
    std::vector<std::map<std::int64_t, double>> members(static_cast<std::size_t>(c.kvHeads));
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(heads.size()); ++i) {
        places.query.take(i, heads[static_cast<std::size_t>(i)]);
        members[static_cast<std::size_t>(i / childGroup)][heads[static_cast<std::size_t>(i)] / group] += 1;
    }
    for (std::int64_t key = 0; key < c.kvHeads; ++key) {
        double total = 0;
        for (const auto& [old, count] : members[static_cast<std::size_t>(key)])
            total += count;
        for (const auto& [old, count] : members[static_cast<std::size_t>(key)])
            places.key.take(key, old, count / total);
    }
    return places;
}

Places placeHeads(const Architecture& p, const Architecture& c, const std::vector<double>& scores, Plan& plan)
{
    const int group = p.heads / p.kvHeads, childGroup = c.heads / c.kvHeads;
    auto parts = partsOf(p, c, scores);
    const auto room = static_cast<std::size_t>(c.kvHeads);
    if (parts.size() > room && (c.heads >= p.heads || childGroup > group)) {
        plan.lose(fmt::format("{} query heads share a key head where {} did", childGroup, group));
        if (c.heads < p.heads)
            plan.lose(fmt::format("{} of {} heads are left", c.heads, p.heads));
        return mergedKeys(p, c, mostImportant(scores, c.heads));
    }
    if (parts.size() > room) {
        std::vector<double> sums;
        for (const auto& part : parts) {
            double sum = 0;
            for (const std::int64_t head : part)
                sum += scores[static_cast<std::size_t>(head)];
            sums.push_back(sum);
        }
        std::vector<std::vector<std::int64_t>> best;
        for (const std::int64_t part : mostImportant(sums, c.kvHeads))
            best.push_back(parts[static_cast<std::size_t>(part)]);
        parts = std::move(best);
    }
    Places places{Axis(c.heads, p.heads), Axis(c.kvHeads, p.kvHeads)};
    int placed = 0;
    for (std::size_t key = 0; key < parts.size(); ++key) {
        places.key.take(static_cast<std::int64_t>(key), parts[key].front() / group);
        for (std::size_t i = 0; i < parts[key].size(); ++i, ++placed)
            places.query.take(static_cast<std::int64_t>(key) * childGroup + static_cast<std::int64_t>(i),
                              parts[key][i]);
    }
    if (placed < p.heads)
        plan.lose(fmt::format("{} of {} heads are left", placed, p.heads));
    return places;
}

} // namespace

void planHeads(const Architecture& p, const Architecture& c, const Importance& importance, Plan& plan)
{
    const HeadChannels channels = planHeadChannels(p, c, plan);
    Axis query = channels.queryKey;
    query.silenceRest(); // a product with nothing in the new places
    plan.keyGain = channels.queryKey;
    plan.queryGain = channels.queryKey.scaled(channels.gainScale);
    for (BlockPlan& block : plan.blocks) {
        if (!block.parent)
            continue;
        const Places places = placeHeads(p, c, importance.blocks[static_cast<std::size_t>(*block.parent)].heads, plan);
        block.key = Axis::nested(places.key, channels.queryKey);
        block.value = Axis::nested(places.key, channels.value);
        block.queryKeyValue = Axis::nested(places.query, query).scaled(channels.queryScale);
        block.queryKeyValue.append(block.key);
        block.queryKeyValue.append(block.value);
        block.mixed = Axis::nested(places.query, channels.value);
        block.mixed.silenceRest();
    }
    if (c.heads > p.heads)
        plan.change(fmt::format("{} heads are added that nothing listens to yet", c.heads - p.heads));
    if (headWidth(c) > headWidth(p))
        plan.change(fmt::format("heads have {} channels where they had {}", headWidth(c), headWidth(p)));
    if (c.kvHeads > p.kvHeads)
        plan.change(fmt::format("there are {} key heads where there were {}", c.kvHeads, p.kvHeads));
}

} // namespace ratchet
