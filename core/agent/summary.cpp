// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/summary.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/agent/examination.h"
#include "core/agent/text_table.h"
#include "core/agent/trial_report.h"

namespace ratchet {
namespace {

Result<TriedRow> triedRow(const Store& store, const ProposalRecord& proposal, const std::vector<VerdictRecord>& verdicts)
{
    TriedRow row;
    row.tooth = proposal.tooth;
    row.proposal = proposal.id;
    row.family = proposal.family;
    row.change = proposal.operatorName;
    row.state = toText(proposal.state);
    row.reason = proposal.stateReason;
    row.predictedGain = proposal.predictedGain;
    RATCHET_TRY(trial, store.trialOf(proposal.id));
    if (trial) {
        row.version = trial->version;
        row.spent = trial->spent;
        row.told = sentencesOf(trial->report);
    }
    for (const VerdictRecord& verdict : verdicts) {
        if (verdict.proposal != proposal.id)
            continue;
        if (row.verdict)
            row.earlier.push_back(*row.verdict);
        row.verdict = verdict;
    }
    if (row.reason.empty() && row.verdict)
        row.reason = row.verdict->reason;
    RATCHET_TRY(cards, store.scorecards(proposal.id));
    for (const ScorecardRecord& card : cards)
        if (card.split == "gate" && !card.retained)
            row.measured = {card.championMean, card.challengerMean, card.difference, card.low, card.high, card.items};
    return row;
}

VaultScore scoreOf(const ScorecardRecord& card, const Hash& version)
{
    const double mean = card.challenger == version ? card.challengerMean : card.championMean;
    const Interval interval = wilson(mean, card.items);
    return {version, card.suite, card.items, mean, interval.low, interval.high};
}

bool compares(const ScorecardRecord& card, const Hash& before, const Hash& after)
{
    return card.champion == before && card.challenger == after;
}

// Vault scorecards that no decision looked at, newest first: those of a promotion carry its proposal.
std::vector<ScorecardRecord> vaultCards(const std::vector<ScorecardRecord>& cards)
{
    std::vector<ScorecardRecord> vault;
    std::copy_if(cards.begin(), cards.end(), std::back_inserter(vault),
                 [](const auto& card) { return card.split == "vault" && !card.proposal.isSet(); });
    std::stable_sort(vault.begin(), vault.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
    return vault;
}

// Unpaired difference of two shares (Newcombe 1998, method 10).
void newcombe(VaultChange& change)
{
    const VaultScore &a = change.before, &b = change.after;
    change.difference = b.mean - a.mean;
    change.low = change.difference - std::hypot(b.mean - b.low, a.high - a.mean);
    change.high = change.difference + std::hypot(b.high - b.mean, a.mean - a.low);
}

std::optional<VaultChange> changeOn(const std::string& suite, const std::vector<ScorecardRecord>& firstCards,
                                    const std::vector<ScorecardRecord>& liveCards, const Hash& first, const Hash& live)
{
    for (const ScorecardRecord& card : liveCards)
        if (card.suite == suite && first != live && compares(card, first, live))
            return VaultChange{.before = scoreOf(card, first),
                               .after = scoreOf(card, live),
                               .difference = card.difference,
                               .low = card.low,
                               .high = card.high,
                               .paired = true};
    const auto onSuite = [&](const ScorecardRecord& card) { return card.suite == suite; };
    const auto before = std::find_if(firstCards.begin(), firstCards.end(), onSuite);
    const auto after = std::find_if(liveCards.begin(), liveCards.end(), onSuite);
    if (before == firstCards.end() || after == liveCards.end())
        return std::nullopt;
    VaultChange change{.before = scoreOf(*before, first), .after = scoreOf(*after, live)};
    newcombe(change);
    return change;
}

Result<std::vector<VaultChange>> vaultChanges(const Store& store, const Hash& first, const Hash& live)
{
    RATCHET_TRY(allFirst, store.scorecardsOf(first));
    RATCHET_TRY(allLive, store.scorecardsOf(live));
    const std::vector<ScorecardRecord> firstCards = vaultCards(allFirst), liveCards = vaultCards(allLive);
    std::vector<VaultChange> changes;
    std::vector<std::string> suites;
    for (bool retained : {false, true})
        for (const ScorecardRecord& card : liveCards)
            if (card.retained == retained && std::find(suites.begin(), suites.end(), card.suite) == suites.end())
                suites.push_back(card.suite);
    for (const std::string& suite : suites)
        if (auto change = changeOn(suite, firstCards, liveCards, first, live))
            changes.push_back(*change);
    return changes;
}

Status addPrice(const Store& store, Summary& summary)
{
    RATCHET_TRY(spent, store.spent());
    RATCHET_TRY(trials, store.trials());
    RATCHET_TRY(teeth, store.teeth());
    RATCHET_TRY(head, store.ledgerHead());
    summary.spent = spent;
    summary.trials = static_cast<int>(trials.size());
    for (const TrialRecord& trial : trials) {
        summary.trialTime += trial.wall;
        summary.failedTrials += trial.state == TrialState::Failed;
    }
    summary.teeth =
        static_cast<int>(std::count_if(teeth.begin(), teeth.end(), [](const auto& t) { return t.stage == "done"; }));
    if (head) {
        summary.ledgerEntries = head->seq;
        summary.ledgerHead = head->hash;
    }
    return {};
}

} // namespace

Interval wilson(double share, int items)
{
    if (items <= 0)
        return {0, 1};
    constexpr double z = 1.959963984540054;
    const double n = items, z2 = z * z;
    const double centre = (share + z2 / (2 * n)) / (1 + z2 / n);
    const double half = z / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Result<Summary> summarise(const Store& store, const LabConfig& config)
{
    Summary summary;
    summary.config = config;
    RATCHET_TRY(proposals, store.proposals());
    RATCHET_TRY(verdicts, store.verdicts());
    for (const ProposalRecord& proposal : proposals) {
        RATCHET_TRY(row, triedRow(store, proposal, verdicts));
        summary.waiting += proposal.state == ProposalState::Waiting;
        summary.tried.push_back(std::move(row));
    }
    summary.bitsPerByte = config.isBitsPerByte();
    RATCHET_TRY(deployments, store.deployments());
    summary.deployments = std::move(deployments);
    if (!summary.deployments.empty()) {
        RATCHET_TRY(first, store.version(summary.deployments.front().version));
        RATCHET_TRY(live, store.version(summary.deployments.back().version));
        summary.first = first;
        summary.live = live;
    }
    if (summary.first && summary.live) {
        RATCHET_TRY(vault, vaultChanges(store, summary.first->hash, summary.live->hash));
        summary.vault = std::move(vault);
    }
    RATCHET_TRY(use, vaultUse(store, config));
    summary.vaultUse = use;
    RATCHET_TRY(gate, gateRecords(store));
    summary.gate = std::move(gate);
    RATCHET_TRY(placebos, countPlacebos(store));
    summary.placebos = placebos;
    RATCHET_TRY(screening, screeningOf(store));
    summary.screening = std::move(screening);
    RATCHET_TRY(reward, rewardUse(store));
    summary.reward = std::move(reward);
    RATCHET_CHECK(addPrice(store, summary));
    return summary;
}

Json toJson(const Summary& summary)
{
    Json tried = Json::array();
    for (const TriedRow& row : summary.tried) {
        Json entry{{"tooth", row.tooth},
                   {"proposal", row.proposal.value},
                   {"family", row.family},
                   {"change", row.change},
                   {"state", row.state},
                   {"reason", row.reason},
                   {"predictedGain", row.predictedGain},
                   {"flops", row.spent.value}};
        if (row.version)
            entry["version"] = row.version->hex;
        if (row.measured)
            entry["measured"] = {{"champion", row.measured->champion},
                                 {"challenger", row.measured->challenger},
                                 {"difference", row.measured->difference},
                                 {"low", row.measured->low},
                                 {"high", row.measured->high},
                                 {"items", row.measured->items}};
        if (row.verdict)
            entry["verdict"] = toJson(*row.verdict);
        for (const VerdictRecord& verdict : row.earlier)
            entry["earlier"].push_back(toJson(verdict));
        tried.push_back(std::move(entry));
    }
    Json vault = Json::array();
    for (const VaultChange& change : summary.vault) {
        const auto score = [](const VaultScore& s) {
            return Json{
                {"version", s.version.hex}, {"items", s.items}, {"mean", s.mean}, {"low", s.low}, {"high", s.high}};
        };
        vault.push_back({{"suite", change.before.suite},
                         {"before", score(change.before)},
                         {"after", score(change.after)},
                         {"difference", change.difference},
                         {"low", change.low},
                         {"high", change.high},
                         {"paired", change.paired}});
    }
    return {{"lab", summary.config.toJson()},
            {"bitsPerByte", summary.bitsPerByte},
            {"tried", tried},
            {"vault", vault},
            {"vaultUse", toJson(summary.vaultUse)},
            {"gate", toJson(summary.gate)},
            {"first", summary.first ? Json(summary.first->hash.hex) : Json()},
            {"live", summary.live ? Json(summary.live->hash.hex) : Json()},
            {"placebos", toJson(summary.placebos)},
            {"screening", toJson(summary.screening)},
            {"reward", summary.reward.work.empty() ? Json() : toJson(summary.reward)},
            {"deployments", summary.deployments.size()},
            {"spentFlops", summary.spent.value},
            {"trialSeconds", static_cast<double>(summary.trialTime.count()) / 1000},
            {"teeth", summary.teeth},
            {"trials", summary.trials},
            {"failedTrials", summary.failedTrials},
            {"waiting", summary.waiting},
            {"ledger", {{"entries", summary.ledgerEntries}, {"head", summary.ledgerHead.hex}}}};
}

} // namespace ratchet
