// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_suites.h"

#include <utility>

#include <QLabel>
#include <QVBoxLayout>

#include "core/agent/examination.h"
#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

enum Column { Suite, Role, From, Items, Score, Against, Failures };
constexpr std::size_t shownFailures = 3;

QString roleTitle(const SuiteResult& result)
{
    return result.probe ? CriticSuites::tr("probe") : result.retained ? CriticSuites::tr("retained") : CriticSuites::tr("target");
}

QString roleHelp(const SuiteResult& result)
{
    if (result.probe)
        return CriticSuites::tr("Shown only: it decides nothing, and nothing learns from it.");
    return result.retained ? CriticSuites::tr("Must not get worse by more than its margin.") : CriticSuites::tr("What the lab improves.");
}

// A likelihood is no share of answers: it has no interval of one.
QString scoreText(const ScoreFormat& scores, const SuiteResult& result)
{
    return scores.countsAnswers() ? QStringLiteral("%1 [%2, %3]").arg(formatFixed(100 * result.score, 1), formatFixed(100 * result.low, 1), formatFixed(100 * result.high, 1))
                                  : scores.score(result.score);
}

// "carry 12, digit 3", and everything with its interval on hover.
std::pair<QString, QString> failureTexts(const SuiteResult& result)
{
    QStringList brief, whole;
    const auto line = [&](int items, double low, double high) {
        return CriticSuites::tr("%1 of %2, %3").arg(items).arg(result.items).arg(formatShare(double(items) / result.items, low, high));
    };
    for (const FailureShare& failure : result.failures) {
        if (failure.items > 0 && std::size_t(brief.size()) < shownFailures)
            brief << QStringLiteral("%1 %2").arg(text(failure.name)).arg(failure.items);
        QString both = QStringLiteral("%1: %2").arg(text(failure.name), line(failure.items, failure.low, failure.high));
        if (failure.champions)
            both += CriticSuites::tr("; champion %1").arg(line(*failure.champions, failure.championsLow, failure.championsHigh));
        whole << both;
    }
    return {brief.join(QStringLiteral(", ")), whole.join(QLatin1Char('\n'))};
}

} // namespace

CriticSuites::CriticSuites(QWidget* parent) : CriticPage(parent), m_title(new QLabel)
{
    m_table = factTable({tr("suite"), tr("role"), tr("items of"), tr("items"), tr("score"), tr("against champion"), tr("failures")}, Failures,
                        {Items, Score, Against}, tr("Suites"));
    m_title->setFont(strongFont(metric::secondary));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metric::gapSmall, metric::gapTiny, metric::gapSmall, metric::gapTiny);
    column->setSpacing(metric::gapTiny);
    column->addWidget(m_title);
    column->addWidget(m_table, 1);
}

void CriticSuites::show(const Snapshot& snapshot, const Selection& selection)
{
    const auto version = examined(snapshot, selection);
    if (!version)
        return m_title->setText(tr("The champion's suites appear here once it was observed."));
    m_title->setText(examinedTitle(snapshot, *version));
    const std::tuple key(*version, snapshot.scorecards.size(), snapshot.verdicts.size());
    if (std::exchange(m_filled, key) == key)
        return;
    const ScoreFormat scores(snapshot);
    m_table->horizontalHeaderItem(Score)->setText(scores.countsAnswers() ? tr("score, % [95 %]") : scores.title());
    m_table->horizontalHeaderItem(Against)->setText(tr("against champion, %1").arg(scores.unit()));
    const auto results = examination(snapshot.scorecards, *version);
    m_table->setRowCount(int(results.size()));
    for (int row = 0; row < int(results.size()); ++row) {
        const SuiteResult& result = results[std::size_t(row)];
        const auto [brief, whole] = failureTexts(result);
        m_table->setItem(row, Suite, factCell(text(result.suite), {}, Qt::AlignLeft));
        m_table->setItem(row, Role, factCell(roleTitle(result), roleHelp(result), Qt::AlignLeft));
        m_table->setItem(row, From, factCell(text(result.split), {}, Qt::AlignLeft));
        m_table->setItem(row, Items, factCell(formatCount(result.items), {}));
        m_table->setItem(row, Score, factCell(scoreText(scores, result), scores.countsAnswers() ? tr("Exact 95 % interval, as of items that are right or wrong.")
                                                                                                           : tr("Mean over texts; fewer bits are better.")));
        const auto& against = result.against;
        m_table->setItem(row, Against, factCell(against ? QStringLiteral("%1 %2").arg(scores.number(against->difference), scores.interval(against->low, against->high))
                                                        : QStringLiteral("\u2013"),
                                                against ? tr("%1 scored %2 on the same items").arg(versionName(snapshot, against->champion), scores.score(against->score))
                                                        : tr("Measured alone, as champion.")));
        m_table->setItem(row, Failures, factCell(brief, whole, Qt::AlignLeft));
    }
}

} // namespace ratchet
