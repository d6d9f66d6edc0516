// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/axis_ticks.h"

#include <algorithm>
#include <cmath>

namespace ratchet {

namespace {

QString powerOfTen(int exponent)
{
    static const QString digits = QStringLiteral("\u2070\u00B9\u00B2\u00B3\u2074\u2075\u2076\u2077\u2078\u2079");
    QString power = QStringLiteral("10");
    for (const QChar c : QString::number(exponent))
        power += c == QLatin1Char('-') ? QChar(0x207B) : digits.at(c.digitValue());
    return power;
}

class NumberTicker : public QCPAxisTicker {
public:
    explicit NumberTicker(bool whole = false) : m_whole(whole) {}

protected:
    double getTickStep(const QCPRange& range) override
    {
        const double step = QCPAxisTicker::getTickStep(range);
        return m_whole ? std::max(1.0, std::round(step)) : step;
    }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override
    {
        return tickText(std::abs(tick) < 1e-9 * m_step ? 0 : tick);
    }
    int getSubTickCount(double) override { return 0; }
    QVector<double> createTickVector(double tickStep, const QCPRange& range) override
    {
        m_step = tickStep;
        return QCPAxisTicker::createTickVector(tickStep, range);
    }

private:
    double m_step = 1;
    bool m_whole = false;
};

// Powers of ten over many decades, 1-2-5 over few, ordinary numbers inside one.
class LogTicker : public NumberTicker {
protected:
    QVector<double> createTickVector(double tickStep, const QCPRange& range) override
    {
        const double decades = std::log10(range.upper / range.lower);
        if (!(range.lower > 0) || decades < 0.9)
            return NumberTicker::createTickVector(tickStep, range);
        QVector<double> ticks;
        const int every = std::max(1, int(std::ceil(decades / std::max(2, tickCount() + 1))));
        for (int e = int(std::floor(std::log10(range.lower))); e <= int(std::ceil(std::log10(range.upper))); ++e)
            for (const int factor : {1, 2, 5})
                if (factor == 1 ? e % every == 0 : decades * 3 <= tickCount() + 3)
                    ticks << factor * std::pow(10.0, e);
        return ticks;
    }
};

class DecadeTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override
    {
        return std::max(1.0, std::ceil(range.size() / std::max(2, tickCount() + 1)));
    }
    int getSubTickCount(double) override { return 0; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override
    {
        const int exponent = int(std::lround(tick));
        return exponent >= -2 && exponent <= 3 ? tickText(std::pow(10.0, exponent)) : powerOfTen(exponent);
    }
};

} // namespace

QString tickText(double value)
{
    const double size = std::abs(value);
    if (size == 0 || (size >= 1e-3 && size < 1e5)) {
        QString text = QString::number(value, 'g', 6);
        return text.replace(QLatin1Char('-'), QChar(0x2212));
    }
    const int exponent = int(std::floor(std::log10(size) + 1e-9));
    const double factor = value / std::pow(10.0, exponent);
    if (std::abs(factor - 1) < 1e-6)
        return powerOfTen(exponent);
    return QString::number(factor, 'g', 4).replace(QLatin1Char('-'), QChar(0x2212)) + QChar(0x00B7) + powerOfTen(exponent);
}

QSharedPointer<QCPAxisTicker> tickerFor(const AxisSpec& axis)
{
    if (axis.decades)
        return QSharedPointer<QCPAxisTicker>(new DecadeTicker);
    if (axis.scale == AxisScale::Logarithmic)
        return QSharedPointer<QCPAxisTicker>(new LogTicker);
    return QSharedPointer<QCPAxisTicker>(new NumberTicker(axis.whole));
}

} // namespace ratchet
