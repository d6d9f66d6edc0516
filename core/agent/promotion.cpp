// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/promotion.h"

#include "core/agent/controls.h"
#include "core/agent/judge_job.h"
#include "core/agent/vault.h"

namespace ratchet {
namespace {

constexpr int vaultItems = 300;
constexpr int seedItems = 600;

Status tellIfAsked(const Tell& tell, const Status& answered)
{
    return tell ? tell(answered) : Status{};
}

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

Json refsOf(const DecisionRecord& decision)
{
    return {{"version", decision.version.hex}, {"kind", toText(decision.kind)}, {"reason", decision.reason}, {"binding", decision.binding.hex}};
}

// Reject and MoreEvidence.
Status recordOnly(Context& context, const DecisionRecord& decision, const ProposalRecord& proposal, const Tell& tell)
{
    if (proposal.state != ProposalState::Waiting)
        return fail(Code::Refused, fmt::format("Version {} does not wait for a decision; it is {}.", decision.version.brief(), toText(proposal.state)));
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(context.store->add(decision));
        if (decision.kind == DecisionKind::Reject)
            RATCHET_CHECK(setState(context, proposal, ProposalState::Declined, decision.reason));
        RATCHET_CHECK(context.record(decision.actor, "decision", refsOf(decision)));
        return tellIfAsked(tell, {});
    });
}

// In one transaction: what the vault showed, the decision, and the deployment unless the vault contradicts.
Status recordApproval(Context& context, const DecisionRecord& decision, const VaultQuestion& question,
                      const VaultAnswer& answer, const Tell& tell)
{
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_TRY(proposal, context.store->proposal(question.proposal));       // it may have been moved in the queue meanwhile
        if (!proposal)
            return fail(Code::Damaged, fmt::format("The proposal of version {} is missing.", decision.version.brief()));
        RATCHET_CHECK(recordVault(context, question, answer));
        RATCHET_TRY(id, context.store->add(decision));
        RATCHET_CHECK(context.record(decision.actor, "decision", refsOf(decision)));
        if (const Status vault = isNotContradicted(context, answer); !vault) {
            RATCHET_CHECK(context.record("engine", "vault-refused", {{"version", decision.version.hex}, {"text", vault.error().text}}));
            RATCHET_CHECK(setState(context, *proposal, ProposalState::Declined, vault.error().text));
            return tellIfAsked(tell, vault);
        }
        DeploymentRecord deployment;
        deployment.version = decision.version;
        deployment.previous = question.champion;
        deployment.decision = id;
        deployment.kind = DeploymentKind::Promote;
        deployment.actor = decision.actor;
        deployment.reason = decision.reason;
        deployment.created = now();
        RATCHET_CHECK(deploy(context, deployment));
        RATCHET_CHECK(settleProposals(context, *proposal));
        return tellIfAsked(tell, {});
    });
}

} // namespace

Status compareWithSeed(Context& context, Crew& crew, const Hash& seed, const Hash& champion)
{
    const VaultQuestion question{seed, champion, {}, seedItems};
    RATCHET_TRY(use, vaultUse(*context.store, context.config));
    if (seed == champion || use.isSpent())
        return {};
    RATCHET_TRY(answer, askVault(context, crew, question));
    if (answer.fault)
        return tl::unexpected(*answer.fault);
    return context.store->transaction(Store::Durable::Yes, [&] { return recordVault(context, question, answer); });
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

Status decide(Context& context, Crew& crew, const Word& word)
{
    RATCHET_TRY(evidence, evidenceOf(context, word.version));
    RATCHET_TRY(proposal, proposalOf(context, evidence.challenger));
    DecisionRecord decision;
    decision.version = word.version;
    decision.kind = word.kind;
    decision.actor = word.actor;
    decision.reason = word.reason;
    decision.binding = bindingOf(evidence, context.policy);
    decision.created = now();
    if (isControl(proposal))
        return fail(Code::Refused, fmt::format("Version {} is a {}: it tests the lab and never goes live.", word.version.brief(), proposal.family));
    if (word.reason.empty())
        return fail(Code::Refused, "A decision needs a reason.", "Say why in a sentence: --reason \"...\".");
    if (!word.binding.empty() && word.binding != decision.binding.hex)
        return fail(Code::Refused, "The evidence has changed since you looked at it.", "Look again and decide on what is there now.");
    if (word.kind != DecisionKind::Approve)
        return recordOnly(context, decision, proposal, word.tell);
    RATCHET_CHECK(mayDeploy(evidence, context.policy, decision));
    RATCHET_CHECK(context.artifact(word.version));
    const VaultQuestion question{evidence.champion, word.version, proposal.id, vaultItems};
    RATCHET_TRY(answer, askVault(context, crew, question));      // no answer: as if nothing had been asked
    RATCHET_CHECK(recordApproval(context, decision, question, answer, word.tell));
    return isNotContradicted(context, answer);
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

Status rollBack(Context& context, Crew& crew, const Hash& version, const std::string& actor, const std::string& reason, const Tell& tell)
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
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        DeploymentRecord deployment;
        deployment.version = version;
        deployment.previous = champion.hash;
        deployment.kind = DeploymentKind::Rollback;
        deployment.actor = actor;
        deployment.reason = reason;
        deployment.created = now();
        RATCHET_CHECK(deploy(context, deployment));
        return tellIfAsked(tell, {});
    });
}

} // namespace ratchet
