// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/requests.h"

#include "core/agent/admission.h"
#include "core/agent/controls.h"
#include "core/agent/promotion.h"
#include "core/agent/replication.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/plugin/loader.h"
#include "core/proposer/proposer.h"

namespace ratchet {
namespace {

// The same genome, or the same average or ensemble again: only another recipe or other data for a training that there is none of.
bool changesNothing(const Genome& parent, const Genome& child)
{
    Json before = parent.toJson(), after = child.toJson();
    const bool isMean = child.recipe.start == "average" || child.recipe.isEnsemble();
    if (isMean && !child.recipe.trains() && parent.recipe.start == child.recipe.start && child.recipe.members == parent.recipe.members)
        for (const char* ofTraining : {"recipe", "data", "adaptation"}) {
            before.erase(ofTraining);
            after.erase(ofTraining);
        }
    return before == after;
}

Status propose(Context& context, const Request& request, const Tell& tell)
{
    Json patch;
    std::string reason;
    Fields in(request.arguments, "the request");
    in.read("patch", patch).read("reason", reason);
    RATCHET_CHECK(in.status());
    if (reason.empty())
        return fail(Code::Usage, "A proposal needs a reason.", "Say what it should improve: --reason \"...\".");
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(parent, context.genome(champion.genome));
    auto patched = applyPatch(parent, patch);
    if (!patched)           // a genome that contradicts itself is a no like any other
        return fail(Code::Refused, patched.error().text, patched.error().hint);
    const Genome child = std::move(*patched);
    if (changesNothing(parent, child))
        return fail(Code::Refused, "The patch changes nothing.",
                    child.recipe.namesMembers() ? "To train it on, set /recipe/start to continue and empty /recipe/members." : "");
    RATCHET_CHECK(context.space.admits(parent, child, context.vocabulary));
    RATCHET_CHECK(admit(context, parent, child));
    RATCHET_TRY(object, context.objects.put(child.toJson().dump()));

    ProposalRecord proposal;
    proposal.created = now();
    proposal.family = "hand";
    proposal.operatorName = "by hand";
    proposal.parent = champion.hash;
    proposal.patch = patchBetween(parent, child);
    proposal.genome = object;
    proposal.reason = reason;
    proposal.author = request.actor;
    proposal.price = context.config.trialBudget;
    RATCHET_TRY(earlier, attempts(context));
    const Hash identity = identityOf(child, champion.hash);
    for (const Attempt& attempt : earlier)
        if (attempt.identity == identity) {
            proposal.state = ProposalState::Duplicate;
            proposal.stateReason = fmt::format("Proposal {} tried this already{}.", attempt.id.value,
                                               attempt.gain ? fmt::format(": gain {:+.3f}", *attempt.gain) : "");
            proposal.duplicateOf = attempt.id;
        }
    RATCHET_TRY(all, context.store->proposals());
    proposal.rank = static_cast<double>(all.size()) + 1;
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_TRY(id, context.store->add(proposal));
        RATCHET_CHECK(context.record(request.actor, "proposal", {{"id", id.value}, {"patch", proposal.patch}, {"reason", reason}}));
        return proposal.state == ProposalState::Duplicate ? tell(fail(Code::Refused, proposal.stateReason, "`ratchet queue --all` shows it.")) : tell({});
    });
}

constexpr const char* spaceKey = "space asked for";

// The file is read again: it is the person's, who may have edited it meanwhile. It is written when the ledger and the answer are, so that
// a killed engine's successor finds what is left to do and never a space that nobody asked for.
Status changeSpace(Context& context, const Request& request, const Tell& tell)
{
    std::map<std::string, Json> open;
    std::vector<std::string> close;
    Fields in(request.arguments, "the request");
    in.read("open", open).read("close", close);
    RATCHET_CHECK(in.status());
    RATCHET_TRY(text, readFile(context.paths.searchSpace()));
    RATCHET_TRY(written, parseJson(text, context.paths.searchSpace().string()));
    RATCHET_TRY(before, SearchSpace::fromJson(written));
    Json json = before.toJson();
    for (const std::string& path : close)
        if (json["paths"].erase(path) == 0)
            return fail(Code::NotFound, fmt::format("{} is not open.", path), "`ratchet space` lists what is.");
    for (const auto& [path, bound] : open)
        json["paths"][path] = bound;
    RATCHET_TRY(space, SearchSpace::fromJson(json));
    RATCHET_CHECK(context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(context.record(request.actor, "space", {{"open", open}, {"close", close}}));
        RATCHET_CHECK(context.store->setMeta(spaceKey, {{"over", hashOf(text).hex}, {"space", json}}));
        return tell({});
    }));
    context.space = std::move(space);
    return finishSpace(*context.store, context.paths);
}

