// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/review_card.h"

#include <algorithm>
#include <cmath>

#include <QGridLayout>
#include <QLabel>
#include <QVBoxLayout>

#include "core/agent/examination.h"
#include "core/agent/trial_report.h"
#include "widgets/plot/interval_bar.h"
#include "widgets/plot/line_plot.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

QString escaped(const QString& text) { return text.toHtmlEscaped(); }

QString coloured(const QString& text, const QColor& colour)
{
    return QStringLiteral("<span style=\"color:%1\">%2</span>").arg(colour.name(), escaped(text));
}

struct Mark { QChar shape; State state; };

// Shape and colour together, so that either alone is enough.
Mark markOf(const Requirement& requirement)
{
    switch (requirement.state) {
    case RequirementState::Satisfied: return {QChar(0x2713), State::Accepted};
    case RequirementState::Unsatisfied:
        return requirement.name == "reviewer" ? Mark{QLatin1Char('!'), State::Waiting} : Mark{QChar(0x2717), State::Rejected};
    case RequirementState::NotApplicable: return {QChar(0x2013), State::Inconclusive};
    case RequirementState::Overridden: return {QChar(0x21B7), State::Placebo};
    case RequirementState::Error: return {QLatin1Char('?'), State::Rejected};
    }
    return {QLatin1Char('?'), State::Inconclusive};
}

QLabel* label(const QString& content, Qt::Alignment alignment = Qt::AlignLeft | Qt::AlignVCenter)
{
    auto* made = new QLabel(content);
    made->setAlignment(alignment);
    made->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return made;
}

void clear(QGridLayout* grid)
{
    while (QLayoutItem* item = grid->takeAt(0)) {
        delete item->widget();
        delete item;
    }
}

QString person(const std::string& actor)
{
    const QString whole = text(actor);
    if (whole.startsWith(QLatin1String("person:")))
        return whole.mid(7);
    return whole.startsWith(QLatin1String("policy:")) ? ReviewCard::tr("policy %1").arg(whole.mid(7, 10)) : whole;
}

QString kindText(DecisionKind kind)
{
    switch (kind) {
    case DecisionKind::Approve: return ReviewCard::tr("approved");
    case DecisionKind::Reject: return ReviewCard::tr("rejected");
    case DecisionKind::MoreEvidence: return ReviewCard::tr("asked for more evidence");
    }
    return {};
}

QString questionText(const VerdictRecord& verdict, bool isNewest)
{
    QString line = isNewest ? QString() : ReviewCard::tr("before: %1; ").arg(text(toText(verdict.verdict)));
    line += ReviewCard::tr("question k = %1, \u03B1\u2096 = %2; %3 pairs, %4 discordant").arg(verdict.k).arg(numberText(verdict.alpha, 2))
                       .arg(formatCount(verdict.pairs), formatCount(verdict.discordant));
    if (verdict.looks > 0)
        line += verdict.looks == 1 ? ReviewCard::tr(", 1 look") : ReviewCard::tr(", %1 looks").arg(verdict.looks);
    return line;
}

// Items that come without end are new at every look; those of a corpus are not.
QString vaultText(const VaultUse& vault)
{
    const auto left = vault.left();
    return left ? ReviewCard::tr("vault: %1 looks of %2 used, %3 left").arg(vault.looks).arg(*vault.budget).arg(*left)
                : ReviewCard::tr("vault: %1 looks used, each with items of its own").arg(vault.looks);
}

constexpr std::size_t mostFailures = 6;
constexpr int narrowest = 320;                    // of a block before the next one goes below

} // namespace

