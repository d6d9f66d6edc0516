// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/timeline_view.h"

#include <cmath>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <QToolTip>

#include "widgets/style/format.h"
#include "widgets/style/html.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

constexpr int slotWidth = 46, widestSlot = 160, fewestLanes = 3, laneHeight = 21, below = 40, above = 14, sides = 34;
constexpr double radius = 8;

} // namespace

TimelineView::TimelineView(QWidget* parent) : QAbstractScrollArea(parent)
{
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setMouseTracking(false);
    viewport()->setBackgroundRole(QPalette::Base);
    viewport()->setAutoFillBackground(true);
    setAccessibleName(tr("Timeline of versions; arrow keys move"));
}

void TimelineView::setSnapshot(const std::shared_ptr<const Snapshot>& snapshot)
{
    m_snapshot = snapshot;
    relayout();
}

int TimelineView::lanes() const
{
    return std::max(1, (viewport()->height() - below - above) / laneHeight);
}

void TimelineView::relayout()
{
    const QScrollBar* bar = horizontalScrollBar();
    const bool atEnd = bar->value() == bar->maximum();
    const Hash current = m_current >= 0 ? m_layout.nodes[static_cast<std::size_t>(m_current)].version : Hash{};
    m_layout = {};
    // The width is used before the height: no more lanes than it takes to fit without scrolling.
    const auto width = [this] { return 2 * sides + std::max(0, m_layout.slots - 1) * slotWidth; };
    for (int count = std::min(fewestLanes, lanes()); m_snapshot && count <= lanes(); ++count) {
        m_layout = TimelineLayout::of(*m_snapshot, count);
        if (width() <= viewport()->width())
            break;
    }
    m_pitch = std::clamp((viewport()->width() - 2.0 * sides) / std::max(1, m_layout.slots - 1), double(slotWidth), double(widestSlot));
    m_current = current.isSet() ? m_layout.indexOf(current) : -1;
    const int wanted = width();
    horizontalScrollBar()->setRange(0, std::max(0, wanted - viewport()->width()));
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setSingleStep(slotWidth);
    if (atEnd)
        horizontalScrollBar()->setValue(horizontalScrollBar()->maximum());
    viewport()->update();
}

void TimelineView::setCurrent(const std::optional<Hash>& version)
{
    const int index = version ? m_layout.indexOf(*version) : -1;
    if (index == m_current)
        return;
    m_current = index;
    if (index >= 0)
        showIndex(index);
    viewport()->update();
}

void TimelineView::showIndex(int index)
{
    const double x = place(m_layout.nodes[static_cast<std::size_t>(index)]).x();
    QScrollBar* bar = horizontalScrollBar();
    if (x < sides)
        bar->setValue(bar->value() + static_cast<int>(x) - sides);
    else if (x > viewport()->width() - sides)
        bar->setValue(bar->value() + static_cast<int>(x) - viewport()->width() + sides);
}

QPointF TimelineView::place(const TimelineNode& node) const
{
    const double base = viewport()->height() - below;
    return {sides + node.slot * m_pitch - horizontalScrollBar()->value(), base - node.lane * double(laneHeight)};
}

int TimelineView::nearest(const QPointF& point) const
{
    int best = -1;
    double distance = 1e18;
    for (std::size_t i = 0; i < m_layout.nodes.size(); ++i) {
        const QPointF away = place(m_layout.nodes[i]) - point;
        const double squared = away.x() * away.x() + away.y() * away.y();
        if (squared < distance) {
            distance = squared;
            best = static_cast<int>(i);
        }
    }
    return best;
}

void TimelineView::pick(int index)
{
    if (index < 0 || index >= std::ssize(m_layout.nodes) || index == m_current)
        return;
    m_current = index;
    showIndex(index);
    viewport()->update();
    Q_EMIT picked(m_layout.nodes[static_cast<std::size_t>(index)].version);
}

void TimelineView::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        pick(nearest(event->position()));
}

void TimelineView::mouseMoveEvent(QMouseEvent* event)
{
    if (event->buttons() & Qt::LeftButton)
        pick(nearest(event->position()));
}

void TimelineView::keyPressEvent(QKeyEvent* event)
{
    const int last = static_cast<int>(m_layout.nodes.size()) - 1;
    const auto along = [this](int direction) {   // the champion before or after
        const auto& path = m_layout.path;
        auto at = std::find(path.begin(), path.end(), m_current);
        if (at == path.end())
            return path.empty() ? -1 : path.back();
        const auto next = at - path.begin() + direction;
        return next >= 0 && next < std::ssize(path) ? path[static_cast<std::size_t>(next)] : m_current;
    };
    switch (event->key()) {
    case Qt::Key_Left: pick(m_current < 0 ? last : m_current - 1); break;
    case Qt::Key_Right: pick(m_current < 0 ? last : m_current + 1); break;
    case Qt::Key_Up: pick(along(+1)); break;
    case Qt::Key_Down: pick(along(-1)); break;
    case Qt::Key_Home: pick(0); break;
    case Qt::Key_End: pick(last); break;
    case Qt::Key_Return:
    case Qt::Key_Backspace: Q_EMIT rollBackWanted(); break;
    default: QAbstractScrollArea::keyPressEvent(event);
    }
}

void TimelineView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    relayout();
    if (m_current >= 0)
        showIndex(m_current);
}

void TimelineView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        m_shapes.clear();
}

