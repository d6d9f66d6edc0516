// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace ratchet {
namespace {

bool isClose(double a, double b)
{
    return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

// Every channel `times` times: what reads them all takes its share of each.
void repeatChannels(const Architecture& p, const Architecture& c, Plan& plan)
{
    const double share = static_cast<double>(p.width) / c.width;
    plan.written = Axis::repeating(c.width, p.width);
    plan.read = plan.written.scaled(share);
    plan.gain = plan.shift = plan.written;
    plan.lastGain = plan.lastShift = c.tied ? plan.read : plan.written;
    if (c.width != p.width)
        plan.change(fmt::format("every channel is there {} times", c.width / p.width));
    if (!isClose(c.normEpsilon, p.normEpsilon))
        plan.lose("another normEpsilon normalises differently");
}

// Channels behind the old ones that never leave the mean (LayerNorm) or zero (RMSNorm): their normalised value is
// zero, and the others' is larger by the root of the widths' ratio, which the gain takes back.
void padChannels(const Architecture& p, const Architecture& c, Plan& plan)
{
    const double share = static_cast<double>(p.width) / c.width;
    plan.written = plan.read = plan.shift = Axis::matching(c.width, p.width);
    plan.gain = plan.shift.scaled(std::sqrt(share));
    if (c.norm == "layernorm")
        for (std::int64_t channel = p.width; channel < c.width; ++channel)
            for (std::int64_t old = 0; old < p.width; ++old)
                plan.written.take(channel, old, 1.0 / p.width);
    plan.written.silenceRest();
    plan.shift.silenceRest();
    plan.lastGain = plan.gain;
    plan.lastShift = plan.shift;
    plan.change(fmt::format("{} channels are added that carry nothing yet", c.width - p.width));
    if (!isClose(c.normEpsilon, p.normEpsilon * share))
        plan.lose(fmt::format("its width is no multiple of the parent's, so normEpsilon would have to be {:.6g}",
                              p.normEpsilon * share));
}

void dropChannels(const Architecture& p, const Architecture& c, const Importance& importance, Plan& plan)
{
    plan.written = Axis(c.width, p.width);
    std::int64_t at = 0;
    for (const std::int64_t channel : mostImportant(importance.channels, c.width))
        plan.written.take(at++, channel);
    plan.read = plan.gain = plan.shift = plan.lastGain = plan.lastShift = plan.written;
    plan.lose(fmt::format("{} of {} channels are left", c.width, p.width));
}

void planChannels(const Architecture& p, const Architecture& c, const Importance& importance, Plan& plan)
{
    if (c.width % p.width == 0)
        repeatChannels(p, c, plan);
    else if (c.width > p.width)
        padChannels(p, c, plan);
    else
        dropChannels(p, c, importance, plan);
}

void planBlocks(const Architecture& p, const Architecture& c, const Importance& importance, Plan& plan)
{
    plan.blocks.resize(static_cast<std::size_t>(c.layers));
    std::vector<double> scores;
    for (const Importance::Block& block : importance.blocks)
        scores.push_back(block.whole);
    std::size_t at = 0;
    for (const std::int64_t block : mostImportant(scores, std::min(p.layers, c.layers)))
        plan.blocks[at++].parent = static_cast<int>(block);
    if (c.layers > p.layers)
        plan.change(fmt::format("{} blocks are added that start as the identity", c.layers - p.layers));
    if (c.layers < p.layers)
        plan.lose(fmt::format("{} of {} blocks are left", c.layers, p.layers));
}

bool hasTable(const Architecture& a)
{
    return a.positions == "learned" || a.positions == "coupled";
}

void planPlaces(const Architecture& p, const Architecture& c, Plan& plan)
{
    plan.places = hasTable(p) ? Axis::matching(c.context, p.context) : Axis(c.context, 1);
    if (!hasTable(p))
        plan.places.silenceRest();
    if (c.positions != p.positions && !(p.positions == "none" && hasTable(c)))
        plan.lose(fmt::format("positions are {} where they were {}", c.positions, p.positions));
    else if (c.positions != p.positions)
        plan.change("the table of positions starts at zero");
    if (c.context > p.context)
        plan.change(fmt::format("places beyond {} tokens are new", p.context));
    if (c.context < p.context && c.positions == "coupled")
        plan.lose("position ids may lie beyond its context");
    else if (c.context < p.context)
        plan.change(fmt::format("sequences may have {} tokens at most", c.context));
}

void planMemory(const Architecture& p, const Architecture& c, Plan& plan)
{
    plan.memory = Axis::matching(c.memoryTokens, p.memoryTokens);
    plan.memoryValues = plan.memory;
    plan.memoryValues.silenceRest();
    if (c.memoryTokens > p.memoryTokens)
        plan.lose("new memory tokens take a share of every query's attention");
    if (c.memoryTokens < p.memoryTokens)
        plan.lose(fmt::format("{} of {} memory tokens are left", c.memoryTokens, p.memoryTokens));
    if (c.valueEmbedding && !p.valueEmbedding)
        plan.change("the value embedding starts at zero");
    if (c.bias && !p.bias)
        plan.change("the biases start at zero");
}

// What a query can look back to within the longest sequence both can read.
int reach(const Architecture& a, int context)
{
    return a.window > 0 ? std::min(a.window, context) : context;
}

void planKinds(const Architecture& p, const Architecture& c, Plan& plan)
{
    const int context = std::min(p.context, c.context);
    if (c.norm != p.norm)
        plan.lose(fmt::format("the norm is {} where it was {}", c.norm, p.norm));
    if (c.feedForward != p.feedForward)
        plan.lose(fmt::format("the feed-forward is {} where it was {}", c.feedForward, p.feedForward));
    if (c.qkNorm != p.qkNorm)
        plan.lose(c.qkNorm ? "queries and keys are normalised now" : "queries and keys are no longer normalised");
    if (!isClose(c.softCap, p.softCap))
        plan.lose("the logits are limited differently");
    if (c.tied && !p.tied)
        plan.lose("tying the head drops its own weights");
    if (!c.tied && p.tied)
        plan.change("the head starts as a copy of the embedding");
    if (reach(c, context) != reach(p, context))
        plan.lose(fmt::format("a query sees {} tokens where it saw {}", reach(c, context), reach(p, context)));
}

} // namespace

void Plan::change(const std::string& text)
{
    if (std::find(changes.begin(), changes.end(), text) == changes.end())
        changes.push_back(text);
}

void Plan::lose(const std::string& reason)
{
    if (std::find(losses.begin(), losses.end(), reason) == losses.end())
        losses.push_back(reason);
}

std::vector<std::int64_t> mostImportant(const std::vector<double>& scores, std::int64_t count)
{
    std::vector<std::int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&scores](std::int64_t a, std::int64_t b) {
        return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    order.resize(static_cast<std::size_t>(std::min<std::int64_t>(count, static_cast<std::int64_t>(order.size()))));
    std::sort(order.begin(), order.end());
    return order;
}

Plan planTransplant(const Architecture& parent, const Architecture& child, int vocabulary, const Importance& importance)
{
    Plan plan;
    plan.words = Axis::matching(vocabulary, vocabulary);
    planChannels(parent, child, importance, plan);
    planBlocks(parent, child, importance, plan);
    planPlaces(parent, child, plan);
    planMemory(parent, child, plan);
    planKinds(parent, child, plan);
    planHeads(parent, child, importance, plan);
    planFeedForward(parent, child, importance, plan);
    return plan;
}

} // namespace ratchet
