// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/score_format.h"

#include <cmath>

#include <QCoreApplication>

#include "widgets/bridge/lab_session.h"
#include "widgets/style/format.h"

namespace ratchet {
namespace {

QString tr(const char* source)
{
    return QCoreApplication::translate("format", source);
}

} // namespace

ScoreFormat::ScoreFormat(const Snapshot& snapshot) : m_measure(snapshot.measure) {}

double ScoreFormat::value(double score) const
{
    return countsAnswers() ? score : 8 * (1 - score);
}

QString ScoreFormat::title() const
{
    return countsAnswers() ? tr("score") : tr("bits per byte");
}

QString ScoreFormat::unit() const
{
    return countsAnswers() ? tr("pts") : tr("bits");
}

QString ScoreFormat::score(double score) const
{
    return formatScore(value(score));
}

QString ScoreFormat::written(double difference) const
{
    return countsAnswers() ? formatFixed(100 * difference, 1) : formatFixed(8 * difference, 3);
}

QString ScoreFormat::number(double difference) const
{
    return (difference > 0 ? QStringLiteral("+") : QString()) + written(difference);
}

QString ScoreFormat::interval(double low, double high) const
{
    return QStringLiteral("[%1, %2]").arg(written(low), written(high));
}

QString ScoreFormat::deviation(double sigma) const
{
    return written(sigma);
}

QString ScoreFormat::gain(double difference) const
{
    return std::isfinite(difference) ? number(difference) + QLatin1Char(' ') + unit() : tr("no value");
}

QString ScoreFormat::gain(double difference, double low, double high) const
{
    return gain(difference) + QLatin1Char(' ') + interval(low, high);
}

} // namespace ratchet
