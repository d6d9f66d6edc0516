// SPDX-License-Identifier: GPL-3.0-or-later
// The loop as a ring of ten stages: done in this tooth, current, to come; the middle says tooth and stage. Painted, scales
// from a side panel to half a screen. User-interface thread only.
#pragma once

#include <QWidget>

#include "widgets/bridge/lab_session.h"

namespace ratchet {

class RingView : public QWidget {
    Q_OBJECT
public:
    explicit RingView(QWidget* parent = nullptr);
    void setSnapshot(const Snapshot* snapshot);   // null: an idle ring
    // Stage of the ring (0 observe .. 9 learn) the snapshot is in; -1 before the first tooth.
    [[nodiscard]] static int stageIndex(const Snapshot& snapshot);
    [[nodiscard]] static QString stageName(int stage);
    [[nodiscard]] static QString stageHelp(int stage);   // what happens there, two sentences at most
    [[nodiscard]] int stage() const { return m_stage; }
    static constexpr int stages = 10;

    [[nodiscard]] QSize sizeHint() const override { return {240, 220}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {200, 170}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;   // hover explains a stage

private:
    [[nodiscard]] int stageAt(const QPointF& point) const;
    [[nodiscard]] double radius() const;
    void paintSegments(QPainter& painter) const;
    void paintLabels(QPainter& painter) const;
    void paintMiddle(QPainter& painter) const;

    int m_stage = -1;
    int m_tooth = 0;
    bool m_waiting = false, m_running = false;
    QString m_note;
};

} // namespace ratchet
