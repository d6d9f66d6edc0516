// SPDX-License-Identifier: GPL-3.0-or-later
// MainWindow's menus, toolbar and what they start; the rest is in main_window.cpp.
#include <QActionGroup>
#include <QApplication>
#include <QDesktopServices>
#include <QDialog>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLabel>
#include <QPushButton>
#include <QMenuBar>
#include <QSettings>
#include <QTextBrowser>
#include <QToolBar>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>

#include "core/agent/limits.h"
#include "widgets/main_window.h"
#include "widgets/meter.h"
#include "widgets/new_lab_dialog.h"
#include "widgets/panels/panel.h"
#include "widgets/panels/queue_panel.h"
#include "widgets/panels/replicate_dialog.h"
#include "widgets/style/format.h"
#include "widgets/style/html.h"
#include "widgets/welcome_page.h"

namespace ratchet {

QAction* MainWindow::action(const QString& iconName, const QString& title, const QKeySequence& keys, const std::function<void()>& work)
{
    auto* made = new QAction(title, this);
    if (!iconName.isEmpty())
        made->setIcon(icon(iconName));
    made->setShortcut(keys);
    QString tip = title;
    tip.remove(QLatin1Char('&')).remove(QChar(0x2026));
    made->setToolTip(keys.isEmpty() ? tip : QStringLiteral("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
    connect(made, &QAction::triggered, this, [work] { work(); });
    addAction(made);
    return made;
}

void MainWindow::buildActions()
{
    m_new = action(QStringLiteral("new"), tr("&New lab\u2026"), QKeySequence::New, [this] { newLabWanted(); });
    m_open = action(QStringLiteral("open"), tr("&Open lab\u2026"), QKeySequence::Open, [this] { openWanted(); });
    m_start = action(QStringLiteral("start"), tr("&Start"), Qt::Key_F5, [this] { start(); });
    m_pause = action(QStringLiteral("pause"), tr("&Pause"), Qt::Key_F6, [this] { m_session->pause(); });
    m_step = action(QStringLiteral("step"), tr("One s&tep"), Qt::Key_F8, [this] { step(); });
    m_stop = action(QStringLiteral("stop"), tr("St&op"), Qt::SHIFT | Qt::Key_F5, [this] { m_session->stop(); });

    QMenu* lab = menuBar()->addMenu(tr("&Lab"));
    lab->addActions({m_new, m_open});
    m_recent = lab->addMenu(tr("Open &recent"));
    lab->addAction(action({}, tr("Open the &folder"), {}, [this] {
        if (m_session)
            QDesktopServices::openUrl(QUrl::fromLocalFile(text(m_session->paths().root.string())));
    }));
    lab->addSeparator();
    lab->addAction(action({}, tr("&Close lab"), QKeySequence::Close, [this] { closeLab(); }));
    lab->addAction(action({}, tr("&Quit"), QKeySequence::Quit, [this] { close(); }));

    QMenu* loop = menuBar()->addMenu(tr("L&oop"));
    loop->addActions({m_start, m_pause, m_step, m_stop});
    loop->addSeparator();
    loop->addAction(action(QStringLiteral("plus"), tr("Propose a &change\u2026"), Qt::CTRL | Qt::Key_P, [this] { m_queue->propose(); }));
    m_measure = action({}, tr("&Measure the noise\u2026"), Qt::CTRL | Qt::Key_M, [this] { replicate(ReplicateDialog::Beside::Itself); });
    m_replicate = action({}, tr("R&eplicate the selected version\u2026"), Qt::CTRL | Qt::SHIFT | Qt::Key_R, [this] { replicate(ReplicateDialog::Beside::WhatItBeat); });
    loop->addActions({m_measure, m_replicate});
    loop->addAction(action(QStringLiteral("eye"), tr("Reviewer's &name\u2026"), {}, [this] { chooseReviewer(); }));

    m_view = menuBar()->addMenu(tr("&View"));
    const std::pair<Layout, QString> layouts[] = {{Layout::Research, tr("&Research")}, {Layout::Review, tr("Re&view")}, {Layout::Teach, tr("&Teach")}};
    for (const auto& [layout, title] : layouts) {
        const QKeySequence keys(QKeyCombination(Qt::CTRL, static_cast<Qt::Key>(Qt::Key_1 + static_cast<int>(layout))));
        m_layouts[layout] = action({}, title, keys, [this, layout = layout] { applyLayout(layout); });
        m_layouts[layout]->setCheckable(true);
        m_view->addAction(m_layouts[layout]);
    }
    m_view->addAction(action({}, tr("Reset this &layout"), {}, [this] {
        if (m_session)
            arrangeDefault(m_layout);
    }));
    m_view->addSeparator();
    for (const Panel* panel : m_panels)
        m_view->addAction(m_docks[panel->objectName()]->toggleViewAction());
    m_view->addSeparator();
    auto* themes = new QActionGroup(this);
    const std::pair<ThemeChoice, QString> choices[] = {
        {ThemeChoice::System, tr("Colours of the &system")}, {ThemeChoice::Light, tr("L&ight")}, {ThemeChoice::Dark, tr("&Dark")}};
    for (const auto& [choice, title] : choices) {
        QAction* entry = action({}, title, {}, [this, choice = choice] { chooseTheme(choice); });
        entry->setCheckable(true);
        entry->setChecked(savedTheme() == choice);
        themes->addAction(entry);
        m_view->addAction(entry);
    }
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    help->addAction(action(QStringLiteral("help"), tr("&Keys and shapes"), QKeySequence::HelpContents, [this] { showShortcuts(); }));
}

void MainWindow::buildToolBar()
{
    m_toolBar = addToolBar(tr("Toolbar"));
    m_toolBar->setObjectName(QStringLiteral("toolBar"));
    m_toolBar->setMovable(false);
    m_toolBar->setIconSize({metric::iconLarge, metric::iconLarge});
    m_toolBar->addActions({m_new, m_open});
    m_toolBar->addSeparator();
    m_toolBar->addActions({m_start, m_pause, m_step, m_stop});
    m_toolBar->addSeparator();
    for (const auto& [layout, chosen] : m_layouts)
        m_toolBar->addAction(chosen);
    auto* room = new QWidget;
    room->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    m_toolBar->addWidget(room);
    m_goal = new Meter;
    m_budget = new Meter;
    for (Meter* meter : {m_goal, m_budget}) {
        auto* holder = new QWidget;
        auto* row = new QHBoxLayout(holder);
        row->setContentsMargins(metric::gap, 0, metric::gapSmall, 0);
        row->addWidget(meter);
        m_toolBar->addWidget(holder);
    }
    setContextMenuPolicy(Qt::NoContextMenu);
}

void MainWindow::buildNotice()
{
    addToolBarBreak();
    m_noticeBar = addToolBar(tr("Notice"));
    m_noticeBar->setObjectName(QStringLiteral("noticeBar"));
    m_noticeBar->setMovable(false);
    m_notice = new QLabel;
    m_notice->setObjectName(QStringLiteral("noticeLine"));
    m_notice->setWordWrap(true);
    m_notice->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    m_notice->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_noticeBar->addWidget(m_notice);
    for (QPushButton** button : {&m_yes, &m_no}) {
        *button = new QPushButton;
        m_answers.push_back(m_noticeBar->addWidget(*button));
    }
    m_yes->setProperty("primary", true);
    connect(m_yes, &QPushButton::clicked, this, [this] {
        showNotice({});
        replicate(ReplicateDialog::Beside::Itself);
    });
    connect(m_no, &QPushButton::clicked, this, [this] {
        showNotice({});
        run({});
    });
    auto* dismiss = new QToolButton;
    dismiss->setIcon(icon(QStringLiteral("cross")));
    dismiss->setToolTip(tr("Dismiss"));
    m_noticeBar->addWidget(dismiss);
    connect(dismiss, &QToolButton::clicked, this, [this] { showNotice({}); });
}

// What a campaign should know of its instrument before it spends anything, asked once a lab.
void MainWindow::start()
{
    const auto snapshot = m_session->snapshot();
    const auto champion = championOf(*snapshot);
    const ReplicationWish usual;
    const bool isDue = !m_noiseAsked && !snapshot->engineRuns && !snapshot->spread && snapshot->asked.empty() && hasRecipe(*snapshot, champion)
                       && affordableTrials(snapshot->config, snapshot->spent) > usual.seeds;
    if (!isDue)
        return run({});
    m_noiseAsked = true;
    showNotice(tr("The noise of this champion's recipe was not measured: how small a gain the gate can see is not known. %1 trials of %2 would tell.")
                   .arg(usual.seeds).arg(formatFlops(snapshot->config.trialBudget)));
    m_yes->setText(tr("Measure first\u2026"));
    m_no->setText(tr("Start without"));
    for (QAction* answer : m_answers)
        answer->setVisible(true);
    fitNotice();
}

void MainWindow::replicate(ReplicateDialog::Beside beside)
{
    const auto snapshot = m_session ? m_session->snapshot() : nullptr;
    const auto champion = snapshot ? championOf(*snapshot) : std::nullopt;
    const auto version = beside == ReplicateDialog::Beside::Itself || !m_session->selection().version ? champion : m_session->selection().version;
    if (!snapshot || !hasRecipe(*snapshot, version))
        return;
    auto* dialog = new ReplicateDialog(snapshot, *version, beside, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        if (m_session)
            m_session->replicate(dialog->wish());
    });
    dialog->open();
}

void MainWindow::fillRecent()
{
    m_recent->clear();
    const QStringList labs = m_memory == Memory::Keep ? QSettings().value(QStringLiteral("recent")).toStringList() : QStringList();
    QStringList there;
    for (const QString& lab : labs)
        if (QFileInfo::exists(lab + QStringLiteral("/lab.json"))) {
            there << lab;
            m_recent->addAction(QDir::toNativeSeparators(lab), this, [this, lab] { openLab(lab); });
        }
    m_recent->setEnabled(!there.isEmpty());
    m_welcome->setRecent(there);
}

void MainWindow::addRecent(const QString& lab)
{
    if (m_memory == Memory::Forget)
        return;
    QSettings settings;
    QStringList labs = settings.value(QStringLiteral("recent")).toStringList();
    labs.removeAll(lab);
    labs.prepend(lab);
    settings.setValue(QStringLiteral("recent"), QStringList(labs.mid(0, 8)));
    fillRecent();
}

void MainWindow::openLab(const QString& lab)
{
    const QString path = QDir(lab).absolutePath();
    auto opened = LabSession::open(path.toStdString());
    if (!opened) {
        showNotice(text(opened.error().hint.empty() ? opened.error().text : opened.error().text + " " + opened.error().hint));
        return;
    }
    if (m_session)
        remember();
    setSession(std::move(*opened));
    if (const QString name = QSettings().value(QStringLiteral("reviewer")).toString(); m_memory == Memory::Keep && !name.isEmpty())
        m_session->setReviewer(name);
    addRecent(path);
}

void MainWindow::newLabWanted()
{
    auto* dialog = new NewLabDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &NewLabDialog::created, this, &MainWindow::openLab);
    dialog->open();
}

void MainWindow::openWanted()
{
    const QString lab = QFileDialog::getExistingDirectory(this, tr("Open a lab"));
    if (!lab.isEmpty())
        openLab(lab);
}

void MainWindow::closeLab()
{
    remember();
    setSession(nullptr);
}

void MainWindow::chooseTheme(ThemeChoice choice)
{
    saveTheme(choice);
    applyTheme(*static_cast<QApplication*>(QApplication::instance()), choice);
    refresh();
}

void MainWindow::chooseReviewer()
{
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Reviewer's name"));
    dialog->setLabelText(tr("Stands under your decisions, proposals and rollbacks:"));
    dialog->setTextValue(m_session ? m_session->reviewer() : QSettings().value(QStringLiteral("reviewer")).toString());
    connect(dialog, &QInputDialog::textValueSelected, this, &MainWindow::setReviewer);
    dialog->open();
}

void MainWindow::showShortcuts()
{
    const Tokens& t = tokens(this);
    QString rows;
    for (const QAction* each : actions())
        if (!each->shortcut().isEmpty())
            rows += QStringLiteral("<tr><td style='padding-right:24px'>%1</td><td style='color:%2'>%3</td></tr>")
                        .arg(html::escape(QString(each->text()).remove(QLatin1Char('&')).remove(QChar(0x2026))), t.secondary.name(),
                             each->shortcut().toString(QKeySequence::NativeText));
    rows += tr("<tr><td>Timeline: earlier, later, next champion</td><td style='color:%1'>\u2190 \u2192 \u2191</td></tr>"
               "<tr><td>Queue: cancel, move</td><td style='color:%1'>Del, Alt+\u2191, Alt+\u2193</td></tr>").arg(t.secondary.name());
    QString shapes;
    for (int state = 0; state <= static_cast<int>(ProposalState::Screened); ++state) {
        const auto each = static_cast<ProposalState>(state);
        shapes += QStringLiteral("<tr><td style='color:%1; padding-right:24px'>%2</td><td>%3</td></tr>")
                      .arg(t.state(stateOf(each)).name(), stateTitle(each), stateHelp(each));
    }
    auto* dialog = new QDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Keys and states"));
    dialog->resize(560, 560);
    auto* page = new QTextBrowser;
    page->setHtml(html::page(html::heading(tr("Keys")) + QStringLiteral("<table>%1</table><br>").arg(rows) + html::heading(tr("States of a proposal"))
                             + QStringLiteral("<table>%1</table>").arg(shapes)));
    auto* layout = new QVBoxLayout(dialog);
    layout->addWidget(page);
    dialog->open();
}

} // namespace ratchet
