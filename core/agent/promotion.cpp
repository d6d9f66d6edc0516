// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/promotion.h"

#include "core/agent/judge_job.h"
#include "core/critic/scorecard.h"

namespace ratchet {
namespace {

constexpr int vaultItems = 300;

Result<ProposalRecord> proposalOf(Context& context, const VersionRecord& version)
{
    if (!version.trial)
        return fail(Code::NotFound, fmt::format("Version {} came from no trial.", version.hash.brief()));
    RATCHET_TRY(trial, context.store->trial(*version.trial));
    if (!trial || !trial->proposal.isSet())
        return fail(Code::Refused, fmt::format("Version {} is the seed model: nobody proposed it.", version.hash.brief()));
    RATCHET_TRY(proposal, context.store->proposal(trial->proposal));
    if (!proposal)
        return fail(Code::Damaged, fmt::format("The proposal of version {} is missing.", version.hash.brief()));
    return *proposal;
}

Status deploy(Context& context, const DeploymentRecord& deployment)
{
    RATCHET_TRY(id, context.store->add(deployment));
    return context.record(deployment.actor, "deployment",
                          {{"id", id.value}, {"kind", toText(deployment.kind)}, {"version", deployment.version.hex},
                           {"previous", deployment.previous ? deployment.previous->hex : ""}, {"reason", deployment.reason}});
}

Status setState(Context& context, ProposalRecord proposal, ProposalState state, const std::string& reason)
{
    proposal.state = state;
    proposal.stateReason = reason;
    return context.store->update(proposal);
}

// The promoted one, and what becomes of the others the gate had accepted against the old champion.
Status settleProposals(Context& context, const ProposalRecord& promoted)
{
    RATCHET_CHECK(setState(context, promoted, ProposalState::Promoted, "It is the champion now."));
    RATCHET_TRY(all, context.store->proposals());
    for (const ProposalRecord& other : all)
        if (other.id != promoted.id && (other.state == ProposalState::Waiting || other.state == ProposalState::Accepted))
            RATCHET_CHECK(setState(context, other, ProposalState::Superseded,
                                   fmt::format("Proposal {} was promoted instead.", promoted.id.value)));
    return {};
}

Status checkVault(Context& context, Crew& crew, const Evidence& evidence, const ProposalRecord& proposal)
{
    RATCHET_TRY(cards, openVault(context, crew, evidence.champion, evidence.challenger.hash, proposal.id, vaultItems));
    const ScorecardRecord& target = cards.front();
    if (target.high < 0)
        return fail(Code::Refused, fmt::format("The vault contradicts: {} is worse by {} on items never used before.",
                                               evidence.challenger.hash.brief(), toTextPercent(-target.difference)));
    return {};
}

} // namespace

Result<std::vector<ScorecardRecord>> openVault(Context& context, Crew& crew, const Hash& champion, const Hash& challenger,
                                               Id<ProposalRecord> proposal, int items)
{
    std::vector<Ask> asks;
    for (const SuiteSpec& suite : context.suites)
        asks.push_back({suite.name, "vault", suite.role == SuiteRole::Target ? items : items / 2});
    const auto question = questionNumber(fmt::format("vault {} {} {}", champion.hex, challenger.hex, proposal.value));
    RATCHET_TRY(spec, judgeSpec(context, champion, challenger, question));
    RATCHET_TRY(answers, askJudge(context, spec, asks, "vault", proposal, [&](auto job) { return crew.runNow(std::move(job)); }));
    std::vector<ScorecardRecord> cards;
    RATCHET_CHECK(context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        for (std::size_t i = 0; i < context.suites.size(); ++i) {
            RATCHET_TRY(card, scorecardOf(answers[i], context.suites[i], context.info.measure));
            card.proposal = proposal;
            card.champion = champion;
            card.challenger = challenger;
            card.created = now();
            RATCHET_CHECK(context.store->add(card));
            cards.push_back(std::move(card));
        }
        return context.record("engine", "vault", {{"champion", champion.hex}, {"challenger", challenger.hex}, {"items", items}});
    }));
    return cards;
}

Result<Evidence> evidenceOf(Context& context, const Hash& version)
{
    Evidence evidence;
    RATCHET_TRY(record, context.store->version(version));
    if (!record)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", version.brief()), "`ratchet versions` lists them.");
    evidence.challenger = *record;
    RATCHET_TRY(champion, context.champion());
    evidence.champion = champion.hash;
    RATCHET_TRY(proposal, proposalOf(context, *record));
    evidence.proposalAuthor = proposal.author;
    RATCHET_TRY(verdict, context.store->verdict(proposal.id));
    evidence.verdict = verdict;
    RATCHET_TRY(cards, context.store->scorecards(proposal.id));
    for (const ScorecardRecord& card : cards)
        if (card.split == "gate" && card.champion == champion.hash && card.challenger == version)
            evidence.scorecards.push_back(card);
    RATCHET_TRY(spent, context.store->spent());
    evidence.spent = spent;
    evidence.budget = context.config.budget;
    return evidence;
}

