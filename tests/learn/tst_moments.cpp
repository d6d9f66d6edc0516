// SPDX-License-Identifier: GPL-3.0-or-later
// An optimizer's state carried into another shape: what is carried of the parent's gradient is the child's own
// gradient.
#include <QTest>

#include "core/surgery/transplant.h"
#include "random_model.h"

using namespace ratchet;

class MomentsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void whatIsCarriedIsTheChildsGradient_data();
    void whatIsCarriedIsTheChildsGradient();
    void newPartsStartWithNothing();
    void bothTablesOfAnUntiedHeadStartWithNothing();
    void aMomentOfAnotherLengthIsRefused();
};

void MomentsTest::whatIsCarriedIsTheChildsGradient_data()
{
    QTest::addColumn<QString>("parent");
    QTest::addColumn<QString>("change");
    const auto row = [](const char* name, const char* parent, const char* change) {
        QTest::addRow("%s", name) << QString(parent) << QString(change);
    };
    row("the same shape", "", "");
    row("more blocks", "", "layers=4");
    row("more hidden units", "", "feedForwardWidth=40");
    row("twice the width with more heads, biases", "bias=true", "width=32 heads=8 kvHeads=8");
    row("three times the width, free head", "norm=rmsnorm tied=false", "width=48 heads=12 kvHeads=12");
    row("half more width, RMSNorm", "norm=rmsnorm", "width=24 heads=6 kvHeads=6 normEpsilon=6.666666666666667e-6");
    row("wider heads", "", "width=32");
    row("wider heads, QK-norm", "qkNorm=true", "width=32");
    row("wider heads, RoPE", "positions=rope", "width=32");
    row("a longer context", "", "context=16");
}

void MomentsTest::whatIsCarriedIsTheChildsGradient()
{
    QFETCH(QString, parent);
    QFETCH(QString, change);
    Transformer old = randomModel(altered(smallArchitecture(), parent).value());
    Transformer child(altered(old.architecture(), change).value(), vocabulary);
    child.initialise(99);
    QVERIFY(transplant(old, child)->keepsFunction);
    const at::Tensor gradient = gradientOf(old, 10), own = gradientOf(child, 10);
    const Moments carried = transplantMoments(old, child, {gradient, gradient.square()}).value();
    for (const TensorSlot& slot : child.layout()) {
        const at::Tensor first = tensorOf(child, carried.first, slot.name), mine = tensorOf(child, own, slot.name);
        const at::Tensor isCarried = first != 0;
        const double size = mine.abs().max().item<double>();
        const double error = ((first - mine) * isCarried).abs().max().item<double>();
        QVERIFY2(error < 2e-4 * size + 1e-7,
                 qPrintable(QString("%1: %2 of %3").arg(slot.name.c_str()).arg(error).arg(size)));
        const at::Tensor second = tensorOf(child, carried.second, slot.name);
        QVERIFY2((second - first.square()).abs().max().item<double>() <= 1e-5 * size * size + 1e-12, slot.name.c_str());
    }
    const double carriedCount = (carried.first != 0).sum().item<double>();
    QVERIFY(carriedCount >= 0.95 * (gradient != 0).sum().item<double>());
}

void MomentsTest::newPartsStartWithNothing()
{
    const Transformer parent = randomModel(smallArchitecture());
    const Transformer child(altered(smallArchitecture(), "layers=3 feedForwardWidth=30").value(), vocabulary);
    const at::Tensor ones = at::ones_like(parent.flat());
    const Moments carried = transplantMoments(parent, child, {ones, {}}).value();
    QVERIFY(!carried.second.defined());
    QCOMPARE(tensorOf(child, carried.first, "blocks.2.attention.qkv.weight").abs().max().item<double>(), 0.0);
    const at::Tensor up = tensorOf(child, carried.first, "blocks.1.feedForward.up.weight");
    QCOMPARE(up.narrow(0, 0, 24).min().item<double>(), 1.0);
    QCOMPARE(up.narrow(0, 24, 6).abs().max().item<double>(), 0.0);
}

void MomentsTest::bothTablesOfAnUntiedHeadStartWithNothing()
{
    const Transformer parent = randomModel(smallArchitecture());
    const Transformer child(altered(smallArchitecture(), "tied=false").value(), vocabulary);
    const at::Tensor ones = at::ones_like(parent.flat());
    const Moments carried = transplantMoments(parent, child, {ones, ones}).value();
    for (const char* const name : {"embedding.token.weight", "head.weight"})
        QCOMPARE(tensorOf(child, carried.first, name).abs().max().item<double>(), 0.0);
    QCOMPARE(tensorOf(child, carried.second, "norm.weight").min().item<double>(), 1.0);
}

void MomentsTest::aMomentOfAnotherLengthIsRefused()
{
    const Transformer parent = randomModel(smallArchitecture());
    const auto carried = transplantMoments(parent, parent, {parent.flat(), parent.flat().narrow(0, 0, 7)});
    QVERIFY(!carried);
    QCOMPARE(carried.error().code, Code::BadInput);
    QVERIFY(carried.error().text.starts_with("A moment has 7 values"));
}

QTEST_GUILESS_MAIN(MomentsTest)
#include "tst_moments.moc"
