// SPDX-License-Identifier: GPL-3.0-or-later
// A page of the Critic panel. User-interface thread only.
#pragma once

#include <QTableWidget>
#include <QWidget>

#include "widgets/bridge/lab_session.h"

namespace ratchet {

class CriticPage : public QWidget {
    Q_OBJECT
public:
    explicit CriticPage(QWidget* parent = nullptr) : QWidget(parent) {}
    // Called when the snapshot or the selection changed, and when the page comes into sight.
    virtual void show(const Snapshot& snapshot, const Selection& selection) = 0;

Q_SIGNALS:
    void chosen(Id<ProposalRecord> proposal);     // to be selected everywhere
};

// The version that a page is about: the selected one when something was measured of it, else the champion.
[[nodiscard]] std::optional<Hash> examined(const Snapshot& snapshot, const Selection& selection);
// "v7, champion", with what made it.
[[nodiscard]] QString examinedTitle(const Snapshot& snapshot, const Hash& version);

// A table of facts whose column `wide` takes the room that is left; columns of numbers are named in `numbers`.
[[nodiscard]] QTableWidget* factTable(const QStringList& headings, int wide, const std::vector<int>& numbers, const QString& name);
[[nodiscard]] QTableWidgetItem* factCell(const QString& content, const QString& help, Qt::Alignment alignment = Qt::AlignRight);

} // namespace ratchet
