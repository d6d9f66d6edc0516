// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_calibration.h"

#include <QComboBox>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

#include "core/agent/examination.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

constexpr int rewardSlot = 3, figuresWidth = 210;

PlotLine lineOf(const Calibration& calibration, const QString& key, const QString& name, int slot)
{
    PlotLine line;
    line.key = key;
    line.name = name;
    line.slot = slot;
    for (const ReliabilityBin& bin : calibration.bins) {
        line.curve.x.push_back(bin.confidence);
        line.curve.y.push_back(bin.accuracy);
        line.low.push_back(bin.low);
        line.high.push_back(bin.high);
    }
    return line;
}

QString rowsOf(const Calibration& one, const QString& who, const QColor& colour)
{
    const auto row = [](const QString& name, const QString& value) {
        return QStringLiteral("<tr><td style=\"padding-right:12px\">%1</td><td align=\"right\">%2</td></tr>").arg(name, value);
    };
    return QStringLiteral("<tr><td colspan=\"2\"><span style=\"color:%1\">\u25CF</span> <b>%2</b></td></tr>").arg(colour.name(), who.toHtmlEscaped())
           + row(CriticCalibration::tr("right"), formatShare(one.accuracy)) + row(CriticCalibration::tr("sure"), formatShare(one.confidence))
           + row(CriticCalibration::tr("calibration error"), CriticCalibration::tr("%1 pts").arg(QString::number(100 * one.error, 'f', 1)))
           + row(CriticCalibration::tr("by chance alone"), CriticCalibration::tr("%1 pts").arg(QString::number(100 * one.byChance, 'f', 1)))
           + row(CriticCalibration::tr("Brier score"), QString::number(one.brier, 'f', 3))
           + row(CriticCalibration::tr("surest half right"), formatShare(one.surestHalf));
}

} // namespace

CriticCalibration::CriticCalibration(QWidget* parent)
    : CriticPage(parent), m_title(new QLabel), m_figures(new QLabel), m_suite(new QComboBox), m_plot(new LinePlot)
{
    m_title->setFont(strongFont(metric::secondary));
    m_suite->setToolTip(tr("Items that were answered"));
    m_suite->setAccessibleName(m_suite->toolTip());
    m_suite->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_plot->setAxes({tr("confidence: probability of the answer"), {}, {}, false}, {tr("share that is right"), {}, {}, false});
    m_plot->showDots(true);
    m_figures->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_figures->setToolTip(tr("Expected calibration error over bins of equal mass; a perfectly calibrated model would show \"by chance alone\" "
                             "with as many items. Bands: exact 95 % intervals of each bin."));
    auto* top = new QHBoxLayout;
    top->addWidget(m_title, 1);
    top->addWidget(m_suite);
    auto* figures = new QScrollArea;             // low docks show the first of them
    figures->setWidget(m_figures);
    figures->setWidgetResizable(true);
    figures->setFrameShape(QFrame::NoFrame);
    figures->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    figures->setFixedWidth(figuresWidth);
    auto* body = new QHBoxLayout;
    body->setSpacing(metric::gap);
    body->addWidget(m_plot, 1);
    body->addWidget(figures);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metric::gapSmall, metric::gapTiny, metric::gapSmall, metric::gapTiny);
    column->setSpacing(metric::gapTiny);
    column->addLayout(top);
    column->addLayout(body, 1);
    connect(m_suite, &QComboBox::activated, this, [this] { draw(); });
}

void CriticCalibration::show(const Snapshot& snapshot, const Selection& selection)
{
    const auto version = examined(snapshot, selection);
    m_isChampion = version && championOf(snapshot) == version;
    m_diagrams.clear();
    if (version)
        for (const SuiteResult& result : examination(snapshot.scorecards, *version))
            if (result.calibration)
                m_diagrams.push_back({tr("%1, %2 items").arg(text(result.suite), text(result.split)), m_isChampion ? tr("champion") : tr("this version"),
                                      m_isChampion ? championSlot : 0, *result.calibration, result.championCalibration});
    m_title->setText(!version             ? tr("No champion yet.")
                     : m_diagrams.empty() ? tr("%1: no answers with a confidence were measured.").arg(examinedTitle(snapshot, *version))
                                          : examinedTitle(snapshot, *version));
    if (snapshot.reward.model)
        m_diagrams.push_back({tr("reward model, newest graded answers"), tr("reward model"), rewardSlot, snapshot.reward.newest.calibration});
    const QString before = m_suite->currentText();
    m_suite->clear();
    for (const Diagram& diagram : m_diagrams)
        m_suite->addItem(diagram.title);
    m_suite->setCurrentIndex(std::max(0, m_suite->findText(before)));
    m_suite->setVisible(!m_diagrams.empty());
    draw();
}

void CriticCalibration::draw()
{
    const auto index = std::size_t(std::max(0, m_suite->currentIndex()));
    if (index >= m_diagrams.size()) {
        m_figures->clear();
        return m_plot->setLines({});
    }
    const Diagram& diagram = m_diagrams[index];
    PlotLine perfect;
    perfect.key = QStringLiteral("perfect");
    perfect.name = tr("as right as sure");
    perfect.slot = 1;
    perfect.curve = {{0, 1}, {0, 1}};
    std::vector<PlotLine> lines{perfect, lineOf(diagram.own, QStringLiteral("own"), diagram.who, diagram.slot)};
    QString rows = rowsOf(diagram.own, diagram.who, slotColor(tokens(this), diagram.slot));
    if (diagram.other) {
        const int other = m_isChampion ? 0 : championSlot;
        const QString name = m_isChampion ? tr("the champion before it") : tr("champion");
        lines.push_back(lineOf(*diagram.other, QStringLiteral("other"), name, other));
        rows += QStringLiteral("<tr><td>&nbsp;</td></tr>") + rowsOf(*diagram.other, name, slotColor(tokens(this), other));
    }
    m_figures->setText(QStringLiteral("<table cellspacing=\"2\">%1</table>").arg(rows));
    m_plot->setLines(std::move(lines));
}

} // namespace ratchet
