// SPDX-License-Identifier: GPL-3.0-or-later
// The lab-wide promise of the gate, by simulation; the counts allowed lie three to four standard errors beyond the promise.
#include <QtTest>

#include "core/critic/gate_simulation.h"
#include "core/selector/rules.h"

using namespace ratchet;

class TestGateSimulation : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void labsOfNullsSeldomAcceptOne()
    {
        const int bad = nullLabsWithAccept(1000, 200, 400, 0.05, 11);
        QVERIFY2(bad > 10 && bad <= 75, qPrintable(QString::number(bad)));
    }

    void onlyTheRulesThatCountTheirQuestionsAreSafe()
    {
        StreamOptions options;
        options.labs = 3;
        const auto outcomes = compareRules(options);
        QCOMPARE(outcomes.size(), std::size_t(6));
        for (const RuleOutcome& one : outcomes) {
            QCOMPARE(one.better, std::int64_t(60));
            QCOMPARE(one.notBetter, std::int64_t(540));
            const bool careless = one.rule == "naive best" || one.rule == "p < alpha" || one.rule == "Ladder";
            QVERIFY2(careless ? one.falseAccepts > 5 : one.falseAccepts <= 2, qPrintable(QString::fromStdString(one.rule)));
            const bool spends = one.rule == "e-LOND" || one.rule == "full gate";       // ever less on a question
            QVERIFY2(one.found >= (spends ? 1 : 30), qPrintable(QString::fromStdString(one.rule)));
        }
        QVERIFY(outcomes.back().pairs < outcomes.front().pairs);      // it may stop early
        QCOMPARE(compareRules(options).back().found, outcomes.back().found);
    }
};

QTEST_GUILESS_MAIN(TestGateSimulation)
#include "tst_gate_simulation.moc"
