// SPDX-License-Identifier: GPL-3.0-or-later
// The goal a person wrote, and the goal tree the planner keeps under it. Pure but for the store it is given. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/agent/context.h"

namespace ratchet {

// "exact match >= 0.99 on addition-3 [within 10TFLOP]" or "bits per byte <= 2.1 on text".
struct Goal {
    std::string metric, suite;
    bool higherIsBetter = true;
    double target = 0;
    std::optional<Flops> within;
    [[nodiscard]] bool isReachedBy(double value) const { return higherIsBetter ? value >= target : value <= target; }
};

// Usage error that shows the form when the text is no goal, or names a suite or metric that the domain does not have.
[[nodiscard]] Result<Goal> parseGoal(const std::string& text, const DomainInfo& info, const std::vector<SuiteSpec>& suites);

// One weak point of the champion: a failure class and its share of the guide items.
struct WeakPoint { std::string failureClass; double share = 0; };
// The champion's failure classes on the target suite's guide items, most frequent first.
[[nodiscard]] std::vector<WeakPoint> weakPoints(const ScorecardRecord& guide);

// Brings the tree up to date: the root with the champion's value, one sub-goal a failure class (halve its share), the
// largest open one active, reached ones closed. Writes to the store; returns what the proposer should work on.
[[nodiscard]] Result<std::optional<WeakPoint>> plan(Context& context, const Goal& goal, const ScorecardRecord& guide, Flops price);

} // namespace ratchet
