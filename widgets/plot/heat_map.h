// SPDX-License-Identifier: GPL-3.0-or-later
// Rows by columns as colours: viridis for magnitudes, blue-white-red around 0 for differences, with a colour bar that has a
// title. Cells without a finite value stay empty. User-interface thread only.
#pragma once

#include <optional>

#include "widgets/plot/plot_widget.h"

class QCPColorMap;
class QCPColorScale;
class QCPItemRect;

namespace ratchet {

struct HeatMapData {
    std::vector<QString> rows;                    // from top to bottom
    std::vector<QString> columns;                 // from left to right
    std::vector<double> values;                   // rows.size() * columns.size(), row by row; NaN: nothing there
    [[nodiscard]] double at(std::size_t row, std::size_t column) const { return values.at(row * columns.size() + column); }
};

class HeatMap : public PlotWidget {
    Q_OBJECT
public:
    enum class Colours { Magnitude, Difference };
    explicit HeatMap(QWidget* parent = nullptr);
    ~HeatMap() override;
    // `value`: title and unit of the colour bar. A logarithmic bar needs positive values; others stay empty.
    void setData(HeatMapData data, Colours colours, const AxisSpec& value);
    void setCell(std::optional<std::pair<int, int>> cell);     // row, column: outlined
    [[nodiscard]] const HeatMapData& data() const { return m_data; }
    [[nodiscard]] std::pair<double, double> colourRange() const;

Q_SIGNALS:
    void cellClicked(int row, int column);

protected:
    QRectF extent(double from, double to) const override;
    void restyle(const Tokens& tokens) override;
    void prepare() override;
    QByteArray table() const override;
    void hover(double x, double y) override;
    void click(double x, double y) override;

private:
    [[nodiscard]] std::optional<std::pair<int, int>> cellAt(double x, double y) const;
    void chooseRange(const AxisSpec& value);
    HeatMapData m_data;
    Colours m_colours = Colours::Magnitude;
    AxisSpec m_value;
    QCPColorMap* m_map = nullptr;
    QCPColorScale* m_scale = nullptr;
    QCPItemRect *m_outline = nullptr, *m_halo = nullptr;   // light on dark: seen on any colour
};

} // namespace ratchet
