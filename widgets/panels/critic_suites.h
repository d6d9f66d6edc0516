// SPDX-License-Identifier: GPL-3.0-or-later
// Everything measured of one version: suites that decide and probes that only show, with its failures. User-interface thread only.
#pragma once

#include <tuple>

#include "widgets/panels/critic_page.h"

class QLabel;

namespace ratchet {

class CriticSuites : public CriticPage {
    Q_OBJECT
public:
    explicit CriticSuites(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;

private:
    QLabel* m_title = nullptr;
    QTableWidget* m_table = nullptr;
    std::tuple<Hash, std::size_t, std::size_t> m_filled;     // version and numbers of scorecards and verdicts that the table shows
};

} // namespace ratchet
