// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_panel.h"

#include <QHBoxLayout>
#include <QStackedWidget>
#include <QTabBar>

#include "widgets/panels/critic_calibration.h"
#include "widgets/panels/critic_controls.h"
#include "widgets/panels/critic_signals.h"
#include "widgets/panels/critic_suites.h"

namespace ratchet {

CriticPanel::CriticPanel(QWidget* parent)
    : Panel(QStringLiteral("critic"), tr("Critic"), parent), m_verdicts(new CriticVerdicts), m_tabs(new QTabBar), m_pages(new QStackedWidget)
{
    m_tabs->setDrawBase(false);
    m_tabs->setExpanding(false);
    m_tabs->setAccessibleName(tr("Pages of the critic"));
    addPage(m_verdicts, tr("Verdicts"), tr("What the gate answered, and the champions' visible and hidden scores"));
    addPage(new CriticSuites, tr("Suites"), tr("What was measured of the selected version, or of the champion"));
    addPage(new CriticCalibration, tr("Calibration"), tr("Whether answers are as often right as the model is sure"));
    addPage(new CriticSignals, tr("Signals"), tr("How far what is seen before the gate has spoken tells what the gate then shows"));
    auto* controls = new CriticControls;
    addPage(controls, tr("Controls"), tr("Noise of equal recipes, what comes back of gains, placebos"));
    connect(controls, &CriticControls::noiseWanted, this, &CriticPanel::noiseWanted);
    connect(controls, &CriticControls::replicationWanted, this, &CriticPanel::replicationWanted);
    connect(controls, &CriticControls::withdrawn, this, [this](const ReplicationWish& wish) { session()->ask(QStringLiteral("withdraw"), toJson(wish)); });
    header()->addWidget(m_tabs);
    m_verdicts->plot().addExportActions(menu(), [this] { return figure(); });
    connect(m_tabs, &QTabBar::currentChanged, this, [this](int page) {
        m_pages->setCurrentIndex(page);
        refresh();
    });
    setBody(m_pages);
    CriticPanel::refresh();
}

void CriticPanel::addPage(CriticPage* page, const QString& title, const QString& help)
{
    m_tabs->setTabToolTip(m_tabs->addTab(title), help);
    m_pages->addWidget(page);
    connect(page, &CriticPage::chosen, this, [this](Id<ProposalRecord> proposal) {
        if (session())
            session()->selectProposal(proposal);
    });
}

QStringList CriticPanel::pages() const
{
    return {QStringLiteral("verdicts"), QStringLiteral("suites"), QStringLiteral("calibration"), QStringLiteral("signals"), QStringLiteral("controls")};
}

void CriticPanel::turnTo(int page)
{
    m_tabs->setCurrentIndex(page);
}

void CriticPanel::refresh()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot)
        return showEmpty(tr("Open a lab to see how its champions were judged."));
    if (snapshot->scorecards.empty() && snapshot->verdicts.empty())
        return showEmpty(tr("The score of every champion and every verdict of the gate appear here once the judge has been asked."));
    showBody();
    static_cast<CriticPage*>(m_pages->currentWidget())->show(*snapshot, session()->selection());
}

Figure CriticPanel::figure() const
{
    Figure figure;
    figure.title = tr("Visible and hidden score of the champions over deployments");
    if (session())
        figure.settings = {{QStringLiteral("lab"), QString::fromStdString(session()->paths().root.string())}};
    return figure;
}

} // namespace ratchet