Result<ProposalRecord> namedProposal(Context& context, const Request& request)
{
    Id<ProposalRecord> id;
    Fields in(request.arguments, "the request");
    in.read("proposal", id.value);
    RATCHET_CHECK(in.status());
    RATCHET_TRY(proposal, context.store->proposal(id));
    if (!proposal)
        return fail(Code::NotFound, fmt::format("There is no proposal {}.", id.value), "`ratchet queue` lists them.");
    return *proposal;
}

bool isOpen(const ProposalRecord& proposal)
{
    return proposal.state == ProposalState::Queued || proposal.state == ProposalState::Running;
}

// One that no crew has; inside a transaction.
Status markCancelled(Context& context, ProposalRecord proposal)
{
    proposal.state = ProposalState::Cancelled;
    proposal.stateReason = "It was cancelled by a person.";
    RATCHET_TRY(trial, context.store->trialOf(proposal.id));
    if (trial && (trial->state == TrialState::Running || trial->state == TrialState::Pending)) {
        trial->state = TrialState::Cancelled;       // left by an engine that was killed
        RATCHET_CHECK(context.store->update(*trial));
    }
    return context.store->update(proposal);
}

Status cancel(Context& context, Crew& crew, const Request& request, const Tell& tell)
{
    RATCHET_TRY(proposal, namedProposal(context, request));
    bool ended = false;
    RATCHET_CHECK(context.store->transaction(Store::Durable::No, [&]() -> Status {
        ended = crew.cancel(proposal.id);
        if (ended && proposal.family == replicationFamily && proposal.state == ProposalState::Trained)
            RATCHET_CHECK(markCancelled(context, proposal));        // who measures it writes nothing then
        return ended ? tell({}) : Status{};
    }));
    if (ended)
        return {};
    if (!isOpen(proposal))
        return fail(Code::Refused, fmt::format("Proposal {} is {}; only what is queued or running can be cancelled.", proposal.id.value,
                                               toText(proposal.state)));
    return context.store->transaction(Store::Durable::No, [&]() -> Status {
        RATCHET_CHECK(markCancelled(context, proposal));
        return tell({});
    });
}

Status updateAndTell(Context& context, const ProposalRecord& proposal, const Tell& tell)
{
    return context.store->transaction(Store::Durable::No, [&]() -> Status {
        RATCHET_CHECK(context.store->update(proposal));
        return tell({});
    });
}

// Kept in the store, so that whoever runs the lab next does it: a running engine before its next tooth.
Status askForReplication(Context& context, const Request& request, const Tell& tell)
{
    RATCHET_TRY(wish, replicationWish(request.arguments));
    RATCHET_TRY(version, context.store->version(wish.version));
    if (!version)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", wish.version.brief()), "`ratchet versions` lists them.");
    RATCHET_CHECK(missingRuns(context, *version, wish.seeds));
    RATCHET_TRY(wishes, replicationsAsked(*context.store));
    std::erase_if(wishes, [&](const ReplicationWish& one) { return one.isAbout(wish); });
    wishes.push_back(wish);
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(putReplicationsAsked(*context.store, wishes));
        return tell({});
    });
}

