// SPDX-License-Identifier: GPL-3.0-or-later
// Spreads, correlations and the smallest gain a gate can see, against values worked out by hand.
#include <QtTest>

#include <cmath>

#include "core/base/rng.h"
#include "core/critic/spread.h"

using namespace ratchet;

class TestSpread : public QObject {
    Q_OBJECT

    // As a text lab's question.
    [[nodiscard]] static Comparison::Options asked(double alpha)
    {
        Comparison::Options options;
        options.measure = Measure::BitsPerByte;
        options.alpha = alpha;
        options.maxPairs = 2000;
        options.firstBatch = 200;
        return options;
    }

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

    void nothingIsSeenBelowTheSmallestEffect()
    {
        const double usual = smallestDetectable(0.2, 2000, 0.05).gain;
        QVERIFY(std::abs(smallestDetectable(0.2, 2000, 0.05, 2 * usual).gain - 2 * usual) < 1e-6);
        QVERIFY(std::abs(smallestDetectable(0.2, 2000, 0.05, usual / 2).gain - usual) < 1e-6);
        QCOMPARE(smallestDetectable(0.2, 2000, 0.05, 0.3).gain, 0.0);    // more than all that differ
    }

    // Played with the gate alone, looked at after the batches of 200, 200 and then 400 pairs that the engine draws, on
    // differences of another shape but the same spread.
    void ofBoundedScoresWhatTheBettingTestSees_data()
    {
        QTest::addColumn<double>("deviation");
        QTest::addColumn<double>("alpha");
        QTest::addRow("texts that differ much, the first question") << 0.04 << 0.0127;
        QTest::addRow("texts that differ little, the first question") << 0.01 << 0.0127;
        QTest::addRow("texts that differ much, a late question") << 0.04 << 1e-4;
    }
    void ofBoundedScoresWhatTheBettingTestSees()
    {
        QFETCH(double, deviation);
        QFETCH(double, alpha);
        const Comparison::Options options = asked(alpha);
        const Detectable smallest = smallestDetectable(deviation, options);
        QVERIFY(smallest.gain > 0 && smallest.gain < boundedRange / 2);
        QVERIFY(smallest.meanPairs >= options.firstBatch && smallest.meanPairs <= options.maxPairs);
        QCOMPARE(smallest.winShare, 0.0);
        constexpr int runs = 1000;
        Rng rng(5);
        int accepted = 0;
        double pairs = 0;
        for (int run = 0; run < runs; ++run) {
            Gate gate({Gate::Kind::Bounded, -std::log(alpha), options.minEffect, options.maxPairs, boundedRange});
            const double half = deviation * std::sqrt(3.0);          // uniform differences
            while (gate.answer() == Gate::Answer::NeedMore || gate.pairs() == 0)
                for (int i = gate.pairs() == 0 || gate.pairs() == 200 ? 200 : 400; i > 0; --i)
                    QVERIFY(gate.add(0.5, 0.5 + smallest.gain + half * (2 * rng.uniform() - 1)));
            accepted += gate.answer() == Gate::Answer::Accept;
            pairs += gate.pairs();
        }
        const double power = static_cast<double>(accepted) / runs;
        QVERIFY2(power > 0.74 && power < 0.86, std::to_string(power).c_str());
        QVERIFY2(std::abs(pairs / runs / smallest.meanPairs - 1) < 0.1, std::to_string(pairs / runs).c_str());
    }

    void aSearchThatIsStoppedFindsNothing()
    {
        std::stop_source stop;
        QVERIFY(smallestDetectable(0.04, asked(0.0127), stop.get_token()).gain > 0);
        stop.request_stop();
        QCOMPARE(smallestDetectable(0.04, asked(0.0127), stop.get_token()).gain, 0.0);
    }

    void widerSpreadsAndSmallerAlphasSeeLess()
    {
        const double usual = smallestDetectable(0.04, asked(0.0127)).gain;
        QVERIFY(smallestDetectable(0.08, asked(0.0127)).gain > 1.2 * usual);
        QVERIFY(smallestDetectable(0.04, asked(1e-5)).gain > usual);
        Comparison::Options few = asked(0.0127);
        few.maxPairs = few.firstBatch = 20;
        QCOMPARE(smallestDetectable(0.12, few).gain, 0.0);               // twenty texts prove nothing here
    }

    void correlationsOfFewRunsSayNothing()
    {
        QVERIFY(correlationInterval(1, 3) == std::pair(-1.0, 1.0));
        // atanh(0.5) = 0.549306, 1.959964 / sqrt(10 - 3) = 0.740797
        const auto [low, high] = correlationInterval(0.5, 10);
        QVERIFY(std::abs(low - std::tanh(0.549306 - 0.740797)) < 1e-5 && std::abs(high - std::tanh(0.549306 + 0.740797)) < 1e-5);
        QVERIFY(correlationInterval(0.9, 4).first < 0);
    }
};

QTEST_APPLESS_MAIN(TestSpread)
#include "tst_spread.moc"
