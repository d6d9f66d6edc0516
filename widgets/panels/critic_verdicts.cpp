// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_verdicts.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <QHeaderView>
#include <QLabel>
#include <QSplitter>
#include <QTableWidget>
#include <QVBoxLayout>

#include "widgets/plot/plot_theme.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

std::vector<PlotLine> championScores(const Snapshot& snapshot)
{
    std::map<std::string, PlotLine> lines;
    for (std::size_t i = 0; i < snapshot.deployments.size(); ++i) {
        const Hash& version = snapshot.deployments[i].version;
        std::map<std::string, double> newest;     // a champion is observed once a tooth; the last counts
        for (const auto& card : snapshot.scorecards)
            if (card.split == "guide" && !card.probe && !card.proposal.isSet() && (card.champion == version || card.challenger == version))
                newest[card.suite] = card.champion.isSet() ? card.championMean : card.challengerMean;
        for (const auto& [suite, score] : newest) {
            PlotLine& line = lines[suite];
            line.curve.x.push_back(double(i + 1));
            line.curve.y.push_back(score);
        }
    }
    std::vector<PlotLine> result;
    for (auto& [suite, line] : lines) {
        line.key = line.name = text(suite);
        line.slot = int(result.size());
        result.push_back(std::move(line));
    }
    return result;
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
    m_plot->setAxes({tr("deployment"), {}, {}, false, true}, {tr("guide score of the champion"), {}, {}, false});
    m_verdicts = factTable({tr("k"), tr("proposal"), tr("verdict"), tr("E, needed"), tr("pairs")}, 1, {0, 3, 4}, tr("Verdicts"));
    m_verdicts->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    connect(m_verdicts, &QTableWidget::cellClicked, this, [this](int row) {
        if (const auto* item = m_verdicts->item(row, 0))
            Q_EMIT chosen({item->data(Qt::UserRole).toLongLong()});
    });
    m_spending->setWordWrap(true);
    m_plotNote->setWordWrap(true);
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
    auto lines = championScores(snapshot);
    QStringList names;
    for (const auto& line : lines)
        names << QStringLiteral("<span style=\"color:%1\">\u25CF</span> %2 %3")
                     .arg(slotColor(tokens(this), line.slot).name(), line.name.toHtmlEscaped(), formatScore(line.curve.y.back()));
    m_plotNote->setText(names.isEmpty() ? tr("No guide score yet.") : names.join(QStringLiteral(" &nbsp; ")));
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
    m_spending->setText(tr("%1 questions, %2 accepted; \u03B1 handed out %3, bound on the false discovery rate %4").arg(questions).arg(accepted)
                            .arg(numberText(spent, 2), numberText(snapshot.config.alpha, 2)));
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
