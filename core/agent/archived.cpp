// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/archived.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/agent/controls.h"

namespace ratchet {
namespace {

constexpr std::size_t neighbours = 3;

struct Niche { Archived* entry; Genome genome; };

Status addNiches(Context& context, const std::vector<VersionRecord>& versions, std::vector<Archived>& list)
{
    std::vector<Niche> parents;
    for (Archived& one : list) {
        if (!one.champion && !one.accepted)
            continue;
        const auto record = std::find_if(versions.begin(), versions.end(), [&](const VersionRecord& v) { return v.hash == one.version; });
        RATCHET_TRY(genome, context.genome(record->genome));
        one.cell = fmt::format("{} {:.0f}", genome.reasoning.format, std::floor(std::log10(std::max<double>(static_cast<double>(record->parameters), 1))));
        parents.push_back({&one, std::move(genome)});
    }
    for (const Niche& own : parents) {
        std::vector<double> distances;
        for (const Niche& other : parents)
            if (other.entry != own.entry)
                distances.push_back(static_cast<double>(patchBetween(own.genome, other.genome).size()));
        std::sort(distances.begin(), distances.end());
        distances.resize(std::min(distances.size(), neighbours));
        for (const double distance : distances)
            own.entry->novelty += distance / static_cast<double>(distances.size());
    }
    return {};
}

} // namespace

Result<std::vector<Archived>> archived(Context& context, const Hash& champion)
{
    RATCHET_TRY(versions, context.store->versions());
    RATCHET_TRY(proposals, context.store->proposals());
    std::multimap<std::int64_t, Archived> byProposal;        // trials of a tooth end in any order, and a draw must not depend on it
    for (const VersionRecord& version : versions) {
        Archived one;
        std::int64_t made = 0;
        one.version = version.hash;
        one.champion = version.hash == champion;
        one.parent = version.parent;
        RATCHET_TRY(cards, context.store->scorecardsOf(version.hash));
        for (const ScorecardRecord& card : cards)
            if (card.split == context.learnsFrom() && card.challenger == version.hash && card.suite == context.target().name)
                one.score = card.challengerMean;
        for (const ProposalRecord& proposal : proposals)
            one.children += proposal.parent == version.hash && proposal.state != ProposalState::Duplicate && !isControl(proposal);
        if (version.trial) {
            RATCHET_TRY(trial, context.store->trial(*version.trial));
            if (trial && trial->proposal.isSet()) {
                RATCHET_TRY(proposal, context.store->proposal(trial->proposal));
                if (proposal && isControl(*proposal))
                    continue;
                RATCHET_TRY(verdict, context.store->verdict(trial->proposal));
                one.accepted = verdict && verdict->verdict == Verdict::Accept;
                made = trial->proposal.value;
            }
        }
        byProposal.emplace(made, one);
    }
    std::vector<Archived> list;
    for (auto& [made, one] : byProposal)
        list.push_back(std::move(one));
    RATCHET_CHECK(addNiches(context, versions, list));
    return list;
}

} // namespace ratchet
