// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_theme.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ratchet {

QColor slotColor(const Tokens& tokens, int slot)
{
    // Blue, vermillion, green, purple, black: the sky blue and the orange of the set are too near to blue and to gold.
    if (slot < 0)
        return tokens.champion;
    return slot % 5 == 4 ? tokens.text : seriesColor(tokens, slot % 5);
}

QPen slotPen(const Tokens& tokens, int slot)
{
    QPen pen(slotColor(tokens, slot), slot < 0 ? 2 : 1);
    static const std::array<QList<qreal>, 4> dashes{QList<qreal>{}, {8, 3}, {3, 3}, {10, 3, 2, 3}};
    const auto pattern = slot < 0 ? 0 : std::size_t(slot + slot / 20) % dashes.size();
    if (pattern > 0)
        pen.setDashPattern(dashes[pattern]);
    pen.setCapStyle(Qt::FlatCap);
    return pen;
}

QPen faintPen(const Tokens& tokens, int slot)
{
    // Opaque: a noisy line crosses itself, and a see-through one would grow dark where it does.
    const QColor line = slotColor(tokens, slot), ground = tokens.surface;
    const float share = tokens.dark ? 0.36F : 0.28F;
    const auto mix = [share](float a, float b) { return a * share + b * (1 - share); };
    return {QColor::fromRgbF(mix(line.redF(), ground.redF()), mix(line.greenF(), ground.greenF()), mix(line.blueF(), ground.blueF())), 1};
}

QMap<double, QColor> viridisStops()
{
    // matplotlib's viridis at ninths.
    constexpr std::array<QRgb, 10> colours{0x440154, 0x482878, 0x3E4A89, 0x31688E, 0x26828E,
                                           0x1F9E89, 0x35B779, 0x6DCD59, 0xB4DE2C, 0xFDE725};
    QMap<double, QColor> stops;
    for (std::size_t i = 0; i < colours.size(); ++i)
        stops.insert(double(i) / double(colours.size() - 1), QColor(colours[i]));
    return stops;
}

QMap<double, QColor> divergingStops()
{
    // ColorBrewer RdBu with a pure white middle.
    constexpr std::array<QRgb, 9> colours{0x053061, 0x2166AC, 0x4393C3, 0xA6CFE3, 0xFFFFFF, 0xF6B799, 0xD6604D, 0xB2182B, 0x67001F};
    QMap<double, QColor> stops;
    for (std::size_t i = 0; i < colours.size(); ++i)
        stops.insert(double(i) / double(colours.size() - 1), QColor(colours[i]));
    return stops;
}

QString numberText(double value, int digits)
{
    if (!std::isfinite(value))
        return QStringLiteral("\u2013");
    const double size = std::abs(value);
    QString text;
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
        text = QString::number(value, 'e', std::max(0, digits - 2));
    } else {
        const int whole = size > 0 ? int(std::floor(std::log10(size))) + 1 : 1;
        text = QString::number(value, 'f', std::max(0, digits - whole));
    }
    return text.replace(QLatin1Char('-'), QChar(0x2212));
}

Magnitude magnitudeFor(double largest)
{
    static const std::array<Magnitude, 6> all{Magnitude{1, {}},
                                              {1e3, QStringLiteral("k")},
                                              {1e6, QStringLiteral("M")},
                                              {1e9, QStringLiteral("G")},
                                              {1e12, QStringLiteral("T")},
                                              {1e15, QStringLiteral("P")}};
    Magnitude best = all.front();
    for (const auto& magnitude : all)
        if (std::isfinite(largest) && largest >= 2 * magnitude.factor)
            best = magnitude;
    return best;
}

} // namespace ratchet
