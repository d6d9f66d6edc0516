// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/guard/approval.h"

#include <algorithm>
#include <cctype>

#include "core/base/hash.h"

namespace ratchet {
namespace {

// The last optimizer step of a trial may pass its budget a little.
constexpr double budgetSlack = 1.01;

// So that "person: Ana " is the author "person:ana".
std::string identity(const std::string& actor)
{
    std::string who;
    for (const unsigned char letter : actor)
        if (!std::isspace(letter))
            who += static_cast<char>(std::tolower(letter));
    return who;
}

bool isBlank(const std::string& text)
{
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

bool names(const std::string& actor, const std::string& kind)
{
    return actor.starts_with(kind) && actor.size() > kind.size();
}

Json facts(const VerdictRecord& verdict)
{
    return {{"proposal", verdict.proposal.value}, {"challenger", verdict.challenger.hex}, {"champion", verdict.champion.hex},
            {"verdict", toText(verdict.verdict)}, {"k", verdict.k}, {"alpha", verdict.alpha}, {"eValue", verdict.eValue},
            {"threshold", verdict.threshold}, {"pairs", verdict.pairs}, {"discordant", verdict.discordant},
            {"integrity", verdict.integrity}};
}

Json facts(const ScorecardRecord& card)
{
    return {{"challenger", card.challenger.hex}, {"champion", card.champion.hex}, {"suite", card.suite}, {"split", card.split},
            {"retained", card.retained}, {"items", card.items}, {"wins", card.wins}, {"losses", card.losses}, {"ties", card.ties},
            {"championMean", card.championMean}, {"challengerMean", card.challengerMean}, {"difference", card.difference},
            {"low", card.low}, {"high", card.high}, {"eValue", card.eValue}, {"path", card.path}, {"classes", card.classes}};
}

Requirement requirement(std::string name, std::string title, RequirementState state, std::string detail)
{
    return {std::move(name), std::move(title), state, std::move(detail)};
}

Requirement gateRequirement(const Evidence& evidence)
{
    const auto answer = [](RequirementState state, std::string detail) {
        return requirement("gate", "The gate accepts it", state, std::move(detail));
    };
    if (!evidence.verdict)
        return answer(RequirementState::Unsatisfied, "The gate has not judged it yet.");
    const VerdictRecord& verdict = *evidence.verdict;
    if (verdict.challenger != evidence.challenger.hash)
        return answer(RequirementState::Unsatisfied, "The verdict is about another version.");
    if (verdict.champion != evidence.champion)
        return answer(RequirementState::Unsatisfied, fmt::format("It was judged against {}, and the champion is {} now.",
                                                                 verdict.champion.brief(), evidence.champion.brief()));
    if (verdict.verdict != Verdict::Accept)
        return answer(RequirementState::Unsatisfied, fmt::format("The gate's verdict is {}.", toText(verdict.verdict)));
    return answer(RequirementState::Satisfied, fmt::format("E = {:.3g} after {} pairs, {:.3g} was needed.", verdict.eValue,
                                                           verdict.pairs, verdict.threshold));
}

// The margins are the gate's to know; here a retained suite must not be worse beyond doubt.
Requirement retainedRequirement(const Evidence& evidence)
{
    const auto answer = [](RequirementState state, std::string detail) {
        return requirement("retained", "Nothing it must keep got worse", state, std::move(detail));
    };
    int retained = 0;
    for (const ScorecardRecord& card : evidence.scorecards) {
        if (!card.retained)
            continue;
        ++retained;
        if (card.items == 0 || !(card.low <= card.high))
            return answer(RequirementState::Error, fmt::format("The scorecard of {} holds no result.", card.suite));
        if (card.high < 0)
            return answer(RequirementState::Unsatisfied, fmt::format("It is worse on {}, by {}.", card.suite, toTextPercent(-card.difference)));
    }
    if (retained == 0)
        return answer(RequirementState::NotApplicable, "This lab has no retained suites.");
    return answer(RequirementState::Satisfied, fmt::format("{} {} kept.", retained, retained == 1 ? "suite" : "suites"));
}

Requirement integrityRequirement(const Evidence& evidence)
{
    const auto answer = [](RequirementState state, std::string detail) {
        return requirement("integrity", "The measurement can be trusted", state, std::move(detail));
    };
    if (!evidence.verdict)
        return answer(RequirementState::Unsatisfied, "Nothing has been checked yet.");
    const Json& checks = evidence.verdict->integrity;
    if (!checks.is_array() || checks.empty())
        return answer(RequirementState::Error, "The judge reported no integrity checks.");
    for (const Json& check : checks) {
        bool ok = false;
        std::string name, detail;
        if (!Fields(check, "a check").read("name", name).read("ok", ok).readIf("detail", detail).status())
            return answer(RequirementState::Error, "An integrity check cannot be read.");
        if (!ok)
            return answer(RequirementState::Unsatisfied, fmt::format("The check \"{}\" failed{}.", name, detail.empty() ? "" : ": " + detail));
    }
    return answer(RequirementState::Satisfied, fmt::format("{} checks hold.", checks.size()));
}

Requirement budgetRequirement(const Evidence& evidence)
{
    const bool known = evidence.budget.value > 0 && evidence.spent.value >= 0;
    const std::string detail = fmt::format("{} of {} are spent.", toText(evidence.spent), toText(evidence.budget));
    return requirement("budget", "The lab kept to its budget",
                       !known                                                             ? RequirementState::Error
                       : evidence.spent.value <= evidence.budget.value * budgetSlack ? RequirementState::Satisfied
                                                                                          : RequirementState::Unsatisfied,
                       detail);
}

// Lower bound on the target suites reached what the policy asks; the sentence when not.
std::string policyFault(const Evidence& evidence, const Policy& policy)
{
    bool found = false;
    for (const ScorecardRecord& card : evidence.scorecards) {
        if (card.retained || card.split != "gate")
            continue;
        found = true;
        if (!(card.low >= policy.minDifference))
            return fmt::format("The policy asks for a gain of at least {} on {}, and only {} is sure.", toTextPercent(policy.minDifference),
                               card.suite, toTextPercent(card.low));
    }
    return found ? "" : "The policy asks for a gain, and there is no scorecard of the target suite.";
}

// Why the actor of this decision does not count as a reviewer; empty when it does.
std::string reviewerFault(const Evidence& evidence, const std::optional<Policy>& policy, const DecisionRecord& decision)
{
    const std::string who = identity(decision.actor);
    if (who == identity(evidence.proposalAuthor))
        return fmt::format("{} wrote the proposal and cannot approve it.", decision.actor);
    if (names(who, "person:"))
        return {};
    if (!names(who, "policy:"))
        return fmt::format("\"{}\" does not count as a reviewer; a person or a written policy does.", decision.actor);
    if (!policy || who != "policy:" + policy->hash().hex)
        return "The policy that approved it is not the one in force.";
    return policyFault(evidence, *policy);
}

Requirement reviewerRequirement(const Evidence& evidence, const std::optional<Policy>& policy, const std::optional<DecisionRecord>& decision)
{
    const auto answer = [](RequirementState state, std::string detail) {
        return requirement("reviewer", "A reviewer approves it", state, std::move(detail));
    };
    if (!decision)
        return answer(RequirementState::Unsatisfied, "It waits for a person.");
    if (decision->version != evidence.challenger.hash)
        return answer(RequirementState::Unsatisfied, "The decision is about another version.");
    if (decision->kind != DecisionKind::Approve)
        return answer(RequirementState::Unsatisfied, decision->kind == DecisionKind::Reject
                                                         ? fmt::format("{} rejected it: {}", decision->actor, decision->reason)
                                                         : fmt::format("{} asked for more evidence.", decision->actor));
    if (isBlank(decision->reason))
        return answer(RequirementState::Unsatisfied, "The approval gives no reason.");
    if (const std::string fault = reviewerFault(evidence, policy, *decision); !fault.empty())
        return answer(RequirementState::Unsatisfied, fault);
    if (decision->binding != bindingOf(evidence, policy))
        return answer(RequirementState::Unsatisfied, "The approval is stale: the version, champion, verdict, scorecards or policy changed since.");
    return answer(RequirementState::Satisfied, fmt::format("{}: {}", decision->actor, decision->reason));
}

bool isMet(const Requirement& one)
{
    return one.state == RequirementState::Satisfied || one.state == RequirementState::NotApplicable || one.state == RequirementState::Overridden;
}

} // namespace

std::string toText(RequirementState state)
{
    switch (state) {
    case RequirementState::Satisfied: return "satisfied";
    case RequirementState::Unsatisfied: return "unsatisfied";
    case RequirementState::NotApplicable: return "not-applicable";
    case RequirementState::Overridden: return "overridden";
    case RequirementState::Error: return "error";
    }
    return "error";
}

Hash Policy::hash() const
{
    return hashOfJson(text);
}

Result<Policy> Policy::fromJson(const Json& json)
{
    Policy policy;
    policy.text = json;
    std::string approve;
    Fields in(json, "the policy");
    in.read("approve", approve).readIf("minDifference", policy.minDifference).readIf("maxDeployments", policy.maxDeployments);
    in.read("reason", policy.reason).onlyKnown();
    RATCHET_CHECK(in.status());
    if (approve != "accepted")
        in.fault("\"approve\" is not \"accepted\", the only thing a policy can approve");
    if (policy.minDifference < 0 || policy.minDifference > 1)
        in.fault("\"minDifference\" is not between 0 and 1");
    if (policy.maxDeployments < 0)
        in.fault("\"maxDeployments\" is negative");
    if (isBlank(policy.reason))
        in.fault("\"reason\" is empty");
    RATCHET_CHECK(in.status());
    return policy;
}

Hash bindingOf(const Evidence& evidence, const std::optional<Policy>& policy)
{
    std::vector<std::string> cards;
    for (const ScorecardRecord& card : evidence.scorecards)
        cards.push_back(hashOfJson(facts(card)).hex);
    std::sort(cards.begin(), cards.end());
    const VersionRecord& version = evidence.challenger;
    return hashOfJson({{"version", version.hash.hex}, {"genome", version.genome.hex}, {"weights", version.weights.hex},
                       {"tokenizer", version.tokenizer.hex}, {"champion", evidence.champion.hex},
                       {"verdict", evidence.verdict ? facts(*evidence.verdict) : Json()}, {"scorecards", cards},
                       {"policy", policy ? Json(policy->hash().hex) : Json()}});
}

std::vector<Requirement> requirements(const Evidence& evidence, const std::optional<Policy>& policy,
                                      const std::optional<DecisionRecord>& decision)
{
    return {gateRequirement(evidence), retainedRequirement(evidence), integrityRequirement(evidence), budgetRequirement(evidence),
            reviewerRequirement(evidence, policy, decision)};
}

Status mayDeploy(const Evidence& evidence, const std::optional<Policy>& policy, const DecisionRecord& decision)
{
    for (const Requirement& one : requirements(evidence, policy, decision))
        if (!isMet(one))
            return fail(Code::Refused, one.detail);
    return {};
}

std::optional<DecisionRecord> decideByPolicy(const Evidence& evidence, const Policy& policy, int deploymentsSoFar)
{
    if (deploymentsSoFar >= policy.maxDeployments)
        return {};
    DecisionRecord decision;
    decision.version = evidence.challenger.hash;
    decision.kind = DecisionKind::Approve;
    decision.actor = "policy:" + policy.hash().hex;
    decision.reason = policy.reason;
    decision.binding = bindingOf(evidence, policy);
    return mayDeploy(evidence, policy, decision) ? std::optional(decision) : std::nullopt;
}

} // namespace ratchet
