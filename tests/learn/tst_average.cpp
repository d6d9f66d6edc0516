// SPDX-License-Identifier: GPL-3.0-or-later
// Averages of weights: the sum that was asked for, what is refused, and a soup whose best members are known.
#include <QTest>

#include "core/surgery/average.h"
#include "random_model.h"

using namespace ratchet;

class AverageTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theAverageIsTheWeightedSum();
    void copiesAverageToThemselves();
    void versionsOfAnotherShapeAreRefused_data();
    void versionsOfAnotherShapeAreRefused();
    void weightsThatAreNoneAreRefused();
    void aSoupTakesWhatHelpsAndLeavesWhatHarms();
    void aSoupOfOneIsTheOne();
    void theScoresErrorIsHandedOn();
};

void AverageTest::theAverageIsTheWeightedSum()
{
    const Transformer a = randomModel(smallArchitecture(), 1), b = randomModel(smallArchitecture(), 2);
    const at::Tensor mixed = averageWeights({&a, &b}, {3, 1}).value();
    QVERIFY((mixed - (a.flat() * 0.75 + b.flat() * 0.25)).abs().max().item<double>() < 1e-6);
    const at::Tensor uniform = averageWeights({&a, &b}).value();
    QVERIFY((uniform - (a.flat() + b.flat()) / 2).abs().max().item<double>() < 1e-6);
}

void AverageTest::copiesAverageToThemselves()
{
    const Transformer a = randomModel(smallArchitecture());
    QVERIFY(at::equal(averageWeights({&a, &a, &a}).value(), a.flat()));
}

void AverageTest::versionsOfAnotherShapeAreRefused_data()
{
    QTest::addColumn<QString>("change");
    QTest::addRow("another width") << "width=32";
    QTest::addRow("the same tensors, other angles") << "ropeBase=500";
    QTest::addRow("the same tensors, another feed-forward") << "feedForward=relu2";
}

void AverageTest::versionsOfAnotherShapeAreRefused()
{
    QFETCH(QString, change);
    const Transformer a = randomModel(smallArchitecture());
    const Transformer b = randomModel(altered(smallArchitecture(), change).value());
    const auto average = averageWeights({&a, &b});
    QVERIFY(!average);
    QVERIFY(average.error().text.starts_with("Version 2 has another architecture"));
}

void AverageTest::weightsThatAreNoneAreRefused()
{
    const Transformer a = randomModel(smallArchitecture()), b = randomModel(smallArchitecture(), 2);
    for (const std::vector<double>& weights : {std::vector<double>{1}, {1, -1}, {0, 0}, {1, NAN}, {INFINITY, 1}})
        QVERIFY(!averageWeights({&a, &b}, weights));
    QVERIFY(!averageWeights({}));
    b.flat()[5] = INFINITY;
    const auto average = averageWeights({&a, &b});
    QVERIFY(!average);
    QVERIFY(average.error().text.starts_with("Version 2 holds a value that is not finite"));
}

void AverageTest::aSoupTakesWhatHelpsAndLeavesWhatHarms()
{
    // Two versions on either side of the best weights, and one far away.
    const at::Tensor best = randomModel(smallArchitecture(), 1).flat();
    const at::Tensor aside = randomModel(smallArchitecture(), 2).flat();
    const Transformer left(smallArchitecture(), vocabulary), other(smallArchitecture(), vocabulary);
    const Transformer far = randomModel(smallArchitecture(), 4);
    left.flat().copy_(best + aside * 0.1);
    other.flat().copy_(best - aside * 0.11);
    const auto score = [&best](const Transformer& model) {
        return Result<double>(-(model.flat() - best).norm().item<double>());
    };
    const Soup soup = greedySoup({&far, &other, &left}, score).value();
    QCOMPARE(soup.members, (std::vector<std::size_t>{2, 1}));
    QVERIFY(soup.score > score(left).value() + 0.01);
    QVERIFY((soup.flat - (left.flat() + other.flat()) / 2).abs().max().item<double>() < 1e-6);
}

void AverageTest::aSoupOfOneIsTheOne()
{
    const Transformer a = randomModel(smallArchitecture());
    const Soup soup = greedySoup({&a}, [](const Transformer&) { return Result<double>(0.5); }).value();
    QVERIFY(at::equal(soup.flat, a.flat()));
    QCOMPARE(soup.score, 0.5);
}

void AverageTest::theScoresErrorIsHandedOn()
{
    const Transformer a = randomModel(smallArchitecture());
    const auto broken = greedySoup(
        {&a}, [](const Transformer&) -> Result<double> { return fail(Code::Cancelled, "Stopped while tasting."); });
    QVERIFY(!broken);
    QCOMPARE(broken.error().code, Code::Cancelled);
    QVERIFY(!greedySoup({&a}, [](const Transformer&) { return Result<double>(NAN); }));
}

QTEST_GUILESS_MAIN(AverageTest)
#include "tst_average.moc"
