// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/theme.h"

#include <cmath>

#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QFontMetricsF>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QSettings>
#include <QStyle>
#include <QStyleFactory>
#include <QStyleHints>
#include <QSvgRenderer>
#include <optional>

// Resources of a static library are linked only when they are named; the macro wants to stand outside any namespace.
static void registerResources()
{
    Q_INIT_RESOURCE(resources);
}

namespace ratchet {
namespace {

QByteArray resource(const QString& path)
{
    static const bool registered = (registerResources(), true);
    QFile file(path);
    return registered && file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void paintIcon(QPainter* painter, const QRectF& where, const QString& name, const QColor& color)
{
    QSvgRenderer renderer(resource(QStringLiteral(":/icons/%1.svg").arg(name)).replace("currentColor", color.name().toLatin1()));
    renderer.render(painter, where);
}

// Draws the named icon in the colour of the application's palette at the moment of drawing.
class LineIcon : public QIconEngine {
public:
    LineIcon(QString name, std::optional<QColor> color) : m_name(std::move(name)), m_color(color) {}
    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override
    {
        const Tokens& now = tokens(QApplication::palette());
        QColor color = m_color.value_or(now.text);
        if (mode == QIcon::Disabled) {
            color = now.secondary;
            painter->setOpacity(0.5);
        }
        paintIcon(painter, rect, m_name, color);
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override
    {
        QPixmap picture(size);
        picture.fill(Qt::transparent);
        QPainter painter(&picture);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        return picture;
    }
    [[nodiscard]] QIconEngine* clone() const override { return new LineIcon(m_name, m_color); }
private:
    QString m_name;
    std::optional<QColor> m_color;
};

bool systemIsDark()
{
    static const bool dark = QApplication::style()->standardPalette().color(QPalette::Window).lightness() < 128;
    return dark;
}

QPalette paletteFor(const Tokens& t)
{
    QPalette palette;
    palette.setColor(QPalette::Window, t.window);
    palette.setColor(QPalette::WindowText, t.text);
    palette.setColor(QPalette::Base, t.surface);
    palette.setColor(QPalette::AlternateBase, t.window);
    palette.setColor(QPalette::Text, t.text);
    palette.setColor(QPalette::PlaceholderText, t.secondary);
    palette.setColor(QPalette::Button, t.raised);
    palette.setColor(QPalette::ButtonText, t.text);
    palette.setColor(QPalette::BrightText, t.rejected);
    palette.setColor(QPalette::Highlight, t.accent);
    palette.setColor(QPalette::HighlightedText, t.onAccent);
    palette.setColor(QPalette::Link, t.accent);
    palette.setColor(QPalette::LinkVisited, t.placebo);
    palette.setColor(QPalette::ToolTipBase, t.raised);
    palette.setColor(QPalette::ToolTipText, t.text);
    palette.setColor(QPalette::Light, t.raised);
    palette.setColor(QPalette::Midlight, t.hairline);
    palette.setColor(QPalette::Mid, t.hairline);
    palette.setColor(QPalette::Dark, t.hairline);
    palette.setColor(QPalette::Shadow, t.window);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, t.secondary);
    return palette;
}

QString styleSheetFor(const Tokens& t)
{
    QString sheet = QString::fromUtf8(resource(QStringLiteral(":/style/window.css")));
    const std::pair<const char*, QColor> names[] = {
        {"@window", t.window},       {"@surface", t.surface},   {"@raised", t.raised},       {"@text", t.text},
        {"@secondary", t.secondary}, {"@accent", t.accent},     {"@onAccent", t.onAccent},   {"@hairline", t.hairline},
        {"@grid", t.grid},           {"@selection", t.selection}, {"@rejected", t.rejected}, {"@waiting", t.waiting}};
    for (const auto& [name, color] : names)
        sheet.replace(QLatin1String(name) + QLatin1Char(';'), color.name() + QLatin1Char(';'));
    return sheet;
}

} // namespace

void applyTheme(QApplication& application, ThemeChoice choice)
{
    const bool dark = choice == ThemeChoice::Dark || (choice == ThemeChoice::System && systemIsDark());
    const Tokens& t = dark ? darkTokens() : lightTokens();
    application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    application.setPalette(paletteFor(t));
    application.setFont(bodyFont());
    application.setStyleSheet(styleSheetFor(t));
}

ThemeChoice savedTheme()
{
    const int stored = QSettings().value(QStringLiteral("theme"), 0).toInt();
    return stored >= 0 && stored <= 2 ? static_cast<ThemeChoice>(stored) : ThemeChoice::System;
}

void saveTheme(ThemeChoice choice)
{
    QSettings().setValue(QStringLiteral("theme"), static_cast<int>(choice));
}

QIcon icon(const QString& name)
{
    return QIcon(new LineIcon(name, std::nullopt));
}

QIcon icon(const QString& name, const QColor& color)
{
    return QIcon(new LineIcon(name, color));
}

QIcon stateIcon(State state, const Tokens& tokens)
{
    return icon(iconName(state), tokens.state(state));
}

QPixmap iconPixmap(const QString& name, const QColor& color, int size, double pixelRatio)
{
    QPixmap picture(QSize(size, size) * static_cast<int>(std::ceil(pixelRatio)));
    picture.fill(Qt::transparent);
    QPainter painter(&picture);
    paintIcon(&painter, QRectF(QPointF(0, 0), QSizeF(picture.size())), name, color);
    painter.end();
    picture.setDevicePixelRatio(std::ceil(pixelRatio));
    return picture;
}

QFont bodyFont(int pixels)
{
    static const QString family = QFontDatabase::families().contains(QStringLiteral("Inter"))
                                      ? QStringLiteral("Inter")
                                      : QFontDatabase::systemFont(QFontDatabase::GeneralFont).family();
    QFont font(family);
    font.setPixelSize(pixels);
    return font;
}

QFont numberFont(int pixels)
{
    QFont font = bodyFont(pixels);
#if QT_VERSION >= QT_VERSION_CHECK(6, 7, 0)
    font.setFeature("tnum", 1);
    return font;
#else
    static const QString family = [] {
        const QStringList known = QFontDatabase::families();
        for (const QString& name : {bodyFont().family(), QStringLiteral("Noto Sans"), QStringLiteral("DejaVu Sans")}) {
            const QFontMetricsF metrics{QFont(name, 20)};
            if (known.contains(name) && metrics.horizontalAdvance(QLatin1Char('1')) == metrics.horizontalAdvance(QLatin1Char('0')))
                return name;
        }
        return bodyFont().family();
    }();
    if (family != font.family())
        font.setPixelSize(pixels - 1);   // the replacement is drawn larger at the same size
    font.setFamily(family);
    return font;
#endif
}

QFont strongFont(int pixels)
{
    QFont font = bodyFont(pixels);
    font.setWeight(QFont::DemiBold);
    return font;
}

QFont monoFont(int pixels)
{
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    font.setPixelSize(pixels);
    return font;
}

} // namespace ratchet