QString TimelineView::hoverText(const TimelineNode& node) const
{
    QString html = QStringLiteral("<b>%1</b> &nbsp;%2<br>").arg(node.name, html::colored(node.stateText, tokens(this).state(node.state)));
    if (const VersionRecord* version = m_snapshot->version(node.version)) {
        const ProposalRecord* proposal = m_snapshot->proposalOf(*version);
        html += html::escape(proposal ? QStringLiteral("#%1 %2").arg(proposal->id.value).arg(text(proposal->operatorName)) : text(version->origin));
        if (const ScorecardRecord* card = proposal ? m_snapshot->gateScore(proposal->id) : nullptr)
            html += QStringLiteral("<br>") + ScoreFormat(*m_snapshot).gain(card->difference, card->low, card->high);
        if (!node.reason.isEmpty())
            html += QStringLiteral("<br>") + html::escape(node.reason);
        html += QStringLiteral("<br><span style='font-family:monospace'>%1</span>").arg(text(node.version.brief()));
    }
    return html;
}

bool TimelineView::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip && m_snapshot) {
        auto* help = static_cast<QHelpEvent*>(event);
        const int index = nearest(help->pos());
        const QPointF away = index < 0 ? QPointF(1e3, 0) : place(m_layout.nodes[static_cast<std::size_t>(index)]) - QPointF(help->pos());
        if (std::hypot(away.x(), away.y()) < radius * 2)
            QToolTip::showText(help->globalPos(), hoverText(m_layout.nodes[static_cast<std::size_t>(index)]), viewport());
        else
            QToolTip::hideText();
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

const QPixmap& TimelineView::shape(State state) const
{
    auto& picture = m_shapes[state];
    if (picture.isNull())
        picture = iconPixmap(iconName(state), tokens(this).state(state), 12, devicePixelRatioF());
    return picture;
}

void TimelineView::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    paintCursor(painter);
    paintLinks(painter);
    for (std::size_t i = 0; i < m_layout.nodes.size(); ++i) {
        const double x = place(m_layout.nodes[i]).x();
        if (x > -slotWidth && x < viewport()->width() + slotWidth)
            paintNode(painter, m_layout.nodes[i], static_cast<int>(i) == m_current);
    }
}

void TimelineView::paintCursor(QPainter& painter) const
{
    if (m_current < 0)
        return;
    const QPointF at = place(m_layout.nodes[static_cast<std::size_t>(m_current)]);
    painter.setPen(QPen(tokens(this).accent, 1));
    const double x = std::round(at.x()) + 0.5;
    painter.drawLine(QPointF(x, 4), QPointF(x, viewport()->height() - below + radius));
}

void TimelineView::paintLinks(QPainter& painter) const
{
    const Tokens& t = tokens(this);
    const auto visible = [this](const QPointF& a, const QPointF& b) { return std::max(a.x(), b.x()) > -20 && std::min(a.x(), b.x()) < viewport()->width() + 20; };
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(t.inconclusive, 1));
    for (const TimelineNode& node : m_layout.nodes) {
        if (node.parent < 0 || node.lane == 0)
            continue;
        const QPointF to = place(node);
        const QPointF from = place(m_layout.nodes[static_cast<std::size_t>(node.parent)]);
        if (!visible(from, to))
            continue;
        QPainterPath curve(from);
        const double turn = std::min(from.x() + slotWidth * 0.6, to.x() - 6);
        curve.cubicTo({turn, from.y()}, {to.x() - slotWidth * 0.6, to.y()}, to);
        painter.setOpacity(0.35);
        painter.drawPath(curve);
    }
    painter.setOpacity(1);
    painter.setPen(QPen(t.champion, 2));
    for (std::size_t i = 1; i < m_layout.path.size(); ++i) {
        const QPointF from = place(m_layout.nodes[static_cast<std::size_t>(m_layout.path[i - 1])]);
        const QPointF to = place(m_layout.nodes[static_cast<std::size_t>(m_layout.path[i])]);
        if (visible(from, to))
            painter.drawLine(from, to);
    }
}

void TimelineView::paintNode(QPainter& painter, const TimelineNode& node, bool current) const
{
    const Tokens& t = tokens(this);
    const QPointF at = place(node);
    const bool live = !m_layout.path.empty() && m_layout.nodes[static_cast<std::size_t>(m_layout.path.back())].version == node.version;
    const QColor color = t.state(node.state);
    painter.setPen(QPen(current ? t.accent : color, current ? 2 : 1.2));
    painter.setBrush(live ? color : t.surface);
    painter.drawEllipse(at, radius, radius);
    if (live)
        painter.drawPixmap(QPointF(at.x() - 6, at.y() - 6), iconPixmap(iconName(node.state), t.surface, 12, devicePixelRatioF()));
    else
        painter.drawPixmap(QPointF(at.x() - 6, at.y() - 6), shape(node.state));
    if (node.lane > 0)
        return;
    const QRectF label(at.x() - slotWidth / 2.0, at.y() + radius + 3, slotWidth, 13);
    painter.setFont(live ? strongFont(metric::caption) : bodyFont(metric::caption));
    painter.setPen(live ? t.text : t.secondary);
    painter.drawText(label, Qt::AlignCenter, node.name);
    if (node.score) {
        painter.setFont(numberFont(metric::caption));
        painter.drawText(label.translated(0, 13), Qt::AlignCenter, ScoreFormat(*m_snapshot).score(*node.score));
    }
}

} // namespace ratchet
