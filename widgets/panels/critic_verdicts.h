// SPDX-License-Identifier: GPL-3.0-or-later
// How good the champions were and how sure the gate was: guide scores over deployments, every verdict with its evidence, and
// how much of the lab's false-accept bound is spent. User-interface thread only.
#pragma once

#include "widgets/panels/critic_page.h"
#include "widgets/plot/line_plot.h"

class QLabel;
class QTableWidget;

namespace ratchet {

// Guide score of every deployed version, one line per suite that decides; x is the deployment's number from 1.
[[nodiscard]] std::vector<PlotLine> championScores(const Snapshot& snapshot);

class CriticVerdicts : public CriticPage {
    Q_OBJECT
public:
    explicit CriticVerdicts(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;
    [[nodiscard]] LinePlot& plot() const { return *m_plot; }

private:
    void fillVerdicts(const Snapshot& snapshot);
    LinePlot* m_plot = nullptr;
    std::vector<double> m_filled;                 // what the table shows; empty: nothing yet
    QTableWidget* m_verdicts = nullptr;
    QLabel *m_spending = nullptr, *m_plotNote = nullptr;
};

} // namespace ratchet
