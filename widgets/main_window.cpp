// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QLabel>
#include <QLayout>
#include <QSettings>
#include <QStatusBar>
#include <QTabBar>
#include <QTimer>
#include <QToolBar>

#include "widgets/meter.h"
#include "widgets/panel_set.h"
#include "widgets/panels/activations_panel.h"
#include "widgets/panels/critic_panel.h"
#include "widgets/panels/curves_panel.h"
#include "widgets/panels/loop_panel.h"
#include "widgets/panels/queue_panel.h"
#include "widgets/status_strip.h"
#include "widgets/style/format.h"
#include "widgets/welcome_page.h"

namespace ratchet {
namespace {

QString layoutKey(Layout layout)
{
    return QStringLiteral("window/layout%1").arg(static_cast<int>(layout));
}

} // namespace

MainWindow::MainWindow(Memory memory, QWidget* parent) : QMainWindow(parent), m_memory(memory)
{
    setObjectName(QStringLiteral("window"));
    setFocusPolicy(Qt::ClickFocus);   // else the first button of the first panel shows a focus frame
    setFocus();
    setWindowTitle(tr("Ratchet"));
    setDockNestingEnabled(true);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
    m_welcome = new WelcomePage(this);
    setCentralWidget(m_welcome);
    buildPanels();
    buildActions();
    buildToolBar();
    buildNotice();
    m_status = new StatusStrip(this);
    statusBar()->addWidget(m_status, 1);
    statusBar()->setSizeGripEnabled(false);
    connect(m_status, &StatusStrip::reviewWanted, this, [this] { applyLayout(Layout::Review); });
    connect(m_welcome, &WelcomePage::newWanted, this, &MainWindow::newLabWanted);
    connect(m_welcome, &WelcomePage::openWanted, this, &MainWindow::openWanted);
    connect(m_welcome, &WelcomePage::labWanted, this, &MainWindow::openLab);
    resize(1280, 720);
    if (m_memory == Memory::Keep)
        restoreGeometry(QSettings().value(QStringLiteral("window/geometry")).toByteArray());
    fillRecent();
    setSession(nullptr);
}

MainWindow::~MainWindow()
{
    for (Panel* panel : m_panels)
        panel->setSession(nullptr);
}

void MainWindow::buildPanels()
{
    m_panels = makePanels(this);
    for (Panel* panel : m_panels) {
        auto* dock = new QDockWidget(panel->title(), this);
        dock->setObjectName(panel->objectName() + QStringLiteral("Dock"));
        dock->setTitleBarWidget(panel->headerRow());
        dock->setWidget(panel);
        m_docks[panel->objectName()] = dock;
        addDockWidget(Qt::LeftDockWidgetArea, dock);
        if (auto* loop = qobject_cast<LoopPanel*>(panel)) {
            connect(loop, &LoopPanel::reviewWanted, this, [this] { applyLayout(Layout::Review); });
            connect(loop, &LoopPanel::startWanted, this, &MainWindow::start);
        }
        if (auto* critic = qobject_cast<CriticPanel*>(panel)) {
            connect(critic, &CriticPanel::noiseWanted, this, [this] { replicate(ReplicateDialog::Beside::Itself); });
            connect(critic, &CriticPanel::replicationWanted, this, [this] { replicate(ReplicateDialog::Beside::WhatItBeat); });
        }
        if (auto* queue = qobject_cast<QueuePanel*>(panel))
            m_queue = queue;
    }
    linkCursors();
}

// The step under the pointer in one is marked in the other.
void MainWindow::linkCursors()
{
    CurvesPanel* curves = nullptr;
    ActivationsPanel* activations = nullptr;
    for (Panel* panel : m_panels) {
        curves = curves ? curves : qobject_cast<CurvesPanel*>(panel);
        activations = activations ? activations : qobject_cast<ActivationsPanel*>(panel);
    }
    if (!curves || !activations)
        return;
    connect(curves, &CurvesPanel::stepHovered, activations, &ActivationsPanel::setStepCursor);
    connect(activations, &ActivationsPanel::stepHovered, curves, &CurvesPanel::setStepCursor);
}

void MainWindow::setSession(std::unique_ptr<LabSession> session)
{
    for (Panel* panel : m_panels)
        panel->setSession(nullptr);
    m_session = std::move(session);
    m_noiseAsked = false;
    showNotice({});
    if (m_session) {
        connect(m_session.get(), &LabSession::changed, this, &MainWindow::refresh);
        connect(m_session.get(), &LabSession::engineEnded, this, &MainWindow::showNotice);
        connect(m_session.get(), &LabSession::failed, this, [this](const QString& sentence, const QString& hint) {
            showNotice(hint.isEmpty() ? sentence : sentence + QLatin1Char(' ') + hint);
        });
        for (Panel* panel : m_panels)
            panel->setSession(m_session.get());
    }
    m_welcome->setVisible(!m_session);
    applyLayout(m_layout);
    refresh();
}

// Left to right and top to bottom as the researcher's, reviewer's and teacher's desk are described in docs.
void MainWindow::arrangeDefault(Layout layout)
{
    const auto dock = [this](const char* name) -> QDockWidget* {
        const auto found = m_docks.find(QLatin1String(name));
        return found == m_docks.end() ? nullptr : found->second;
    };
    if (m_kept.isEmpty())
        m_kept = size();
    for (const auto& [name, each] : m_docks) {
        each->setFloating(false);
        removeDockWidget(each);
    }
    QDockWidget *loop = dock("loop"), *plan = dock("plan"), *curves = dock("curves"), *activations = dock("activations");
    QDockWidget *queue = dock("queue"), *review = dock("review"), *timeline = dock("timeline"), *critic = dock("critic");
    QList<QDockWidget*> shown;
    const auto place = [&](QDockWidget* what, QDockWidget* beside, Qt::Orientation direction) {
        if (!what)
            return;
        if (beside)
            splitDockWidget(beside, what, direction);
        else
            addDockWidget(Qt::LeftDockWidgetArea, what);
        shown << what;
    };
    if (layout == Layout::Research) {
        place(loop, nullptr, Qt::Horizontal);
        place(curves, loop, Qt::Horizontal);
        place(queue, curves ? curves : loop, Qt::Horizontal);
        if (height() >= 900)
            place(plan, loop, Qt::Vertical);
        else
            tabifyDockWidget(loop, plan);
        plan->show();
        place(activations, curves, Qt::Vertical);
        tabifyDockWidget(activations, critic);
        critic->show();
        addDockWidget(Qt::BottomDockWidgetArea, timeline);
        shown << timeline;
    } else if (layout == Layout::Review) {
        place(review, nullptr, Qt::Horizontal);
    } else {
        place(loop, nullptr, Qt::Horizontal);
        place(curves ? curves : queue, loop, Qt::Horizontal);
    }
    for (QDockWidget* each : shown)
        each->show();
    const int w = width();
    const int h = height();
    if (layout == Layout::Research) {
        QList<QDockWidget*> columns{loop, queue};
        QList<int> widths{std::max(250, w / 6), std::max(440, w * 36 / 100)};
        if (curves) {
            columns.insert(1, curves);
            widths.insert(1, w - widths[0] - widths[1]);
        }
        resizeDocks(columns, widths, Qt::Horizontal);
        resizeDocks({loop, plan}, {h * 5 / 10, h * 2 / 10}, Qt::Vertical);
        loop->raise();
        activations->raise();
        if (curves && activations)
            resizeDocks({curves, activations}, {h * 4 / 10, h * 3 / 10}, Qt::Vertical);
        resizeDocks({timeline}, {h < 900 ? 150 : 190}, Qt::Vertical);
    } else if (layout == Layout::Teach && curves) {
        resizeDocks({loop, curves}, {w * 6 / 10, w * 4 / 10}, Qt::Horizontal);
    }
    keepSize();
}

// Half arranged docks ask for more than they need in the end, and a window that grew for them does not shrink by itself.
void MainWindow::keepSize()
{
    QTimer::singleShot(0, this, [this] {
        layout()->activate();
        if (!m_kept.isEmpty() && !(windowState() & (Qt::WindowMaximized | Qt::WindowFullScreen)))
            resize(m_kept);
        m_kept = {};
    });
}

void MainWindow::applyLayout(Layout layout)
{
    if (m_session && layout != m_layout)
        remember();
    m_layout = layout;
    for (const auto& [each, chosen] : m_layouts)
        chosen->setChecked(each == layout);
    if (!m_session) {
        for (const auto& [name, dock] : m_docks)
            dock->hide();
        return;
    }
    const QByteArray saved = m_memory == Memory::Keep ? QSettings().value(layoutKey(layout)).toByteArray() : QByteArray();
    if (saved.isEmpty() || !restoreState(saved))
        arrangeDefault(layout);
    m_toolBar->show();
}

void MainWindow::remember() const
{
    if (m_memory == Memory::Forget)
        return;
    QSettings settings;
    settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    if (m_session)
        settings.setValue(layoutKey(m_layout), saveState());
}

bool MainWindow::isSettled() const
{
    return std::all_of(m_panels.begin(), m_panels.end(), [](const Panel* panel) { return !panel->isVisible() || panel->isSettled(); });
}

void MainWindow::refresh()
{
    const auto snapshot = m_session ? m_session->snapshot() : nullptr;
    m_status->setSnapshot(snapshot.get());
    const bool runs = snapshot && snapshot->engineRuns;
    const bool paused = runs && snapshot->status.stage == "paused";
    m_start->setEnabled(snapshot && (!runs || paused));
    m_step->setEnabled(snapshot && (!runs || paused));
    m_pause->setEnabled(runs && !paused);
    m_stop->setEnabled(runs);
    m_measure->setEnabled(snapshot && hasRecipe(*snapshot, championOf(*snapshot)));
    m_replicate->setEnabled(m_measure->isEnabled());
    m_goal->setVisible(snapshot != nullptr);
    m_budget->setVisible(snapshot != nullptr);
    setWindowTitle(snapshot ? tr("%1 \u2013 Ratchet").arg(text(m_session->paths().root.filename().string())) : tr("Ratchet"));
    if (snapshot)
        refreshMeters(*snapshot);
}

void MainWindow::refreshMeters(const Snapshot& snapshot)
{
    const auto root = std::find_if(snapshot.goals.begin(), snapshot.goals.end(), [](const GoalRecord& goal) { return !goal.parent; });
    if (root == snapshot.goals.end())
        m_goal->show(text(snapshot.config.goal), tr("not measured yet"), 0);
    else
        m_goal->show(text(snapshot.config.goal), tr("%1 of %2").arg(formatScore(root->value), formatScore(root->target)),
                     root->higherIsBetter ? root->value : root->target / std::max(root->value, 1e-9), root->higherIsBetter ? root->target : 1.0);
    m_goal->setBarColor(tokens(this).champion);
    const double budget = snapshot.config.budget.value;
    m_budget->show(tr("Budget"), formatFlopsOf(snapshot.spent, snapshot.config.budget), budget > 0 ? snapshot.spent.value / budget : 0);
    m_budget->setBarColor(tokens(this).secondary);
}

void MainWindow::run(const RunLimits& limits)
{
    if (m_session)
        m_session->start(limits);
}

void MainWindow::step()
{
    RunLimits one;
    one.teeth = 1;
    run(one);
}

void MainWindow::setReviewer(const QString& name)
{
    if (m_memory == Memory::Keep)
        QSettings().setValue(QStringLiteral("reviewer"), name);
    if (m_session)
        m_session->setReviewer(name);
}

void MainWindow::showNotice(const QString& sentence)
{
    m_notice->setText(sentence);
    m_noticeBar->setVisible(!sentence.isEmpty());
    for (QAction* answer : m_answers)
        answer->setVisible(false);
    fitNotice();
}

// A toolbar does not ask for the height that a width needs.
void MainWindow::fitNotice()
{
    int room = width() - 2 * metric::toolbar;
    for (QAction* answer : m_answers)
        room -= answer->isVisible() ? m_noticeBar->widgetForAction(answer)->sizeHint().width() + metric::gapSmall : 0;
    m_notice->setFixedHeight(std::max(m_notice->heightForWidth(std::max(room, 200)), metric::toolbar));
}

void MainWindow::resizeEvent(QResizeEvent* event)
{
    QMainWindow::resizeEvent(event);
    fitNotice();
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    remember();
    event->accept();
}

} // namespace ratchet
