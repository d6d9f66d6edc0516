// SPDX-License-Identifier: GPL-3.0-or-later
// Curves with an optional raw line behind, a band around, vertical and horizontal marks. Draws at most some points per pixel
// column, extremes kept, so a million points cost what a thousand do. User-interface thread only.
#pragma once

#include <map>

#include "widgets/plot/plot_widget.h"

class QCPGraph;
class QCPItemText;
class QCPItemStraightLine;

namespace ratchet {

struct PlotLine {
    QString key, name;                            // key: identity over updates
    int slot = 0;                                 // colour and dash; championSlot: gold
    Curve curve;
    Curve raw;                                    // drawn faint behind the curve; may be empty
    std::vector<double> low, high;                // band around the curve: empty or as long
    bool visible = true;
};

struct PlotMark {
    enum class Kind { At, Level };                // vertical at x, horizontal at y
    Kind kind = Kind::At;
    double value = 0;
    QString text;
    State state = State::Inconclusive;            // colour
};

class LinePlot : public PlotWidget {
    Q_OBJECT
public:
    explicit LinePlot(QWidget* parent = nullptr);
    ~LinePlot() override;
    void setLines(std::vector<PlotLine> lines);
    void setMarks(std::vector<PlotMark> marks);
    void setVisible(const QString& key, bool visible);
    using PlotWidget::setVisible;
    void highlight(const QString& key);           // the others fade; empty: none
    void showDots(bool dots) { m_dots = dots; }   // every point as a dot as well: for few points
    [[nodiscard]] const std::vector<PlotLine>& lines() const { return m_lines; }
    // y of each visible line at the point nearest to x; NaN where it has none there.
    [[nodiscard]] std::map<QString, double> valuesAt(double x) const;

protected:
    QRectF extent(double from, double to) const override;
    void prepare() override;
    void restyle(const Tokens& tokens) override;
    QByteArray table() const override;

private:
    struct Graphs { QCPGraph *main = nullptr, *raw = nullptr, *low = nullptr, *high = nullptr; };
    struct Drawn { QCPItemStraightLine* line = nullptr; QCPItemText* text = nullptr; };
    Graphs& graphsOf(const PlotLine& line);
    void placeMarks();
    std::vector<PlotLine> m_lines;
    std::map<QString, Graphs> m_graphs;
    std::vector<PlotMark> m_marks;
    std::vector<Drawn> m_drawn;
    QString m_highlighted;
    bool m_dots = false;
};

} // namespace ratchet
