// SPDX-License-Identifier: GPL-3.0-or-later
// Figures as files with their settings inside. User-interface thread only.
#pragma once

#include "widgets/plot/plot_widget.h"

namespace ratchet {

// "# title", "# name: value" lines; a line break inside a value becomes a space.
[[nodiscard]] QByteArray csvHeader(const Figure& figure);
// One cell: quoted when it holds a comma, quote or line break (RFC 4180).
[[nodiscard]] QByteArray csvCell(const QString& text);
// Shortest text that reads back as the same number; empty when not finite.
[[nodiscard]] QByteArray csvNumber(double value);
// The sentence of what went wrong, or empty. The file is written whole or not at all.
[[nodiscard]] QString writeBytes(const QString& file, const QByteArray& bytes);
// Draws title, plot and legend. The legend holds whatever is registered in plot->legend.
[[nodiscard]] QString saveFigure(QCustomPlot* plot, const QString& file, const Figure& figure, const QByteArray& data);
void addSaveActions(QMenu* menu, PlotWidget* plot, const std::function<Figure()>& figure);

} // namespace ratchet
