// SPDX-License-Identifier: GPL-3.0-or-later
// Shows what a rollback will change before it is asked for: versions, score, what differs in the genome; wants a reason.
// User-interface thread only.
#pragma once

#include <QDialog>

#include "widgets/bridge/lab_session.h"
#include "widgets/style/tokens.h"

class QLineEdit;

namespace ratchet {

class RollbackDialog : public QDialog {
    Q_OBJECT
public:
    RollbackDialog(const Snapshot& snapshot, const Hash& target, QWidget* parent = nullptr);
    [[nodiscard]] QString reason() const;
    [[nodiscard]] static QString previewHtml(const Snapshot& snapshot, const Hash& target, const Tokens& tokens);

private:
    QLineEdit* m_reason = nullptr;
};

} // namespace ratchet
