// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_signals.h"

#include <algorithm>

#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
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

QString wordsFor(const Reliability& r)
{
    return r.misleads      ? CriticSignals::tr("It orders candidates the wrong way round.")
           : r.drifted     ? CriticSignals::tr("It promises more than it used to.")
           : r.rankLow > 0 ? CriticSignals::tr("It orders candidates better than a coin would.")
                           : CriticSignals::tr("The interval holds zero: it may tell nothing.");
}

QString judgementHelp(const SignalReport& signal)
{
    return wordsFor(signal.reliability) + QLatin1Char(' ') + text(signal.use);
}

QString signedTwo(double value) { return (value < 0 ? QString() : QStringLiteral("+")) + formatFixed(value, 2); }

bool isKnown(const Reliability& reliability) { return reliability.rankLow > -1 || reliability.rankHigh < 1; }

QString rewardLabel(const RewardUse& reward)
{
    return CriticSignals::tr("<b>Reward model</b>, %1").arg(text(rewardLine(reward)).toHtmlEscaped());
}

// Where the present alarm began.
template <typename Alarm>
std::vector<PlotMark> sinceWhen(const std::vector<Reliability>& course, const QString& word, State state, Alarm isOn)
{
    std::size_t from = course.size();
    while (from > 0 && isOn(course[from - 1]))
        --from;
    return from == course.size() ? std::vector<PlotMark>() : std::vector<PlotMark>{{PlotMark::Kind::At, double(from + 1), word, state}};
}

} // namespace

PlotLine rankOverTime(const SignalReport& signal, const std::vector<Reliability>& course)
{
    PlotLine line;
    line.key = QStringLiteral("rank");
    line.name = text(signal.name);
    for (std::size_t i = 0; i < course.size(); ++i) {
        if (!isKnown(course[i]))
            continue;
        line.curve.x.push_back(double(i + 1));
        line.curve.y.push_back(course[i].rank);
        line.low.push_back(course[i].rankLow);
        line.high.push_back(course[i].rankHigh);
    }
    return line;
}

CriticSignals::CriticSignals(QWidget* parent)
    : CriticPage(parent), m_alarm(new QLabel), m_reward(new QLabel), m_ranks(new LinePlot), m_drift(new LinePlot)
{
    m_table = factTable({tr("signal"), tr("is"), tr("judged"), tr("correlation [95 %]"), tr("slope"), tr("optimism")}, Signal,
                        {Judged, Rank, Slope, Optimism}, tr("Signals"));
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_ranks->setAxes({tr("judged proposals"), {}, {}, false, true}, {tr("correlation"), {}, {}, false});
    m_drift->setAxes({tr("judged proposals"), {}, {}, false, true}, {tr("drift"), {}, {}, false});
    m_ranks->setToolTip(tr("Spearman's correlation over the newest %1 judged proposals with its 95 % interval. Below zero as a whole: it misleads.").arg(Reliability::window));
    m_drift->setToolTip(tr("Largest cumulative sum of the gap between promised and shown, in deviations of the first half, less a half each (Page). Above %1: it drifted.")
                            .arg(Reliability::alarm));
    m_reward->setWordWrap(true);
    m_reward->setTextFormat(Qt::RichText);
    auto* plots = new QSplitter;
    plots->addWidget(m_ranks);
    plots->addWidget(m_drift);
    plots->setSizes({500, 300});
    m_table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    plots->setChildrenCollapsible(false);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metric::gapSmall, metric::gapTiny, metric::gapSmall, metric::gapSmall);
    column->setSpacing(metric::gapTiny);
    column->addWidget(m_table);
    column->addWidget(m_alarm);
    column->addWidget(plots, 1);
    column->addWidget(m_reward);
    connect(m_table, &QTableWidget::currentCellChanged, this, [this](int row, int, int before) {
        if (row != before)
            draw();
    });
}

