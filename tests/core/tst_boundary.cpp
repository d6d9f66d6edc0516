// SPDX-License-Identifier: GPL-3.0-or-later
// The exact level of the evidence: against all sequences of few tosses, against simulation of many, and its price beside Wald's test.
#include <QTest>

#include <bit>
#include <cmath>

#include "core/base/rng.h"
#include "core/critic/gate_simulation.h"
#include "core/selector/boundary.h"
#include "core/selector/gate.h"

using namespace ratchet;

class TestBoundary : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void itIsWhereTheEvidenceReachesTheLevel()
    {
        const Boundary boundary = Boundary::exact(0.01, 300);
        QCOMPARE(boundary.pairs(), 300);
        for (int n = 1; n <= 300; ++n) {
            const int wins = boundary.winsNeeded(n);
            QVERIFY(wins > n || logMixtureEValue(wins, n - wins) >= boundary.logLevel());
            QVERIFY(wins == 0 || logMixtureEValue(wins - 1, n - wins + 1) < boundary.logLevel());
        }
    }

    void chancesAreThoseOfAllSequences()
    {
        constexpr int pairs = 14;
        const Boundary boundary = Boundary::exact(0.2, pairs);
        for (const double share : {0.5, 0.7, 1.0}) {
            double chance = 0, mean = 0;
            for (unsigned tosses = 0; tosses < 1u << pairs; ++tosses) {
                int wins = 0, n = 0;
                bool accepted = false;
                for (double p = 1; n < pairs && !accepted; accepted = wins >= boundary.winsNeeded(n)) {
                    const bool win = tosses >> n++ & 1u;
                    wins += win;
                    p *= win ? share : 1 - share;
                }
                const double all = std::pow(share, std::popcount(tosses)) * std::pow(1 - share, pairs - std::popcount(tosses));
                chance += accepted ? all : 0;
                mean += n * all;
            }
            const auto passage = boundary.passage(share, pairs);
            QVERIFY2(std::abs(passage.chance - chance) < 1e-12, std::to_string(passage.chance).c_str());
            QVERIFY2(std::abs(passage.meanPairs - mean) < 1e-9, std::to_string(passage.meanPairs).c_str());
        }
    }

    void fairTossesGetThereWithAlphaAndHardlyLess_data()
    {
        QTest::addColumn<double>("alpha");
        QTest::addColumn<int>("pairs");
        for (const double alpha : {0.05, 0.0127, 1e-3, 1e-5, 1e-8})
            for (const int pairs : {400, 2000})
                QTest::addRow("alpha %g, %d pairs", alpha, pairs) << alpha << pairs;
    }
    void fairTossesGetThereWithAlphaAndHardlyLess()
    {
        QFETCH(double, alpha);
        QFETCH(int, pairs);
        const Boundary boundary = Boundary::exact(alpha, pairs);
        const double chance = boundary.passage(0.5, pairs).chance;
        QVERIFY2(chance <= alpha && chance > 0.97 * alpha, std::to_string(chance / alpha).c_str());
        QVERIFY(boundary.logLevel() <= -std::log(alpha));
        QVERIFY(boundary.passage(0.45, pairs).chance < chance);       // who is worse gets there more seldom
    }

    void fewPairsProveNothing()
    {
        const Boundary boundary = Boundary::exact(0.01, 4);
        QCOMPARE(boundary.passage(1, 4).chance, 0.0);
        QCOMPARE(boundary.winsNeeded(4), 5);
        QCOMPARE(Boundary::exact(0.01, 0).passage(1, 0).meanPairs, 0.0);
    }

    void simulatedLabsAgree()
    {
        const Boundary boundary = Boundary::exact(0.05, 400);
        for (const double share : {0.5, 0.6}) {
            Rng rng(17);
            constexpr int runs = 4000;
            double accepted = 0;
            for (int run = 0; run < runs; ++run)
                for (int n = 1, wins = 0; n <= 400; ++n) {
                    wins += rng.uniform() < share ? 1 : 0;
                    if (wins >= boundary.winsNeeded(n)) {
                        ++accepted;
                        break;
                    }
                }
            const double chance = boundary.passage(share, 400).chance;
            QVERIFY2(std::abs(accepted / runs - chance) < 4 * std::sqrt(chance * (1 - chance) / runs), std::to_string(accepted / runs).c_str());
        }
    }

    // Goals of the gate: power 0.8 at six wins in ten within 400 discordant pairs, for at most 1.25 times the pairs of the test that is
    // told the effect and makes the same errors.
    void sixInTenCostsLittleMoreThanToWhomKnowsIt()
    {
        const auto passage = Boundary::exact(0.05, 400).passage(0.6, 400);
        QVERIFY2(passage.chance > 0.9, std::to_string(passage.chance).c_str());
        const Power sprt = powerOfSprt(0.6, 0.05, 1 - passage.chance, 4000, 3);
        QVERIFY2(passage.meanPairs < 1.25 * sprt.meanPairs, std::to_string(passage.meanPairs / sprt.meanPairs).c_str());
        QVERIFY(std::abs(static_cast<double>(sprt.accepted) / sprt.runs - passage.chance) < 0.03);
    }
};

QTEST_APPLESS_MAIN(TestBoundary)
#include "tst_boundary.moc"