ReviewCard::ReviewCard(QWidget* parent) : QWidget(parent), m_path(new LinePlot)
{
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metric::gap, metric::gapSmall, metric::gap, metric::gap);
    column->setSpacing(metric::gap);
    m_requirements = label({});
    m_requirements->setWordWrap(true);
    column->addWidget(m_requirements);
    m_suites = new QGridLayout;
    m_suites->setHorizontalSpacing(metric::gapSmall);
    m_suites->setVerticalSpacing(metric::gapTiny);
    m_suites->setColumnStretch(2, 1);
    column->addLayout(m_suites);
    m_blocks = new QGridLayout;
    m_blocks->setSpacing(metric::gapLarge);
    column->addLayout(m_blocks);
    column->addStretch(1);

    QWidget* box = nullptr;
    m_pathNote = block(tr("Evidence, pair by pair"), box);
    m_path->setFixedHeight(170);
    m_path->setAxes({tr("pairs"), {}, {}, false}, {tr("E-value"), {}, AxisScale::Linear, true});
    box->layout()->addWidget(m_path);
    m_failures = block(tr("Failures, side by side"), box);
    m_genome = block(tr("Genome: what differs"), box);
    m_samples = block(tr("Samples"), box);
    m_facts = block(tr("Cost and integrity"), box);
    m_discussion = block(tr("Decisions so far"), box);
    arrange();
}

QLabel* ReviewCard::block(const QString& title, QWidget*& box)
{
    box = new QWidget(this);
    auto* column = new QVBoxLayout(box);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(metric::gapTiny);
    auto* heading = new QLabel(title);
    heading->setFont(strongFont(metric::secondary));
    column->addWidget(heading);
    auto* content = label({}, Qt::AlignLeft | Qt::AlignTop);
    content->setWordWrap(true);
    content->setMinimumHeight(1);                 // its height follows from its width
    content->setTextFormat(Qt::RichText);
    column->addWidget(content);
    column->setAlignment(Qt::AlignTop);
    m_boxes.push_back(box);
    return content;
}

void ReviewCard::arrange()
{
    const int columns = std::clamp(width() / narrowest, 1, 3);
    if (columns == m_columns)
        return;
    for (int column = 0; column < 3; ++column)
        m_blocks->setColumnStretch(column, column < columns ? 1 : 0);
    m_columns = columns;
    for (auto* box : m_boxes)
        m_blocks->removeWidget(box);
    for (std::size_t i = 0; i < m_boxes.size(); ++i)
        m_blocks->addWidget(m_boxes[i], int(i) / columns, int(i) % columns, Qt::AlignTop);
}

void ReviewCard::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void ReviewCard::show(const Snapshot& snapshot, const ReviewCase& entry)
{
    auto evidence = evidenceIn(snapshot, entry.proposal);
    if (!evidence)
        return m_requirements->setText(escaped(tr("The version of this proposal is not in the lab any more.")));
    // What was decided is shown as it stood then.
    if (entry.turn == Turn::Decided && evidence->verdict)
        evidence->champion = evidence->verdict->champion;
    const DecisionRecord* decision = decisionOn(snapshot, entry.version);
    const auto list = requirements(*evidence, snapshot.policy, decision ? std::optional(*decision) : std::nullopt);
    showRequirements(list);
    const auto retained = std::find_if(list.begin(), list.end(), [](const Requirement& r) { return r.name == "retained"; });
    showSuites(snapshot, entry, *evidence, retained != list.end() && retained->state == RequirementState::Satisfied);
    showPath(*evidence);
    showFailures(*evidence);
    showGenome(snapshot, *evidence);
    showSamples(snapshot, entry);
    showFacts(snapshot, entry, *evidence);
    showDiscussion(snapshot, entry, list);
}

void ReviewCard::showRequirements(const std::vector<Requirement>& list)
{
    const Tokens& now = tokens(this);
    QStringList chips, help;
    for (const auto& requirement : list) {
        const Mark mark = markOf(requirement);
        const QString name = text(requirement.name);
        chips << QStringLiteral("<span style=\"white-space:nowrap\"><b>%1</b>&nbsp;%2</span>")
                     .arg(coloured(mark.shape, now.state(mark.state)), escaped(name));
        help << QStringLiteral("%1 %2 (%3)\n%4").arg(mark.shape).arg(text(requirement.title), text(toText(requirement.state)), text(requirement.detail));
    }
    m_requirements->setText(chips.join(QStringLiteral(" &nbsp;&nbsp; ")));
    m_requirements->setToolTip(help.join(QStringLiteral("\n\n")));
}

