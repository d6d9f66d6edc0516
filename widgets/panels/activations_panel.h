// SPDX-License-Identifier: GPL-3.0-or-later
// Activation and gradient statistics of a run: layer by step, histogram of a cell, attention of the probe prompt, and all of
// it against the champion. User-interface thread only.
#pragma once

#include <QElapsedTimer>

#include "widgets/panels/activation_grid.h"
#include "widgets/panels/panel.h"

class QComboBox;
class QToolButton;

namespace ratchet {

class SmallBars;

class ActivationsPanel : public Panel {
    Q_OBJECT
public:
    explicit ActivationsPanel(QWidget* parent = nullptr);
    [[nodiscard]] bool isSettled() const override { return m_pending == 0; }
    [[nodiscard]] const HeatMap& map() const { return *m_map; }
    void setStepCursor(double step);              // linked from other panels; NaN hides it

Q_SIGNALS:
    void stepHovered(double step);                // NaN when the pointer left

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    enum class Mode { Selected, Champion, Difference };
    // Layer records of one trial, read again while it runs.
    struct Source {
        Id<TrialRecord> trial;
        std::vector<LayerRecord> records;
        std::int64_t steps = -1;                  // of the trial when it was asked for
        QElapsedTimer asked;
    };
    void makeControls();
    QWidget* makeSide();
    void ask(Source& source, Id<TrialRecord> wanted);
    void draw();
    void drawCell();
    void drawAttention();
    void arrangeSide();
    [[nodiscard]] Id<TrialRecord> selectedTrial() const;
    [[nodiscard]] Id<TrialRecord> championTrial() const;
    [[nodiscard]] Mode mode() const;
    [[nodiscard]] AxisSpec valueAxis(const std::string& statistic) const;
    [[nodiscard]] Figure figure() const;
    Source m_selected, m_champion;
    LayerGrid m_grid;
    HeatMap *m_map = nullptr, *m_attention = nullptr;
    SmallBars* m_bars = nullptr;
    QLabel *m_cellTitle = nullptr, *m_attentionTitle = nullptr;
    QComboBox *m_statistic = nullptr, *m_mode = nullptr, *m_block = nullptr, *m_head = nullptr, *m_sideChoice = nullptr;
    QToolButton* m_log = nullptr;
    QWidget *m_barsBox = nullptr, *m_attentionBox = nullptr;
    bool m_hasAttention = false;
    std::string m_cellLayer;
    std::optional<std::int64_t> m_cellStep;       // empty: the newest
    int m_pending = 0;
};

} // namespace ratchet
