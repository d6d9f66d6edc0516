// SPDX-License-Identifier: GPL-3.0-or-later
// The stage "propose" of a tooth: what people queued by hand first, then what the proposer draws, within the budget.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/agent/admission.h"
#include "core/agent/archived.h"
#include "core/agent/controls.h"
#include "core/agent/judge_job.h"
#include "core/agent/limits.h"
#include "core/agent/promotion.h"
#include "core/agent/question.h"
#include "core/agent/requests.h"
#include "core/agent/signals.h"
#include "core/agent/wheel.h"
#include "core/proposer/proposer.h"

namespace ratchet {
namespace {

// The seed model and what the gate accepted, in the order of their trials (an imported model has none), where the search
// space lets a genome name versions at all.
Result<std::vector<Elder>> eldersOf(const Context& context, const std::vector<Archived>& archive)
{
    const auto& paths = context.space.paths();
    if (!paths.contains("/recipe/teachers") && !paths.contains("/recipe/members"))
        return std::vector<Elder>{};
    std::map<std::int64_t, Elder> byTrial;
    std::map<Hash, Hash> ancestors;
    RATCHET_TRY(versions, context.store->versions());
    for (const VersionRecord& version : versions) {          // parents first
        const auto one = std::find_if(archive.begin(), archive.end(), [&](const Archived& other) { return other.version == version.hash; });
        if (one == archive.end() || version.tokenizer != context.tokenizer || !(one->accepted || one->champion || !version.parent))
            continue;
        RATCHET_TRY(genome, context.genome(version.genome));
        Hash before = version.hash;
        if (genome.recipe.namesMembers())
            before = Hash{genome.recipe.members.front()};
        else if (genome.recipe.start == "continue" && version.parent)
            before = *version.parent;
        const auto known = ancestors.find(before);
        ancestors[version.hash] = known == ancestors.end() ? before : known->second;
        byTrial.emplace(version.trial.value_or(Id<TrialRecord>{}).value,
                        Elder{version.hash, std::move(genome), ancestors[version.hash], one->score, one->champion, one->accepted});
    }
    std::vector<Elder> elders;
    for (auto& [trial, elder] : byTrial)
        elders.push_back(std::move(elder));
    return elders;
}

Result<ProposalRecord> recordOf(const Context& context, const ProposeTask& task, const Proposed& proposed)
{
    RATCHET_TRY(object, context.objects.put(proposed.idea.genome.toJson().dump()));
    ProposalRecord record;
    record.created = now();
    record.family = proposed.idea.family;
    record.operatorName = proposed.idea.operatorName;
    record.parent = task.parentHash;
    record.patch = patchBetween(task.parent, proposed.idea.genome);
    record.genome = object;
    record.reason = proposed.idea.reason;
    record.author = "improver:0";
    record.predictedGain = proposed.predictedGain;
    record.price = context.config.trialBudget;
    record.duplicateOf = proposed.duplicateOf;
    if (proposed.duplicateOf) {
        record.state = ProposalState::Duplicate;
        record.stateReason = fmt::format("Proposal {} tried this already.", proposed.duplicateOf->value);
    }
    return record;
}

} // namespace

Result<std::vector<ProposalRecord>> Wheel::queuedByHand() const
{
    RATCHET_TRY(all, m_context.store->proposals());
    std::erase_if(all, [](const ProposalRecord& p) { return p.state != ProposalState::Queued || p.tooth != 0 || isControl(p); });
    std::stable_sort(all.begin(), all.end(), [](const ProposalRecord& a, const ProposalRecord& b) { return a.rank < b.rank; });
    return all;
}

Result<std::vector<ProposalRecord>> Wheel::drawProposals(int count, const std::string& focus) const
{
    Rng rng = Rng::stream(m_context.config.seed, "propose", static_cast<std::uint64_t>(m_tooth.number));
    RATCHET_TRY(champion, m_context.champion());
    RATCHET_TRY(archive, archived(m_context, champion.hash));
    RATCHET_TRY(policy, parentPolicyFromText(m_context.config.parents));
    const Hash parentHash = chooseParent(archive, rng, policy);
    RATCHET_TRY(parent, m_context.store->version(parentHash));
    RATCHET_TRY(genome, m_context.genome(parent->genome));
    RATCHET_TRY(lessons, m_context.store->lessons());
    RATCHET_TRY(mislead, lessonsMislead(*m_context.store));
    if (mislead && !m_context.config.isDataFinite())
        lessons.clear();              // a signal that orders candidates the wrong way round is not asked: the prior draws alone
    RATCHET_TRY(tried, attempts(m_context));
    RATCHET_TRY(elders, eldersOf(m_context, archive));
    Status refused;
    const auto isAdmitted = [&](const Genome& child) {
        const auto admitted = admit(m_context, genome, child);
        if (!admitted && admitted.error().code == Code::Refused)
            refused = passOn(admitted);
        return admitted || admitted.error().code != Code::Refused;      // a plugin that throws is told when the trial fails
    };
    const ProposeTask task{genome, parentHash, lessons, tried, focus, count, elders, isAdmitted};
    std::vector<ProposalRecord> records;
    for (const Proposed& proposed : ratchet::propose(task, m_context.space, m_context.vocabulary, rng)) {
        RATCHET_TRY(record, recordOf(m_context, task, proposed));
        record.tooth = m_tooth.number;
        records.push_back(std::move(record));
    }
    if (records.empty())
        RATCHET_CHECK(refused);         // nothing of all that could be tried: no tooth would ever do anything
    return withPlacebos(m_context, std::move(records), m_tooth.number);
}

// The k of each question and the number of earlier discoveries are fixed here, before anything is trained, so that the
// verdicts do not depend on the order in which workers and judges end. Counting discoveries only up to the tooth's start
// makes alpha_k smaller than e-LOND allows, never larger; on finite data it is right because all that a tooth asks was fixed at
// its start. A placebo is judged as the next question would be and uses up none: the promise is about what may go live.
// A k is lowered by those that are given up before it (questionOf), so that who is tried again can be given its first number again:
// its items are others all the same, as its last question is named.
Status Wheel::propose()
{
    RATCHET_TRY(spent, m_context.store->spent());
    const int count = std::min(m_context.config.candidates, affordableTrials(m_context.config, spent));
    RATCHET_TRY(byHand, queuedByHand());
    const auto taken = std::min<std::size_t>(byHand.size(), static_cast<std::size_t>(count));
    RATCHET_TRY(drawn, drawProposals(count - static_cast<int>(taken), m_tooth.state.value("focus", "")));
    RATCHET_TRY(asked, askedSoFar(*m_context.store));
    return m_context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        Json numbers = Json::object();
        int k = asked.questions;
        const auto number = [&](Id<ProposalRecord> id, int ofQuestion, const std::string& after = "") {
            numbers[std::to_string(id.value)] = {{"k", ofQuestion}, {"question", questionNumber(fmt::format("gate {} {}{}", id.value, ofQuestion, after))}};
        };
        for (std::size_t i = 0; i < taken; ++i) {
            byHand[i].tooth = m_tooth.number;
            RATCHET_CHECK(m_context.store->update(byHand[i]));
            RATCHET_TRY(before, m_context.store->verdict(byHand[i].id));
            number(byHand[i].id, ++k, before ? fmt::format(" after {}", before->k) : "");
        }
        double rank = 0;
        for (ProposalRecord& record : drawn) {
            record.rank = m_tooth.number * 1000 + rank++;
            RATCHET_TRY(id, m_context.store->add(record));
            if (record.state == ProposalState::Queued)
                number(id, isControl(record) ? k + 1 : ++k);
        }
        m_tooth.state["questions"] = numbers;
        m_tooth.state["discoveries"] = asked.discoveries;
        m_stage = m_tooth.stage = "train";
        return m_context.store->put(m_tooth);
    });
}

} // namespace ratchet
