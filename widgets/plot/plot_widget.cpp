// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_widget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QElapsedTimer>
#include <QEvent>
#include <QKeyEvent>
#include <QTimer>
#include <QVBoxLayout>

#include "widgets/plot/axis_ticks.h"
#include "widgets/plot/figure_export.h"
#include "widgets/style/theme.h"

namespace ratchet {

struct PlotWidget::Private {
    struct View { QCPRange x, y; };
    std::vector<View> past;                       // what undo goes back to
    QElapsedTimer sinceRemembered;
    bool zoomed = false, pinned = false, ready = false;   // ready: has had axes
    QTimer viewTimer;
    QCPItemStraightLine* cursor = nullptr;
    QPoint pressed;
};

QString AxisSpec::text() const
{
    return unit.isEmpty() ? title : QStringLiteral("%1 (%2)").arg(title, unit);
}

namespace {

// Five per cent of room on both sides; never an empty range.
QCPRange padded(double low, double high, AxisScale scale, double share)
{
    if (scale == AxisScale::Logarithmic) {
        const double room = high > low ? std::pow(high / low, share) : 1.5;
        return {low / room, high * room};
    }
    const double room = high > low ? (high - low) * share : std::max(std::abs(low) * 0.1, 1e-9);
    return {low - room, high + room};
}

} // namespace

PlotWidget::PlotWidget(QWidget* parent) : QWidget(parent), m_plot(new QCustomPlot(this)), d(std::make_unique<Private>())
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setMinimumSize(160, 90);
    setFocusPolicy(Qt::ClickFocus);
    m_plot->setPlottingHint(QCP::phFastPolylines, true);
    m_plot->setAutoAddPlottableToLegend(false);
    m_plot->setNoAntialiasingOnDrag(true);
    m_plot->addLayer(QStringLiteral("behind"), m_plot->layer(QStringLiteral("main")), QCustomPlot::limBelow);
    m_plot->addLayer(QStringLiteral("front"), m_plot->layer(QStringLiteral("main")), QCustomPlot::limAbove);
    m_plot->axisRect()->setMinimumMargins(QMargins(52, 8, 20, 34));
    d->cursor = new QCPItemStraightLine(m_plot);
    d->cursor->setLayer(QStringLiteral("overlay"));
    d->cursor->setVisible(false);
    d->cursor->setClipToAxisRect(true);
    d->viewTimer.setSingleShot(true);
    d->viewTimer.setInterval(80);
    connect(&d->viewTimer, &QTimer::timeout, this, [this] { Q_EMIT viewChanged(xRange().first, xRange().second); });
    connect(m_plot->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, [this] { d->viewTimer.start(); });
    connect(m_plot, &QCustomPlot::beforeReplot, this, [this] {
        setUpTickers();
        prepare();
    });
    setUpMouse();
}

PlotWidget::~PlotWidget() = default;

void PlotWidget::setUpMouse()
{
    m_plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    m_plot->setMouseTracking(true);
    m_plot->installEventFilter(this);
    connect(m_plot, &QCustomPlot::mouseWheel, this, [this] { rememberView(); });
    connect(m_plot, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
        d->pressed = event->pos();
        setFocus(Qt::MouseFocusReason);
    });
    connect(m_plot, &QCustomPlot::mouseDoubleClick, this, [this] { fit(); });
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) {
        const QPoint at = event->pos();
        if (event->buttons() & Qt::LeftButton) {
            if ((at - d->pressed).manhattanLength() > 3)
                rememberView();
            return;
        }
        const bool inside = m_plot->axisRect()->rect().contains(at);
        const double x = inside ? m_plot->xAxis->pixelToCoord(at.x()) : std::numeric_limits<double>::quiet_NaN();
        setCursor(x);
        hover(x, m_plot->yAxis->pixelToCoord(at.y()));
        Q_EMIT cursorMoved(x);
    });
    connect(m_plot, &QCustomPlot::mouseRelease, this, [this](QMouseEvent* event) {
        if ((event->pos() - d->pressed).manhattanLength() <= 3 && m_plot->axisRect()->rect().contains(event->pos()))
            click(m_plot->xAxis->pixelToCoord(event->pos().x()), m_plot->yAxis->pixelToCoord(event->pos().y()));
    });
}

bool PlotWidget::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_plot && event->type() == QEvent::Leave) {
        const double none = std::numeric_limits<double>::quiet_NaN();
        setCursor(none);
        hover(none, none);
        Q_EMIT cursorMoved(none);
    }
    return QWidget::eventFilter(watched, event);
}