void CriticSignals::show(const Snapshot& snapshot, const Selection&)
{
    // A loop that runs tells four times a second: only what is new is worth a table and a figure.
    std::vector<std::size_t> key{tokens(this).text.rgb(), snapshot.reward.work.size()};
    for (const SignalReport& signal : snapshot.signals)
        key.push_back(signal.pairs.size());
    if (key == m_filled)
        return;
    m_filled = std::move(key);
    m_signals = snapshot.signals;
    const ScoreFormat scores(snapshot);
    m_table->horizontalHeaderItem(Optimism)->setText(tr("optimism, %1").arg(scores.unit()));
    m_table->setRowCount(int(m_signals.size()));
    m_table->setFixedHeight(metric::tableHeader + m_table->rowCount() * metric::rowHeight + metric::gapTiny);
    for (int row = 0; row < int(m_signals.size()); ++row) {
        const SignalReport& signal = m_signals[std::size_t(row)];
        const Reliability& r = signal.reliability;
        const QString none = QStringLiteral("\u2013");
        const bool known = isKnown(r);
        m_table->setItem(row, Signal, factCell(text(signal.name), text(signal.meaning + " " + signal.use), Qt::AlignLeft));
        auto* judgement = factCell(text(judgementOn(r)), judgementHelp(signal), Qt::AlignLeft);
        judgement->setIcon(stateIcon(stateOf(r), tokens(this)));
        m_table->setItem(row, Judgement, judgement);
        m_table->setItem(row, Judged, factCell(formatCount(r.pairs), tr("Proposals with this signal and a verdict; the newest %1 count.").arg(Reliability::window)));
        m_table->setItem(row, Rank, factCell(known ? QStringLiteral("%1 [%2, %3]").arg(signedTwo(r.rank), signedTwo(r.rankLow), signedTwo(r.rankHigh)) : none,
                                             known ? tr("Spearman's correlation with the difference on the gate's hidden items.")
                                                   : tr("Shown from %1 pairs on.").arg(Reliability::fewest)));
        m_table->setItem(row, Slope, factCell(known && signal.sameUnit ? signedTwo(r.slope) : none,
                                              tr("What was shown for one that was promised; below 1 promises shrink.")));
        m_table->setItem(row, Optimism, factCell(known && signal.sameUnit ? scores.number(r.optimism) : none, tr("Promised minus shown, on average.")));
    }
    m_reward->setVisible(!snapshot.reward.work.empty());
    m_reward->setText(rewardLabel(snapshot.reward));
    if (m_table->currentRow() < 0 && m_table->rowCount() > 0)
        return m_table->selectRow(worst());       // draws
    draw();
}

// The first that raises an alarm, else the first.
int CriticSignals::worst() const
{
    const auto alarmed = std::find_if(m_signals.begin(), m_signals.end(), [](const SignalReport& s) { return s.reliability.misleads || s.reliability.drifted; });
    return alarmed == m_signals.end() ? 0 : int(alarmed - m_signals.begin());
}

void CriticSignals::draw()
{
    const auto row = std::size_t(std::max(0, m_table->currentRow()));
    if (row >= m_signals.size()) {
        m_alarm->clear();
        m_ranks->setLines({});
        return m_drift->setLines({});
    }
    const SignalReport& signal = m_signals[row];
    const auto course = reliabilityOverTime(signal.pairs);
    const PlotLine ranks = rankOverTime(signal, course);
    const Tokens& now = tokens(this);
    const bool alarm = signal.reliability.misleads || signal.reliability.drifted;
    m_alarm->setText(QStringLiteral("<b>%1</b>: %2").arg(text(signal.name).toHtmlEscaped(),
                                                         ranks.curve.isEmpty() ? tr("shown from %1 judged proposals on.").arg(Reliability::fewest)
                                                                               : wordsFor(signal.reliability)));
    m_alarm->setToolTip(judgementHelp(signal));
    QPalette palette = m_alarm->palette();
    palette.setColor(QPalette::WindowText, alarm ? now.state(stateOf(signal.reliability)) : now.secondary);
    m_alarm->setPalette(palette);
    auto marks = sinceWhen(course, tr("misleads"), State::Rejected, [](const Reliability& r) { return r.misleads; });
    marks.push_back({PlotMark::Kind::Level, 0, tr("no better than a coin"), State::Inconclusive});
    m_ranks->setMarks(std::move(marks));
    m_ranks->setLines({ranks});
    PlotLine drift;
    drift.key = QStringLiteral("drift");
    drift.name = tr("growth of the gap");
    for (std::size_t i = 0; i < course.size(); ++i) {
        drift.curve.x.push_back(double(i + 1));
        drift.curve.y.push_back(course[i].largestDrift);
    }
    auto levels = sinceWhen(course, tr("drifted"), State::Waiting, [](const Reliability& r) { return r.drifted; });
    levels.push_back({PlotMark::Kind::Level, Reliability::alarm, tr("alarm"), State::Waiting});
    m_drift->setMarks(std::move(levels));
    m_drift->setLines({drift});
}

} // namespace ratchet
