// SPDX-License-Identifier: GPL-3.0-or-later
// Reliability diagram of a version and, where it was compared, of its champion; and that of the lab's reward model. User-interface thread only.
#pragma once

#include <optional>
#include <vector>

#include "core/critic/calibration.h"
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
    struct Diagram { QString title, who; int slot = 0; Calibration own; std::optional<Calibration> other = {}; };
    void draw();
    QLabel *m_title = nullptr, *m_figures = nullptr;
    QComboBox* m_suite = nullptr;
    LinePlot* m_plot = nullptr;
    std::vector<Diagram> m_diagrams;
    bool m_isChampion = false;
};

} // namespace ratchet