void ReviewCard::showSuites(const Snapshot& snapshot, const ReviewCase& entry, const Evidence& evidence, bool retainedHolds)
{
    clear(m_suites);
    const Tokens& now = tokens(this);
    const ScoreFormat scores(snapshot);
    std::vector<ScorecardRecord> cards = evidence.scorecards;       // what decides, then what is only shown
    for (const auto& card : snapshot.scorecards)
        if (card.probe && card.proposal == entry.proposal)
            cards.push_back(card);
    double scale = scores.countsAnswers() ? 0.02 : 0.0025;
    for (const auto& card : cards)
        for (const double bound : {card.low, card.high})
            scale = std::isfinite(bound) ? std::max(scale, std::min(1.0, std::abs(bound) * 1.05)) : scale;
    int row = 0;
    for (const auto& card : cards) {
        const Interval interval{card.low, card.difference, card.high, scale, 0};
        m_suites->addWidget(label(text(card.suite)), row, 0);
        auto* gain = label(scores.gain(card.difference, card.low, card.high), Qt::AlignRight | Qt::AlignVCenter);
        gain->setToolTip(tr("Challenger %1, champion %2; %3 wins, %4 losses, %5 ties. The interval holds at all times at once.")
                             .arg(scores.score(card.challengerMean), scores.score(card.championMean)).arg(card.wins).arg(card.losses).arg(card.ties));
        m_suites->addWidget(gain, row, 1);
        auto* bar = new IntervalBar(interval);
        bar->setToolTip(tr("Scale: %1 to %2").arg(scores.gain(-scale), scores.gain(scale)));
        m_suites->addWidget(bar, row, 2);
        QString verdict;
        if (card.probe) {
            verdict = coloured(tr("probe"), now.secondary);
        } else if (!card.retained && evidence.verdict) {
            const bool enough = evidence.verdict->eValue >= evidence.verdict->threshold;
            verdict = coloured(QStringLiteral("E %1 %2 %3").arg(formatEValue(std::log(evidence.verdict->eValue)), enough ? QChar(0x2265) : QLatin1Char('<'),
                                                                formatEValue(std::log(evidence.verdict->threshold))),
                               now.state(enough ? State::Accepted : State::Inconclusive));
        } else if (card.retained) {
            verdict = coloured(retainedHolds ? tr("no harm") : card.high < 0 ? tr("worse") : tr("harm not excluded"),
                               now.state(retainedHolds ? State::Accepted : card.high < 0 ? State::Rejected : State::Inconclusive));
        }
        m_suites->addWidget(label(verdict), row, 3);
        m_suites->addWidget(label(tr("%1 pairs").arg(formatCount(card.items)), Qt::AlignRight | Qt::AlignVCenter), row++, 4);
    }
    if (cards.empty())
        m_suites->addWidget(label(tr("No scorecard against the champion is there yet.")), 0, 0, 1, 5);
}

void ReviewCard::showPath(const Evidence& evidence)
{
    const auto target = std::find_if(evidence.scorecards.begin(), evidence.scorecards.end(),
                                     [](const ScorecardRecord& card) { return !card.retained; });
    const bool any = target != evidence.scorecards.end() && !target->path.empty();
    m_path->setVisible(any);
    m_pathNote->setText(any ? escaped(tr("1 is no evidence; the gate accepts at the line.")) : escaped(tr("No path was recorded.")));
    if (!any)
        return;
    PlotLine line;
    line.key = line.name = text(target->suite);
    line.curve = {{0}, {0}};                      // no pair, E = 1
    for (std::size_t i = 0; i < target->path.size(); ++i) {
        line.curve.x.push_back(double(target->items) * double(i + 1) / double(target->path.size()));
        line.curve.y.push_back(target->path[i]);
    }
    m_path->setMarks({});
    if (evidence.verdict && evidence.verdict->threshold > 0)
        m_path->setMarks({{PlotMark::Kind::Level, std::log10(evidence.verdict->threshold),
                           tr("accept at E \u2265 %1").arg(formatEValue(std::log(evidence.verdict->threshold))), State::Accepted}});
    m_path->setLines({line});
}

