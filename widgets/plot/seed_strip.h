// SPDX-License-Identifier: GPL-3.0-or-later
// Results of one recipe as dots on a line, one a seed, over the band in which the draw of items alone would keep 95 of 100 of them.
// User-interface thread only.
#pragma once

#include <vector>

#include <QWidget>

namespace ratchet {

class SeedStrip : public QWidget {
    Q_OBJECT
public:
    // `sigma` of the band around the mean of `values`; 0: none is drawn.
    SeedStrip(std::vector<double> values, double sigma, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override { return {140, 20}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {60, 16}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    std::vector<double> m_values;
    double m_sigma = 0;
};

} // namespace ratchet
