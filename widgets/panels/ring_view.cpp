// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/ring_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

struct Stage { const char* name; const char* help; };

constexpr std::array<Stage, RingView::stages> stageTable{{
    {QT_TRANSLATE_NOOP("ring", "Observe"), QT_TRANSLATE_NOOP("ring", "The champion answers guide items. Its failures are sorted into classes.")},
    {QT_TRANSLATE_NOOP("ring", "Plan"), QT_TRANSLATE_NOOP("ring", "The goal tree picks the weakest point that the remaining budget can still move.")},
    {QT_TRANSLATE_NOOP("ring", "Propose"), QT_TRANSLATE_NOOP("ring", "Operators write small patches to the champion's genome. What was tried before is recognised.")},
    {QT_TRANSLATE_NOOP("ring", "Modify"), QT_TRANSLATE_NOOP("ring", "A copy of the model is changed inside the search space. Nothing in use is touched.")},
    {QT_TRANSLATE_NOOP("ring", "Train"), QT_TRANSLATE_NOOP("ring", "Workers train each candidate under the same compute budget, walled off from the judge.")},
    {QT_TRANSLATE_NOOP("ring", "Judge"), QT_TRANSLATE_NOOP("ring", "Champion and challenger answer the same fresh items. Only pairs in which they differ count.")},
    {QT_TRANSLATE_NOOP("ring", "Select"), QT_TRANSLATE_NOOP("ring", "The gate accepts when the evidence E passes its threshold, and stops early when it cannot.")},
    {QT_TRANSLATE_NOOP("ring", "Approve"), QT_TRANSLATE_NOOP("ring", "A person sees the evidence and decides. Nothing goes live without it.")},
    {QT_TRANSLATE_NOOP("ring", "Deploy"), QT_TRANSLATE_NOOP("ring", "The champion pointer moves; one action moves it back.")},
    {QT_TRANSLATE_NOOP("ring", "Learn"), QT_TRANSLATE_NOOP("ring", "Gains and costs become lessons, which shift what is proposed next.")},
}};

constexpr double turn = 360.0 / RingView::stages;
constexpr double largeRing = 130;   // radius from which the larger type is used

int indexOf(const std::string& stage)
{
    static const std::array<const char*, RingView::stages> stored{"observe", "plan",   "propose", "modify", "train",
                                                                  "judge",   "select", "approve", "deploy", "learn"};
    const auto found = std::find(stored.begin(), stored.end(), stage);
    if (found == stored.end())
        return stage == "done" ? RingView::stages - 1 : -1;
    return static_cast<int>(found - stored.begin());
}

// Middle of a stage's segment in radians, clockwise from the top.
double middleOf(int stage)
{
    return (stage * turn) * std::numbers::pi / 180;
}

} // namespace

RingView::RingView(QWidget* parent) : QWidget(parent)
{
    setMouseTracking(true);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setSizePolicy(policy);
}

QString RingView::stageName(int stage)
{
    return QCoreApplication::translate("ring", stageTable.at(static_cast<std::size_t>(stage)).name);
}

QString RingView::stageHelp(int stage)
{
    return QCoreApplication::translate("ring", stageTable.at(static_cast<std::size_t>(stage)).help);
}

int RingView::stageIndex(const Snapshot& snapshot)
{
    if (snapshot.status.stage == "waiting")
        return indexOf("approve");
    if (const int live = indexOf(snapshot.status.stage); live >= 0) {
        // Surgery is the first thing a worker does; the engine counts it as training.
        const auto& running = snapshot.status.running;
        const bool loading = snapshot.status.stage == "train" && !running.empty()
                             && std::all_of(running.begin(), running.end(), [](const auto& one) { return one.stage == "loading"; });
        return loading ? indexOf("modify") : live;
    }
    return snapshot.teeth.empty() ? -1 : indexOf(snapshot.teeth.back().stage);
}

void RingView::setSnapshot(const Snapshot* snapshot)
{
    m_stage = snapshot ? stageIndex(*snapshot) : -1;
    m_tooth = snapshot ? snapshot->status.tooth : 0;
    if (snapshot && m_tooth == 0 && !snapshot->teeth.empty())
        m_tooth = snapshot->teeth.back().number;
    m_running = snapshot && snapshot->engineRuns && !snapshot->engineSilent && snapshot->status.stage != "paused" && snapshot->status.stage != "idle";
    const bool decision = snapshot && std::any_of(snapshot->proposals.begin(), snapshot->proposals.end(), [](const auto& one) {
        return one.state == ProposalState::Waiting;
    });
    m_waiting = decision && (!snapshot->engineRuns || snapshot->status.stage == "waiting" || snapshot->status.stage == "approve");
    if (!snapshot)
        m_note.clear();
    else if (m_waiting)
        m_note = tr("waits for you");
    else if (!snapshot->engineRuns)
        m_note = tr("stopped");
    else if (snapshot->engineSilent)
        m_note = tr("no sign of life");
    else if (snapshot->status.stage == "paused")
        m_note = tr("paused");
    else if (snapshot->status.remaining.count() > 0)
        m_note = tr("%1 left").arg(formatDuration(snapshot->status.remaining));
    else
        m_note = tr("running");
    setAccessibleName(m_stage < 0 ? tr("The loop has not started") : tr("Tooth %1, stage %2, %3").arg(m_tooth).arg(stageName(m_stage), m_note));
    update();
}

