// SPDX-License-Identifier: GPL-3.0-or-later
// Loss and other metrics of runs against the champion. User-interface thread only.
#pragma once

#include <set>

#include "widgets/panels/curve_feed.h"
#include "widgets/panels/panel.h"
#include "widgets/plot/line_plot.h"
#include "widgets/plot/plot_theme.h"

class QComboBox;
class QSlider;
class QToolButton;

namespace ratchet {

class LegendChips;

// What a step is counted in.
enum class CurveAxis { Step, Tokens, Compute, WallTime, Budget };
// Units of `axis` for one step of this trial, from its totals; 0 when they are not known yet.
[[nodiscard]] double unitsPerStep(const TrialRecord& trial, CurveAxis axis);
// "loss (nats per token)": title and unit of a metric as people write it.
[[nodiscard]] AxisSpec metricAxis(const std::string& metric);
// Trials shown without further wishes: those of the tooth of `selected` (else of the newest tooth), what runs, the champion's.
[[nodiscard]] std::set<Id<TrialRecord>> defaultRuns(const Snapshot& snapshot, std::optional<Id<TrialRecord>> selected);

class CurvesPanel : public Panel {
    Q_OBJECT
public:
    explicit CurvesPanel(QWidget* parent = nullptr);
    [[nodiscard]] bool isSettled() const override;
    [[nodiscard]] const LinePlot& plot() const { return *m_plot; }
    void setStepCursor(double step);              // linked from other panels; NaN hides it

Q_SIGNALS:
    void stepHovered(double step);                // NaN when the pointer left

protected:
    void refresh() override;

private:
    void makeControls();
    void makeMenu();
    void ask();
    void draw();
    void showChips();
    void showValues(double x);
    [[nodiscard]] std::set<Id<TrialRecord>> runs() const;
    [[nodiscard]] PlotLine lineOf(const TrialRecord& trial, const Magnitude& magnitude) const;
    [[nodiscard]] std::vector<PlotMark> marks(double scale) const;
    [[nodiscard]] QString nameOf(const TrialRecord& trial) const;
    [[nodiscard]] bool isChampion(const TrialRecord& trial) const;
    [[nodiscard]] Figure figure() const;
    [[nodiscard]] double weight() const;
    [[nodiscard]] CurveAxis axis() const;
    [[nodiscard]] std::string metric() const;
    [[nodiscard]] double stepsPerUnit() const;    // of the first shown run, in units on screen
    void fillMetrics();
    CurveFeed* m_feed = nullptr;
    LinePlot* m_plot = nullptr;
    LegendChips* m_chips = nullptr;
    QComboBox *m_metric = nullptr, *m_axis = nullptr, *m_which = nullptr;
    QToolButton* m_log = nullptr;
    QSlider* m_smoothing = nullptr;
    std::set<Id<TrialRecord>> m_hidden;
};

} // namespace ratchet
