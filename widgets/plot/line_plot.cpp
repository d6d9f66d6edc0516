// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/line_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "widgets/plot/figure_export.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/plot/qcp.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

void hand(QCPGraph* graph, const Curve& curve)
{
    auto data = QSharedPointer<QCPGraphDataContainer>::create();
    QVector<QCPGraphData> points(qsizetype(curve.size()));
    for (std::size_t i = 0; i < curve.size(); ++i)
        points[qsizetype(i)] = QCPGraphData(curve.x[i], curve.y[i]);
    data->set(points, true);
    graph->setData(data);
}

} // namespace

LinePlot::LinePlot(QWidget* parent) : PlotWidget(parent) { setAxes({}, {}); }

LinePlot::~LinePlot() = default;

LinePlot::Graphs& LinePlot::graphsOf(const PlotLine& line)
{
    Graphs& graphs = m_graphs[line.key];
    if (graphs.main)
        return graphs;
    for (auto* member : {&graphs.raw, &graphs.low, &graphs.high, &graphs.main}) {
        *member = plot()->addGraph();
        (*member)->setAdaptiveSampling(false);   // prepare() thins already
        (*member)->setLayer(QStringLiteral("behind"));
        (*member)->setSelectable(QCP::stNone);
    }
    graphs.main->setLayer(line.slot < 0 ? QStringLiteral("front") : QStringLiteral("main"));
    graphs.high->setChannelFillGraph(graphs.low);
    return graphs;
}

void LinePlot::setLines(std::vector<PlotLine> lines)
{
    m_lines = std::move(lines);
    std::set<QString> kept;
    for (const auto& line : m_lines) {
        kept.insert(line.key);
        graphsOf(line);
    }
    for (auto it = m_graphs.begin(); it != m_graphs.end();) {
        if (kept.count(it->first)) {
            ++it;
            continue;
        }
        for (auto* graph : {it->second.high, it->second.low, it->second.raw, it->second.main})
            plot()->removeGraph(graph);
        it = m_graphs.erase(it);
    }
    restyle(tokens(this));
    dataChanged();
}

void LinePlot::setVisible(const QString& key, bool visible)
{
    for (auto& line : m_lines)
        if (line.key == key)
            line.visible = visible;
    restyle(tokens(this));
    dataChanged();
}

void LinePlot::highlight(const QString& key)
{
    if (key == m_highlighted)
        return;
    m_highlighted = key;
    restyle(tokens(this));
    replot();
}

void LinePlot::setMarks(std::vector<PlotMark> marks)
{
    for (const auto& drawn : m_drawn) {
        plot()->removeItem(drawn.line);
        plot()->removeItem(drawn.text);
    }
    m_drawn.clear();
    m_marks = std::move(marks);
    for (const auto& mark : m_marks) {
        Drawn drawn{new QCPItemStraightLine(plot()), new QCPItemText(plot())};
        drawn.line->setLayer(QStringLiteral("behind"));
        drawn.text->setLayer(QStringLiteral("front"));
        drawn.text->setText(mark.text);
        drawn.text->setFont(bodyFont(metric::caption));
        drawn.text->setPadding(QMargins(4, 1, 4, 1));
        m_drawn.push_back(drawn);
    }
    restyle(tokens(this));
    dataChanged();
}

void LinePlot::placeMarks()
{
    for (std::size_t i = 0; i < m_marks.size(); ++i) {
        const auto& mark = m_marks[i];
        auto* text = m_drawn[i].text;
        const bool vertical = mark.kind == PlotMark::Kind::At;
        m_drawn[i].line->point1->setCoords(vertical ? mark.value : xRange().first, vertical ? yRange().first : mark.value);
        m_drawn[i].line->point2->setCoords(vertical ? mark.value : xRange().second, vertical ? yRange().second : mark.value);
        if (vertical) {
            text->position->setTypeX(QCPItemPosition::ptPlotCoords);
            text->position->setTypeY(QCPItemPosition::ptAxisRectRatio);
            const bool right = mark.value > (xRange().first + xRange().second) / 2;
            text->setPositionAlignment(Qt::AlignTop | (right ? Qt::AlignRight : Qt::AlignLeft));
            text->position->setCoords(mark.value, 0);
        } else {
            text->position->setTypeX(QCPItemPosition::ptAxisRectRatio);
            text->position->setTypeY(QCPItemPosition::ptPlotCoords);
            // Above the line, but never out of the picture.
            const double room = plot()->yAxis->coordToPixel(mark.value) - plot()->axisRect()->top();
            const bool fits = room > QFontMetrics(text->font()).height() + 2;
            text->setPositionAlignment((fits ? Qt::AlignBottom : Qt::AlignTop) | Qt::AlignLeft);
            text->position->setCoords(0, mark.value);
        }
    }
}

