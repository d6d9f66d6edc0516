// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/interval_bar.h"

#include <algorithm>
#include <cmath>

#include <QPainter>

namespace ratchet {

State stateOf(const Interval& interval)
{
    if (interval.low > 0)
        return State::Accepted;
    return interval.high < 0 ? State::Rejected : State::Inconclusive;
}

void paintInterval(QPainter& painter, const QRectF& where, const Interval& interval, const Tokens& now)
{
    const double scale = interval.scale > 0 && std::isfinite(interval.scale) ? interval.scale : 1;
    const auto x = [&](double value) {
        return where.center().x() + std::clamp(value / scale, -1.0, 1.0) * (where.width() / 2 - 4);
    };
    const double middle = where.center().y();
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(QPen(now.hairline, 1));
    painter.drawLine(QPointF(where.left(), middle), QPointF(where.right(), middle));
    painter.setPen(QPen(now.secondary, 1));
    painter.drawLine(QPointF(x(0), where.top() + 1), QPointF(x(0), where.bottom() - 1));
    if (interval.margin > 0) {
        painter.setPen(QPen(now.rejected, 1, Qt::DotLine));
        painter.drawLine(QPointF(x(-interval.margin), where.top() + 1), QPointF(x(-interval.margin), where.bottom() - 1));
    }
    if (std::isfinite(interval.low) && std::isfinite(interval.high) && std::isfinite(interval.middle)) {
        painter.setRenderHint(QPainter::Antialiasing, true);
        QColor fill = now.state(stateOf(interval));
        painter.setPen(Qt::NoPen);
        QColor band = fill;
        band.setAlphaF(0.45F);
        painter.setBrush(band);
        painter.drawRoundedRect(QRectF(QPointF(x(interval.low), middle - 4), QPointF(x(interval.high), middle + 4)), 2, 2);
        painter.setBrush(fill);
        painter.drawRect(QRectF(x(interval.middle) - 1.5, middle - 7, 3, 14));
    }
    painter.restore();
}

IntervalBar::IntervalBar(const Interval& interval, QWidget* parent) : QWidget(parent), m_interval(interval)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void IntervalBar::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    paintInterval(painter, rect(), m_interval, tokens(this));
}

} // namespace ratchet
