// SPDX-License-Identifier: GPL-3.0-or-later
// Tick makers for QCustomPlot: numbers that read well, logarithmic axes that never run out of labels, names for categories.
// Included by .cpp files of widgets/plot only.
#pragma once

#include "widgets/plot/plot_widget.h"
#include "widgets/plot/qcp.h"

namespace ratchet {

// "0.05", "1 200", "3·10⁻⁵"; a power of ten alone when the factor is 1.
[[nodiscard]] QString tickText(double value);

[[nodiscard]] QSharedPointer<QCPAxisTicker> tickerFor(const AxisSpec& axis);

} // namespace ratchet