QRectF LinePlot::extent(double from, double to) const
{
    const bool logX = xAxisSpec().scale == AxisScale::Logarithmic, logY = yAxisSpec().scale == AxisScale::Logarithmic;
    std::vector<double> xs, ys;
    const auto take = [&](const Curve& curve) {
        if (const Extent y = extentOf(curve, from, to, logY); y.found)
            ys.insert(ys.end(), {y.low, y.high});
        if (const Extent x = extentOf(curve.x, logX); x.found)
            xs.insert(xs.end(), {std::max(x.low, from), std::min(x.high, to)});
    };
    for (const auto& line : m_lines) {
        if (!line.visible || line.curve.isEmpty())
            continue;
        take(line.curve);
        take(line.raw);
        if (line.low.size() == line.curve.size() && !line.low.empty()) {
            take({line.curve.x, line.low});
            take({line.curve.x, line.high});
        }
    }
    for (const auto& mark : m_marks)
        if (mark.kind == PlotMark::Kind::Level && !ys.empty() && std::isfinite(mark.value))
            ys.push_back(mark.value);
    const Extent x = extentOf(xs, logX), y = extentOf(ys, logY);
    if (!x.found || !y.found)
        return QRectF(0, 0, -1, -1);
    return {QPointF(x.low, y.low), QPointF(x.high, y.high)};
}

void LinePlot::prepare()
{
    const auto [from, to] = xRange();
    const int columns = std::max(50, plot()->axisRect()->width());
    const AxisScale scale = xAxisSpec().scale;
    for (const auto& line : m_lines) {
        if (!line.visible)
            continue;
        Graphs& graphs = graphsOf(line);
        hand(graphs.main, thinned(line.curve, from, to, columns, scale));
        hand(graphs.raw, thinned(line.raw, from, to, columns, scale));
        const bool band = !line.low.empty() && line.low.size() == line.curve.size() && line.high.size() == line.curve.size();
        hand(graphs.low, band ? thinned({line.curve.x, line.low}, from, to, columns, scale) : Curve());
        hand(graphs.high, band ? thinned({line.curve.x, line.high}, from, to, columns, scale) : Curve());
    }
    placeMarks();
}

void LinePlot::restyle(const Tokens& now)
{
    plot()->legend->clearItems();
    for (const auto& line : m_lines) {
        Graphs& graphs = graphsOf(line);
        const bool faded = !m_highlighted.isEmpty() && m_highlighted != line.key;
        QPen pen = slotPen(now, line.slot);
        graphs.main->setPen(faded ? faintPen(now, line.slot) : pen);
        graphs.main->setScatterStyle(m_dots ? QCPScatterStyle(QCPScatterStyle::ssDisc, pen.color(), pen.color(), 5) : QCPScatterStyle());
        graphs.main->setName(line.name);
        graphs.raw->setPen(faintPen(now, line.slot));
        QColor fill = slotColor(now, line.slot);
        fill.setAlphaF(faded ? 0.04F : 0.14F);
        graphs.low->setPen(Qt::NoPen);
        graphs.high->setPen(Qt::NoPen);
        graphs.high->setBrush(fill);
        for (auto* graph : {graphs.main, graphs.raw, graphs.low, graphs.high})
            graph->setVisible(line.visible);
        if (line.visible && m_lines.size() > 1)
            graphs.main->addToLegend();
    }
    for (std::size_t i = 0; i < m_drawn.size(); ++i) {
        QPen pen(now.state(m_marks[i].state), 1, Qt::DashLine);
        m_drawn[i].line->setPen(pen);
        m_drawn[i].text->setColor(m_marks[i].kind == PlotMark::Kind::At ? now.secondary : now.text);
        QColor ground = now.surface;
        ground.setAlphaF(0.8F);
        m_drawn[i].text->setBrush(ground);
    }
}

std::map<QString, double> LinePlot::valuesAt(double x) const
{
    std::map<QString, double> values;
    for (const auto& line : m_lines) {
        if (!line.visible || line.curve.isEmpty())
            continue;
        const bool inside = x >= line.curve.x.front() && x <= line.curve.x.back();
        values[line.key] = inside ? line.curve.y[nearest(line.curve, x)] : std::numeric_limits<double>::quiet_NaN();
    }
    return values;
}

QByteArray LinePlot::table() const
{
    QByteArray text = "series," + csvCell(xAxisSpec().text().isEmpty() ? QStringLiteral("x") : xAxisSpec().text()) + ','
                      + csvCell(yAxisSpec().text().isEmpty() ? QStringLiteral("y") : yAxisSpec().text()) + ",raw,low,high\n";
    for (const auto& line : m_lines) {
        if (!line.visible)
            continue;
        const QByteArray name = csvCell(line.name);
        for (std::size_t i = 0; i < line.curve.size(); ++i) {
            const auto at = [i](const std::vector<double>& column) { return i < column.size() ? csvNumber(column[i]) : QByteArray(); };
            text += name + ',' + csvNumber(line.curve.x[i]) + ',' + csvNumber(line.curve.y[i]) + ',' + at(line.raw.y) + ','
                    + at(line.low) + ',' + at(line.high) + '\n';
        }
    }
    return text;
}

} // namespace ratchet
