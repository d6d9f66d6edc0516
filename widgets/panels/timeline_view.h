// SPDX-License-Identifier: GPL-3.0-or-later
// Draws a TimelineLayout and lets a person move along it: click or drag to scrub, arrow keys, hover for the reason.
// Paints only what is visible. User-interface thread only.
#pragma once

#include <map>
#include <memory>

#include <QAbstractScrollArea>
#include <QPixmap>

#include "widgets/panels/timeline_layout.h"

namespace ratchet {

class TimelineView : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit TimelineView(QWidget* parent = nullptr);
    void setSnapshot(const std::shared_ptr<const Snapshot>& snapshot);
    void setCurrent(const std::optional<Hash>& version);
    [[nodiscard]] const TimelineLayout& nodes() const { return m_layout; }
    [[nodiscard]] QSize sizeHint() const override { return {640, 120}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 78}; }

Q_SIGNALS:
    void picked(const ratchet::Hash& version);
    void rollBackWanted();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    void relayout();
    void pick(int index);
    void showIndex(int index);
    [[nodiscard]] int lanes() const;
    [[nodiscard]] QPointF place(const TimelineNode& node) const;       // in the viewport
    [[nodiscard]] int nearest(const QPointF& point) const;             // -1 without nodes
    void paintLinks(QPainter& painter) const;
    void paintNode(QPainter& painter, const TimelineNode& node, bool current) const;
    void paintCursor(QPainter& painter) const;
    [[nodiscard]] QString hoverText(const TimelineNode& node) const;
    [[nodiscard]] const QPixmap& shape(State state) const;

    std::shared_ptr<const Snapshot> m_snapshot;
    TimelineLayout m_layout;
    int m_current = -1;
    double m_pitch = 0;                            // pixels between two slots
    mutable std::map<State, QPixmap> m_shapes;
};

} // namespace ratchet
