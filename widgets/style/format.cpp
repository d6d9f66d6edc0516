// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/format.h"

#include <array>
#include <cmath>

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <QStringList>

#include "widgets/bridge/lab_session.h"

namespace ratchet {
namespace {

QString tr(const char* source)
{
    return QCoreApplication::translate("format", source);
}

struct StateWords { State state; const char* title; const char* help; };

const StateWords& words(ProposalState state)
{
    static const std::array<StateWords, 14> all{{
        {State::Queued, "queued", "Waits for a free worker."},
        {State::Running, "running", "A worker trains it now."},
        {State::Running, "trained", "Trained; the judge compares it next."},
        {State::Accepted, "accepted", "The gate found it better than the champion."},
        {State::Rejected, "rejected", "The gate found it not better, or it harmed a retained suite."},
        {State::Inconclusive, "inconclusive", "The items were spent before the evidence was enough."},
        {State::Rejected, "failed", "The trial ended without a result."},
        {State::Queued, "cancelled", "Taken out by a person or by the end of a run."},
        {State::Queued, "duplicate", "Was tried before; answered from memory without compute."},
        {State::Waiting, "waiting", "Accepted by the gate; a person has to decide."},
        {State::Champion, "promoted", "Is or was the champion."},
        {State::Rejected, "declined", "Accepted by the gate, declined by a person."},
        {State::Accepted, "superseded", "Accepted, but another one was promoted before it."},
        {State::Rejected, "screened", "Given up early: what looked like it hardly ever got through the gate."},
    }};
    return all.at(static_cast<std::size_t>(state));
}

} // namespace

QString text(const std::string& utf8)
{
    return QString::fromStdString(utf8);
}

QString formatFixed(double value, int decimals)
{
    QString number = QString::number(std::abs(value), 'f', decimals);
    const bool zero = number.toDouble() == 0;
    return value < 0 && !zero ? QChar(0x2212) + number : number;
}

QString formatScore(double figure)
{
    return std::isfinite(figure) ? formatFixed(figure, 3) : tr("no value");
}

QString formatShare(double share)
{
    return formatFixed(100 * share, 1) + QStringLiteral(" %");
}

QString formatShare(double share, double low, double high)
{
    return QStringLiteral("%1 [%2, %3]").arg(formatShare(share), formatFixed(100 * low, 1), formatFixed(100 * high, 1));
}

QString formatFlops(Flops amount)
{
    return amount.value > 0 ? text(toText(amount)) : QStringLiteral("0 FLOP");
}

QString formatFlopsOf(Flops spent, Flops budget)
{
    const QString whole = formatFlops(budget);
    const QString part = formatFlops(spent);
    const auto unit = whole.section(QLatin1Char(' '), 1);
    return part.section(QLatin1Char(' '), 1) == unit ? tr("%1 of %2").arg(part.section(QLatin1Char(' '), 0, 0), whole)
                                                     : tr("%1 of %2").arg(part, whole);
}

QString formatDuration(std::chrono::milliseconds time)
{
    return text(toText(time));
}

QString formatCount(std::int64_t number)
{
    QString digits = QString::number(number);
    for (auto at = digits.size() - 3; at > (number < 0 ? 1 : 0); at -= 3)
        digits.insert(at, QChar(0x202F));
    return digits;
}

QString formatEValue(double logE)
{
    const double value = std::exp(std::min(logE, 600.0));
    if (value < 1)
        return QString::number(value, 'g', 2);
    if (value < 1e4)
        return QString::number(value, 'f', value < 100 ? 1 : 0);
    return QStringLiteral("1e%1").arg(static_cast<int>(std::floor(logE / std::log(10.0))));
}

QString formatTime(Time time)
{
    if (time == Time{})
        return {};
    const auto moment = QDateTime::fromMSecsSinceEpoch(time.time_since_epoch().count());
    return moment.date() == QDate::currentDate() ? moment.toString(QStringLiteral("HH:mm:ss"))
                                                 : moment.toString(QStringLiteral("yyyy-MM-dd HH:mm"));
}

QString formatJsonValue(const Json& value)
{
    if (value.is_string())
        return text(value.get<std::string>());
    if (value.is_number_float())
        return QString::number(value.get<double>(), 'g', 4);
    return text(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

QString briefPatch(const Json& patch)
{
    QStringList parts;
    if (patch.is_array())
        for (const auto& operation : patch) {
            if (!operation.is_object())
                continue;
            const QString path = text(operation.value("path", std::string())).mid(1).replace(QLatin1Char('/'), QLatin1Char('.'));
            const auto value = operation.find("value");
            parts << (value == operation.end() ? tr("%1 removed").arg(path)
                                               : QStringLiteral("%1 = %2").arg(path, formatJsonValue(*value)));
        }
    return parts.join(QStringLiteral(", "));
}

State stateOf(ProposalState state)
{
    return words(state).state;
}

QString stateTitle(ProposalState state)
{
    return tr(words(state).title);
}

QString stateHelp(ProposalState state)
{
    return tr(words(state).help);
}

QString stageTitle(const std::string& stage)
{
    QString name = text(stage);
    if (!name.isEmpty())
        name[0] = name[0].toUpper();
    return name;
}

QString familyTitle(const std::string& family)
{
    return text(family).replace(QLatin1Char('-'), QLatin1Char(' '));
}

QString versionName(const Snapshot& snapshot, const Hash& version)
{
    for (std::size_t i = 0; i < snapshot.versions.size(); ++i)
        if (snapshot.versions[i].hash == version)
            return QStringLiteral("v%1").arg(i);
    return QStringLiteral("?");
}

std::optional<Hash> championOf(const Snapshot& snapshot)
{
    if (snapshot.deployments.empty())
        return std::nullopt;
    return snapshot.deployments.back().version;
}

} // namespace ratchet
