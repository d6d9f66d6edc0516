// SPDX-License-Identifier: GPL-3.0-or-later
// Base of every docked panel: header row (title, controls, overflow menu), thin busy line, inline error, empty state, body.
// User-interface thread only.
#pragma once

#include <functional>

#include <QWidget>

#include "widgets/bridge/lab_session.h"

class QHBoxLayout;
class QToolButton;
class QLabel;
class QMenu;
class QProgressBar;
class QPushButton;
class QStackedLayout;

namespace ratchet {

class Panel : public QWidget {
    Q_OBJECT
public:
    // `name` is the object name used for layouts and picture files: "loop", "curves", ...
    Panel(const QString& name, const QString& title, QWidget* parent = nullptr);
    // Called once per lab; null when the lab was closed. Connects changed() and selectionChanged() to refresh().
    void setSession(LabSession* session);
    [[nodiscard]] QString title() const;
    [[nodiscard]] QWidget* headerRow() const { return m_headerRow; }   // the main window hangs it into the dock's title bar
    // Whether everything asked for has arrived, so that a picture may be taken.
    [[nodiscard]] virtual bool isSettled() const { return true; }
    // Names of what the panel shows one at a time, as in picture files; turnTo() brings one into sight.
    [[nodiscard]] virtual QStringList pages() const { return {}; }
    virtual void turnTo(int page) { Q_UNUSED(page) }

protected:
    [[nodiscard]] LabSession* session() const { return m_session; }
    [[nodiscard]] QHBoxLayout* header() const { return m_header; }    // controls go right of the title
    [[nodiscard]] QMenu* menu() const { return m_menu; }              // overflow: export, copy, settings, help
    void setBody(QWidget* body);
    // Shows one sentence and, when `action` is not empty, one button instead of the body; showBody() brings it back.
    void showEmpty(const QString& sentence, const QString& action = {}, const std::function<void()>& onAction = {});
    void showBody();
    // A flat button with icon and tool tip for the header row.
    QToolButton* addControl(const QString& icon, const QString& tip, const std::function<void()>& onClick);
    void setBusy(bool busy);
    void showError(const QString& sentence, const QString& hint = {});   // empty: hides
    virtual void refresh() = 0;                                       // snapshot or selection changed

private:
    LabSession* m_session = nullptr;
    QHBoxLayout* m_header = nullptr;
    QMenu* m_menu = nullptr;
    QWidget* m_headerRow = nullptr;
    QToolButton* m_more = nullptr;
    QStackedLayout* m_stack = nullptr;
    QWidget* m_empty = nullptr;
    QLabel* m_emptyText = nullptr;
    QPushButton* m_emptyAction = nullptr;
    QProgressBar* m_busy = nullptr;
    QLabel* m_error = nullptr;
    QString m_title;
    std::function<void()> m_onAction;
};

} // namespace ratchet
