// SPDX-License-Identifier: GPL-3.0-or-later
// Reliability diagram of a version and, where it was compared, of its champion. User-interface thread only.
#pragma once

#include "core/agent/examination.h"
#include "widgets/panels/critic_page.h"
#include "widgets/plot/line_plot.h"

class QComboBox;
class QLabel;

namespace ratchet {

class CriticCalibration : public CriticPage {
    Q_OBJECT
public:
    explicit CriticCalibration(QWidget* parent = nullptr);
    void show(const Snapshot& snapshot, const Selection& selection) override;

private:
    void draw();
    QLabel *m_title = nullptr, *m_figures = nullptr;
    QComboBox* m_suite = nullptr;
    LinePlot* m_plot = nullptr;
    std::vector<SuiteResult> m_results;           // those with a calibration
    bool m_isChampion = false;
};

} // namespace ratchet
