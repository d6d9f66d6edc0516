// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/goal.h"

#include <algorithm>
#include <cmath>
#include <regex>

namespace ratchet {
namespace {

GoalRecord* find(std::vector<GoalRecord>& goals, const std::string& title)
{
    const auto found = std::find_if(goals.begin(), goals.end(), [&](const GoalRecord& goal) { return goal.title == title; });
    return found == goals.end() ? nullptr : &*found;
}

Result<GoalRecord> putRoot(Context& context, const Goal& goal, double value, std::vector<GoalRecord>& goals)
{
    GoalRecord root;
    if (const GoalRecord* known = find(goals, context.config.goal))
        root = *known;
    root.title = context.config.goal;
    root.suite = goal.suite;
    root.metric = goal.metric;
    root.higherIsBetter = goal.higherIsBetter;
    root.target = goal.target;
    root.value = value;
    root.price = goal.within.value_or(context.config.budget);
    RATCHET_TRY(spent, context.store->spent());
    root.spent = spent;
    const bool tooDear = spent >= root.price;
    root.state = goal.isReachedBy(value) ? GoalState::Reached : tooDear ? GoalState::GivenUp : GoalState::Active;
    root.note = root.state == GoalState::GivenUp ? "The compute that the goal allows is spent." : "";
    RATCHET_TRY(id, context.store->put(root));
    root.id = id;
    return root;
}

} // namespace

Result<Goal> parseGoal(const std::string& text, const DomainInfo& info, const std::vector<SuiteSpec>& suites)
{
    const std::string form = fmt::format("Write it like \"{}\".", info.defaultGoal);
    static const std::regex pattern(R"(\s*(exact match|bits per byte)\s*(>=|<=)\s*([0-9.eE+-]+)\s+on\s+(\S+)(?:\s+within\s+(.+))?\s*)");
    std::smatch match;
    if (!std::regex_match(text, match, pattern))
        return fail(Code::Usage, fmt::format("\"{}\" is not a goal that can be measured.", text), form);
    Goal goal;
    goal.metric = match[1];
    goal.higherIsBetter = match[2] == ">=";
    goal.suite = match[4];
    char* end = nullptr;
    const std::string number = match[3];
    goal.target = std::strtod(number.c_str(), &end);
    if (*end != '\0' || !std::isfinite(goal.target) || goal.target < 0)
        return fail(Code::Usage, fmt::format("\"{}\" in the goal is not a number.", number), form);
    const std::string metric = info.measure == Measure::ExactMatch ? "exact match" : "bits per byte";
    if (goal.metric != metric || goal.higherIsBetter != (info.measure == Measure::ExactMatch))
        return fail(Code::Usage, fmt::format("The domain {} measures {} ({}).", info.name, metric,
                                             info.measure == Measure::ExactMatch ? "higher is better" : "lower is better"), form);
    if (goal.suite != suites.front().name)
        return fail(Code::Usage, fmt::format("The domain {} improves the suite {}, not {}.", info.name, suites.front().name, goal.suite), form);
    if (match[5].matched) {
        RATCHET_TRY(within, parseFlops(match[5].str()));
        goal.within = within;
    }
    return goal;
}

std::vector<WeakPoint> weakPoints(const ScorecardRecord& guide)
{
    std::vector<WeakPoint> points;
    if (guide.items > 0 && guide.classes.contains("champion"))
        for (const auto& entry : guide.classes["champion"].items())
            if (entry.value().is_number())
                points.push_back({entry.key(), entry.value().get<double>() / guide.items});
    std::stable_sort(points.begin(), points.end(), [](const WeakPoint& a, const WeakPoint& b) { return a.share > b.share; });
    return points;
}

Result<std::optional<WeakPoint>> plan(Context& context, const Goal& goal, const ScorecardRecord& guide, Flops price)
{
    RATCHET_TRY(goals, context.store->goals());
    RATCHET_TRY(root, putRoot(context, goal, context.metric(guide.championMean), goals));
    const std::vector<WeakPoint> points = weakPoints(guide);
    const auto titleOf = [&](const std::string& failureClass) { return fmt::format("fewer \"{}\" errors on {}", failureClass, goal.suite); };

    for (GoalRecord& known : goals) {      // sub-goals whose class has become rarer than asked, or is gone
        if (!known.parent)
            continue;
        const auto point = std::find_if(points.begin(), points.end(), [&](const WeakPoint& p) { return titleOf(p.failureClass) == known.title; });
        known.value = point == points.end() ? 0 : point->share;
        known.state = known.value <= known.target ? GoalState::Reached : GoalState::Open;
    }
    for (const WeakPoint& point : points) {
        if (GoalRecord* known = find(goals, titleOf(point.failureClass)); known && known->state == GoalState::Open)
            continue;
        else if (known) {
            known->target = point.share / 2;
            known->value = point.share;
            known->state = GoalState::Open;
        } else {
            GoalRecord sub;
            sub.parent = root.id;
            sub.title = titleOf(point.failureClass);
            sub.suite = goal.suite;
            sub.metric = "share of items";
            sub.higherIsBetter = false;
            sub.target = point.share / 2;
            sub.value = point.share;
            sub.price = price;
            goals.push_back(sub);
        }
    }
    std::optional<WeakPoint> focus;
    if (!points.empty() && root.state == GoalState::Active)
        focus = points.front();
    for (GoalRecord& sub : goals) {
        if (sub.title == root.title)
            continue;
        if (focus && sub.title == titleOf(focus->failureClass))
            sub.state = GoalState::Active;
        RATCHET_CHECK(context.store->put(sub));
    }
    return focus;
}

} // namespace ratchet
