// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <map>

#include <QtTest>

#include "core/base/rng.h"

using namespace ratchet;

class TestRng : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void equalsTheReference();
    void seedsThroughSplitMix();
    void streamsAreTheirOwn();
    void stateGoesOn();
    void belowIsFair();
    void uniformAndNormalHaveTheirMoments();
    void pickFollowsTheWeights();
};

// xoshiro256** from the state 1, 2, 3, 4, as the authors' C code gives it.
void TestRng::equalsTheReference()
{
    Rng rng(0);
    rng.setState({1, 2, 3, 4});
    for (const std::uint64_t expected : {11520ULL, 0ULL, 1509978240ULL, 1215971899390074240ULL, 1216172134540287360ULL})
        QCOMPARE(rng.next(), expected);
}

// SplitMix64 from 0: its published first outputs.
void TestRng::seedsThroughSplitMix()
{
    const auto state = Rng(0).state();
    QCOMPARE(state[0], 0xe220a8397b1dcdafULL);
    QCOMPARE(state[1], 0x6e789e6aa1b965f4ULL);
    QCOMPARE(state[2], 0x06c45d188009454fULL);
    QCOMPARE(state[3], 0xf88bb8a8724c81ecULL);
}

void TestRng::streamsAreTheirOwn()
{
    QCOMPARE(Rng::stream(7, "data", 3).next(), Rng::stream(7, "data", 3).next());
    std::map<std::uint64_t, int> seen;
    for (const std::uint64_t seed : {7, 8})
        for (const char* name : {"", "data", "dat", "init", "atad"})
            for (const std::uint64_t number : {0, 1, 2})
                ++seen[Rng::stream(seed, name, number).next()];
    QCOMPARE(seen.size(), 30U);
}

void TestRng::stateGoesOn()
{
    Rng first(1);
    for (int i = 0; i < 10; ++i)
        first.next();
    Rng second(99);
    second.setState(first.state());
    for (int i = 0; i < 10; ++i)
        QCOMPARE(second.normal(), first.normal());
}

void TestRng::belowIsFair()
{
    Rng rng(3);
    constexpr int draws = 70'000, faces = 7;
    std::array<int, faces> counts{};
    for (int i = 0; i < draws; ++i)
        ++counts.at(rng.below(faces));
    double chiSquare = 0;
    for (const int count : counts)
        chiSquare += std::pow(count - draws / faces, 2) / (double(draws) / faces);
    QVERIFY(chiSquare < 22.5);   // 6 degrees of freedom, p = 0.001
    QCOMPARE(rng.below(1), 0U);
    for (int i = 0; i < 100; ++i)
        QVERIFY(rng.below((1ULL << 63) + 1) <= 1ULL << 63);
}

void TestRng::uniformAndNormalHaveTheirMoments()
{
    Rng rng(4);
    constexpr int draws = 100'000;
    double sum = 0, normalSum = 0, normalSquares = 0;
    for (int i = 0; i < draws; ++i) {
        const double u = rng.uniform();
        QVERIFY(u >= 0 && u < 1);
        sum += u;
        const double z = rng.normal();
        QVERIFY(std::isfinite(z));
        normalSum += z;
        normalSquares += z * z;
    }
    QVERIFY(std::abs(sum / draws - 0.5) < 4 * std::sqrt(1.0 / 12 / draws));
    QVERIFY(std::abs(normalSum / draws) < 4 / std::sqrt(draws));
    QVERIFY(std::abs(normalSquares / draws - 1) < 4 * std::sqrt(2.0 / draws));
}

void TestRng::pickFollowsTheWeights()
{
    Rng rng(5);
    std::array<int, 4> counts{};
    for (int i = 0; i < 40'000; ++i)
        ++counts.at(rng.pick({0, 1, 3, 0}));
    QCOMPARE(counts[0], 0);
    QCOMPARE(counts[3], 0);
    QVERIFY(std::abs(counts[1] / 40'000.0 - 0.25) < 0.01);
}

QTEST_GUILESS_MAIN(TestRng)
#include "tst_rng.moc"
