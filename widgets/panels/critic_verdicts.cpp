// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_verdicts.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <QHeaderView>
#include <QLabel>
#include <QSplitter>
#include <QTableWidget>
#include <QVBoxLayout>

#include "core/selector/rules.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

struct Measured { double mean = 0; int items = 0; };

// A champion is observed once a tooth; the last counts.
std::optional<Measured> onGuide(const Snapshot& snapshot, const Hash& version, const std::string& suite)
{
    std::optional<Measured> newest;
    for (const auto& card : snapshot.scorecards)
        if (card.split == "guide" && card.suite == suite && !card.proposal.isSet() && (card.champion == version || card.challenger == version))
            newest = {card.champion.isSet() ? card.championMean : card.challengerMean, card.items};
    return newest;
}

// What it answered as champion when others were judged; before that in its own question, by which it was chosen.
std::optional<Measured> onGate(const Snapshot& snapshot, const Hash& version, const std::string& suite)
{
    Measured asChampion;
    std::optional<Measured> own;
    for (const auto* cards : {&snapshot.scorecards, &snapshot.earlierScorecards})
        for (const auto& card : *cards) {
            if (card.split != "gate" || card.suite != suite || card.items == 0)
                continue;
            if (card.champion == version) {
                asChampion.mean += (card.championMean - asChampion.mean) * card.items / (asChampion.items + card.items);
                asChampion.items += card.items;
            } else if (card.challenger == version && cards == &snapshot.scorecards) {
                own = {card.challengerMean, card.items};
            }
        }
    return asChampion.items > 0 ? asChampion : own;
}

template <typename Read>
PlotLine lineOver(const Snapshot& snapshot, const QString& name, Read read)
{
    const ScoreFormat scores(snapshot);
    PlotLine line;
    line.key = line.name = name;
    for (std::size_t i = 0; i < snapshot.deployments.size(); ++i) {
        const std::optional<Measured> measured = read(snapshot.deployments[i].version);
        if (!measured)
            continue;
        line.curve.x.push_back(double(i + 1));
        line.curve.y.push_back(scores.value(measured->mean));
        if (!scores.countsAnswers())
            continue;
        const auto [low, high] = clopperPearson(std::llround(measured->mean * measured->items), measured->items);
        line.low.push_back(low);
        line.high.push_back(high);
    }
    return line;
}

} // namespace

std::vector<PlotLine> championScores(const Snapshot& snapshot)
{
    std::vector<std::pair<bool, std::string>> suites;     // retained, name: the target comes first
    for (const auto& card : snapshot.scorecards)
        if (!card.probe && (card.split == "guide" || card.split == "gate"))
            suites.emplace_back(card.retained, card.suite);
    std::sort(suites.begin(), suites.end());
    suites.erase(std::unique(suites.begin(), suites.end()), suites.end());
    std::vector<PlotLine> lines;
    for (const auto& [retained, suite] : suites) {
        lines.push_back(lineOver(snapshot, CriticVerdicts::tr("%1, visible").arg(text(suite)),
                                 [&](const Hash& version) { return onGuide(snapshot, version, suite); }));
        if (retained)
            lines.back().low = lines.back().high = {};
        else
            lines.push_back(lineOver(snapshot, CriticVerdicts::tr("%1, hidden").arg(text(suite)), [&](const Hash& version) { return onGate(snapshot, version, suite); }));
    }
    std::erase_if(lines, [](const PlotLine& line) { return line.curve.isEmpty(); });
    for (std::size_t i = 0; i < lines.size(); ++i)
        lines[i].slot = int(i);
    return lines;
}

namespace {

State stateOf(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Accept: return State::Accepted;
    case Verdict::Reject: return State::Rejected;
    case Verdict::Inconclusive: return State::Inconclusive;
    case Verdict::NoResult: return State::Queued;
    }
    return State::Inconclusive;
}

} // namespace

CriticVerdicts::CriticVerdicts(QWidget* parent)
    : CriticPage(parent), m_plot(new LinePlot), m_spending(new QLabel), m_plotNote(new QLabel)
{
    m_plot->showDots(true);
    m_plot->setAxes({tr("champion"), {}, {}, false, true}, {tr("score"), {}, {}, false});
    m_verdicts = factTable({tr("k"), tr("proposal"), tr("verdict"), tr("E, needed"), tr("pairs")}, 1, {0, 3, 4}, tr("Verdicts"));
    m_verdicts->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    connect(m_verdicts, &QTableWidget::cellClicked, this, [this](int row) {
        if (const auto* item = m_verdicts->item(row, 0))
            Q_EMIT chosen({item->data(Qt::UserRole).toLongLong()});
    });
    m_spending->setWordWrap(true);
    m_plotNote->setWordWrap(true);
    m_plotNote->setToolTip(tr("Visible: guide items, whose failures the proposer sees. Hidden: the gate's items, of which only verdicts get out; as champion in later "
                              "questions, else in its own. A visible score that climbs alone was gamed."));
    m_plotNote->setObjectName(QStringLiteral("secondary"));
    auto* split = new QSplitter;
    for (const auto& parts : {std::vector<QWidget*>{m_plot, m_plotNote}, std::vector<QWidget*>{m_verdicts, m_spending}}) {
        auto* side = new QWidget;
        auto* column = new QVBoxLayout(side);
        column->setContentsMargins(metric::gapSmall, metric::gapSmall, metric::gapSmall, metric::gapSmall);
        column->setSpacing(metric::gapTiny);
        column->addWidget(parts[0], 1);
        column->addWidget(parts[1]);
        split->addWidget(side);
    }
    split->setSizes({360, 440});
    split->setChildrenCollapsible(false);
    auto* whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(split);
}

