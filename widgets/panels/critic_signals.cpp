// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_signals.h"

#include <QLabel>
#include <QVBoxLayout>

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

enum Column { Signal, Judgement, Judged, Rank, Slope, Optimism };

State stateOf(const Reliability& reliability)
{
    if (reliability.misleads)
        return State::Rejected;
    if (reliability.drifted)
        return State::Waiting;
    return reliability.rankLow > 0 ? State::Accepted : State::Inconclusive;
}

QString judgementHelp(const Reliability& reliability)
{
    if (reliability.misleads)
        return CriticSignals::tr("It orders candidates the wrong way round: it is not asked any more.");
    if (reliability.drifted)
        return CriticSignals::tr("It promises more than it used to.");
    return reliability.rankLow > 0 ? CriticSignals::tr("It orders candidates better than a coin would.")
                                   : CriticSignals::tr("The interval holds zero: it may tell nothing.");
}

QString fixed(double value) { return (value < 0 ? QStringLiteral("\u2212") : QStringLiteral("+")) + QString::number(std::abs(value), 'f', 2); }

QString placeboText(const PlaceboCount& count)
{
    const PlaceboKind &moved = count.jittered, &again = count.reseeded;
    if (moved.judged + again.judged + count.identical == 0)
        return CriticSignals::tr("<b>Placebos</b>: none was judged. A lab made with <code>--placebos 0.2</code> tests its own gate unseen.");
    const auto range = [](const PlaceboKind& kind) {
        return QStringLiteral("[%1, %2]").arg(QString::number(100 * kind.low, 'f', 1), QString::number(100 * kind.high, 'f', 1));
    };
    QString line = CriticSignals::tr("<b>Placebos</b>: of %1 whose weights were moved %2 could have been accepted, %3 were; false accepts %4 %, %5 promised at most.")
                       .arg(moved.judged).arg(moved.able).arg(moved.accepted).arg(range(moved), QString::number(moved.promised, 'f', 2));
    if (again.judged > 0)
        line += CriticSignals::tr(" Of %1 reseeded champions %2 could have been, %3 were, %4 of these no better on other items; false accepts %5 %.")
                    .arg(again.judged).arg(again.able).arg(again.accepted).arg(again.refuted).arg(range(again));
    if (count.identical > 0)
        line += CriticSignals::tr(" The champion itself: %1 judged, %2 answered otherwise.").arg(count.identical).arg(count.differing);
    return line;
}

QString spreadText(const std::optional<Replication>& spread)
{
    if (!spread)
        return CriticSignals::tr("<b>A/A</b>: the champion's recipe was not repeated. <code>ratchet aa</code> measures its noise, and the smallest gain the gate can see.");
    QStringList parts;
    for (const SuiteSpread& suite : spread->suites)
        parts << CriticSignals::tr("%1 %2 % \u00B1 %3 over %4 seeds (%5 by items alone)")
                     .arg(text(suite.suite), QString::number(100 * suite.score.mean, 'f', 1), QString::number(100 * suite.score.sigma, 'f', 1))
                     .arg(suite.score.runs).arg(QString::number(100 * suite.itemSigma, 'f', 1));
    return CriticSignals::tr("<b>A/A</b>: %1.").arg(parts.join(QStringLiteral("; ")));
}

QString rewardLabel(const RewardUse& reward)
{
    if (reward.work.empty())
        return CriticSignals::tr("<b>Reward model</b>: none. A lab made with <code>--reward 0.25</code> learns one, which orders what is judged.");
    return CriticSignals::tr("<b>Reward model</b>, %1").arg(text(rewardLine(reward)).toHtmlEscaped());
}

} // namespace

CriticSignals::CriticSignals(QWidget* parent) : CriticPage(parent), m_controls(new QLabel)
{
    m_table = factTable({tr("signal"), tr("is"), tr("judged"), tr("rank correlation [95 %]"), tr("slope"), tr("optimism, pts")}, Signal,
                        {Judged, Rank, Slope, Optimism}, tr("Signals"));
    m_controls->setWordWrap(true);
    m_controls->setTextFormat(Qt::RichText);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metric::gapSmall, metric::gapTiny, metric::gapSmall, metric::gapSmall);
    column->setSpacing(metric::gapSmall);
    column->addWidget(m_table, 1);
    column->addWidget(m_controls);
}

void CriticSignals::show(const Snapshot& snapshot, const Selection&)
{
    m_table->setRowCount(int(snapshot.signals.size()));
    for (int row = 0; row < int(snapshot.signals.size()); ++row) {
        const SignalReport& signal = snapshot.signals[std::size_t(row)];
        const Reliability& r = signal.reliability;
        const QString none = QStringLiteral("\u2013");
        const bool known = r.rankLow > -1 || r.rankHigh < 1;
        m_table->setItem(row, Signal, factCell(text(signal.name), text(signal.meaning), Qt::AlignLeft));
        auto* judgement = factCell(text(judgementOn(r)), judgementHelp(r), Qt::AlignLeft);
        judgement->setIcon(stateIcon(stateOf(r), tokens(this)));
        m_table->setItem(row, Judgement, judgement);
        m_table->setItem(row, Judged, factCell(formatCount(r.pairs), tr("Proposals with this signal and a verdict; the newest %1 count.").arg(Reliability::window)));
        m_table->setItem(row, Rank, factCell(known ? QStringLiteral("%1 [%2, %3]").arg(fixed(r.rank), fixed(r.rankLow), fixed(r.rankHigh)) : none,
                                             known ? tr("Spearman's correlation with the difference on the gate's hidden items.")
                                                   : tr("Shown from %1 pairs on.").arg(Reliability::fewest)));
        m_table->setItem(row, Slope, factCell(known && signal.sameUnit ? fixed(r.slope) : none,
                                              tr("Points shown for a point promised; below 1 promises shrink.")));
        m_table->setItem(row, Optimism, factCell(known && signal.sameUnit ? formatSigned(r.optimism) : none, tr("Promised minus shown, on average.")));
    }
    m_controls->setText(placeboText(snapshot.placebos) + QStringLiteral("<br>") + spreadText(snapshot.spread) + QStringLiteral("<br>") + rewardLabel(snapshot.reward));
}

} // namespace ratchet