// Its runs that no other wish shares are ended. What was trained stays, and a measurement that is under way is given up.
Status withdrawReplication(Context& context, Crew& crew, const Request& request, const Tell& tell)
{
    RATCHET_TRY(wish, replicationWish(request.arguments));
    RATCHET_TRY(wishes, replicationsAsked(*context.store));
    if (std::erase_if(wishes, [&](const ReplicationWish& one) { return one.isAbout(wish); }) == 0)
        return fail(Code::NotFound, fmt::format("Nobody asked for version {} to be replicated, or it is done.", wish.version.brief()));
    RATCHET_TRY(version, context.store->version(wish.version));
    RATCHET_TRY(runs, version ? replicationsOf(*context.store, *version) : Result<std::vector<ProposalRecord>>{});
    for (const ReplicationWish& other : wishes) {
        RATCHET_TRY(its, context.store->version(other.version));
        std::erase_if(runs, [&](const ProposalRecord& run) { return its && replicates(run, *its); });
    }
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        for (const ProposalRecord& run : runs)
            if (!crew.cancel(run.id) && isOpen(run))
                RATCHET_CHECK(markCancelled(context, run));
        RATCHET_CHECK(putReplicationsAsked(*context.store, wishes));
        return tell({});
    });
}

Status retry(Context& context, const Request& request, const Tell& tell)
{
    RATCHET_TRY(proposal, namedProposal(context, request));
    if (proposal.state != ProposalState::Failed && proposal.state != ProposalState::Cancelled && proposal.state != ProposalState::Screened)
        return fail(Code::Refused, fmt::format("Proposal {} is {}; only what failed, was cancelled or given up can be tried again.", proposal.id.value,
                                               toText(proposal.state)));
    if (isControl(proposal))
        return fail(Code::Refused, fmt::format("Proposal {} is a {}: it tests the lab and is not tried again.", proposal.id.value, proposal.family),
                    proposal.family == replicationFamily ? "`ratchet replicate` trains what is missing." : "");
    proposal.state = ProposalState::Queued;
    proposal.stateReason.clear();
    proposal.tooth = 0;
    return updateAndTell(context, proposal, tell);
}

Status move(Context& context, const Request& request, const Tell& tell)
{
    RATCHET_TRY(proposal, namedProposal(context, request));
    std::int64_t before = 0;
    Fields in(request.arguments, "the request");
    in.read("before", before);
    RATCHET_CHECK(in.status());
    RATCHET_TRY(all, context.store->proposals());
    double above = -1e9, at = 1e9, highest = 0;
    for (const ProposalRecord& other : all) {
        highest = std::max(highest, other.rank);
        if (other.id.value == before)
            at = other.rank;
    }
    if (before != 0 && at == 1e9)
        return fail(Code::NotFound, fmt::format("There is no proposal {}.", before), "`ratchet queue` lists them.");
    for (const ProposalRecord& other : all)
        if (other.id != proposal.id && other.rank < at)
            above = std::max(above, other.rank);
    proposal.rank = before == 0 ? highest + 1 : above == -1e9 ? at - 1 : (above + at) / 2;
    return updateAndTell(context, proposal, tell);
}

Status takeFeedback(Context& context, const Request& request, const Tell& tell)
{
    OutcomeRecord outcome;
    Fields in(request.arguments, "the feedback");
    in.readIf("version", outcome.version.hex).read("prompt", outcome.prompt).read("completion", outcome.completion);
    in.readIf("correction", outcome.correction).readIf("rating", outcome.rating);
    RATCHET_CHECK(in.status());
    outcome.created = now();
    auto item = guarded(context.config.domain, [&] { return context.domain->parse(outcome.prompt); });
    if (item && *item)
        outcome.question = (*item)->question;
    return context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_TRY(id, context.store->add(outcome));
        RATCHET_CHECK(context.record(request.actor, "feedback", {{"id", id.value}, {"version", outcome.version.hex}}));
        return tell({});
    });
}

Status decideRequest(Context& context, Crew& crew, const Request& request, const Tell& tell)
{
    std::string prefix, reason, binding;
    Fields in(request.arguments, "the request");
    in.read("version", prefix).read("reason", reason).readIf("binding", binding);
    RATCHET_CHECK(in.status());
    RATCHET_TRY(version, context.store->findVersion(prefix));
    if (request.kind == "rollback")
        return rollBack(context, crew, version.hash, request.actor, reason, tell);
    const DecisionKind kind = request.kind == "approve" ? DecisionKind::Approve
                              : request.kind == "reject" ? DecisionKind::Reject : DecisionKind::MoreEvidence;
    return decide(context, crew, {version.hash, kind, request.actor, reason, binding, tell});
}

