// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/tokens.h"

#include <array>
#include <cmath>

#include <QApplication>
#include <QPalette>
#include <QWidget>

namespace ratchet {
namespace {

QColor mix(const QColor& over, const QColor& ground, double share)
{
    const auto channel = [share](int a, int b) { return static_cast<int>(std::lround(a * share + b * (1 - share))); };
    return {channel(over.red(), ground.red()), channel(over.green(), ground.green()), channel(over.blue(), ground.blue())};
}

Tokens derived(Tokens base)
{
    base.hairline = mix(base.text, base.surface, 0.12);
    base.grid = mix(base.text, base.surface, 0.06);
    base.selection = mix(base.accent, base.surface, base.dark ? 0.18 : 0.12);
    return base;
}

Tokens makeLight()
{
    Tokens t;
    t.window = 0xF6F7F9;
    t.surface = t.raised = 0xFFFFFF;
    t.text = 0x1B1F24;
    t.secondary = 0x5A6472;
    t.accent = t.running = 0x2457D6;
    t.onAccent = 0xFFFFFF;
    t.champion = 0xA87A12;   // gold, darkened to reach 3:1 on white
    t.accepted = 0x1F8A4C;
    t.rejected = 0xC0392B;
    t.inconclusive = 0x7A828E;
    t.waiting = 0xB26A00;
    t.placebo = 0x7A4FBF;
    t.rolledBack = 0x8A5A2B;
    return derived(t);
}

Tokens makeDark()
{
    Tokens t;
    t.dark = true;
    t.window = 0x16181D;
    t.surface = 0x1D2026;
    t.raised = 0x252932;
    t.text = 0xE6E9EE;
    t.secondary = 0x9AA4B2;
    t.accent = t.running = 0x7AA2FF;
    t.onAccent = 0x10141C;
    t.champion = 0xE0AE3C;
    t.accepted = 0x45BF78;
    t.rejected = 0xF0705F;
    t.inconclusive = 0x98A0AC;
    t.waiting = 0xE59A2F;
    t.placebo = 0xA98AE8;
    t.rolledBack = 0xC8935C;
    return derived(t);
}

double luminance(const QColor& color)
{
    const auto linear = [](double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

} // namespace

QColor Tokens::state(State state) const
{
    switch (state) {
    case State::Champion: return champion;
    case State::Accepted: return accepted;
    case State::Rejected: return rejected;
    case State::Inconclusive: return inconclusive;
    case State::Waiting: return waiting;
    case State::Running: return running;
    case State::Placebo: return placebo;
    case State::RolledBack: return rolledBack;
    case State::Queued: return secondary;
    }
    return secondary;
}

const Tokens& lightTokens()
{
    static const Tokens light = makeLight();
    return light;
}

const Tokens& darkTokens()
{
    static const Tokens dark = makeDark();
    return dark;
}

const Tokens& tokens(const QPalette& palette)
{
    return palette.color(QPalette::Window).lightness() < 128 ? darkTokens() : lightTokens();
}

const Tokens& tokens(const QWidget* widget)
{
    return tokens(widget ? widget->palette() : QApplication::palette());
}

QString iconName(State state)
{
    static const std::array<const char*, 9> names{"crown", "check",  "cross",  "tilde", "hourglass",
                                                  "ring",  "dot", "rollback", "queued"};
    return QString::fromLatin1(names.at(static_cast<std::size_t>(state)));
}

QColor seriesColor(const Tokens& tokens, int index)
{
    // blue, vermillion, bluish green, reddish purple, sky blue, orange
    static const std::array<QRgb, 6> light{0x0072B2, 0xC85000, 0x00855F, 0xB35F8E, 0x2B87BD, 0xB57900};
    static const std::array<QRgb, 6> dark{0x4BA3E3, 0xF0803C, 0x2FBF95, 0xDD92BD, 0x7CC8F2, 0xE9B03A};
    const auto at = static_cast<std::size_t>(std::abs(index)) % light.size();
    return QColor(tokens.dark ? dark.at(at) : light.at(at));
}

Qt::PenStyle seriesDash(int index)
{
    static const std::array<Qt::PenStyle, 4> dashes{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    const auto at = static_cast<std::size_t>(std::abs(index));
    return dashes.at((at + at / 6) % dashes.size());
}

double contrast(const QColor& a, const QColor& b)
{
    const double first = luminance(a) + 0.05;
    const double second = luminance(b) + 0.05;
    return first > second ? first / second : second / first;
}

} // namespace ratchet