void CriticVerdicts::show(const Snapshot& snapshot, const Selection&)
{
    const ScoreFormat scores(snapshot);
    m_plot->setAxes({tr("champion"), {}, {}, false, true}, {scores.title(), {}, {}, false});
    auto lines = championScores(snapshot);
    QStringList names;
    for (const auto& line : lines)
        names << QStringLiteral("<span style=\"color:%1; white-space:nowrap\">\u25CF&nbsp;</span><span style=\"white-space:nowrap\">%2&nbsp;%3</span>")
                     .arg(slotColor(tokens(this), line.slot).name(), line.name.toHtmlEscaped(), formatScore(line.curve.y.back()));
    m_plotNote->setText(names.isEmpty() ? tr("No score yet.") : names.join(QStringLiteral(" &nbsp; ")));
    m_plot->setLines(std::move(lines));
    fillVerdicts(snapshot);
    double spent = 0;
    int questions = 0, accepted = 0;
    for (const auto& verdict : snapshot.verdicts) {
        const ProposalRecord* proposal = snapshot.proposal(verdict.proposal);
        if (proposal && isControl(*proposal))
            continue;                             // controls use up none of the lab's questions
        ++questions;
        spent += verdict.alpha;
        accepted += verdict.verdict == Verdict::Accept;
    }
    QStringList changes;
    for (const GateChange& change : changesOf(snapshot.gate))
        changes << tr("%1 judged, then %2").arg(change.questions).arg(text(change.text));
    m_spending->setText(tr("%1 questions, %2 accepted; \u03B1 handed out %3, bound on the false discovery rate %4").arg(questions).arg(accepted)
                            .arg(numberText(spent, 2), numberText(snapshot.gate.empty() ? snapshot.config.alpha : promisedAlpha(snapshot.gate), 2))
                        + (changes.empty() ? QString() : tr("; changed on the way: %1").arg(changes.join(QStringLiteral("; ")))));
    m_spending->setToolTip(tr("Each question k gets \u03B1\u2096 and is accepted when E reaches what no more than a share \u03B1\u2096 of challengers that are "
                               "no better ever reach.") + QLatin1Char(' ')
                           + (snapshot.config.isDataFinite()
                                  ? tr("The corpus is asked again and again, so \u03B1 is shared by every course the lab can have taken.")
                                  : tr("e-LOND: accepted ones earn \u03B1 for later questions.")));
}

void CriticVerdicts::fillVerdicts(const Snapshot& snapshot)
{
    // A loop that runs tells four times a second: only what is new is worth a table.
    std::vector<double> key{double(tokens(this).text.rgb())};
    for (const auto& verdict : snapshot.verdicts)
        key.insert(key.end(), {double(verdict.proposal.value), verdict.eValue, double(verdict.pairs)});
    if (key == m_filled)
        return;
    m_filled = std::move(key);
    // Sized once at the end, not with every cell.
    m_verdicts->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    m_verdicts->setRowCount(int(snapshot.verdicts.size()));
    int row = int(snapshot.verdicts.size());
    for (const auto& verdict : snapshot.verdicts) {   // newest on top
        --row;
        const ProposalRecord* proposal = snapshot.proposal(verdict.proposal);
        const QString help = text(verdict.reason);
        auto* number = factCell(QString::number(verdict.k), help);
        number->setData(Qt::UserRole, QVariant::fromValue<qlonglong>(verdict.proposal.value));
        m_verdicts->setItem(row, 0, number);
        m_verdicts->setItem(row, 1, factCell(QStringLiteral("#%1 %2").arg(verdict.proposal.value).arg(proposal ? text(proposal->operatorName) : QString()),
                                         help, Qt::AlignLeft));
        auto* answer = factCell(text(toText(verdict.verdict)), help, Qt::AlignLeft);
        answer->setIcon(stateIcon(stateOf(verdict.verdict), tokens(this)));
        m_verdicts->setItem(row, 2, answer);
        const QString evidence = verdict.eValue > 0 ? formatEValue(std::log(verdict.eValue)) : QStringLiteral("0");
        const QString needed = verdict.threshold > 0 ? formatEValue(std::log(verdict.threshold)) : QStringLiteral("\u2013");
        m_verdicts->setItem(row, 3, factCell(QStringLiteral("%1 %2 %3").arg(evidence, QString(verdict.eValue >= verdict.threshold ? QChar(0x2265) : QLatin1Char('<')), needed),
                                         tr("needed at \u03B1\u2096 = %1").arg(numberText(verdict.alpha, 2))));
        m_verdicts->setItem(row, 4, factCell(formatCount(verdict.pairs), tr("%1 discordant").arg(verdict.discordant)));
    }
    m_verdicts->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_verdicts->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Stretch);
}

} // namespace ratchet