double RingView::radius() const
{
    const auto fitting = [this](int pixels) {
        const QFontMetrics metrics(strongFont(pixels));
        const double side = metrics.horizontalAdvance(QStringLiteral("Approve")) + 12;
        return std::min({(width() / 2.0 - side) / 1.11, (height() / 2.0 - metrics.height() - 11) / 1.11, 200.0});
    };
    const double large = fitting(metric::body);
    return std::max(40.0, large > largeRing ? large : std::min(largeRing, fitting(metric::caption)));
}

int RingView::stageAt(const QPointF& point) const
{
    const QPointF from = point - QRectF(rect()).center();
    const double distance = std::hypot(from.x(), from.y());
    if (distance < radius() * 0.6)
        return -1;
    double degrees = std::atan2(from.x(), -from.y()) * 180 / std::numbers::pi + turn / 2;
    if (degrees < 0)
        degrees += 360;
    return static_cast<int>(degrees / turn) % stages;
}

bool RingView::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    auto* help = static_cast<QHelpEvent*>(event);
    const int stage = stageAt(help->pos());
    if (stage < 0)
        QToolTip::hideText();
    else
        QToolTip::showText(help->globalPos(), QStringLiteral("<b>%1</b><br>%2").arg(stageName(stage), stageHelp(stage)), this);
    return true;
}

void RingView::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.translate(QRectF(rect()).center());
    paintSegments(painter);
    paintLabels(painter);
    paintMiddle(painter);
}

void RingView::paintSegments(QPainter& painter) const
{
    const Tokens& t = tokens(this);
    const double r = radius();
    const double thick = std::max(7.0, r * 0.11);
    for (int stage = 0; stage < stages; ++stage) {
        const bool current = stage == m_stage;
        QColor color = t.hairline;
        if (current)
            color = m_waiting ? t.waiting : (m_running ? t.accent : t.secondary);
        else if (stage < m_stage)
            color = t.dark ? t.accent.darker(200) : t.accent.lighter(165);
        const double width = current ? thick * 1.5 : thick;
        painter.setPen(QPen(color, width, Qt::SolidLine, Qt::FlatCap));
        const double gap = 3.2;
        const QRectF circle(-r, -r, 2 * r, 2 * r);
        // Qt counts sixteenths of a degree, anticlockwise from three o'clock.
        const double start = 90 - stage * turn - turn / 2 + gap / 2;
        painter.drawArc(circle, qRound(start * 16), qRound((turn - gap) * 16));
    }
    // The pawl: a small wedge that points at the current stage from inside; the wheel turns under it.
    if (m_stage >= 0 && r > 90) {
        painter.save();
        painter.rotate(m_stage * turn);
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_waiting ? t.waiting : (m_running ? t.accent : t.secondary));
        const double tip = -(r - thick * 0.9 - 3);
        painter.drawPolygon(QPolygonF{{{0, tip}, {-thick * 0.4, tip + thick * 1.1}, {thick * 0.4, tip + thick * 1.1}}});
        painter.restore();
    }
}

void RingView::paintLabels(QPainter& painter) const
{
    const Tokens& t = tokens(this);
    const double r = radius();
    const int pixels = r > largeRing ? metric::body : metric::caption;
    const double at = r + std::max(7.0, r * 0.11) + 5;
    for (int stage = 0; stage < stages; ++stage) {
        const bool current = stage == m_stage;
        painter.setFont(current ? strongFont(pixels) : bodyFont(pixels));
        painter.setPen(current ? (m_waiting ? t.waiting : t.text) : t.secondary);
        const double angle = middleOf(stage);
        const QPointF anchor(at * std::sin(angle), -at * std::cos(angle));
        const QString name = stageName(stage);
        const QFontMetricsF metrics(painter.font());
        const double w = metrics.horizontalAdvance(name);
        // Slides from left-aligned on the right side to right-aligned on the left side.
        const double x = anchor.x() - w / 2 + std::sin(angle) * w / 2;
        const double y = anchor.y() + metrics.ascent() / 2 - 1 - std::cos(angle) * metrics.height() / 3;
        painter.drawText(QPointF(x, y), name);
    }
}

void RingView::paintMiddle(QPainter& painter) const
{
    const Tokens& t = tokens(this);
    const double r = radius();
    const double w = r * 1.75;
    const bool large = r > largeRing;
    const auto line = [&](const QFont& font, const QColor& color, double y, const QString& what) {
        painter.setFont(font);
        painter.setPen(color);
        const QFontMetricsF metrics(font);
        painter.drawText(QRectF(-w / 2, y - metrics.height() / 2, w, metrics.height()), Qt::AlignCenter, metrics.elidedText(what, Qt::ElideRight, w));
    };
    const double step = large ? 26 : 18;
    line(bodyFont(large ? metric::body : metric::caption), t.secondary, -step, m_tooth > 0 ? tr("tooth %1").arg(m_tooth) : tr("the loop"));
    line(strongFont(large ? 28 : std::min<int>(metric::keyFigure, static_cast<int>(r / 4))), m_waiting ? t.waiting : t.text, 0,
         m_stage >= 0 ? stageName(m_stage) : tr("Ready"));
    line(bodyFont(large ? metric::body : metric::caption), t.secondary, step, m_note);
}

} // namespace ratchet
