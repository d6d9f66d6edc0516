// SPDX-License-Identifier: GPL-3.0-or-later
// How far the lab's own instruments can be trusted: signals against the hidden score, placebos, and the champion's recipe
// repeated. User-interface thread only.
#pragma once

#include "widgets/panels/critic_page.h"

class QLabel;

namespace ratchet {

class CriticSignals : public CriticPage {
    Q_OBJECT
public:
    explicit CriticSignals(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;

private:
    QTableWidget* m_table = nullptr;
    QLabel* m_controls = nullptr;
};

} // namespace ratchet
