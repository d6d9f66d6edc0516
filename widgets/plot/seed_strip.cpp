// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/seed_strip.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <QPainter>

#include "widgets/style/tokens.h"

namespace ratchet {

SeedStrip::SeedStrip(std::vector<double> values, double sigma, QWidget* parent) : QWidget(parent), m_values(std::move(values)), m_sigma(sigma)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
}

void SeedStrip::paintEvent(QPaintEvent*)
{
    if (m_values.empty())
        return;
    const double mean = std::accumulate(m_values.begin(), m_values.end(), 0.0) / double(m_values.size());
    const double half = 1.959963984540054 * m_sigma;
    double reach = half;
    for (const double value : m_values)
        reach = std::max(reach, std::abs(value - mean));
    const Tokens& now = tokens(this);
    const double margin = 8, middle = height() / 2.0;
    const auto x = [&](double value) { return width() / 2.0 + (reach > 0 ? (value - mean) / reach : 0) * (width() / 2.0 - margin); };
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing, true);
    if (half > 0) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(now.hairline);
        painter.drawRoundedRect(QRectF(QPointF(x(mean - half), middle - 7), QPointF(x(mean + half), middle + 7)), 2, 2);
    }
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(QPen(now.secondary, 1));
    painter.drawLine(QPointF(x(mean), middle - 8), QPointF(x(mean), middle + 8));
    painter.setRenderHint(QPainter::Antialiasing, true);
    QColor dot = now.accent;
    dot.setAlphaF(0.75F);                          // equal results stay two
    painter.setPen(QPen(now.accent, 1));
    painter.setBrush(dot);
    for (const double value : m_values)
        painter.drawEllipse(QPointF(x(value), middle), 3.5, 3.5);
}

} // namespace ratchet
