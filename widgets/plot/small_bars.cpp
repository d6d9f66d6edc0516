// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/small_bars.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include "widgets/plot/plot_theme.h"
#include "widgets/style/theme.h"

namespace ratchet {

SmallBars::SmallBars(QWidget* parent) : QWidget(parent)
{
    setFont(bodyFont(metric::caption));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void SmallBars::setBars(std::vector<std::int64_t> counts, double low, double high, const QString& unit)
{
    m_bars = {std::move(counts), low, high > low ? high : low + 1};
    m_unit = unit;
    update();
}

void SmallBars::setOutline(std::vector<std::int64_t> counts, double low, double high)
{
    m_outline = {std::move(counts), low, high > low ? high : low + 1};
    update();
}

QRectF SmallBars::area() const { return QRectF(rect()).adjusted(8, 6, -8, -double(QFontMetrics(font()).height()) - 8); }

namespace {

// Share per unit of x, so that two histograms with different bins compare; 0 when there is nothing.
std::vector<double> density(const std::vector<std::int64_t>& counts, double width)
{
    const double total = double(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    std::vector<double> shares;
    for (const auto count : counts)
        shares.push_back(total > 0 && width > 0 ? double(std::max<std::int64_t>(count, 0)) / total / width * double(counts.size()) : 0);
    return shares;
}

} // namespace

void SmallBars::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& now = tokens(this);
    const QRectF box = area();
    const auto bars = density(m_bars.counts, m_bars.high - m_bars.low);
    const auto outline = density(m_outline.counts, m_outline.high - m_outline.low);
    double most = 0;
    for (const double share : bars)
        most = std::max(most, share);
    for (const double share : outline)
        most = std::max(most, share);
    const double low = outline.empty() ? m_bars.low : std::min(m_bars.low, m_outline.low);
    const double high = outline.empty() ? m_bars.high : std::max(m_bars.high, m_outline.high);
    const auto x = [&](double value) { return box.left() + (value - low) / (high - low) * box.width(); };
    const auto y = [&](double share) { return box.bottom() - (most > 0 ? share / most : 0) * box.height(); };
    painter.setPen(Qt::NoPen);
    painter.setBrush(now.accent);
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const double step = (m_bars.high - m_bars.low) / double(bars.size());
        const double left = x(m_bars.low + step * double(i)), right = x(m_bars.low + step * double(i + 1));
        painter.drawRect(QRectF(QPointF(left, y(bars[i])), QPointF(std::max(left + 1, right - 1), box.bottom())));
    }
    if (!outline.empty()) {
        QPainterPath path(QPointF(x(m_outline.low), box.bottom()));
        for (std::size_t i = 0; i < outline.size(); ++i) {
            const double step = (m_outline.high - m_outline.low) / double(outline.size());
            path.lineTo(x(m_outline.low + step * double(i)), y(outline[i]));
            path.lineTo(x(m_outline.low + step * double(i + 1)), y(outline[i]));
        }
        path.lineTo(x(m_outline.high), box.bottom());
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(now.champion, 2));
        painter.drawPath(path);
    }
    painter.setPen(QPen(now.hairline, 1));
    painter.drawLine(box.bottomLeft(), box.bottomRight());
    painter.setPen(now.secondary);
    const QRectF below(box.left(), box.bottom() + 4, box.width(), QFontMetrics(font()).height());
    painter.drawText(below, Qt::AlignLeft, numberText(low, 3));
    painter.drawText(below, Qt::AlignRight, numberText(high, 3));
    painter.drawText(below, Qt::AlignHCenter, m_unit);
}

bool SmallBars::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip || m_bars.counts.empty())
        return QWidget::event(event);
    auto* help = static_cast<QHelpEvent*>(event);
    const double low = m_outline.counts.empty() ? m_bars.low : std::min(m_bars.low, m_outline.low);
    const double high = m_outline.counts.empty() ? m_bars.high : std::max(m_bars.high, m_outline.high);
    const double value = low + (help->pos().x() - area().left()) / area().width() * (high - low);
    const double step = (m_bars.high - m_bars.low) / double(m_bars.counts.size());
    const double at = std::floor((value - m_bars.low) / step);
    if (at >= 0 && at < double(m_bars.counts.size()))
        QToolTip::showText(help->globalPos(), tr("%1 to %2: %3 values").arg(numberText(m_bars.low + at * step, 3),
                                                                         numberText(m_bars.low + (at + 1) * step, 3))
                                                  .arg(m_bars.counts[std::size_t(at)]), this);
    return true;
}

} // namespace ratchet
