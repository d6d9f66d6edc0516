// SPDX-License-Identifier: GPL-3.0-or-later
// How good the champions were and how sure the gate was: visible against hidden scores over deployments, every verdict with its evidence, and
// how much of the lab's false-accept bound is spent. User-interface thread only.
#pragma once

#include "widgets/panels/critic_page.h"
#include "widgets/plot/line_plot.h"

class QLabel;
class QTableWidget;

namespace ratchet {

// Scores of every deployed version, as ScoreFormat::value(); x is the deployment's number from 1. First the target suite twice: on guide
// items, which the proposer sees, and on the gate's, which it does not, with exact 95 % intervals where answers are counted; then
// the retained suites on guide items.
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
