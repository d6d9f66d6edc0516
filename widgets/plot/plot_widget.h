// SPDX-License-Identifier: GPL-3.0-or-later
// Base of every plot: QCustomPlot with the theme, axes that carry units, zoom (wheel; over an axis only that axis), drag,
// undo, a cursor line, and export with the settings inside. User-interface thread only.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <QRectF>
#include <QString>
#include <QWidget>

#include "widgets/plot/curve_math.h"
#include "widgets/style/tokens.h"

class QCustomPlot;
class QMenu;

namespace ratchet {

struct AxisSpec {
    QString title, unit;                          // "compute", "TFLOP"; written as "compute (TFLOP)"
    AxisScale scale = AxisScale::Linear;
    bool decades = false;                         // values are log10 already: ticks read 1, 10, 100 ...
    bool whole = false;                           // counts: ticks at whole numbers only
    [[nodiscard]] QString text() const;
    bool operator==(const AxisSpec&) const = default;
};

// What a saved figure says about itself: in PNG text chunks, SVG description, PDF attachment, CSV comment lines.
struct Figure {
    QString title;
    std::vector<std::pair<QString, QString>> settings;
    int width = 960, height = 540;                // device-independent pixels
};

class PlotWidget : public QWidget {
    Q_OBJECT
public:
    explicit PlotWidget(QWidget* parent = nullptr);   // the heir's constructor calls setAxes()
    ~PlotWidget() override;

    void setAxes(const AxisSpec& x, const AxisSpec& y);
    void fit();                                   // shows everything and follows new data from now on
    void undoZoom();                              // one step back; follows again after the last one
    [[nodiscard]] bool isZoomed() const;          // the person chose the range: new data leaves it alone
    [[nodiscard]] std::pair<double, double> xRange() const;
    [[nodiscard]] std::pair<double, double> yRange() const;
    void zoomTo(double from, double to);          // as if by hand; y fits what is inside
    // A vertical line at x, for plots that are looked at together; NaN hides it.
    void setCursor(double x);
    // PNG (double size), SVG, PDF or CSV by the suffix; figures in light colours with legend and title. Returns what went
    // wrong as a sentence, empty when all is well.
    [[nodiscard]] QString save(const QString& file, const Figure& figure);
    [[nodiscard]] QByteArray csv(const Figure& figure) const;
    // Asks for a file and saves; `figure` is called when the person chose one.
    void addExportActions(QMenu* menu, const std::function<Figure()>& figure);
    double replotNow();                           // milliseconds taken, for benches

Q_SIGNALS:
    void viewChanged(double from, double to);     // x range on screen, at most every 80 ms
    void cursorMoved(double x);                   // NaN when the pointer left

protected:
    [[nodiscard]] QCustomPlot* plot() const { return m_plot; }
    [[nodiscard]] const AxisSpec& xAxisSpec() const { return m_x; }
    [[nodiscard]] const AxisSpec& yAxisSpec() const { return m_y; }
    void replot();                                // once, when the event loop comes round
    void dataChanged();                           // fits when nobody zoomed, then replots
    void pinRanges();                             // no zoom and no drag: for plots of categories

    virtual QRectF extent(double from, double to) const = 0;   // of the data with x in [from, to]; invalid when there is none
    virtual void prepare() {}                     // before every replot: hand the visible part to QCustomPlot
    virtual void restyle(const Tokens& tokens) = 0;
    virtual QByteArray table() const = 0;         // CSV header and rows
    virtual void hover(double x, double y) { Q_UNUSED(x) Q_UNUSED(y) }
    virtual void click(double x, double y) { Q_UNUSED(x) Q_UNUSED(y) }

    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Private;
    void applyTokens(const Tokens& tokens);
    void rememberView();
    void setUpMouse();
    void setUpTickers();
    void render(const QString& file, const Figure& figure, QString& problem);
    QCustomPlot* m_plot = nullptr;
    AxisSpec m_x, m_y;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
