// SPDX-License-Identifier: GPL-3.0-or-later
// What is shown of a version: its failures by class, and beside them how often it was sure and wrong.
#include <QtTest>

#include <cmath>

#include "core/agent/examination.h"
#include "core/critic/scorecard.h"

using namespace ratchet;

namespace {

const Hash first{std::string(64, '1')}, second{std::string(64, '2')};

// Four items: the champion is wrong and sure once, the challenger twice, of two classes.
ScorecardRecord card(bool sure)
{
    Scores scores;
    scores.suite = "target";
    scores.split = "guide";
    scores.champion = {1, 0, 0, 1};
    scores.challenger = {0, 0, 1, 0};
    scores.championClasses = {{"carry", 2}};
    scores.challengerClasses = {{"carry", 2}, {"length", 1}};
    if (sure) {
        scores.championConfidence = {0.99, 0.95, 0.5, 0.2};
        scores.challengerConfidence = {0.9, 0.4, 0.99, 0.97};
    }
    ScorecardRecord card = scorecardOf(scores, {"target", "", SuiteRole::Target, 0}, Measure::ExactMatch).value();
    card.champion = first;
    card.challenger = second;
    return card;
}

} // namespace

class TestExamination : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void whoIsSureAndWrongIsCountedBesideTheClasses()
    {
        const auto results = examination({card(true)}, second);
        QCOMPARE(results.size(), std::size_t(1));
        const std::vector<FailureShare>& failures = results[0].failures;
        QCOMPARE(failures.size(), std::size_t(3));
        QCOMPARE(failures[0].name, std::string("carry"));
        QCOMPARE(failures[1].name, std::string("length"));
        QCOMPARE(failures[2].name, std::string(sureAndWrong));
        QCOMPARE(failures[2].items, 2);
        QCOMPARE(failures[2].champions, 1);
        QVERIFY(failures[2].low < 0.5 && failures[2].high > 0.5);
        QVERIFY(failures[0].champions == 2 && std::abs(failures[0].championsLow - 0.0676) < 1e-3 && std::abs(failures[0].championsHigh - 0.9324) < 1e-3);
        QVERIFY(toJson(results).dump().find(sureAndWrong) != std::string::npos);
    }

    void withoutConfidencesNothingIsSaidOfThem()
    {
        const auto results = examination({card(false)}, second);
        QCOMPARE(results[0].failures.size(), std::size_t(2));
    }
};

QTEST_APPLESS_MAIN(TestExamination)
#include "tst_examination.moc"
