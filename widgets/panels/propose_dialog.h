// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a proposal by hand: an RFC 6902 patch on the champion's genome, checked while it is typed against the lab's search
// space. User-interface thread only.
#pragma once

#include <QDialog>

#include "widgets/bridge/lab_session.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;

namespace ratchet {

class ProposeDialog : public QDialog {
    Q_OBJECT
public:
    ProposeDialog(const Snapshot& snapshot, const Json& patch, QWidget* parent = nullptr);
    [[nodiscard]] Json patch() const;
    [[nodiscard]] QString reason() const;
    // Why this patch would be refused, as one sentence; empty when it would not.
    [[nodiscard]] static QString refusal(const Json& genome, const Json& searchSpace, const QString& patch);

private:
    void check();
    void insertPath(const QString& path);
    Json m_genome, m_space;
    QPlainTextEdit* m_patch = nullptr;
    QLineEdit* m_reason = nullptr;
    QComboBox* m_paths = nullptr;
    QLabel* m_verdict = nullptr;
    QPushButton* m_send = nullptr;
};

} // namespace ratchet
