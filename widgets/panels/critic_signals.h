// SPDX-License-Identifier: GPL-3.0-or-later
// How far what the lab sees before the gate has spoken can be trusted: every signal against the hidden score, now and over the
// judged proposals. User-interface thread only.
#pragma once

#include "widgets/panels/critic_page.h"
#include "widgets/plot/line_plot.h"

class QLabel;

namespace ratchet {

// Rolling rank correlation of a signal with its interval; x is the number of judged proposals, from the first that it is shown for.
[[nodiscard]] PlotLine rankOverTime(const SignalReport& signal, const std::vector<Reliability>& course);

class CriticSignals : public CriticPage {
    Q_OBJECT
public:
    explicit CriticSignals(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;
    [[nodiscard]] const LinePlot& ranks() const { return *m_ranks; }

private:
    void draw();
    [[nodiscard]] int worst() const;
    QTableWidget* m_table = nullptr;
    QLabel *m_alarm = nullptr, *m_reward = nullptr;
    LinePlot *m_ranks = nullptr, *m_drift = nullptr;
    std::vector<SignalReport> m_signals;
    std::vector<std::size_t> m_filled;            // what is shown; empty: nothing yet
};

} // namespace ratchet
