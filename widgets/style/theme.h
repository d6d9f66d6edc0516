// SPDX-License-Identifier: GPL-3.0-or-later
// Light and dark: palette, style sheet and fonts of the whole program from tokens.h, following the system unless the person
// chose. User-interface thread only.
#pragma once

#include <QFont>
#include <QIcon>
#include <QString>

#include "widgets/style/tokens.h"

class QApplication;

namespace ratchet {

enum class ThemeChoice { System, Light, Dark };

// Before the first window; again when the choice or the system changes.
void applyTheme(QApplication& application, ThemeChoice choice);
[[nodiscard]] ThemeChoice savedTheme();
void saveTheme(ThemeChoice choice);

// Line icon of resources/icons, drawn in the palette's text colour (or `color`) at any size; changes with the theme.
[[nodiscard]] QIcon icon(const QString& name);
[[nodiscard]] QIcon icon(const QString& name, const QColor& color);
[[nodiscard]] QIcon stateIcon(State state, const Tokens& tokens);
// One icon as a picture, for painting into a scene of one's own.
[[nodiscard]] QPixmap iconPixmap(const QString& name, const QColor& color, int size, double pixelRatio);

[[nodiscard]] QFont bodyFont(int pixels = metric::body);
[[nodiscard]] QFont strongFont(int pixels = metric::body);   // semi-bold
[[nodiscard]] QFont monoFont(int pixels = metric::secondary);
[[nodiscard]] QFont numberFont(int pixels = metric::body);   // figures of equal width: for columns and values that change

} // namespace ratchet
