// SPDX-License-Identifier: GPL-3.0-or-later
// Who may put a challenger to use: requirements with states (after Gerrit's submit requirements), decisions bound to a
// hash, and written policies for unattended labs. Pure; the engine calls it before any deployment. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/store/records.h"

namespace ratchet {

enum class RequirementState { Satisfied, Unsatisfied, NotApplicable, Overridden, Error };
struct Requirement { std::string name, title; RequirementState state = RequirementState::Unsatisfied; std::string detail; };
[[nodiscard]] std::string toText(RequirementState state);

// LAB/policy.json: {"approve": "accepted", "minDifference": 0.01, "maxDeployments": 20, "reason": "..."}; strict.
struct Policy {
    double minDifference = 0;     // lower confidence bound on the target suite must be at least this
    int maxDeployments = 1000;
    std::string reason;
    Json text;                    // as written
    [[nodiscard]] Hash hash() const;
    [[nodiscard]] static Result<Policy> fromJson(const Json& json);
};

struct Evidence {
    VersionRecord challenger;
    Hash champion;                               // live now
    std::string proposalAuthor;
    std::optional<VerdictRecord> verdict;
    std::vector<ScorecardRecord> scorecards;     // gate split
    Flops spent, budget;
};

// What a decision is bound to: any change of version, champion, verdict, scorecards or policy gives another hash. The order
// of the scorecards and when things were recorded do not matter.
[[nodiscard]] Hash bindingOf(const Evidence& evidence, const std::optional<Policy>& policy);
// gate, retained, integrity, budget, reviewer. `decision` may be absent or stale (its binding differs: unsatisfied, says so).
[[nodiscard]] std::vector<Requirement> requirements(const Evidence& evidence, const std::optional<Policy>& policy,
                                                    const std::optional<DecisionRecord>& decision);
// Refused with the sentence of the first requirement that is not met. A proposal's author never approves it; the engine
// ("improver:", "engine") never counts as reviewer; an empty reason is refused.
[[nodiscard]] Status mayDeploy(const Evidence& evidence, const std::optional<Policy>& policy, const DecisionRecord& decision);
// The policy's own decision about this evidence, without a time; empty when the policy does not allow it.
[[nodiscard]] std::optional<DecisionRecord> decideByPolicy(const Evidence& evidence, const Policy& policy, int deploymentsSoFar);

} // namespace ratchet
