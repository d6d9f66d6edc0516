// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>

#include "core/base/rng.h"
#include "core/critic/reliability.h"

using namespace ratchet;

namespace {

// Signals that carry `share` of the truth, with an optimism that begins at `turn`.
std::vector<SignalPair> stream(int count, double share, double optimism, int turn, Rng& rng)
{
    std::vector<SignalPair> pairs;
    for (int i = 0; i < count; ++i) {
        const double truth = rng.normal();
        pairs.push_back({share * truth + std::sqrt(1 - share * share) * rng.normal() + (i >= turn ? optimism : 0), truth});
    }
    return pairs;
}

} // namespace

class TestReliability : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void byHand();
    void equalValuesShareTheirRank();
    void theIntervalCoversTheTruth();
    void aGoodSignalHardlyEverMisleads();
    void aTurnedSignalIsCaught();
    void onlyTheNewestCount();
    void driftIsFound_data();
    void driftIsFound();
    void littleIsNoClaim();
    void overTimeItIsWhatWasSaidThen();
};

void TestReliability::byHand()
{
    const auto result = reliabilityOf({{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 5}});
    QCOMPARE(result.rank, 0.0);                    // ranks 1 2 3 4 5 against 2 3 4 5 1
    QCOMPARE(result.optimism, (15.0 - 105.0) / 5);
    QCOMPARE(result.slope, (-2.0 * -11 + -1.0 * -1 + 0 * 9 + 1.0 * 19 + 2.0 * -16) / 10);
}

void TestReliability::equalValuesShareTheirRank()
{
    const auto result = reliabilityOf({{1, 1}, {1, 2}, {2, 3}, {2, 4}, {3, 5}});
    // ranks 1.5 1.5 3.5 3.5 5 against 1 2 3 4 5: covariance 9 / 4, deviations sqrt(9 / 4) and sqrt(10 / 4)
    QVERIFY(std::abs(result.rank - 9 / std::sqrt(90.0)) < 1e-12);
}

// Spearman's rho of a normal pair with correlation r is 6 / pi asin(r / 2).
void TestReliability::theIntervalCoversTheTruth()
{
    Rng rng(1);
    const double truth = 6 / std::acos(-1.0) * std::asin(0.3);
    int covered = 0;
    constexpr int repetitions = 1000;
    for (int i = 0; i < repetitions; ++i) {
        const auto result = reliabilityOf(stream(40, 0.6, 0, 40, rng));
        covered += truth >= result.rankLow && truth <= result.rankHigh;
    }
    QVERIFY2(covered >= 0.93 * repetitions && covered <= 0.98 * repetitions, qPrintable(QString::number(covered)));
}

void TestReliability::aGoodSignalHardlyEverMisleads()
{
    Rng rng(2);
    int wrong = 0, coin = 0;
    constexpr int repetitions = 1000;
    for (int i = 0; i < repetitions; ++i) {
        wrong += reliabilityOf(stream(30, 0.5, 0, 30, rng)).misleads;
        coin += reliabilityOf(stream(30, 0, 0, 30, rng)).misleads;
    }
    QCOMPARE(wrong, 0);
    QVERIFY2(coin <= 0.04 * repetitions, qPrintable(QString::number(coin)));       // 2.5 % is promised
}

void TestReliability::aTurnedSignalIsCaught()
{
    Rng rng(3);
    int caught = 0;
    for (int i = 0; i < 200; ++i)
        caught += reliabilityOf(stream(40, -0.7, 0, 40, rng)).misleads;
    QVERIFY2(caught >= 195, qPrintable(QString::number(caught)));
}

void TestReliability::onlyTheNewestCount()
{
    Rng rng(4);
    auto pairs = stream(200, 0.9, 0, 200, rng);
    for (const auto& pair : stream(40, -0.9, 0, 40, rng))
        pairs.push_back(pair);
    const auto result = reliabilityOf(pairs);
    QVERIFY(result.misleads);
    QCOMPARE(result.pairs, 240);
}

void TestReliability::driftIsFound_data()
{
    QTest::addColumn<double>("optimism");
    QTest::addColumn<int>("least");
    QTest::addColumn<int>("most");
    QTest::addRow("a steady signal is left alone") << 0.0 << 0 << 60;
    QTest::addRow("promises that grow by two deviations are seen") << 2.0 << 480 << 500;
}

void TestReliability::driftIsFound()
{
    QFETCH(double, optimism);
    QFETCH(int, least);
    QFETCH(int, most);
    Rng rng(5);
    int found = 0;
    for (int i = 0; i < 500; ++i)
        found += reliabilityOf(stream(60, 0.5, optimism, 35, rng)).drifted;
    QVERIFY2(found >= least && found <= most, qPrintable(QString("%1 of 500").arg(found)));
}

void TestReliability::littleIsNoClaim()
{
    for (const auto& pairs : {std::vector<SignalPair>{}, {{1, 1}}, {{1, 1}, {2, 2}, {3, 3}}, std::vector<SignalPair>(20, {0, 1}), std::vector<SignalPair>{{1, 6}, {2, 5}, {3, 4}, {4, 3}, {5, 2}, {6, 1}}}) {
        const auto result = reliabilityOf(pairs);
        QVERIFY(!result.misleads && !result.drifted);
        QCOMPARE(result.rankLow, -1.0);
        QCOMPARE(result.rankHigh, 1.0);
    }
}

void TestReliability::overTimeItIsWhatWasSaidThen()
{
    Rng rng(6);
    auto pairs = stream(30, 0.9, 0, 30, rng);
    for (const auto& pair : stream(40, -0.9, 0, 40, rng))
        pairs.push_back(pair);
    const auto course = reliabilityOverTime(pairs);
    QCOMPARE(course.size(), pairs.size());
    for (const std::size_t seen : {std::size_t(11), std::size_t(30), pairs.size()}) {
        const auto then = reliabilityOf({pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(seen)});
        QCOMPARE(course[seen - 1].rankLow, then.rankLow);
        QCOMPARE(course[seen - 1].drift, then.drift);
    }
    QVERIFY(course[29].rankLow > 0 && course.back().misleads);
    QVERIFY(reliabilityOverTime({}).empty());
}

QTEST_APPLESS_MAIN(TestReliability)
#include "tst_reliability.moc"
