// SPDX-License-Identifier: GPL-3.0-or-later
// Spreads, correlations and the smallest gain a gate can see, against values worked out by hand.
#include <QtTest>

#include <cmath>

#include "core/critic/spread.h"

using namespace ratchet;

class TestSpread : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void spreadsHaveStudentsInterval()
    {
        // mean 3, squares 4 + 1 + 0 + 1 + 4 = 10 over 4, t(4, 0.975) = 2.776445
        const Spread spread = spreadOf({1, 2, 3, 4, 5});
        QCOMPARE(spread.runs, 5);
        QCOMPARE(spread.mean, 3.0);
        QVERIFY(std::abs(spread.sigma - std::sqrt(2.5)) < 1e-12);
        QVERIFY(std::abs(spread.high - (3 + 2.776445105 * std::sqrt(2.5 / 5))) < 1e-8);
        QVERIFY(std::abs(spread.low + spread.high - 6) < 1e-12);
        QVERIFY(spreadOf({7}).low < -1e300 && spreadOf({}).runs == 0);
    }

    void correlationsOfLines()
    {
        QVERIFY(std::abs(correlationOf({1, 2, 3}, {2, 4, 6}) - 1) < 1e-12);
        QVERIFY(std::abs(correlationOf({1, 2, 3}, {3, 2, 1}) + 1) < 1e-12);
        QVERIFY(std::abs(correlationOf({1, 2, 3, 4}, {1, -1, -1, 1})) < 1e-12);
        QCOMPARE(correlationOf({1, 1, 1}, {1, 2, 3}), 0.0);
    }

    void smallerAlphaAndFewerPairsSeeLess()
    {
        const Detectable usual = smallestDetectable(0.2, 2000, 0.05);
        QVERIFY2(usual.winShare > 0.55 && usual.winShare < 0.62, std::to_string(usual.winShare).c_str());
        QVERIFY(std::abs(usual.gain - 0.2 * (2 * usual.winShare - 1)) < 1e-12);
        QVERIFY(usual.meanPairs > 0 && usual.meanPairs <= 2000);
        QVERIFY(smallestDetectable(0.2, 2000, 0.0005).gain > usual.gain);
        QVERIFY(smallestDetectable(0.2, 500, 0.05).gain > usual.gain);
        QCOMPARE(smallestDetectable(0.001, 2000, 0.05).gain, 0.0);       // two pairs prove nothing
        QCOMPARE(smallestDetectable(0, 2000, 0.05).gain, 0.0);
    }
};

QTEST_APPLESS_MAIN(TestSpread)
#include "tst_spread.moc"