// Of the target suite's gate items, which both answered.
void ReviewCard::showFailures(const Evidence& evidence)
{
    const auto target = std::find_if(evidence.scorecards.begin(), evidence.scorecards.end(), [](const ScorecardRecord& card) { return !card.retained; });
    const auto failures = target == evidence.scorecards.end() ? std::vector<FailureShare>() : failuresIn(*target, Beside::Champion);
    if (failures.empty())
        return m_failures->setText(escaped(tr("No answer was graded wrong, or the suite knows no failure classes.")));
    const Tokens& now = tokens(this);
    const auto share = [&](int items, double low, double high) {
        return QStringLiteral("<td align=\"right\" style=\"padding-right:10px; white-space:nowrap\">%1</td>").arg(formatShare(double(items) / target->items, low, high));
    };
    QString rows = QStringLiteral("<tr style=\"color:%1\"><td style=\"padding-right:10px; white-space:nowrap\">%2</td>"
                                  "<td align=\"right\" style=\"padding-right:10px; white-space:nowrap\">%3</td><td align=\"right\" style=\"white-space:nowrap\">%4</td></tr>")
                       .arg(now.secondary.name(), escaped(tr("of %1 items").arg(formatCount(target->items))), tr("champion [95 %]"), tr("challenger [95 %]"));
    const bool all = failures.size() <= mostFailures;
    for (std::size_t i = 0; i < failures.size(); ++i) {
        const FailureShare& one = failures[i];
        if (!all && i >= mostFailures && one.name != sureAndWrong)
            continue;
        // Intervals that do not overlap are told apart by colour and mark.
        const bool fewer = one.high < one.championsLow, more = one.low > one.championsHigh;
        const QString mark = fewer ? coloured(QStringLiteral("\u25BC"), now.state(State::Accepted)) : more ? coloured(QStringLiteral("\u25B2"), now.state(State::Rejected)) : QString();
        rows += QStringLiteral("<tr><td style=\"padding-right:10px\">%1</td>%2%3<td>%4</td></tr>")
                    .arg(escaped(text(one.name)), share(one.champions.value_or(0), one.championsLow, one.championsHigh), share(one.items, one.low, one.high), mark);
    }
    if (!all)
        rows += QStringLiteral("<tr><td colspan=\"4\" style=\"color:%1\">%2</td></tr>").arg(now.secondary.name(), escaped(tr("and rarer classes")));
    m_failures->setText(QStringLiteral("<table cellspacing=\"2\">%1</table>").arg(rows));
}

void ReviewCard::showGenome(const Snapshot& snapshot, const Evidence& evidence)
{
    const Json *champion = snapshot.genomeOf(evidence.champion), *challenger = snapshot.genomeOf(evidence.challenger.hash);
    if (!champion || !challenger)
        return m_genome->setText(escaped(tr("The genome of one of the two is not in the lab.")));
    const auto changes = genomeChanges(*champion, *challenger);
    QString rows;
    for (const auto& change : changes)
        rows += QStringLiteral("<tr><td style=\"padding-right:12px\"><code>%1</code></td><td align=\"right\" style=\"color:%4\">%2</td>"
                               "<td>&nbsp;\u2192&nbsp;</td><td><b>%3</b></td></tr>")
                    .arg(escaped(change.path), escaped(change.champion), escaped(change.challenger), tokens(this).secondary.name());
    m_genome->setText(changes.empty() ? escaped(tr("Nothing: the genomes are equal, only the weights differ."))
                                      : QStringLiteral("<table cellspacing=\"2\">%1</table>").arg(rows));
}