void PlotWidget::setAxes(const AxisSpec& x, const AxisSpec& y)
{
    if (d->ready && x == m_x && y == m_y)
        return;
    d->ready = true;
    const bool sameScale = m_x.scale == x.scale && m_y.scale == y.scale && m_x.title == x.title && m_x.unit == x.unit;
    m_x = x;
    m_y = y;
    for (const auto& [axis, spec] : {std::pair{m_plot->xAxis, &m_x}, std::pair{m_plot->yAxis, &m_y}}) {
        axis->setScaleType(spec->scale == AxisScale::Logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
        axis->setTicker(tickerFor(*spec));
        axis->setSubTicks(false);
        axis->setLabel(spec->text());
    }
    if (!sameScale) {
        d->past.clear();
        d->zoomed = false;
    }
    applyTokens(tokens(this));
    dataChanged();
}

void PlotWidget::setUpTickers()
{
    m_plot->xAxis->ticker()->setTickCount(std::clamp(m_plot->axisRect()->width() / 90, 2, 10));
    m_plot->yAxis->ticker()->setTickCount(std::clamp(m_plot->axisRect()->height() / 45, 2, 8));
}

void PlotWidget::rememberView()
{
    if (d->pinned)
        return;
    // A turn of the wheel or one drag is one step.
    if (!d->zoomed || !d->sinceRemembered.isValid() || d->sinceRemembered.elapsed() > 500)
        d->past.push_back({m_plot->xAxis->range(), m_plot->yAxis->range()});
    d->sinceRemembered.start();
    d->zoomed = true;
}

void PlotWidget::undoZoom()
{
    if (d->past.size() <= 1)
        return fit();
    m_plot->xAxis->setRange(d->past.back().x);
    m_plot->yAxis->setRange(d->past.back().y);
    d->past.pop_back();
    d->sinceRemembered.invalidate();
    replot();
}

void PlotWidget::fit()
{
    d->past.clear();
    d->zoomed = false;
    dataChanged();
}

void PlotWidget::zoomTo(double from, double to)
{
    d->sinceRemembered.invalidate();
    rememberView();
    m_plot->xAxis->setRange(from, to);
    if (const QRectF inside = extent(from, to); inside.width() >= 0)
        m_plot->yAxis->setRange(padded(inside.top(), inside.bottom(), m_y.scale, 0.05));
    replot();
}

bool PlotWidget::isZoomed() const { return d->zoomed; }
std::pair<double, double> PlotWidget::xRange() const { return {m_plot->xAxis->range().lower, m_plot->xAxis->range().upper}; }
std::pair<double, double> PlotWidget::yRange() const { return {m_plot->yAxis->range().lower, m_plot->yAxis->range().upper}; }

void PlotWidget::dataChanged()
{
    constexpr double all = std::numeric_limits<double>::infinity();
    if (const QRectF whole = extent(-all, all); !d->zoomed && whole.width() >= 0) {
        m_plot->xAxis->setRange(padded(whole.left(), whole.right(), m_x.scale, d->pinned ? 0 : 0.01));
        m_plot->yAxis->setRange(padded(whole.top(), whole.bottom(), m_y.scale, d->pinned ? 0 : 0.05));
    }
    replot();
}

void PlotWidget::pinRanges()
{
    d->pinned = true;
    m_plot->setInteractions(QCP::Interactions());
}

void PlotWidget::setCursor(double x)
{
    const bool show = std::isfinite(x);
    if (!show && !d->cursor->visible())
        return;
    d->cursor->setVisible(show);
    if (show) {
        d->cursor->point1->setCoords(x, 0);
        d->cursor->point2->setTypeY(QCPItemPosition::ptAxisRectRatio);
        d->cursor->point1->setTypeY(QCPItemPosition::ptAxisRectRatio);
        d->cursor->point1->setCoords(x, 0);
        d->cursor->point2->setCoords(x, 1);
    }
    m_plot->layer(QStringLiteral("overlay"))->replot();
}

void PlotWidget::replot() { m_plot->replot(QCustomPlot::rpQueuedReplot); }

double PlotWidget::replotNow()
{
    QElapsedTimer clock;
    clock.start();
    m_plot->replot(QCustomPlot::rpImmediateRefresh);
    return double(clock.nsecsElapsed()) / 1e6;
}

void PlotWidget::applyTokens(const Tokens& now)
{
    m_plot->setBackground(QBrush(now.surface));
    QPen line(now.hairline, 1), grid(now.grid, 1);
    for (auto* axis : {m_plot->xAxis, m_plot->yAxis}) {
        axis->setBasePen(line);
        axis->setTickPen(line);
        axis->setTickLength(0, 4);
        axis->setTickLabelColor(now.secondary);
        axis->setLabelColor(now.secondary);
        axis->setTickLabelFont(bodyFont(metric::caption));
        axis->setLabelFont(bodyFont(metric::caption));
        axis->setTickLabelPadding(4);
        axis->setLabelPadding(4);
        axis->grid()->setPen(grid);
        axis->grid()->setZeroLinePen(QPen(now.hairline, 1));
    }
    QColor line2 = now.secondary;
    line2.setAlphaF(0.6F);
    d->cursor->setPen(QPen(line2, 1));
    m_plot->legend->setBrush(Qt::NoBrush);
    m_plot->legend->setBorderPen(Qt::NoPen);
    m_plot->legend->setTextColor(now.text);
    m_plot->legend->setFont(bodyFont(metric::caption));
    restyle(now);
}

void PlotWidget::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::StyleChange) {
        applyTokens(tokens(this));
        replot();
    }
}

void PlotWidget::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    replot();
}

void PlotWidget::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Backspace || event->matches(QKeySequence::Undo))
        undoZoom();
    else if (event->key() == Qt::Key_Home)
        fit();
    else
        QWidget::keyPressEvent(event);
}

QByteArray PlotWidget::csv(const Figure& figure) const { return csvHeader(figure) + table(); }

QString PlotWidget::save(const QString& file, const Figure& figure)
{
    if (file.endsWith(QLatin1String(".csv"), Qt::CaseInsensitive))
        return writeBytes(file, csv(figure));
    m_plot->replot();                             // ticks and data as on screen
    applyTokens(lightTokens());
    const bool cursor = d->cursor->visible();
    d->cursor->setVisible(false);
    const QString problem = saveFigure(m_plot, file, figure, csv(figure));
    d->cursor->setVisible(cursor);
    applyTokens(tokens(this));
    m_plot->replot();
    return problem;
}

void PlotWidget::addExportActions(QMenu* menu, const std::function<Figure()>& figure)
{
    addSaveActions(menu, this, figure);
}

} // namespace ratchet
