// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/timeline_layout.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "widgets/style/format.h"

namespace ratchet {
namespace {

using Index = std::unordered_map<Hash, int>;

// Deployments replayed: a rollback takes the versions after its target off the path.
std::vector<int> championPath(const Snapshot& snapshot, const Index& index, std::vector<TimelineNode>& nodes)
{
    std::vector<int> path;
    for (const DeploymentRecord& deployment : snapshot.deployments) {
        const auto found = index.find(deployment.version);
        if (found == index.end())
            continue;
        TimelineNode& node = nodes[static_cast<std::size_t>(found->second)];
        node.wasLive = true;
        const auto earlier = std::find(path.begin(), path.end(), found->second);
        if (deployment.kind == DeploymentKind::Rollback) {
            if (!path.empty()) {
                TimelineNode& left = nodes[static_cast<std::size_t>(path.back())];
                left.state = State::RolledBack;
                left.stateText = QCoreApplication::translate("timeline", "rolled back");
                left.reason = text(deployment.reason);
            }
            if (earlier != path.end()) {
                for (auto after = earlier + 1; after != path.end(); ++after)
                    nodes[static_cast<std::size_t>(*after)].state = State::RolledBack;
                path.erase(earlier + 1, path.end());
            } else {
                path.push_back(found->second);
            }
        } else if (earlier == path.end()) {
            path.push_back(found->second);
        }
        node.state = State::Champion;
        node.stateText = QCoreApplication::translate("timeline", "champion");
    }
    return path;
}

void placeByGeneration(const Snapshot& snapshot, int lanes, TimelineLayout& layout)
{
    std::vector<bool> onPath(layout.nodes.size(), false);
    for (const int at : layout.path)
        onPath[static_cast<std::size_t>(at)] = true;
    std::map<int, std::vector<int>> generations;
    for (std::size_t i = 0; i < layout.nodes.size(); ++i)
        generations[snapshot.versions[i].generation].push_back(static_cast<int>(i));
    int slot = 0;
    for (const auto& [generation, members] : generations) {
        int lane = 1;
        bool used = false;
        for (const int member : members) {
            if (onPath[static_cast<std::size_t>(member)])
                continue;
            auto& node = layout.nodes[static_cast<std::size_t>(member)];
            if (lane > lanes) {
                lane = 1;
                ++slot;
            }
            node.slot = slot;
            node.lane = lane++;
            used = true;
        }
        // The champion stands at the right end of its generation: the next generation starts from it.
        int champions = 0;
        for (const int member : members)
            if (onPath[static_cast<std::size_t>(member)]) {
                slot += champions > 0 || (used && lane > 2) ? 1 : 0;
                layout.nodes[static_cast<std::size_t>(member)].slot = slot;
                ++champions;
            }
        ++slot;
    }
    layout.slots = slot;
}

} // namespace

TimelineLayout TimelineLayout::of(const Snapshot& snapshot, int lanes)
{
    TimelineLayout layout;
    Index index;
    std::unordered_map<Hash, double> scores;
    for (const auto* cards : {&snapshot.scorecards, &snapshot.earlierScorecards})
        for (const ScorecardRecord& card : *cards)
            if (card.split == "gate" && !card.retained)
                scores.emplace(card.champion, card.championMean);
    for (const ScorecardRecord& card : snapshot.scorecards)
        if (card.split == "gate" && !card.retained)
            scores[card.challenger] = card.challengerMean;
    for (std::size_t i = 0; i < snapshot.versions.size(); ++i) {
        const VersionRecord& version = snapshot.versions[i];
        TimelineNode node;
        node.version = version.hash;
        node.name = QStringLiteral("v%1").arg(i);
        const auto parent = version.parent ? index.find(*version.parent) : index.end();
        node.parent = parent == index.end() ? -1 : parent->second;
        if (const auto score = scores.find(version.hash); score != scores.end())
            node.score = score->second;
        if (const ProposalRecord* proposal = snapshot.proposalOf(version)) {
            node.state = stateOf(proposal->state);
            node.stateText = stateTitle(proposal->state);
            node.reason = text(proposal->stateReason);
        }
        index.emplace(version.hash, static_cast<int>(i));
        layout.nodes.push_back(std::move(node));
    }
    layout.path = championPath(snapshot, index, layout.nodes);
    placeByGeneration(snapshot, std::max(1, lanes), layout);
    return layout;
}

int TimelineLayout::indexOf(const Hash& version) const
{
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const TimelineNode& node) { return node.version == version; });
    return found == nodes.end() ? -1 : static_cast<int>(found - nodes.begin());
}

} // namespace ratchet
