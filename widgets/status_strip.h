// SPDX-License-Identifier: GPL-3.0-or-later
// The status bar's contents: sandbox level, workers, evidence, decisions, ledger. User-interface thread only.
#pragma once

#include <QWidget>

#include "widgets/bridge/lab_session.h"

class QHBoxLayout;
class QToolButton;

namespace ratchet {

class StatusStrip : public QWidget {
    Q_OBJECT
public:
    explicit StatusStrip(QWidget* parent = nullptr);
    void setSnapshot(const Snapshot* snapshot);   // null: nothing is shown
    // Longest wait of an open decision; empty when none waits.
    [[nodiscard]] static QString decisionText(const Snapshot& snapshot, Time now);

Q_SIGNALS:
    void reviewWanted();

private:
    QToolButton* add(QHBoxLayout* row, const QString& icon, const QString& help);
    QToolButton *m_engine = nullptr, *m_sandbox = nullptr, *m_workers = nullptr, *m_evidence = nullptr, *m_decisions = nullptr, *m_ledger = nullptr;
};

} // namespace ratchet
