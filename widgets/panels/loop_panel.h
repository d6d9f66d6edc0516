// SPDX-License-Identifier: GPL-3.0-or-later
// Loop: the ring of stages, what runs and what waits for whom, evidence and budget; start, pause, step, stop.
// User-interface thread only.
#pragma once

#include "widgets/panels/panel.h"
#include "widgets/style/tokens.h"

class QBoxLayout;
class QToolButton;

namespace ratchet {

class RingView;

// The rows beside the ring: one per worker, the question being judged, the budget. Painted; as high as it needs.
class LoopRows : public QWidget {
    Q_OBJECT
public:
    explicit LoopRows(QWidget* parent = nullptr);
    void setSnapshot(const std::shared_ptr<const Snapshot>& snapshot);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return {160, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    struct Row { QString left, right, below; double fraction = -1; QColor Tokens::*color = nullptr; };
    [[nodiscard]] static std::vector<Row> rowsFor(const Snapshot& snapshot);
    std::vector<Row> m_rows;
};

class LoopPanel : public Panel {
    Q_OBJECT
public:
    explicit LoopPanel(QWidget* parent = nullptr);

Q_SIGNALS:
    void reviewWanted();
    void startWanted();

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void arrange();
    QBoxLayout* m_layout = nullptr;
    RingView* m_ring = nullptr;
    LoopRows* m_rows = nullptr;
    QLabel* m_explain = nullptr;
    QPushButton* m_waiting = nullptr;
    QToolButton *m_start = nullptr, *m_pause = nullptr, *m_step = nullptr, *m_stop = nullptr;
};

} // namespace ratchet
