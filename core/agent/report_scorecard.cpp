// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/report_scorecard.h"

#include "core/agent/examination.h"
#include "core/agent/signals.h"
#include "core/agent/svg.h"

namespace ratchet {
namespace {

std::string row(const std::vector<std::string>& texts, const std::vector<std::string>& numbers)
{
    std::string html = "<tr>";
    for (const std::string& text : texts)
        html += fmt::format("<td>{}</td>", escapeHtml(text));
    for (const std::string& number : numbers)
        html += fmt::format("<td class=\"n\">{}</td>", escapeHtml(number));
    return html + "</tr>\n";
}

std::string failureText(const SuiteResult& result)
{
    std::string text;
    for (const FailureShare& failure : result.failures)
        if (failure.items > 0)
            text += fmt::format("{}{} {} [{:.1f}, {:.1f}] %", text.empty() ? "" : ", ", failure.name, failure.items, 100 * failure.low, 100 * failure.high);
    return text;
}

std::string reliabilityDiagram(const Calibration& c, const std::string& answers)
{
    ChartLine own{answers, {}}, perfect{"as right as sure", {{0, 0}, {1, 1}}};
    for (const ReliabilityBin& bin : c.bins)
        own.points.emplace_back(bin.confidence, bin.accuracy);
    Chart chart{"Reliability: how often answers of a confidence are right", "confidence", "share that is right", {own, perfect}, {}, {}, false};
    chart.range = {0, 1};
    return toSvg(chart) + fmt::format("<p>Expected calibration error {:.1f} points, {:.1f} by chance alone; Brier score {:.3f}; surest half {} right.</p>\n",
                                      100 * c.error, 100 * c.byChance, c.brier, toTextPercent(c.surestHalf));
}

} // namespace

Result<std::string> scorecardSection(const Store& store, const Summary& summary)
{
    if (!summary.live)
        return std::string();
    RATCHET_TRY(results, examinationOf(store, summary.live->hash));
    if (results.empty())
        return std::string();
    std::string html = "<h2>The champion, suite by suite</h2>\n<p class=\"faint\">Probes are shown only: they decide nothing, and nothing learns from "
                       "them.</p>\n<div class=\"scroll\"><table><tr><th>suite</th><th>role</th><th>items of</th><th class=\"n\">items</th>"
                       "<th class=\"n\">score</th><th class=\"n\">95 % interval</th><th>failures, share [95 %]</th></tr>\n";
    std::string diagram;
    for (const SuiteResult& result : results) {
        const std::string interval = summary.bitsPerByte ? std::string() : fmt::format("[{:.1f}, {:.1f}] %", 100 * result.low, 100 * result.high);
        std::string line = row({result.suite, result.probe ? "probe" : result.retained ? "retained" : "target", result.split},
                               {std::to_string(result.items), scoreText(summary, result.score), interval});
        line.insert(line.size() - 6, fmt::format("<td>{}</td>", escapeHtml(failureText(result))));
        html += line;
        if (diagram.empty() && result.calibration)
            diagram = reliabilityDiagram(*result.calibration, fmt::format("answers to {}, {} items", result.suite, result.split));
    }
    return html + "</table></div>\n" + diagram;
}

std::string rewardSection(const RewardUse& reward)
{
    const std::string text = rewardText(reward);
    if (text.empty())
        return {};
    std::string html = fmt::format("<h2>Reward model</h2>\n<p class=\"faint\">It says how probably an answer is right, and orders what is judged. It accepts "
                                   "and refuses nothing.</p>\n<div class=\"scroll\"><pre>{}</pre></div>\n", escapeHtml(text));
    if (reward.model)
        html += reliabilityDiagram(reward.newest.calibration, fmt::format("{} newest graded answers", reward.newest.answers));
    return html;
}

Result<std::string> signalSection(const Store& store)
{
    RATCHET_TRY(signals, signalsOf(store));
    std::string rows;
    for (const SignalReport& signal : signals)
        if (const Reliability& r = signal.reliability; r.pairs >= Reliability::fewest)
            rows += row({signal.name, judgementOn(r)}, {std::to_string(r.pairs), fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", r.rank, r.rankLow, r.rankHigh),
                                                        signal.sameUnit ? fmt::format("{:.2f}", r.slope) : std::string()});
    if (rows.empty())
        return std::string();
    return fmt::format("<h2>Signals against the hidden score</h2>\n<table><tr><th>signal</th><th>is</th><th class=\"n\">judged</th>"
                       "<th class=\"n\">rank correlation [95 %]</th><th class=\"n\">slope</th></tr>\n{}</table>\n", rows);
}

} // namespace ratchet