// An error: refused before anything was written, or told already with what was written.
Status apply(Context& context, Crew& crew, const Request& request, const Tell& tell)
{
    if (isDecision(request.kind))
        return decideRequest(context, crew, request, tell);
    if (request.kind == "propose")
        return propose(context, request, tell);
    if (request.kind == "cancel")
        return cancel(context, crew, request, tell);
    if (request.kind == "retry")
        return retry(context, request, tell);
    if (request.kind == "move")
        return move(context, request, tell);
    if (request.kind == "replicate")
        return askForReplication(context, request, tell);
    if (request.kind == "withdraw")
        return withdrawReplication(context, crew, request, tell);
    if (request.kind == "space")
        return changeSpace(context, request, tell);
    if (request.kind == "feedback")
        return takeFeedback(context, request, tell);
    return fail(Code::Refused, fmt::format("\"{}\" can be asked of a running engine only.", request.kind), "Start it with `ratchet run`.");
}

AnswerRecord answerTo(const Request& request, const Status& answered)
{
    AnswerRecord answer;
    answer.request = request.id;
    answer.kind = request.kind;
    answer.ok = answered.has_value();
    if (!answered) {
        answer.code = answered.error().code;
        answer.text = answered.error().text;
        answer.hint = answered.error().hint;
    }
    answer.created = now();
    return answer;
}

} // namespace

Result<std::vector<Attempt>> attempts(Context& context)
{
    RATCHET_TRY(proposals, context.store->proposals());
    std::vector<Attempt> list;
    for (const ProposalRecord& proposal : proposals) {
        if (proposal.state == ProposalState::Duplicate || proposal.state == ProposalState::Cancelled || proposal.state == ProposalState::Failed || isControl(proposal))
            continue;
        RATCHET_TRY(genome, context.genome(proposal.genome));
        Attempt attempt{proposal.id, identityOf(genome, proposal.parent), proposal.parent, proposal.family, proposal.patch, std::nullopt};
        RATCHET_TRY(cards, context.store->scorecards(proposal.id));
        for (const ScorecardRecord& card : cards)
            if (card.split == context.learnsFrom() && card.suite == context.target().name)
                attempt.gain = card.difference;
        list.push_back(std::move(attempt));
    }
    return list;
}

Status finishSpace(Store& store, const LabPaths& paths)
{
    RATCHET_TRY(asked, store.meta(spaceKey));
    if (!asked || asked->is_null())
        return {};
    std::string over;
    Json space;
    RATCHET_CHECK(Fields(*asked, "the search space that was asked for").read("over", over).read("space", space).status());
    RATCHET_TRY(text, readFile(paths.searchSpace()));
    if (hashOf(text).hex == over)
        RATCHET_CHECK(writeFile(paths.searchSpace(), space.dump(2) + "\n"));
    return store.setMeta(spaceKey, nullptr);
}

bool isControl(const std::string& kind)
{
    return kind == "pause" || kind == "resume" || kind == "step" || kind == "stop";
}

bool isDecision(const std::string& kind)
{
    return kind == "approve" || kind == "reject" || kind == "more-evidence" || kind == "rollback";
}

Result<AnswerRecord> carry(Context& context, Crew& crew, const Request& request, const Control& control)
{
    RATCHET_TRY(known, context.store->answer(request.id));
    if (known)
        return *known;
    const Tell tell = [&](const Status& answered) { return context.store->add(answerTo(request, answered)); };
    Status done;
    if (control && isControl(request.kind))
        control(request.kind);
    else
        done = apply(context, crew, request, tell);
    if (!done && (done.error().code == Code::Environment || done.error().code == Code::Cancelled))
        return passOn(done);
    RATCHET_TRY(told, context.store->answer(request.id));
    if (told)
        return *told;
    RATCHET_CHECK(tell(done));
    return answerTo(request, done);
}

} // namespace ratchet
