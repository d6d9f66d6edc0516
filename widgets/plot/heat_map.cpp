// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/heat_map.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QToolTip>

#include "widgets/plot/axis_ticks.h"
#include "widgets/plot/figure_export.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/style/theme.h"

namespace ratchet {

HeatMap::HeatMap(QWidget* parent) : PlotWidget(parent)
{
    pinRanges();
    m_map = new QCPColorMap(plot()->xAxis, plot()->yAxis);
    m_map->setInterpolate(false);
    m_map->setTightBoundary(false);
    m_scale = new QCPColorScale(plot());
    m_scale->setType(QCPAxis::atRight);
    m_scale->setBarWidth(10);
    m_scale->setRangeDrag(false);
    m_scale->setRangeZoom(false);
    plot()->plotLayout()->addElement(0, 1, m_scale);
    m_map->setColorScale(m_scale);
    auto* margins = new QCPMarginGroup(plot());
    plot()->axisRect()->setMarginGroup(QCP::msTop | QCP::msBottom, margins);
    m_scale->setMarginGroup(QCP::msTop | QCP::msBottom, margins);
    for (auto** item : {&m_halo, &m_outline}) {
        *item = new QCPItemRect(plot());
        (*item)->setLayer(QStringLiteral("front"));
        (*item)->setVisible(false);
        (*item)->setClipToAxisRect(false);
    }
    plot()->yAxis->setRangeReversed(true);        // the first row on top
    setAxes({}, {});
}

HeatMap::~HeatMap() = default;

void HeatMap::setData(HeatMapData data, Colours colours, const AxisSpec& value)
{
    m_data = std::move(data);
    m_data.values.resize(m_data.rows.size() * m_data.columns.size(), std::numeric_limits<double>::quiet_NaN());
    m_colours = colours;
    m_value = value;
    const int columns = std::max(1, int(m_data.columns.size())), rows = std::max(1, int(m_data.rows.size()));
    m_map->data()->setSize(columns, rows);
    m_map->data()->setRange({0, double(columns - 1)}, {0, double(rows - 1)});
    m_map->data()->fill(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t row = 0; row < m_data.rows.size(); ++row)
        for (std::size_t column = 0; column < m_data.columns.size(); ++column) {
            const double z = m_data.at(row, column);
            const bool shown = std::isfinite(z) && (value.scale == AxisScale::Linear || z > 0);
            m_map->data()->setCell(int(column), int(row), shown ? z : std::numeric_limits<double>::quiet_NaN());
        }
    chooseRange(value);
    restyle(tokens(this));
    dataChanged();
}

void HeatMap::chooseRange(const AxisSpec& value)
{
    const bool log = value.scale == AxisScale::Logarithmic;
    Extent range = extentOf(m_data.values, log);
    if (m_colours == Colours::Difference) {
        const double most = std::max(std::abs(range.low), std::abs(range.high));
        range.low = -(range.found && most > 0 ? most : 1);
        range.high = -range.low;
    } else if (!(range.high > range.low)) {
        const double middle = range.low;
        range.low = log ? middle / 2 : middle - std::max(std::abs(middle) * 0.1, 1e-6);
        range.high = log ? middle * 2 : middle + std::max(std::abs(middle) * 0.1, 1e-6);
    }
    m_scale->setDataScaleType(log ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    m_scale->setDataRange({range.low, range.high});
    m_scale->axis()->setTicker(tickerFor(value));
    m_scale->axis()->setSubTicks(false);
    m_scale->setLabel(value.text());
}

std::pair<double, double> HeatMap::colourRange() const { return {m_scale->dataRange().lower, m_scale->dataRange().upper}; }

void HeatMap::setCell(std::optional<std::pair<int, int>> cell)
{
    for (auto* item : {m_halo, m_outline}) {
        item->setVisible(cell.has_value());
        item->topLeft->setCoords(cell ? cell->second - 0.5 : 0, cell ? cell->first - 0.5 : 0);
        item->bottomRight->setCoords(cell ? cell->second + 0.5 : 0, cell ? cell->first + 0.5 : 0);
    }
    replot();
}

QRectF HeatMap::extent(double, double) const
{
    if (m_data.values.empty())
        return QRectF(0, 0, -1, -1);
    return {QPointF(-0.5, -0.5), QPointF(double(m_data.columns.size()) - 0.5, double(m_data.rows.size()) - 0.5)};
}

void HeatMap::prepare()
{
    const auto rows = QSharedPointer<QCPAxisTickerText>::create();
    const auto columns = QSharedPointer<QCPAxisTickerText>::create();
    // As many names as fit without touching.
    const auto every = [](std::size_t count, int pixels, int each) {
        const int room = std::max(1, pixels / each);
        return std::max<std::size_t>(1, (count + std::size_t(room) - 1) / std::size_t(room));
    };
    const std::size_t rowStep = every(m_data.rows.size(), plot()->axisRect()->height(), 14);
    for (std::size_t i = 0; i < m_data.rows.size(); i += rowStep)
        rows->addTick(double(i), m_data.rows[i]);
    const QFontMetrics metrics(plot()->xAxis->tickLabelFont());
    int widest = 0;
    for (const auto& name : m_data.columns)
        widest = std::max(widest, metrics.horizontalAdvance(name));
    const std::size_t columnStep = every(m_data.columns.size(), plot()->axisRect()->width(), widest + 6);
    for (std::size_t i = 0; i < m_data.columns.size(); i += columnStep)
        columns->addTick(double(i), m_data.columns[i]);
    plot()->yAxis->setTicker(rows);
    plot()->xAxis->setTicker(columns);
    m_scale->axis()->ticker()->setTickCount(std::clamp(plot()->axisRect()->height() / 45, 2, 8));
}

void HeatMap::restyle(const Tokens& now)
{
    QCPColorGradient gradient;
    gradient.setColorStops(m_colours == Colours::Difference ? divergingStops() : viridisStops());
    gradient.setNanHandling(QCPColorGradient::nhTransparent);
    gradient.setLevelCount(256);
    m_map->setGradient(gradient);
    m_scale->setGradient(gradient);
    for (auto* axis : {plot()->xAxis, plot()->yAxis})
        axis->grid()->setVisible(false);
    QCPAxis* bar = m_scale->axis();
    bar->setBasePen(Qt::NoPen);
    bar->setTickPen(QPen(now.hairline, 1));
    bar->setTickLength(0, 4);
    bar->setTickLabelColor(now.secondary);
    bar->setTickLabelFont(bodyFont(metric::caption));
    bar->setLabelColor(now.secondary);
    bar->setLabelFont(bodyFont(metric::caption));
    m_halo->setPen(QPen(lightTokens().text, 4));
    m_outline->setPen(QPen(lightTokens().surface, 2));
}

std::optional<std::pair<int, int>> HeatMap::cellAt(double x, double y) const
{
    if (!std::isfinite(x) || !std::isfinite(y))
        return {};
    const int row = int(std::lround(y)), column = int(std::lround(x));
    if (row < 0 || column < 0 || row >= int(m_data.rows.size()) || column >= int(m_data.columns.size()))
        return {};
    return std::pair(row, column);
}

void HeatMap::hover(double x, double y)
{
    const auto cell = cellAt(x, y);
    if (!cell)
        return QToolTip::hideText();
    const auto row = std::size_t(cell->first), column = std::size_t(cell->second);
    QToolTip::showText(QCursor::pos(), QStringLiteral("%1\n%2 %3\n%4 %5").arg(m_data.rows[row], xAxisSpec().title, m_data.columns[column],
                                                                           m_value.title, numberText(m_data.at(row, column))), this);
}

void HeatMap::click(double x, double y)
{
    if (const auto cell = cellAt(x, y))
        Q_EMIT cellClicked(cell->first, cell->second);
}

QByteArray HeatMap::table() const
{
    QByteArray text = csvCell(yAxisSpec().title.isEmpty() ? QStringLiteral("row") : yAxisSpec().title);
    for (const auto& column : m_data.columns)
        text += ',' + csvCell(column);
    text += '\n';
    for (std::size_t row = 0; row < m_data.rows.size(); ++row) {
        text += csvCell(m_data.rows[row]);
        for (std::size_t column = 0; column < m_data.columns.size(); ++column)
            text += ',' + csvNumber(m_data.at(row, column));
        text += '\n';
    }
    return text;
}

} // namespace ratchet
