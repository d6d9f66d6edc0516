// SPDX-License-Identifier: GPL-3.0-or-later
// Asks how often a recipe shall be trained again and on how many items each result is measured, and says what it costs.
// User-interface thread only.
#pragma once

#include <QDialog>

#include "widgets/bridge/lab_session.h"

class QLabel;
class QPushButton;
class QSpinBox;

namespace ratchet {

// Whether this version's recipe can be trained again: an imported one has none, and a control has that of what it repeats.
[[nodiscard]] bool hasRecipe(const Snapshot& snapshot, const std::optional<Hash>& version);

class ReplicateDialog : public QDialog {
    Q_OBJECT
public:
    enum class Beside { Itself, WhatItBeat };     // A/A, or what comes back of a gain
    ReplicateDialog(std::shared_ptr<const Snapshot> snapshot, const Hash& version, Beside beside, QWidget* parent = nullptr);
    [[nodiscard]] ReplicationWish wish() const;
    // Trials that `seeds` results of this version still take.
    [[nodiscard]] static int missingRuns(const Snapshot& snapshot, const VersionRecord& version, int seeds);

private:
    void check();
    std::shared_ptr<const Snapshot> m_snapshot;
    VersionRecord m_version;
    Beside m_beside;
    QSpinBox *m_seeds = nullptr, *m_items = nullptr;
    QLabel* m_price = nullptr;
    QPushButton* m_go = nullptr;
};

} // namespace ratchet
