// SPDX-License-Identifier: GPL-3.0-or-later
// Shrinking: the parts that do nothing go first.
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
    const char* const all = "layers=3";
    QTest::addRow("hidden units") << all << "feedForwardWidth=20";
    QTest::addRow("heads") << all << "heads=2 kvHeads=2";
    QTest::addRow("heads that share key heads") << "layers=3 kvHeads=2"
                                                << "heads=2 kvHeads=1";
    QTest::addRow("a block") << all << "layers=2";
    QTest::addRow("all of them") << "layers=3 feedForward=swiglu"
                                 << "layers=2 heads=2 kvHeads=2 feedForwardWidth=20";
}

void ImportanceTest::partsThatDoNothingGoFirst()
{
    QFETCH(QString, parent);
    QFETCH(QString, change);
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
    const Transplant result = transplant(old, child).value();
    QVERIFY(!result.keepsFunction); // nobody looked whether the parts that went did anything
    QVERIFY2(differenceOf(old, child) < 1e-5, result.note.c_str());
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
