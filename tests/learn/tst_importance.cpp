// SPDX-License-Identifier: GPL-3.0-or-later
// Shrinking: the parts that do nothing go first, and the first-order measure is the loss's own slope.
#include <QTest>

#include "core/surgery/importance.h"
#include "core/surgery/plan.h"
#include "core/surgery/transplant.h"
#include "random_model.h"

using namespace ratchet;

class ImportanceTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theMostImportantKeepTheirOrder();
    void partsThatDoNothingGoFirst_data();
    void partsThatDoNothingGoFirst();
    void theGradientMeasureIsTheSlopeOfTheLoss();
    void theGradientSeesWhatMagnitudeDoesNot();
    void pruningByMagnitudeBeatsPruningTheMostImportant();
};

void ImportanceTest::theMostImportantKeepTheirOrder()
{
    QCOMPARE(mostImportant({1, 5, 3, 5, 2}, 3), (std::vector<std::int64_t>{1, 2, 3}));
    QCOMPARE(mostImportant({1, 1, 1}, 2), (std::vector<std::int64_t>{0, 1}));
    QCOMPARE(mostImportant({1, 2}, 9), (std::vector<std::int64_t>{0, 1}));
}

void ImportanceTest::partsThatDoNothingGoFirst_data()
{
    QTest::addColumn<QString>("parent");
    QTest::addColumn<QString>("change");
    QTest::addColumn<bool>("byGradient");
    const char* const all = "layers=3";
    QTest::addRow("hidden units") << all << "feedForwardWidth=20" << false;
    QTest::addRow("hidden units, by gradient") << all << "feedForwardWidth=20" << true;
    QTest::addRow("heads") << all << "heads=2 kvHeads=2" << false;
    QTest::addRow("heads, by gradient") << all << "heads=2 kvHeads=2" << true;
    QTest::addRow("heads that share key heads") << "layers=3 kvHeads=2"
                                                << "heads=2 kvHeads=1" << false;
    QTest::addRow("a block") << all << "layers=2" << false;
    QTest::addRow("a block, by gradient") << all << "layers=2" << true;
    QTest::addRow("all of them") << "layers=3 feedForward=swiglu"
                                 << "layers=2 heads=2 kvHeads=2 feedForwardWidth=20" << false;
}

void ImportanceTest::partsThatDoNothingGoFirst()
{
    QFETCH(QString, parent);
    QFETCH(QString, change);
    QFETCH(bool, byGradient);
    Transformer old = randomModel(altered(smallArchitecture(), parent).value());
    const auto part = [&old](const std::string& name) { return tensorOf(old, old.flat(), name); };
    for (const char* const block : {"blocks.0.", "blocks.1.", "blocks.2."}) {
        const at::Tensor output = part(std::string(block) + "attention.output.weight");
        const int first = old.architecture().kvHeads == 2 ? 0 : 1; // two heads of one group, or two of their own
        output.narrow(1, first * 4, 4).zero_();
        output.narrow(1, first == 0 ? 4 : 12, 4).zero_();
        part(std::string(block) + "feedForward.down.weight").narrow(1, 5, 4).zero_();
    }
    part("blocks.1.attention.output.weight").zero_();
    part("blocks.1.feedForward.down.weight").zero_();
    Transformer child(altered(old.architecture(), change).value(), vocabulary);
    child.initialise(99);
    const Importance measured = byGradient ? importanceOf(old, gradientOf(old, 10)) : importanceOf(old);
    const Transplant result = transplant(old, child, measured).value();
    QVERIFY(!result.keepsFunction); // nobody looked whether the parts that went did anything
    QVERIFY2(differenceOf(old, child) < 1e-5, result.note.c_str());
}

void ImportanceTest::theGradientMeasureIsTheSlopeOfTheLoss()
{
    Transformer model = randomModel(smallArchitecture());
    const Importance measured = importanceOf(model, gradientOf(model, 10));
    const at::NoGradGuard noGradient;
    const auto slope = [&model](const at::Tensor& part) {
        const at::Tensor kept = part.clone();
        part.mul_(1.02);
        const double above = lossOf(model, 10).item<double>();
        part.copy_(kept * 0.98);
        const double below = lossOf(model, 10).item<double>();
        part.copy_(kept);
        return std::abs(above - below) / 0.04;
    };
    const auto isClose = [](double a, double b) { return std::abs(a - b) < 0.03 * std::abs(b) + 2e-4; };
    const at::Tensor output = tensorOf(model, model.flat(), "blocks.0.attention.output.weight");
    const at::Tensor down = tensorOf(model, model.flat(), "blocks.1.feedForward.down.weight");
    for (int head = 0; head < 4; ++head)
        QVERIFY(
            isClose(measured.blocks[0].heads[static_cast<std::size_t>(head)], slope(output.narrow(1, head * 4, 4))));
    for (int unit = 0; unit < 24; ++unit)
        QVERIFY(isClose(measured.blocks[1].hidden[static_cast<std::size_t>(unit)], slope(down.narrow(1, unit, 1))));
    QVERIFY(*std::max_element(measured.blocks[0].heads.begin(), measured.blocks[0].heads.end()) > 5e-3);
}

void ImportanceTest::theGradientSeesWhatMagnitudeDoesNot()
{
    Transformer model = randomModel(altered(smallArchitecture(), "feedForward=relu2 norm=layernorm bias=true").value());
    tensorOf(model, model.flat(), "blocks.0.feedForward.up.bias")[6] = -1000; // never active
    tensorOf(model, model.flat(), "blocks.0.feedForward.down.weight").narrow(1, 6, 1).fill_(9);
    const auto rank = [](const Importance& measured) {
        const auto& scores = measured.blocks[0].hidden;
        return std::count_if(scores.begin(), scores.end(), [&](double score) { return score > scores[6]; });
    };
    QCOMPARE(rank(importanceOf(model)), 0);
    QCOMPARE(rank(importanceOf(model, gradientOf(model, 10))), 23);
}

void ImportanceTest::pruningByMagnitudeBeatsPruningTheMostImportant()
{
    const Transformer parent = randomModel(smallArchitecture());
    Importance backwards = importanceOf(parent);
    for (Importance::Block& block : backwards.blocks)
        for (double& score : block.hidden)
            score = -score;
    const auto pruned = [&parent](const Importance& importance) {
        Transformer child(altered(smallArchitecture(), "feedForwardWidth=18").value(), vocabulary);
        child.initialise(99);
        (void)transplant(parent, child, importance).value();
        const at::NoGradGuard noGradient;
        return (logitsOf(parent, 10) - logitsOf(child, 10)).square().mean().item<double>();
    };
    const double good = pruned(importanceOf(parent)), bad = pruned(backwards);
    QVERIFY2(good < 0.7 * bad, qPrintable(QString("%1 %2").arg(good).arg(bad)));
}

QTEST_GUILESS_MAIN(ImportanceTest)
#include "tst_importance.moc"
