// SPDX-License-Identifier: GPL-3.0-or-later
// The window: docked panels over one LabSession, three layouts, menus, toolbar and status bar. No domain logic: it shows the
// snapshot and passes wishes on. User-interface thread only.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <QMainWindow>

#include "widgets/bridge/lab_session.h"
#include "widgets/panels/replicate_dialog.h"
#include "widgets/style/theme.h"

class QAction;
class QDockWidget;
class QLabel;
class QMenu;
class QPushButton;
class QToolBar;

namespace ratchet {

class Panel;
class QueuePanel;
class StatusStrip;
class Meter;
class WelcomePage;

enum class Layout { Research, Review, Teach };

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    enum class Memory { Keep, Forget };   // Forget: neither reads nor writes sizes and recent labs (pictures, tests)
    explicit MainWindow(Memory memory = Memory::Keep, QWidget* parent = nullptr);
    ~MainWindow() override;

    void openLab(const QString& lab);                  // an inline notice when it cannot be opened
    void setSession(std::unique_ptr<LabSession> session);
    [[nodiscard]] LabSession* session() const { return m_session.get(); }
    void applyLayout(Layout layout);
    [[nodiscard]] bool isSettled() const;              // all visible panels are
    void run(const RunLimits& limits);
    void setReviewer(const QString& name);
    void showNotice(const QString& sentence);          // one line under the toolbar; empty hides it

protected:
    void closeEvent(QCloseEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildPanels();
    void linkCursors();
    void buildActions();
    void buildToolBar();
    void buildNotice();
    QAction* action(const QString& icon, const QString& title, const QKeySequence& keys, const std::function<void()>& work);
    void arrangeDefault(Layout layout);
    void keepSize();
    void remember() const;
    void refresh();
    void refreshMeters(const Snapshot& snapshot);
    void fillRecent();
    void addRecent(const QString& lab);
    void newLabWanted();
    void openWanted();
    void closeLab();
    void chooseTheme(ThemeChoice choice);
    void chooseReviewer();
    void showShortcuts();
    void fitNotice();
    void start();                                      // asks for the noise first when it was not measured
    void step();
    void replicate(ReplicateDialog::Beside beside);

    Memory m_memory;
    Layout m_layout = Layout::Research;
    QSize m_kept;                                      // before docks were arranged; empty: they are not
    std::unique_ptr<LabSession> m_session;
    std::vector<Panel*> m_panels;
    std::map<QString, QDockWidget*> m_docks;           // by the panel's name
    QueuePanel* m_queue = nullptr;
    WelcomePage* m_welcome = nullptr;
    StatusStrip* m_status = nullptr;
    QToolBar *m_toolBar = nullptr, *m_noticeBar = nullptr;
    QLabel* m_notice = nullptr;
    QPushButton *m_yes = nullptr, *m_no = nullptr;     // answers to a question in the notice's place
    std::vector<QAction*> m_answers;
    bool m_noiseAsked = false;
    QMenu *m_recent = nullptr, *m_view = nullptr;
    Meter *m_goal = nullptr, *m_budget = nullptr;
    QAction *m_new = nullptr, *m_open = nullptr, *m_start = nullptr, *m_pause = nullptr, *m_step = nullptr, *m_stop = nullptr, *m_measure = nullptr, *m_replicate = nullptr;
    std::map<Layout, QAction*> m_layouts;
};

} // namespace ratchet
