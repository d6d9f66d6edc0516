// SPDX-License-Identifier: GPL-3.0-or-later
// Growing a model: the function before and after.
#include <QTest>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/surgery/transplant.h"

using namespace ratchet;

namespace
{

constexpr int vocabulary = 9;

Architecture parentOf(const QString& kind)
{
    Architecture a{.layers = 2, .width = 16, .heads = 4, .kvHeads = 4, .feedForwardWidth = 24, .context = 10};
    for (const QString& word : kind.split(' ')) {
        a.positions = word == "rope" ? "rope" : a.positions;
        a.norm = word == "rmsnorm" ? "rmsnorm" : a.norm;
        a.feedForward = word == "swiglu" ? "swiglu" : a.feedForward;
        a.qkNorm = a.qkNorm || word == "qkNorm";
        a.tied = a.tied && word != "untied";
        a.kvHeads = word == "grouped" ? 2 : a.kvHeads;
    }
    return a;
}

Transformer grown(const Transformer& parent, const Architecture& architecture, Transplant& result)
{
    Transformer child(architecture, vocabulary);
    child.initialise(99);
    result = transplant(parent, child);
    return child;
}

Transformer randomParent(const Architecture& architecture)
{
    Transformer parent(architecture, vocabulary);
    Rng rng(3);
    for (std::int64_t i = 0; i < parent.flat().numel(); ++i)
        parent.flat().data_ptr<float>()[i] = static_cast<float>(0.3 * rng.normal());
    return parent;
}

double difference(const Transformer& a, const Transformer& b)
{
    const at::Tensor tokens = at::arange(40).remainder(vocabulary).view({4, 10});
    return (a.forward(tokens, {}) - b.forward(tokens, {})).abs().max().item<double>();
}

} // namespace

class TransplantTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void growthKeepsTheFunction_data();
    void growthKeepsTheFunction();
    void theGrownModelCanLearnWithItsNewParts();
    void whatCannotBeKeptIsSaid_data();
    void whatCannotBeKeptIsSaid();
};

void TransplantTest::growthKeepsTheFunction_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<int>("layers");
    QTest::addColumn<int>("width");
    QTest::addColumn<int>("heads");
    QTest::addColumn<int>("hidden");
    QTest::addColumn<int>("context");
    QTest::addColumn<bool>("untie");
    QTest::addRow("the same shape") << "" << 2 << 16 << 4 << 24 << 10 << false;
    QTest::addRow("deeper") << "" << 5 << 16 << 4 << 24 << 10 << false;
    QTest::addRow("more hidden units") << "" << 2 << 16 << 4 << 40 << 10 << false;
    QTest::addRow("gated, more hidden units") << "swiglu rmsnorm" << 2 << 16 << 4 << 40 << 10 << false;
    QTest::addRow("twice the width with more heads") << "" << 2 << 32 << 8 << 24 << 10 << false;
    QTest::addRow("three times the width, RMSNorm, untied") << "rmsnorm untied" << 2 << 48 << 12 << 24 << 10 << false;
    QTest::addRow("twice the width with wider heads") << "" << 2 << 32 << 4 << 24 << 10 << false;
    QTest::addRow("everything at once, RoPE, QK-norm, grouped heads")
        << "rope qkNorm grouped rmsnorm" << 3 << 32 << 8 << 48 << 10 << false;
    QTest::addRow("a longer context") << "" << 2 << 16 << 4 << 24 << 20 << false;
    QTest::addRow("untying the head") << "" << 2 << 16 << 4 << 24 << 10 << true;
    QTest::addRow("untying and widening") << "" << 2 << 32 << 8 << 24 << 10 << true;
}

void TransplantTest::growthKeepsTheFunction()
{
    QFETCH(QString, kind);
    QFETCH(int, layers);
    QFETCH(int, width);
    QFETCH(int, heads);
    QFETCH(int, hidden);
    QFETCH(int, context);
    QFETCH(bool, untie);
    const Transformer parent = randomParent(parentOf(kind));
    Architecture target = parent.architecture();
    const int group = target.heads / target.kvHeads;
    target.layers = layers;
    target.width = width;
    target.heads = heads;
    target.kvHeads = heads / group;
    target.feedForwardWidth = hidden;
    target.context = context;
    target.tied = target.tied && !untie;
    Transplant result;
    const Transformer child = grown(parent, target, result);
    QVERIFY2(result.keepsFunction, result.note.c_str());
    QVERIFY2(difference(parent, child) < 1e-5, qPrintable(QString::number(difference(parent, child))));
}

void TransplantTest::theGrownModelCanLearnWithItsNewParts()
{
    const Transformer parent = randomParent(parentOf({}));
    Architecture target = parent.architecture();
    target.layers = 3;
    target.feedForwardWidth = 32;
    Transplant result;
    Transformer child = grown(parent, target, result);
    child.requireGradient();
    const at::Tensor tokens = at::arange(40).remainder(vocabulary).view({4, 10});
    at::cross_entropy_loss(child.forward(tokens, {}).view({-1, vocabulary}), tokens.view({-1})).backward();
    for (const TensorSlot& slot : child.layout()) {
        const bool isNew =
            slot.name == "blocks.2.attention.output.weight" || slot.name == "blocks.2.feedForward.down.weight";
        const double gradient = child.gradient().narrow(0, slot.offset, slot.count).abs().max().item<double>();
        QVERIFY2(!isNew || gradient > 1e-6, slot.name.c_str());
    }
}

void TransplantTest::whatCannotBeKeptIsSaid_data()
{
    QTest::addColumn<QString>("change");
    for (const char* const change : {"rope", "rmsnorm", "swiglu", "qkNorm", "narrower", "odd width", "shallower"})
        QTest::addRow("%s", change) << QString(change);
}

void TransplantTest::whatCannotBeKeptIsSaid()
{
    QFETCH(QString, change);
    const Transformer parent = randomParent(parentOf({}));
    Architecture target = parentOf(change);
    target.width = change == "narrower" ? 8 : change == "odd width" ? 24 : 16;
    target.layers = change == "shallower" ? 1 : 2;
    Transplant result;
    const Transformer child = grown(parent, target, result);
    QVERIFY(!result.keepsFunction);
    QVERIFY(result.note.ends_with("."));
    QVERIFY(at::isfinite(child.flat()).all().item<bool>());
}

QTEST_GUILESS_MAIN(TransplantTest)
#include "tst_transplant.moc"
