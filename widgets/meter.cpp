// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/meter.h"

#include <algorithm>

#include <QPainter>

#include "widgets/style/theme.h"

namespace ratchet {

Meter::Meter(QWidget* parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void Meter::show(const QString& label, const QString& value, double fraction, double target)
{
    const bool wider = label != m_label || value.size() != m_value.size();
    m_label = label;
    m_value = value;
    m_fraction = std::clamp(fraction, 0.0, 1.0);
    m_target = target;
    setToolTip(label + QLatin1Char(' ') + value);
    setAccessibleName(toolTip());
    if (wider)
        updateGeometry();
    update();
}

void Meter::setBarColor(const QColor& color)
{
    m_color = color;
    update();
}

QSize Meter::sizeHint() const
{
    const int label = QFontMetrics(bodyFont(metric::secondary)).horizontalAdvance(m_label);
    const int value = QFontMetrics(numberFont(metric::secondary)).horizontalAdvance(m_value);
    return {std::max(160, label + value + metric::gapLarge), 28};
}

void Meter::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens(this);
    const QFont numbers = numberFont(metric::secondary);
    const int value = QFontMetrics(numbers).horizontalAdvance(m_value);
    const int room = width() - value - metric::gapSmall;
    painter.setFont(bodyFont(metric::secondary));
    painter.setPen(t.secondary);
    painter.drawText(QRect(0, 0, room, 19), Qt::AlignLeft | Qt::AlignVCenter, painter.fontMetrics().elidedText(m_label, Qt::ElideRight, room));
    painter.setFont(numbers);
    painter.setPen(t.text);
    painter.drawText(QRect(width() - value, 0, value, 19), Qt::AlignRight | Qt::AlignVCenter, m_value);
    const QRectF bar(0, 21, width(), 4);
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.hairline);
    painter.drawRoundedRect(bar, 2, 2);
    painter.setBrush(m_color.isValid() ? m_color : t.accent);
    if (m_fraction > 0)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), std::max(4.0, bar.width() * m_fraction), bar.height()), 2, 2);
    if (m_target >= 0) {
        painter.setBrush(t.text);
        painter.drawRect(QRectF(std::min(bar.width() - 2, bar.width() * m_target), bar.top() - 2, 2, bar.height() + 4));
    }
}

} // namespace ratchet
