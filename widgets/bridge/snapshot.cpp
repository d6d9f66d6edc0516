// SPDX-License-Identifier: GPL-3.0-or-later
// Look-ups in a snapshot. Linear where a lab has thousands at most and a screenful is asked for.
#include <algorithm>

#include "widgets/bridge/lab_session.h"

namespace ratchet {
namespace {

// Rows come in order of their id, without holes in practice: try the row at the id's place first.
template <typename Record, typename Key>
const Record* byId(const std::vector<Record>& rows, Key id)
{
    const auto guess = static_cast<std::size_t>(id.value - 1);
    if (id.value > 0 && guess < rows.size() && rows[guess].id == id)
        return &rows[guess];
    const auto found = std::find_if(rows.begin(), rows.end(), [id](const Record& row) { return row.id == id; });
    return found == rows.end() ? nullptr : &*found;
}

} // namespace

const ProposalRecord* Snapshot::proposal(Id<ProposalRecord> id) const
{
    return id.isSet() ? byId(proposals, id) : nullptr;
}

const TrialRecord* Snapshot::trial(Id<TrialRecord> id) const
{
    return id.isSet() ? byId(trials, id) : nullptr;
}

const TrialRecord* Snapshot::trialOf(Id<ProposalRecord> wanted) const
{
    const auto found = std::find_if(trials.rbegin(), trials.rend(), [wanted](const TrialRecord& t) { return t.proposal == wanted; });
    return found == trials.rend() ? nullptr : &*found;
}

const VersionRecord* Snapshot::version(const Hash& hash) const
{
    const auto found = std::find_if(versions.begin(), versions.end(), [&](const VersionRecord& v) { return v.hash == hash; });
    return found == versions.end() ? nullptr : &*found;
}

const ProposalRecord* Snapshot::proposalOf(const VersionRecord& wanted) const
{
    if (!wanted.trial)
        return nullptr;
    const TrialRecord* made = trial(*wanted.trial);
    return made ? proposal(made->proposal) : nullptr;
}

const VerdictRecord* Snapshot::verdict(Id<ProposalRecord> wanted) const
{
    const auto found = std::find_if(verdicts.rbegin(), verdicts.rend(), [wanted](const VerdictRecord& v) { return v.proposal == wanted; });
    return found == verdicts.rend() ? nullptr : &*found;
}

std::vector<VerdictRecord> Snapshot::judgings(Id<ProposalRecord> wanted) const
{
    std::vector<VerdictRecord> list;
    std::copy_if(verdicts.rbegin(), verdicts.rend(), std::back_inserter(list), [wanted](const VerdictRecord& v) { return v.proposal == wanted; });
    return list;
}

const ScorecardRecord* Snapshot::gateScore(Id<ProposalRecord> wanted) const
{
    const auto found = std::find_if(scorecards.begin(), scorecards.end(), [wanted](const ScorecardRecord& card) {
        return card.proposal == wanted && card.split == "gate" && !card.retained;
    });
    return found == scorecards.end() ? nullptr : &*found;
}

const Json* Snapshot::genomeOf(const Hash& hash) const
{
    const VersionRecord* found = version(hash);
    const auto genome = found ? genomes.find(found->genome) : genomes.end();
    return genome == genomes.end() ? nullptr : &genome->second;
}

std::optional<double> Snapshot::scoreOf(const Hash& hash) const
{
    std::optional<double> asChampion;
    for (const auto* cards : {&scorecards, &earlierScorecards})
        for (const ScorecardRecord& card : *cards) {
            if (card.split != "gate" || card.retained || card.challenger == card.champion)
                continue;
            if (card.challenger == hash && cards == &scorecards)
                return card.challengerMean;
            if (card.champion == hash && !asChampion)
                asChampion = card.championMean;
        }
    return asChampion;
}

} // namespace ratchet
