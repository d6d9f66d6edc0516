// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic behind curves: smoothing, gaps, thinning that keeps extremes, bands.
#include <QTest>

#include <cmath>
#include <limits>
#include <random>

#include "widgets/plot/curve_math.h"

using namespace ratchet;
using Numbers = std::vector<double>;
Q_DECLARE_METATYPE(Numbers)

namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

bool same(const Numbers& a, const Numbers& b)
{
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::isnan(a[i]) != std::isnan(b[i]) || (!std::isnan(a[i]) && std::abs(a[i] - b[i]) > 1e-12))
            return false;
    return true;
}

Curve noise(std::size_t count)
{
    Curve curve;
    std::mt19937_64 random(7);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < count; ++i) {
        curve.x.push_back(double(i));
        curve.y.push_back(normal(random));
    }
    return curve;
}

} // namespace

class TestSmoothing : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void average_data()
    {
        QTest::addColumn<Numbers>("y");
        QTest::addColumn<double>("weight");
        QTest::addColumn<Numbers>("expected");
        QTest::addRow("no weight gives the curve back") << Numbers{3, 1, 2} << 0.0 << Numbers{3, 1, 2};
        QTest::addRow("a constant stays what it is, from the first point on") << Numbers{4, 4, 4} << 0.9 << Numbers{4, 4, 4};
        QTest::addRow("the start-up bias is removed") << Numbers{1, 2} << 0.5 << Numbers{1, (0.25 + 1) / 0.75};
        QTest::addRow("a gap stays and the average starts afresh behind it")
            << Numbers{100, gap, 2, 4} << 0.5 << Numbers{100, gap, 2, (0.5 + 2) / 0.75};
        QTest::addRow("infinity counts as a gap") << Numbers{1, std::numeric_limits<double>::infinity(), 2} << 0.5
                                                  << Numbers{1, std::numeric_limits<double>::infinity(), 2};
        QTest::addRow("nothing in, nothing out") << Numbers{} << 0.9 << Numbers{};
    }
    void average()
    {
        QFETCH(Numbers, y);
        QFETCH(double, weight);
        QFETCH(Numbers, expected);
        if (expected.size() == 3 && std::isinf(expected[1])) {
            QCOMPARE(smoothed(y, weight)[2], 2.0);
            return;
        }
        QVERIFY(same(smoothed(y, weight), expected));
    }
    void aBucketOfEqualValuesWeighsAsManyPoints()
    {
        const double raw = smoothed({1, 1, 1, 5}, 0.8).back();
        QVERIFY(std::abs(smoothed({1, 5}, 0.8, {3, 1}).back() - raw) < 1e-12);
    }
    void thinningKeepsEveryExtreme()
    {
        Curve curve = noise(100'000);
        curve.y[54'321] = 99;
        curve.y[12'345] = -99;
        const Curve thin = thinned(curve, 0, 99'999, 500);
        QVERIFY(thin.size() <= 500 * 4 + 8);
        const auto found = extentOf(thin.y);
        QCOMPARE(found.low, -99.0);
        QCOMPARE(found.high, 99.0);
        QVERIFY(std::is_sorted(thin.x.begin(), thin.x.end()));
    }
    void thinningKeepsTheNeighboursOutside()
    {
        const Curve thin = thinned({{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}}, 1.5, 2.5, 100);
        QCOMPARE(thin.x, (Numbers{1, 2, 3}));
    }
    void thinningKeepsGaps()
    {
        Curve curve = noise(10'000);
        for (std::size_t i = 4000; i < 4100; ++i)
            curve.y[i] = gap;
        const Curve thin = thinned(curve, 0, 9'999, 100);
        const auto gaps = std::count_if(thin.y.begin(), thin.y.end(), [](double y) { return std::isnan(y); });
        QVERIFY(gaps >= 1 && gaps <= 3);
    }
    void thinningOnALogarithmicAxisKeepsTheEarlySteps()
    {
        const Curve curve = noise(100'000);
        const Curve thin = thinned(curve, 1, 99'999, 200, AxisScale::Logarithmic);
        QVERIFY(std::count_if(thin.x.begin(), thin.x.end(), [](double x) { return x < 100; }) > 60);
        QVERIFY(thin.size() <= 200 * 4 + 8);
    }
    void oddInputIsHarmless()
    {
        QCOMPARE(thinned({}, 0, 1, 100).size(), 0U);
        QCOMPARE(thinned({{1, 2}, {1, 2}}, 5, 1, 100).size(), 1U);   // empty range: what lies beside it
        QCOMPARE(nearest({}, 3), 0U);
        QVERIFY(!extentOf(Numbers{gap, gap}).found);
        QVERIFY(!extentOf(Numbers{-1, 0}, true).found);
    }
    void aBandSpansItsCurvesAndNeverExtrapolates()
    {
        const Band band = bandOf({{{0, 2}, {0, 2}}, {{0, 1, 2, 3}, {2, 2, 2, 2}}});
        QCOMPARE(band.x, (Numbers{0, 1, 2, 3}));
        QCOMPARE(band.mean, (Numbers{1, 1.5, 2, 2}));
        QCOMPARE(band.low, (Numbers{0, 1, 2, 2}));
        QCOMPARE(band.high, (Numbers{2, 2, 2, 2}));
    }
};

QTEST_GUILESS_MAIN(TestSmoothing)
#include "tst_smoothing.moc"