Status decide(Context& context, Crew& crew, const Hash& version, DecisionKind kind, const std::string& actor,
              const std::string& reason, const std::string& binding)
{
    RATCHET_TRY(evidence, evidenceOf(context, version));
    RATCHET_TRY(proposal, proposalOf(context, evidence.challenger));
    DecisionRecord decision;
    decision.version = version;
    decision.kind = kind;
    decision.actor = actor;
    decision.reason = reason;
    decision.binding = bindingOf(evidence, context.policy);
    decision.created = now();
    if (reason.empty())
        return fail(Code::Refused, "A decision needs a reason.", "Say why in a sentence: --reason \"...\".");
    if (!binding.empty() && binding != decision.binding.hex)
        return fail(Code::Refused, "The evidence has changed since you looked at it.", "Look again and decide on what is there now.");
    const Json refs{{"version", version.hex}, {"kind", toText(kind)}, {"reason", reason}, {"binding", decision.binding.hex}};
    if (kind != DecisionKind::Approve) {
        if (proposal.state != ProposalState::Waiting)
            return fail(Code::Refused, fmt::format("Version {} does not wait for a decision; it is {}.", version.brief(), toText(proposal.state)));
        return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
            RATCHET_CHECK(context.store->add(decision));
            if (kind == DecisionKind::Reject)
                RATCHET_CHECK(setState(context, proposal, ProposalState::Declined, reason));
            return context.record(actor, "decision", refs);
        });
    }
    RATCHET_CHECK(mayDeploy(evidence, context.policy, decision));
    RATCHET_CHECK(context.artifact(version));
    if (const Status vault = checkVault(context, crew, evidence, proposal); !vault) {
        if (vault.error().code == Code::Refused)
            RATCHET_CHECK(context.store->transaction(Store::Durable::Yes, [&]() -> Status {
                RATCHET_CHECK(context.store->add(decision));
                RATCHET_CHECK(context.record(actor, "decision", refs));
                RATCHET_CHECK(context.record("engine", "vault-refused", {{"version", version.hex}, {"text", vault.error().text}}));
                return setState(context, proposal, ProposalState::Declined, vault.error().text);
            }));
        return vault;
    }
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_TRY(id, context.store->add(decision));
        RATCHET_CHECK(context.record(actor, "decision", refs));
        DeploymentRecord deployment;
        deployment.version = version;
        deployment.previous = evidence.champion;
        deployment.decision = id;
        deployment.kind = DeploymentKind::Promote;
        deployment.actor = actor;
        deployment.reason = reason;
        deployment.created = now();
        RATCHET_CHECK(deploy(context, deployment));
        return settleProposals(context, proposal);
    });
}

Status deploySeed(Context& context, const Hash& version)
{
    return context.store->transaction(Store::Durable::Yes, [&] {
        DeploymentRecord deployment;
        deployment.version = version;
        deployment.kind = DeploymentKind::Seed;
        deployment.actor = "engine";
        deployment.reason = "The seed model of the lab.";
        deployment.created = now();
        return deploy(context, deployment);
    });
}

Status rollBack(Context& context, Crew& crew, const Hash& version, const std::string& actor, const std::string& reason)
{
    if (reason.empty())
        return fail(Code::Refused, "A rollback needs a reason.", "Say why in a sentence: --reason \"...\".");
    RATCHET_TRY(champion, context.champion());
    if (champion.hash == version)
        return fail(Code::Refused, fmt::format("Version {} is live already.", version.brief()));
    RATCHET_TRY(deployments, context.store->deployments());
    if (std::none_of(deployments.begin(), deployments.end(), [&](const DeploymentRecord& d) { return d.version == version; }))
        return fail(Code::Refused, fmt::format("Version {} was never live.", version.brief()),
                    "Roll back to a version that was champion before; a new one has to pass the gate.");
    RATCHET_TRY(spec, judgeSpec(context, version, std::nullopt, questionNumber("rollback " + version.hex)));
    RATCHET_CHECK(askJudge(context, spec, {Ask{context.target().name, "guide", 32}}, "quick check", Id<ProposalRecord>{},
                           [&](auto job) { return crew.runNow(std::move(job)); }));
    return context.store->transaction(Store::Durable::Yes, [&] {
        DeploymentRecord deployment;
        deployment.version = version;
        deployment.previous = champion.hash;
        deployment.kind = DeploymentKind::Rollback;
        deployment.actor = actor;
        deployment.reason = reason;
        deployment.created = now();
        return deploy(context, deployment);
    });
}

} // namespace ratchet
