// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/legend_chips.h"

#include <algorithm>

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include "widgets/plot/plot_theme.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

constexpr int chipHeight = 22, sampleWidth = 22, chipGap = 4, inner = 6, mostRows = 2;
constexpr int nameWidths[] = {190, 150, 120, 90};   // longest name in pixels: shorter when there are many

int nameWidth(const QFontMetrics& metrics, const Chip& chip, int longest) { return std::min(longest, metrics.horizontalAdvance(chip.name) + 3); }

// Room for any value of the usual length, so that a cursor running along a curve does not move the chips.
int valueWidth(const QFontMetrics& metrics, const Chip& chip)
{
    return chip.value.isEmpty() ? 0 : std::max(metrics.horizontalAdvance(QStringLiteral("0.00000")), metrics.horizontalAdvance(chip.value));
}

} // namespace

LegendChips::LegendChips(QWidget* parent) : QWidget(parent)
{
    setMouseTracking(true);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Maximum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setFont(bodyFont(metric::secondary));
}

void LegendChips::setChips(std::vector<Chip> chips)
{
    if (chips == m_chips)
        return;
    m_chips = std::move(chips);
    m_hovered = m_hovered < int(m_chips.size()) ? m_hovered : -1;
    fitHeight();
    update();
}

void LegendChips::setValues(const std::map<QString, QString>& values)
{
    for (auto& chip : m_chips)
        if (const auto value = values.find(chip.key); value != values.end())
            chip.value = value->second;
    update();
}

std::vector<QRect> LegendChips::place(int width) const
{
    std::vector<QRect> places;
    for (const int longest : nameWidths) {
        places = place(width, longest);
        if (places.empty() || places.back().bottom() < mostRows * (chipHeight + chipGap))
            break;
    }
    return places;
}

std::vector<QRect> LegendChips::place(int width, int longest) const
{
    const QFontMetrics metrics(font());
    std::vector<QRect> places;
    int x = 0, y = 0;
    for (const auto& chip : m_chips) {
        const int value = valueWidth(metrics, chip);
        const int wide = inner + sampleWidth + inner + nameWidth(metrics, chip, longest) + (value ? inner + value : 0) + inner;
        if (x > 0 && x + wide > width) {
            x = 0;
            y += chipHeight + chipGap;
        }
        places.emplace_back(x, y, wide, chipHeight);
        x += wide + chipGap;
    }
    return places;
}

QSize LegendChips::sizeHint() const { return {300, heightForWidth(std::max(width(), 300))}; }

int LegendChips::heightForWidth(int width) const
{
    const auto places = place(width);
    return places.empty() ? 0 : places.back().bottom() + 1;
}

void LegendChips::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    fitHeight();
}

// More rows than a few give way to the plot when the panel is low.
void LegendChips::fitHeight()
{
    const int wanted = heightForWidth(width());
    setMaximumHeight(wanted);
    setMinimumHeight(std::min(wanted, mostRows * (chipHeight + chipGap) - chipGap));
}

void LegendChips::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& now = tokens(this);
    const QFontMetrics metrics(font());
    const auto places = place(width());
    for (std::size_t i = 0; i < m_chips.size(); ++i) {
        const Chip& chip = m_chips[i];
        const QRect at = places[i];
        painter.setRenderHint(QPainter::Antialiasing, true);
        painter.setPen(QPen(now.hairline, 1));
        painter.setBrush(int(i) == m_hovered ? now.selection : now.surface);
        painter.drawRoundedRect(QRectF(at).adjusted(0.5, 0.5, -0.5, -0.5), metric::radius, metric::radius);
        painter.setRenderHint(QPainter::Antialiasing, false);
        QPen sample = slotPen(now, chip.slot);
        sample.setColor(chip.on ? sample.color() : now.hairline);
        sample.setWidth(2);
        if (!sample.dashPattern().isEmpty() && sample.style() == Qt::CustomDashLine)
            sample.setDashPattern({sample.dashPattern().front() / 2, sample.dashPattern().at(1) / 2});
        painter.setPen(sample);
        painter.drawLine(at.left() + inner, at.center().y(), at.left() + inner + sampleWidth, at.center().y());
        QFont face = font();
        face.setStrikeOut(!chip.on);
        painter.setFont(face);
        painter.setPen(chip.on ? now.text : now.secondary);
        QRect words = at.adjusted(inner + sampleWidth + inner, 0, -inner, 0);
        const int value = valueWidth(metrics, chip);
        const int name = words.width() - (value ? value + inner : 0);
        painter.drawText(words, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(chip.name, Qt::ElideRight, name));
        face.setStrikeOut(false);
        painter.setFont(face);
        painter.setPen(now.secondary);
        painter.drawText(words, Qt::AlignRight | Qt::AlignVCenter, chip.value);
    }
}

int LegendChips::chipAt(const QPoint& point) const
{
    const auto places = place(width());
    for (std::size_t i = 0; i < places.size(); ++i)
        if (places[i].contains(point))
            return int(i);
    return -1;
}

void LegendChips::mousePressEvent(QMouseEvent* event)
{
    const int at = chipAt(event->pos());
    if (at < 0 || event->button() != Qt::LeftButton)
        return;
    Chip& chip = m_chips[std::size_t(at)];
    chip.on = !chip.on;
    update();
    Q_EMIT toggled(chip.key, chip.on);
}

void LegendChips::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (const int at = chipAt(event->pos()); at >= 0)
        Q_EMIT soloed(m_chips[std::size_t(at)].key);
}

void LegendChips::mouseMoveEvent(QMouseEvent* event)
{
    const int at = chipAt(event->pos());
    if (at == m_hovered)
        return;
    m_hovered = at;
    update();
    Q_EMIT hovered(at < 0 ? QString() : m_chips[std::size_t(at)].key);
}

void LegendChips::leaveEvent(QEvent*)
{
    m_hovered = -1;
    update();
    Q_EMIT hovered({});
}

bool LegendChips::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        auto* help = static_cast<QHelpEvent*>(event);
        const int at = chipAt(help->pos());
        QToolTip::showText(help->globalPos(), at < 0 ? QString() : m_chips[std::size_t(at)].help, this);
        return true;
    }
    return QWidget::event(event);
}

} // namespace ratchet
