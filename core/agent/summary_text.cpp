// SPDX-License-Identifier: GPL-3.0-or-later
// The words of a Summary.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/agent/examination.h"
#include "core/agent/summary.h"
#include "core/agent/text_table.h"

namespace ratchet {

std::string scoreText(const Summary& summary, double score)
{
    return summary.bitsPerByte ? fmt::format("{:.3f}", 8 * (1 - score)) : toTextPercent(score);
}

std::string gainText(const Summary& summary, double difference)
{
    return summary.bitsPerByte ? fmt::format("{:+.3f}", 8 * difference) : fmt::format("{:+.1f}", 100 * difference);
}

std::string eValueText(double value)
{
    if (value >= 1e5 || (value > 0 && value < 1e-3))
        return fmt::format("{:.1e}", value);
    return value >= 1e3 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string placeboText(const PlaceboCount& count)
{
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (const PlaceboKind& moved = count.jittered; moved.judged > 0)
        add(fmt::format("weights moved: {} judged, {} of them could have been accepted, {} were (false accept rate {} to {}; their alphas sum to {:.2g})",
                        moved.judged, moved.able, moved.accepted, toTextPercent(moved.low), toTextPercent(moved.high), moved.promised));
    if (const PlaceboKind& again = count.reseeded; again.judged > 0)
        add(fmt::format("the champion's recipe with another seed: {} judged, {} of them could have been accepted, {} were, {} of these no better "
                        "on other items ({} to {})",
                        again.judged, again.able, again.accepted, again.refuted, toTextPercent(again.low), toTextPercent(again.high)));
    if (count.identical > 0)
        add(fmt::format("the champion itself: {} judged, {} answered otherwise", count.identical, count.differing));
    return text;
}

Json toJson(const PlaceboCount& count)
{
    const auto kind = [](const PlaceboKind& one) {
        return Json{{"judged", one.judged}, {"able", one.able}, {"accepted", one.accepted}, {"refuted", one.refuted},
                    {"low", one.low}, {"high", one.high}, {"promised", one.promised}};
    };
    return {{"jittered", kind(count.jittered)}, {"reseeded", kind(count.reseeded)},
            {"identical", {{"judged", count.identical}, {"differing", count.differing}}}};
}

std::vector<std::string> gateChanges(const Summary& summary)
{
    std::vector<std::string> changes;
    for (const GateChange& change : changesOf(summary.gate))
        changes.push_back(fmt::format("{}, {} judged before: {}", change.time,
                                      change.questions == 1 ? "1 question" : fmt::format("{} questions", change.questions), change.text));
    if (const std::string open = unrecordedChange(summary.gate, summary.config); !open.empty())
        changes.push_back(fmt::format("lab.json was edited, and the next run will record it: {}", open));
    return changes;
}

namespace {

std::string interval(const Summary& summary, double low, double high)
{
    return fmt::format("[{}, {}]", gainText(summary, low), gainText(summary, high));
}

std::string triedTable(const Summary& summary)
{
    constexpr auto right = Column::Align::Right;
    std::vector<std::vector<std::string>> rows;
    for (const TriedRow& row : summary.tried) {
        const auto& m = row.measured;
        rows.push_back(
            {std::to_string(row.tooth), std::to_string(row.proposal.value), row.family, row.change, row.state,
             m ? gainText(summary, m->difference) : "-", m ? interval(summary, m->low, m->high) : "-",
             m ? std::to_string(m->items) : "-", row.verdict ? eValueText(row.verdict->eValue) : "-",
             row.verdict && row.verdict->threshold > 0 ? eValueText(row.verdict->threshold) : "-", toText(row.spent)});
    }
    return textTable({{"tooth", right},
                      {"no", right},
                      {"family"},
                      {"change"},
                      {"result"},
                      {"gain", right},
                      {"interval", right},
                      {"items", right},
                      {"E", right},
                      {"needed", right},
                      {"price", right}},
                     rows);
}

// The change with its family, which many changes name themselves.
std::string named(const TriedRow& row)
{
    return row.change.starts_with(row.family) ? row.change : fmt::format("{} ({})", row.change, row.family);
}

bool wasPromoted(const TriedRow& row)
{
    return row.state == toText(ProposalState::Promoted);
}

// Settled, and not in use: everything but what is on its way.
bool wasRefused(const TriedRow& row)
{
    for (const auto state : {ProposalState::Promoted, ProposalState::Queued, ProposalState::Running, ProposalState::Trained,
                             ProposalState::Waiting})
        if (row.state == toText(state))
            return false;
    return true;
}

std::string helpedText(const Summary& summary)
{
    std::string text;
    for (const TriedRow& row : summary.tried)
        if (wasPromoted(row) && row.measured)
            text += fmt::format(
                "  {}: {} -> {}, gain {} {}, E = {} of {} needed\n", named(row),
                scoreText(summary, row.measured->champion), scoreText(summary, row.measured->challenger),
                gainText(summary, row.measured->difference), interval(summary, row.measured->low, row.measured->high),
                eValueText(row.verdict ? row.verdict->eValue : 0),
                eValueText(row.verdict ? row.verdict->threshold : 0));
    return text.empty() ? "  Nothing yet.\n" : text;
}

std::string refusedText(const Summary& summary)
{
    std::string text;
    for (const TriedRow& row : summary.tried)
        if (wasRefused(row) && !row.reason.empty())
            text += fmt::format("  {} {}: {}: {}\n", row.proposal.value, named(row), row.state, row.reason);
    return text.empty() ? "  Nothing.\n" : text;
}

std::string passRateTable(const ScreeningReport& screening)
{
    std::vector<std::vector<std::string>> rows;
    for (const auto& family : screening.families)
        rows.push_back({family.name, passRateText(family.pass), passRateText(family.fail)});
    return rows.empty() ? std::string() : textTable({{"family"}, {"accepted of the better half"}, {"of the worse half"}}, rows);
}

std::string toldText(const Summary& summary)
{
    std::string text;
    for (const TriedRow& row : summary.tried)
        for (const std::string& sentence : row.told)
            text += fmt::format("  {} {}: {}\n", row.proposal.value, named(row), sentence);
    return text;
}

std::string earlierText(const Summary& summary)
{
    std::string text;
    for (const TriedRow& row : summary.tried)
        for (const VerdictRecord& verdict : row.earlier)
            text += fmt::format("  {} {}: {}: {}\n", row.proposal.value, named(row), judgingText(verdict), verdict.reason);
    return text;
}

std::string vaultScore(const Summary& summary, const VaultScore& score)
{
    if (summary.bitsPerByte)
        return scoreText(summary, score.mean) + " bits per byte";
    return fmt::format("{} [{}, {}]", toTextPercent(score.mean), toTextPercent(score.low), toTextPercent(score.high));
}

std::string vaultText(const Summary& summary)
{
    if (summary.vault.empty())
        return summary.first && summary.live && summary.first->hash == summary.live->hash
                   ? "  The first version is still live: there is nothing to compare.\n"
               : summary.vaultUse.isSpent() ? "  Not measured: the vault is spent.\n"
                                            : "  Not measured yet: the vault is opened at the end of a run.\n";
    std::string text;
    for (const VaultChange& change : summary.vault)
        text += fmt::format("  {}: {} -> {}, gain {} {}, {} items{}\n", change.before.suite,
                            vaultScore(summary, change.before), vaultScore(summary, change.after),
                            gainText(summary, change.difference), interval(summary, change.low, change.high),
                            change.after.items, change.paired ? " answered by both" : "");
    return text;
}

} // namespace

std::string toText(const Summary& summary)
{
    std::string text = fmt::format("Lab: {}, goal \"{}\", seed {}\n\n", summary.config.domain, summary.config.goal,
                                   summary.config.seed);
    text += fmt::format("What was tried (gain: challenger against champion on fresh gate items, in {})\n",
                        summary.bitsPerByte ? "bits saved per byte" : "points of 100");
    text += summary.tried.empty() ? "  Nothing yet.\n" : triedTable(summary);
    text += "\nWhat helped\n" + helpedText(summary);
    text += "\nWhat was refused, and why\n" + refusedText(summary);
    if (const std::string earlier = earlierText(summary); !earlier.empty())
        text += "\nJudged before, and tried again on fresh items\n" + earlier;
    if (const std::string told = toldText(summary); !told.empty())
        text += "\nWhat trials started and learnt from\n" + told;
    text += fmt::format("\nChampion before and after, on vault items{} (95 % intervals)\n{}  The vault was {} in this lab.\n",
                        summary.config.isDataFinite() ? "" : " never used for a decision", vaultText(summary), toText(summary.vaultUse));
    if (const auto changes = gateChanges(summary); !changes.empty())
        text += fmt::format("\nChanges of what the gate may err\n  {}\n", fmt::join(changes, "\n  "));
    if (const std::string placebos = placeboText(summary.placebos); !placebos.empty())
        text += fmt::format("\nPlacebos, which no gate should accept: {}\n", placebos);
    if (const std::string screening = screeningText(summary.screening); !screening.empty())
        text += fmt::format("\nStages: {} (chance of an accept, with 80 % intervals)\n{}", screening, passRateTable(summary.screening));
    if (const std::string reward = rewardText(summary.reward); !reward.empty())
        text += "\nReward model, which only orders what is judged: " + reward;
    if (summary.live)
        text += fmt::format("\nLive: version {} ({}, generation {}, {} parameters)\n", summary.live->hash.brief(),
                            summary.live->origin, summary.live->generation, summary.live->parameters);
    else
        text += "\n";
    text += fmt::format("Price: {} of {} in {} trials ({} failed), {} of training, {}\n", toText(summary.spent),
                        toText(summary.config.budget), summary.trials, summary.failedTrials, toText(summary.trialTime),
                        summary.teeth == 1 ? "1 tooth" : fmt::format("{} teeth", summary.teeth));
    if (summary.waiting > 0)
        text += fmt::format("Waiting for a person: {}\n", summary.waiting);
    if (summary.ledgerHead.isSet())
        text += fmt::format("Ledger: {} entries, head {}\n", summary.ledgerEntries, summary.ledgerHead.brief());
    return text;
}

std::string sightText(const Summary& summary, const Sight& sight)
{
    const int items = summary.config.gateItems;
    if (sight.smallest.gain <= 0)
        return fmt::format("Question {} (alpha {:.2g}): no gain can be seen within {} items, as equal recipes answer too much {}.", sight.k, sight.alpha, items,
                           summary.bitsPerByte ? "unlike" : "alike");
    return fmt::format("Question {} (alpha {:.2g}): the smallest gain seen four times in five is {}{}, "
                       "for about {:.0f} of {} items: {} of training and {} of judging.", sight.k, sight.alpha, gainText(summary, sight.smallest.gain),
                       summary.bitsPerByte ? std::string(" bits per byte") : fmt::format(" ({:.0f} % of answers that differ won)", 100 * sight.smallest.winShare),
                       sight.smallest.meanPairs, items, toText(sight.training),
                       sight.judging.value > 0 ? fmt::format("about {}", toText(sight.judging)) : "an unknown sum");
}

} // namespace ratchet
