// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/agent/examination.h"
#include "core/agent/report_scorecard.h"
#include "core/agent/report_style.h"
#include "core/agent/summary.h"
#include "core/agent/svg.h"
#include "core/genome/genome.h"

namespace ratchet {
namespace {

std::string cell(const std::string& text, const char* kind = "")
{
    return fmt::format("<td{}>{}</td>", kind, escapeHtml(text));
}

std::string number(const std::string& text)
{
    return cell(text, " class=\"n\"");
}

std::string interval(const Summary& summary, double low, double high)
{
    return fmt::format("[{}, {}]", gainText(summary, low), gainText(summary, high));
}

std::string heading(const Summary& s)
{
    std::string html =
        fmt::format("<h1>Ratchet lab: {}</h1>\n<p class=\"faint\">goal \"{}\", seed {}, made {} by Ratchet {}</p>\n",
                    escapeHtml(s.config.domain), escapeHtml(s.config.goal), s.config.seed, escapeHtml(s.config.created),
                    escapeHtml(s.config.ratchet));
    html += fmt::format("<h2>Champion before and after, on vault items{}</h2>\n", s.config.isDataFinite() ? "" : " never used for a decision");
    const std::string opened = fmt::format("The vault was {} in this lab.", toText(s.vaultUse));
    if (s.vault.empty())
        return html + fmt::format("<p>Not measured{}. {}</p>\n", s.vaultUse.isSpent() ? "" : " yet: the vault is opened at the end of a run", opened);
    html += "<div class=\"scroll\"><table><tr><th>suite</th><th class=\"n\">before</th><th class=\"n\">after</th>"
            "<th class=\"n\">gain</th><th class=\"n\">95 % interval</th><th class=\"n\">items</th></tr>\n";
    for (const VaultChange& change : s.vault)
        html += "<tr>" + cell(change.before.suite) + number(scoreText(s, change.before.mean)) +
                number(scoreText(s, change.after.mean)) + number(gainText(s, change.difference)) +
                number(interval(s, change.low, change.high)) + number(std::to_string(change.after.items)) + "</tr>\n";
    return html + "</table></div>\n" +
           fmt::format("<p class=\"faint\">{} {}</p>\n", s.bitsPerByte ? "Bits per byte; the gain is in bits saved."
                                                                       : "Exact match; the gain is in points of 100.", opened);
}

std::string screeningTable(const ScreeningReport& screening)
{
    const std::string text = screeningText(screening);
    if (text.empty())
        return {};
    std::string html = fmt::format("<p>Stages: {}. P(accepted | side of the median of earlier looks), 80 % intervals:</p>\n<table><tr><th>family</th>"
                                   "<th>of the better half</th><th>of the worse half</th></tr>\n", escapeHtml(text));
    for (const auto& family : screening.families)
        html += "<tr>" + cell(family.name) + cell(passRateText(family.pass)) + cell(passRateText(family.fail)) + "</tr>\n";
    return html + "</table>\n";
}

std::string triedTable(const Summary& s)
{
    std::string html =
        "<h2>What was tried</h2>\n<div class=\"scroll\"><table><tr><th class=\"n\">tooth</th><th class=\"n\">no</th>"
        "<th>family</th><th>change</th><th>result</th><th class=\"n\">gain</th><th class=\"n\">interval</th>"
        "<th class=\"n\">items</th><th class=\"n\">E</th><th class=\"n\">needed</th><th "
        "class=\"n\">price</th><th>why</th></tr>\n";
    for (const TriedRow& row : s.tried) {
        const auto& m = row.measured;
        html += row.state == toText(ProposalState::Promoted) ? "<tr class=\"good\">" : "<tr>";
        html += number(std::to_string(row.tooth)) + number(std::to_string(row.proposal.value)) + cell(row.family) +
                cell(row.change) + cell(row.state) + number(m ? gainText(s, m->difference) : "-") +
                number(m ? interval(s, m->low, m->high) : "-") + number(m ? std::to_string(m->items) : "-") +
                number(row.verdict ? eValueText(row.verdict->eValue) : "-") +
                number(row.verdict ? eValueText(row.verdict->threshold) : "-") + number(toText(row.spent)) +
                cell(row.reason) + "</tr>\n";
    }
    html += "</table></div>\n";
    for (const TriedRow& row : s.tried)
        for (const VerdictRecord& verdict : row.earlier)
            html += fmt::format("<p>Proposal {} was judged before: {}: {}</p>\n", row.proposal.value, judgingText(verdict), escapeHtml(verdict.reason));
    for (const TriedRow& row : s.tried)
        for (const std::string& sentence : row.told)
            html += fmt::format("<p>Proposal {}: {}</p>\n", row.proposal.value, escapeHtml(sentence));
    if (const std::string placebos = placeboText(s.placebos); !placebos.empty())
        html += fmt::format("<p>Placebos, which no gate should accept: {}.</p>\n", escapeHtml(placebos));
    return html + screeningTable(s.screening);
}

// The champion's score at the time of each promotion, as its challenger was measured on gate items.
Result<std::string> scoreCurve(const Store& store, const Summary& s)
{
    ChartLine champion{"champion", {}, true};
    for (const TriedRow& row : s.tried) {
        if (!row.measured)
            continue;
        const auto shown = [&](double score) { return s.bitsPerByte ? 8 * (1 - score) : score; };
        if (champion.points.empty())
            champion.points.emplace_back(row.tooth - 1, shown(row.measured->champion));
        if (row.state == toText(ProposalState::Promoted))
            champion.points.emplace_back(row.tooth, shown(row.measured->challenger));
    }
    if (champion.points.empty())
        return std::string();
    RATCHET_TRY(teeth, store.teeth());
    champion.points.emplace_back(teeth.empty() ? champion.points.back().first : teeth.back().number,
                                 champion.points.back().second);
    Chart chart{"Champion after each tooth, on gate items",
                "teeth turned",
                s.bitsPerByte ? "bits per byte" : "exact match",
                {champion},
                {},
                {}};
    chart.wholeX = true;
    if (!s.bitsPerByte)
        chart.range = {0, 1};
    return "<h2>Curves</h2>\n" + toSvg(chart);
}

Result<std::string> evidenceCurve(const Store& store, const Summary& s)
{
    Chart chart{
        "Evidence while judging; dashed: 1, no evidence", "share of the items drawn", "log10 E", {}, {0}, {}, false};
    for (const TriedRow& row : s.tried) {
        RATCHET_TRY(cards, store.scorecards(row.proposal));
        for (const ScorecardRecord& card : cards) {
            if (card.split != "gate" || card.retained || card.path.empty())
                continue;
            ChartLine line{fmt::format("{} {}", row.proposal.value, row.change), {{0, 0}}};
            for (std::size_t i = 0; i < card.path.size(); ++i)
                line.points.emplace_back(static_cast<double>(i + 1) / static_cast<double>(card.path.size()),
                                         card.path[i]);
            chart.lines.push_back(std::move(line));
        }
    }
    return chart.lines.empty() ? std::string() : toSvg(chart);
}

Result<std::string> lossCurve(const Store& store, const Summary& s)
{
    constexpr std::size_t mostLines = 12;
    Chart chart{"Training loss of the promoted trials and the newest", "step", "loss, nats a token", {}, {}, {}, false};
    RATCHET_TRY(trials, store.trials());
    const auto isPromoted = [&](const TrialRecord& trial) {
        return std::any_of(s.deployments.begin(), s.deployments.end(),
                           [&](const DeploymentRecord& d) { return trial.version && d.version == *trial.version; });
    };
    std::stable_partition(trials.begin(), trials.end(), isPromoted);
    for (const TrialRecord& trial : trials) {
        RATCHET_TRY(series, store.series(trial.id));
        for (const SeriesInfo& info : series) {
            if (info.name != "loss" || chart.lines.size() >= mostLines)
                continue;
            RATCHET_TRY(buckets,
                        store.points(info.id, 0, std::max<std::int64_t>(trial.steps, std::int64_t(1) << 40), 200));
            ChartLine line{fmt::format("trial {}", trial.id.value), {}};
            for (const SeriesBucket& bucket : buckets)
                line.points.emplace_back(static_cast<double>(bucket.step), bucket.last);
            if (!line.points.empty())
                chart.lines.push_back(std::move(line));
        }
    }
    return chart.lines.empty() ? std::string() : toSvg(chart);
}

Result<std::string> genomeDiff(const ObjectStore& objects, const Summary& s)
{
    if (!s.first || !s.live || s.first->hash == s.live->hash)
        return std::string();
    const auto genome = [&](const VersionRecord& version) -> Result<Genome> {
        RATCHET_TRY(text, objects.get(version.genome));
        RATCHET_TRY(json, parseJson(text, "the genome of version " + version.hash.brief()));
        return Genome::fromJson(json);
    };
    RATCHET_TRY(before, genome(*s.first));
    RATCHET_TRY(after, genome(*s.live));
    const Json first = before.toJson();
    std::string html =
        fmt::format("<h2>What changed in the genome</h2>\n<p>version <code>{}</code> to <code>{}</code></p>\n"
                    "<table><tr><th>path</th><th>before</th><th>after</th></tr>\n",
                    s.first->hash.brief(), s.live->hash.brief());
    for (const Json& change : patchBetween(before, after)) {
        const std::string path = change.value("path", "");
        const Json::json_pointer pointer(path);
        html += "<tr>" + cell(path) + cell(first.contains(pointer) ? first.at(pointer).dump() : "-") +
                cell(change.contains("value") ? change["value"].dump() : "-") + "</tr>\n";
    }
    return html + "</table>\n";
}

Result<std::string> lessonTable(const Store& store, const Summary& s)
{
    RATCHET_TRY(lessons, store.lessons());
    if (lessons.empty())
        return std::string();
    std::string html =
        "<h2>What is believed about each kind of change</h2>\n<table><tr><th>family</th><th>change</th><th "
        "class=\"n\">tried</th>"
        "<th class=\"n\">accepted</th><th class=\"n\">believed gain</th><th class=\"n\">deviation</th><th class=\"n\">came back</th></tr>\n";
    for (const LessonRecord& lesson : lessons)
        html += "<tr>" + cell(lesson.family) + cell(lesson.operatorName) + number(std::to_string(lesson.tried)) +
                number(std::to_string(lesson.accepted)) + number(gainText(s, lesson.meanGain)) +
                number(gainText(s, std::sqrt(std::max(0.0, lesson.varianceGain))).substr(1)) +
                number(lesson.replicated > 0 ? fmt::format("{} of {}", gainText(s, lesson.replicatedGain), gainText(s, lesson.nominalGain)) : std::string()) +
                "</tr>\n";
    return html + "</table>\n";
}

Result<std::string> recordSection(const Store& store, const Summary& s)
{
    RATCHET_TRY(trials, store.trials());
    std::string html =
        "<h2>Decisions and "
        "deployments</h2>\n<table><tr><th>when</th><th>what</th><th>version</th><th>who</th><th>why</th></tr>\n";
    for (const DeploymentRecord& d : s.deployments)
        html += "<tr>" + cell(toIso(d.created)) + cell(toText(d.kind)) + cell(d.version.brief()) + cell(d.actor) +
                cell(d.reason) + "</tr>\n";
    html += "</table>\n";
    if (const auto changes = gateChanges(s); !changes.empty()) {
        html += "<h2>Changes of what the gate may err</h2>\n";
        for (const std::string& change : changes)
            html += fmt::format("<p>{}</p>\n", escapeHtml(change));
    }
    html += "<h2>Price and record</h2>\n";
    html += fmt::format("<p>{} of {} in {} trials, {} of them failed; {} of training; {} teeth.</p>\n", toText(s.spent),
                        toText(s.config.budget), s.trials, s.failedTrials, toText(s.trialTime), s.teeth);
    html += fmt::format(
        "<p>Ledger: {} entries, head <code>{}</code>; <code>ratchet ledger verify</code> recomputes it.</p>\n",
        s.ledgerEntries, s.ledgerHead.hex.empty() ? "none" : s.ledgerHead.hex);
    const Json platform = trials.empty() ? Json() : trials.back().platform;
    if (platform.is_object())
        html += fmt::format("<p class=\"faint\">Environment: <code>{}</code></p>\n", escapeHtml(platform.dump()));
    return html;
}

} // namespace

Result<std::string> htmlReport(const Store& store, const ObjectStore& objects, const LabConfig& config)
{
    RATCHET_TRY(summary, summarise(store, config));
    std::string html =
        fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                    "content=\"width=device-width\"><title>Ratchet lab: {}</title><style>{}</style></head><body>\n",
                    escapeHtml(config.domain), reportStyle);
    html += heading(summary);
    RATCHET_TRY(scores, scoreCurve(store, summary));
    RATCHET_TRY(evidence, evidenceCurve(store, summary));
    RATCHET_TRY(losses, lossCurve(store, summary));
    RATCHET_TRY(diff, genomeDiff(objects, summary));
    RATCHET_TRY(lessons, lessonTable(store, summary));
    RATCHET_TRY(record, recordSection(store, summary));
    RATCHET_TRY(suites, scorecardSection(store, summary));
    RATCHET_TRY(signals, signalSection(store));
    return html + scores + evidence + losses + triedTable(summary) + suites + diff + lessons + signals + rewardSection(summary.reward) + record + "</body></html>\n";
}

} // namespace ratchet
