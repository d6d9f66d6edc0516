// SPDX-License-Identifier: GPL-3.0-or-later
// A difference with its interval on a scale shared by all rows: zero line, interval as a bar, estimate as a tick.
// User-interface thread only.
#pragma once

#include <QRectF>
#include <QWidget>

#include "widgets/style/tokens.h"

class QPainter;

namespace ratchet {

struct Interval {
    double low = 0, middle = 0, high = 0;
    double scale = 1;                             // the scale runs from -scale to +scale
    double margin = 0;                            // a tick at -margin: the loss that still counts as "not worse"; 0: none
};

// Whether the interval says better, worse or neither.
[[nodiscard]] State stateOf(const Interval& interval);
void paintInterval(QPainter& painter, const QRectF& where, const Interval& interval, const Tokens& tokens);

class IntervalBar : public QWidget {
    Q_OBJECT
public:
    explicit IntervalBar(const Interval& interval, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override { return {160, 20}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {40, 16}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Interval m_interval;
};

} // namespace ratchet