void ReviewCard::showSamples(const Snapshot& snapshot, const ReviewCase& entry)
{
    std::vector<const ScorecardRecord*> cards;
    for (const auto& card : snapshot.scorecards)
        if (card.split != "gate" && card.challenger == entry.version && card.champion.isSet())
            cards.push_back(&card);
    const auto samples = samplesIn(cards);
    const Tokens& now = tokens(this);
    const auto answer = [&](const QString& said, bool right) {
        if (said.isEmpty())
            return coloured(tr("no answer"), now.secondary);
        return coloured(right ? QStringLiteral("\u2713 ") : QStringLiteral("\u2717 "), now.state(right ? State::Accepted : State::Rejected))
               + escaped(said.left(24));
    };
    QString rows = QStringLiteral("<tr style=\"color:%4\"><td>%1</td><td style=\"padding-right:10px\">%2</td>"
                                       "<td style=\"padding-right:10px\">%3</td><td>%5</td></tr>")
                       .arg(tr("prompt"), tr("expected"), tr("champion"), now.secondary.name(), tr("challenger"));
    for (std::size_t i = 0; i < std::min<std::size_t>(samples.size(), 8); ++i)
        rows += QStringLiteral("<tr><td style=\"padding-right:10px\"><code>%1</code></td><td style=\"padding-right:10px\">%2</td>"
                               "<td style=\"padding-right:10px\">%3</td><td>%4</td></tr>")
                    .arg(escaped(samples[i].prompt.right(24)), escaped(samples[i].expected.left(24)),
                         answer(samples[i].champion, samples[i].championRight), answer(samples[i].challenger, samples[i].challengerRight));
    m_samples->setText(samples.empty() ? escaped(tr("No samples: gate items stay closed, guide samples come with the next observation."))
                                       : QStringLiteral("<table cellspacing=\"2\">%1</table>").arg(rows));
}

void ReviewCard::showFacts(const Snapshot& snapshot, const ReviewCase& entry, const Evidence& evidence)
{
    const Tokens& now = tokens(this);
    QStringList lines;
    if (const TrialRecord* trial = snapshot.trialOf(entry.proposal))
        lines << escaped(tr("%1, %2, %3 parameters").arg(formatFlops(trial->spent), formatDuration(trial->wall),
                                                      formatCount(evidence.challenger.parameters)));
    if (const TrialRecord* trial = snapshot.trialOf(entry.proposal))
        for (const std::string& sentence : sentencesOf(trial->report))
            lines << escaped(text(sentence));
    const auto judgings = snapshot.judgings(entry.proposal);
    for (const VerdictRecord& verdict : judgings)
        lines << escaped(questionText(verdict, verdict.k == judgings.front().k));
    lines << escaped(vaultText(snapshot.vault));
    QStringList held;
    if (evidence.verdict && evidence.verdict->integrity.is_array())
        for (const auto& check : evidence.verdict->integrity) {
            if (!check.is_object())
                continue;
            const bool ok = check.contains("ok") && check["ok"].is_boolean() && check["ok"].get<bool>();
            const auto name = check.find("name"), detail = check.find("detail");
            const QString what = name != check.end() && name->is_string() ? text(name->get<std::string>()) : tr("unnamed check");
            const QString more = !ok && detail != check.end() && detail->is_string() ? QStringLiteral(": ") + text(detail->get<std::string>()) : QString();
            if (ok)
                held << what;
            else
                lines << coloured(QStringLiteral("\u2717"), now.state(State::Rejected)) + QStringLiteral("&nbsp;") + escaped(what + more);
        }
    if (!held.isEmpty())
        lines << coloured(QStringLiteral("\u2713"), now.state(State::Accepted)) + QStringLiteral("&nbsp;")
                     + escaped(tr("%1 checks hold: %2").arg(held.size()).arg(held.join(QStringLiteral(", "))));
    m_facts->setText(lines.join(QStringLiteral("<br>")));
}

void ReviewCard::showDiscussion(const Snapshot& snapshot, const ReviewCase& entry, const std::vector<Requirement>& list)
{
    QStringList lines;
    for (const auto& decision : snapshot.decisions)
        if (decision.version == entry.version)
            lines << QStringLiteral("<b>%1</b> %2: %3").arg(escaped(person(decision.actor)),
                                                            escaped((kindText(decision.kind) + QLatin1Char(' ') + formatTime(decision.created)).trimmed()),
                                                            escaped(text(decision.reason)));
    // An approval that does not count (stale, author, engine) says why.
    const DecisionRecord* newest = decisionOn(snapshot, entry.version);
    for (const auto& requirement : list)
        if (requirement.name == "reviewer" && newest && newest->kind == DecisionKind::Approve && requirement.state == RequirementState::Unsatisfied)
            lines << coloured(text(requirement.detail), tokens(this).waiting);
    if (lines.empty())
        lines << escaped(tr("Nobody has decided yet."));
    m_discussion->setText(lines.join(QStringLiteral("<br>")));
}

} // namespace ratchet
