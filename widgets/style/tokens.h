// SPDX-License-Identifier: GPL-3.0-or-later
// Every colour and measure of the window; all other files use these names. The theme in force is carried by the palette of
// the application, so that any widget, also one drawn off screen, finds its colours with tokens(). User-interface thread.
#pragma once

#include <QColor>
#include <QString>

class QPalette;
class QWidget;

namespace ratchet {

// Measures in device-independent pixels.
namespace metric {
inline constexpr int grid = 4;
inline constexpr int gapTiny = 4, gapSmall = 8, gap = 12, gapLarge = 16, gapHuge = 24;
inline constexpr int radius = 4;
inline constexpr int rowHeight = 26, tableHeader = 28, toolbar = 36, panelHeader = 32;
inline constexpr int body = 13, secondary = 12, caption = 11, title = 13, teachTitle = 16, keyFigure = 20;   // font pixels
inline constexpr int icon = 16, iconLarge = 20, iconHuge = 24;
inline constexpr double iconStroke = 1.5;
} // namespace metric

enum class State { Champion, Accepted, Rejected, Inconclusive, Waiting, Running, Placebo, RolledBack, Queued };

struct Tokens {
    bool dark = false;
    QColor window, surface, raised, text, secondary, accent, onAccent;
    QColor hairline;                    // 12 % of the text colour over the surface
    QColor grid;                        // 6 %: grid lines, alternate rows
    QColor selection;                   // the accent, thinned over the surface
    QColor champion, accepted, rejected, inconclusive, waiting, running, placebo, rolledBack;   // 3:1 on every ground

    [[nodiscard]] QColor state(State state) const;
};

[[nodiscard]] const Tokens& lightTokens();
[[nodiscard]] const Tokens& darkTokens();
[[nodiscard]] const Tokens& tokens(const QPalette& palette);   // by the lightness of its window colour
[[nodiscard]] const Tokens& tokens(const QWidget* widget);

// Name of the state's icon: shape as the second cue beside the colour.
[[nodiscard]] QString iconName(State state);

// Okabe-Ito order (Okabe and Ito 2008) without black and yellow, darkened or lightened for the theme; index wraps around.
[[nodiscard]] QColor seriesColor(const Tokens& tokens, int index);
// The second cue: solid, dashed, dotted, dash-dotted; changes after each round of colours and alternates within.
[[nodiscard]] Qt::PenStyle seriesDash(int index);

// Contrast ratio after WCAG 2.1 (relative luminance), 1 .. 21.
[[nodiscard]] double contrast(const QColor& a, const QColor& b);

} // namespace ratchet
