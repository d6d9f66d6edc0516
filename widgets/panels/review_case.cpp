// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/review_case.h"

#include <algorithm>
#include <map>

#include "widgets/style/format.h"

namespace ratchet {

namespace {

std::optional<Hash> versionOf(const Snapshot& snapshot, Id<ProposalRecord> proposal)
{
    const TrialRecord* trial = snapshot.trialOf(proposal);
    return trial ? trial->version : std::nullopt;
}

void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& leaves)
{
    if (value.is_object() && !value.empty()) {
        for (const auto& [name, inner] : value.items())
            flatten(inner, path.empty() ? name : path + '.' + name, leaves);
        return;
    }
    leaves[path] = value;
}

QString shown(const std::map<std::string, Json>& leaves, const std::string& path)
{
    const auto leaf = leaves.find(path);
    return leaf == leaves.end() ? QStringLiteral("\u2013") : formatJsonValue(leaf->second);
}

QString field(const Json& object, const char* name)
{
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? text(found->get_ref<const std::string&>()) : QString();
}

} // namespace

std::vector<ReviewCase> casesOf(const Snapshot& snapshot, const QString& reviewer)
{
    std::vector<ReviewCase> cases;
    for (const auto& proposal : snapshot.proposals) {
        const auto version = versionOf(snapshot, proposal.id);
        if (!version || isControl(proposal))     // a placebo may have the champion's own version, which was decided on
            continue;
        const bool waits = proposal.state == ProposalState::Waiting;
        if (!waits && proposal.state != ProposalState::Accepted && !decisionOn(snapshot, *version))
            continue;
        ReviewCase entry{proposal.id, *version, waits || proposal.state == ProposalState::Accepted ? Turn::Waiting : Turn::Decided, {}};
        if (waits) {
            const auto evidence = evidenceIn(snapshot, proposal.id);
            entry.why = evidence ? obstacle(requirements(*evidence, snapshot.policy, std::nullopt)) : LabSession::tr("Its version is missing.");
            if (entry.why.isEmpty() && text(proposal.author) == reviewer)
                entry.why = LabSession::tr("You proposed it; somebody else has to decide.");
            entry.turn = entry.why.isEmpty() ? Turn::Yours : Turn::Waiting;
        } else if (entry.turn == Turn::Waiting) {
            entry.why = LabSession::tr("Accepted by the gate; the engine has not asked yet.");
        }
        cases.push_back(entry);
    }
    std::stable_sort(cases.begin(), cases.end(), [](const ReviewCase& a, const ReviewCase& b) {
        return a.turn != b.turn ? a.turn < b.turn : a.proposal.value > b.proposal.value;
    });
    return cases;
}

std::optional<Evidence> evidenceIn(const Snapshot& snapshot, Id<ProposalRecord> id)
{
    const ProposalRecord* proposal = snapshot.proposal(id);
    const auto hash = versionOf(snapshot, id);
    const VersionRecord* version = hash ? snapshot.version(*hash) : nullptr;
    if (!proposal || !version)
        return {};
    Evidence evidence;
    evidence.challenger = *version;
    evidence.champion = championOf(snapshot).value_or(Hash());
    evidence.proposalAuthor = proposal->author;
    if (const VerdictRecord* verdict = snapshot.verdict(id))
        evidence.verdict = *verdict;
    for (const auto& card : snapshot.scorecards)
        if (card.proposal == id && card.split == "gate")
            evidence.scorecards.push_back(card);
    evidence.spent = snapshot.spent;
    evidence.budget = snapshot.config.budget;
    return evidence;
}

const DecisionRecord* decisionOn(const Snapshot& snapshot, const Hash& version)
{
    const auto found = std::find_if(snapshot.decisions.rbegin(), snapshot.decisions.rend(),
                                    [&](const DecisionRecord& decision) { return decision.version == version; });
    return found == snapshot.decisions.rend() ? nullptr : &*found;
}

QString obstacle(const std::vector<Requirement>& requirements)
{
    for (const auto& requirement : requirements)
        if (requirement.name != "reviewer"
            && (requirement.state == RequirementState::Unsatisfied || requirement.state == RequirementState::Error))
            return requirement.detail.empty() ? LabSession::tr("The requirement \"%1\" is not met.").arg(text(requirement.title))
                                              : text(requirement.detail);
    return {};
}

std::vector<GenomeChange> genomeChanges(const Json& champion, const Json& challenger)
{
    std::map<std::string, Json> before, after;
    flatten(champion, {}, before);
    flatten(challenger, {}, after);
    std::map<std::string, Json> all = before;
    all.insert(after.begin(), after.end());
    std::vector<GenomeChange> changes;
    for (const auto& [path, value] : all) {
        const auto a = before.find(path), b = after.find(path);
        if (a == before.end() || b == after.end() || a->second != b->second)
            changes.push_back({text(path), shown(before, path), shown(after, path)});
    }
    return changes;
}

std::vector<SamplePair> samplesIn(const std::vector<const ScorecardRecord*>& cards)
{
    std::vector<SamplePair> samples;
    for (const auto* card : cards) {
        if (!card->samples.is_array())
            continue;
        for (const auto& sample : card->samples) {
            if (!sample.is_object() || !sample.contains("prompt"))
                continue;
            samples.push_back({text(card->suite), field(sample, "prompt"), field(sample, "expected"), field(sample, "champion"),
                               field(sample, "challenger"), field(sample, "championClass").isEmpty(), field(sample, "challengerClass").isEmpty()});
        }
    }
    const auto rank = [](const SamplePair& pair) { return pair.championRight != pair.challengerRight ? 0 : pair.championRight ? 2 : 1; };
    std::stable_sort(samples.begin(), samples.end(), [&](const SamplePair& a, const SamplePair& b) { return rank(a) < rank(b); });
    return samples;
}

} // namespace ratchet
