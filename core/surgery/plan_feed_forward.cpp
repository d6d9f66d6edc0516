// SPDX-License-Identifier: GPL-3.0-or-later
// The feed-forward's part of a plan: hidden units and experts.
#include <algorithm>

#include <fmt/format.h>

#include "core/surgery/plan.h"

namespace ratchet {
namespace {

// One feed-forward becomes many: each starts as it, and whichever a token is sent to, the gates add up to one
// (sparse upcycling, Komatsuzaki 2022). The router starts as initialised.
void upcycle(const Architecture& c, Plan& plan)
{
    plan.experts = Axis::repeating(c.experts, 1);
    plan.routes = Axis(c.experts, 1);
    plan.change(fmt::format("each of {} experts starts as the feed-forward", c.experts));
}

// Experts copied together with their rows of the router keep the function when a token's choice consists of the same
// experts with the same sums of gates: every copy of the chosen ones is chosen (k grows with the number of experts), or
// nothing but copies of the only chosen one is.
void copyExperts(const Architecture& p, const Architecture& c, Plan& plan)
{
    const int times = c.experts / p.experts;
    const bool isMultiple = c.experts % p.experts == 0;
    const bool allCopies = c.expertsPerToken == times * p.expertsPerToken;
    const bool onlyCopies = p.expertsPerToken == 1 && c.expertsPerToken <= times;
    const bool isKept = isMultiple && (allCopies || onlyCopies);
    plan.experts = Axis::repeating(c.experts, p.experts);
    plan.routes = isKept ? plan.experts : Axis::matching(c.experts, p.experts);
    if (isKept && times > 1)
        plan.change(fmt::format("every expert is there {} times, alike until training tells them apart", times));
    if (!isKept && c.experts != p.experts)
        plan.lose(fmt::format("{} experts are routed to where there were {}", c.experts, p.experts));
    else if (!isKept)
        plan.lose(
            fmt::format("a token is sent to {} experts where it was to {}", c.expertsPerToken, p.expertsPerToken));
}

void mergeExperts(const Architecture& p, Plan& plan)
{
    plan.experts = Axis(1, p.experts);
    for (int expert = 0; expert < p.experts; ++expert)
        plan.experts.take(0, expert, 1.0 / p.experts);
    plan.routes = Axis(0, p.experts);
    if (p.experts > 1)
        plan.lose("the feed-forward is the mean of the experts");
}

void planExperts(const Architecture& p, const Architecture& c, Plan& plan)
{
    if (p.experts == 0 && c.experts == 0)
        plan.experts = Axis::matching(1, 1);
    else if (p.experts == 0)
        upcycle(c, plan);
    else if (c.experts == 0)
        mergeExperts(p, plan);
    else
        copyExperts(p, c, plan);
}

} // namespace

void planFeedForward(const Architecture& p, const Architecture& c, const Importance& importance, Plan& plan)
{
    planExperts(p, c, plan);
    for (BlockPlan& block : plan.blocks) {
        if (!block.parent)
            continue;
        const auto& scores = importance.blocks[static_cast<std::size_t>(*block.parent)].hidden;
        block.hidden = Axis(c.feedForwardWidth, p.feedForwardWidth);
        std::int64_t at = 0;
        for (const std::int64_t unit : mostImportant(scores, c.feedForwardWidth))
            block.hidden.take(at++, unit);
        block.heard = block.hidden;
        block.heard.silenceRest();
    }
    if (c.feedForwardWidth > p.feedForwardWidth)
        plan.change(fmt::format("{} hidden units are added that nothing listens to yet",
                                c.feedForwardWidth - p.feedForwardWidth));
    if (c.feedForwardWidth < p.feedForwardWidth)
        plan.lose(fmt::format("{} of {} hidden units are left", c.feedForwardWidth, p.feedForwardWidth));
}

} // namespace ratchet
