// SPDX-License-Identifier: GPL-3.0-or-later
// The transformer against mathematics: gradients, causality, the fused kernel and the cache against plain operators.
#include <QTest>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/model/transformer.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 11;

Architecture changed(const QString& change)
{
    Architecture a{.layers = 2, .width = 16, .heads = 4, .kvHeads = 4, .feedForwardWidth = 24, .context = 12};
    for (const QString& word : change.split(' ')) {
        if (word == "rope" || word == "none" || word == "coupled")
            a.positions = word.toStdString();
        else if (word == "swiglu" || word == "relu2" || word == "gelu-tanh")
            a.feedForward = word.toStdString();
        else if (word == "rmsnorm")
            a.norm = "rmsnorm";
        else if (word == "grouped")
            a.kvHeads = 2;
        else if (word == "softCap")
            a.softCap = 3;
        else if (word == "untied")
            a.tied = false;
        else if (word == "qkNorm")
            a.qkNorm = true;
        else if (word == "bias")
            a.bias = true;
        else if (word == "window")
            a.window = 4;
        else if (word == "memory")
            a.memoryTokens = 3;
        else if (word == "valueEmbedding")
            a.valueEmbedding = true;
        else if (word == "experts")
            a.experts = 3;
    }
    return a;
}

at::Tensor draw(Rng& rng, std::int64_t rows, std::int64_t columns, std::uint64_t below)
{
    const at::Tensor tokens = at::empty({rows, columns}, at::kLong);
    for (std::int64_t i = 0; i < tokens.numel(); ++i)
        tokens.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(rng.below(below));
    return tokens;
}

// Every tensor at random, also those that start as ones or zeros.
Transformer randomModel(const Architecture& architecture)
{
    Transformer model(architecture, vocabulary);
    Rng rng(5);
    for (std::int64_t i = 0; i < model.flat().numel(); ++i)
        model.flat().data_ptr<float>()[i] = static_cast<float>(0.3 * rng.normal());
    return model;
}

double largestDifference(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).abs().max().item<double>();
}

at::Tensor lossOf(const Transformer& model, const at::Tensor& tokens, const at::Tensor& positions, AttentionKind kind)
{
    Routing routing;
    ForwardOptions options;
    options.attention = kind;
    options.routing = &routing;
    const std::int64_t length = tokens.size(1) - 1;
    const at::Tensor logits = model.forward(tokens.narrow(1, 0, length), positions.narrow(1, 0, length), options);
    const at::Tensor loss =
        at::cross_entropy_loss(logits.view({-1, vocabulary}), tokens.narrow(1, 1, length).reshape({-1}));
    return routing.balanceLoss.defined() ? loss + 0.1 * routing.balanceLoss : loss;
}

} // namespace

class TransformerTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void fusedAttentionEqualsPlain_data() { rows(); }
    void fusedAttentionEqualsPlain();
    void gradientEqualsFiniteDifferences_data() { rows(); }
    void gradientEqualsFiniteDifferences();
    void laterTokensChangeNothingBefore_data() { rows(); }
    void laterTokensChangeNothingBefore();
    void cacheEqualsTheWholePass_data() { rows(); }
    void cacheEqualsTheWholePass();
    void sameSeedGivesTheSameParameters();

private:
    static void rows();
};

void TransformerTest::rows()
{
    QTest::addColumn<QString>("change");
    for (const char* const change :
         {"as it is", "rope", "none", "coupled", "rmsnorm", "swiglu", "relu2", "gelu-tanh", "qkNorm", "untied",
          "softCap", "grouped", "bias", "window", "memory", "valueEmbedding", "experts",
          "rope qkNorm grouped swiglu rmsnorm untied softCap window memory valueEmbedding experts"})
        QTest::addRow("%s", change) << QString(change);
}

void TransformerTest::fusedAttentionEqualsPlain()
{
    QFETCH(QString, change);
    Transformer model = randomModel(changed(change));
    model.requireGradient();
    Rng rng(1);
    const at::Tensor tokens = draw(rng, 3, 9, vocabulary), positions = draw(rng, 3, 9, 12);
    const at::Tensor fused = lossOf(model, tokens, positions, AttentionKind::Fused);
    fused.backward();
    const at::Tensor gradient = model.gradient().clone();
    model.gradient().zero_();
    const at::Tensor plain = lossOf(model, tokens, positions, AttentionKind::Plain);
    plain.backward();
    QVERIFY(largestDifference(fused, plain) < 1e-5);
    QVERIFY(largestDifference(gradient, model.gradient()) < 1e-5);
    QVERIFY(gradient.abs().max().item<double>() > 1e-3);
}

void TransformerTest::gradientEqualsFiniteDifferences()
{
    QFETCH(QString, change);
    Transformer model = randomModel(changed(change));
    model.requireGradient();
    Rng rng(2);
    const at::Tensor tokens = draw(rng, 4, 8, vocabulary), positions = draw(rng, 4, 8, 12);
    lossOf(model, tokens, positions, AttentionKind::Fused).backward();
    const at::NoGradGuard noGradient;
    for (const TensorSlot& slot : model.layout()) { // along the gradient of each tensor, where the slope is largest
        const at::Tensor part = model.flat().narrow(0, slot.offset, slot.count), before = part.clone();
        const at::Tensor gradient = model.gradient().narrow(0, slot.offset, slot.count);
        const double norm = gradient.norm().item<double>();
        if (norm < 1e-4)
            continue;
        const double step = 5e-3;
        const auto along = [&](double by) {
            part.copy_(before + gradient * (by / norm));
            return lossOf(model, tokens, positions, AttentionKind::Fused).item<double>();
        };
        const double slope = (along(step) - along(-step)) / (2 * step);
        part.copy_(before);
        QVERIFY2(std::abs(slope - norm) < 0.02 * norm + 2e-4,
                 qPrintable(QString("%1: slope %2, gradient %3").arg(slot.name.c_str()).arg(slope).arg(norm)));
    }
}

void TransformerTest::laterTokensChangeNothingBefore()
{
    QFETCH(QString, change);
    const Transformer model = randomModel(changed(change));
    Rng rng(3);
    at::Tensor tokens = draw(rng, 3, 12, vocabulary);
    const at::Tensor positions = draw(rng, 3, 12, 12);
    ForwardOptions
        options; // sparse experts read rows at places that depend on all tokens: same numbers, other last digits
    options.experts = ExpertKind::Dense;
    const at::Tensor before = model.forward(tokens, positions, options), sparse = model.forward(tokens, positions);
    tokens.narrow(1, 6, 6).copy_(draw(rng, 3, 6, vocabulary));
    const at::Tensor after = model.forward(tokens, positions, options);
    QVERIFY(largestDifference(before, sparse) < 1e-5);
    QVERIFY(at::equal(before.narrow(1, 0, 6), after.narrow(1, 0, 6)));
    QVERIFY(!at::equal(before, after));
}

void TransformerTest::cacheEqualsTheWholePass()
{
    QFETCH(QString, change);
    const Transformer model = randomModel(changed(change));
    Rng rng(4);
    const at::Tensor tokens = draw(rng, 3, 12, vocabulary), positions = draw(rng, 3, 12, 12);
    const std::vector<std::int64_t> lengths{2, 5, 3}; // ragged prompts, padded to 5 with whatever comes next
    const at::Tensor whole = model.forward(tokens, positions);
    KvCache cache;
    at::Tensor logits = model.start(tokens.narrow(1, 0, 5), positions.narrow(1, 0, 5), lengths, 12, cache);
    for (std::int64_t made = 0; made < 7; ++made) {
        at::Tensor next = at::empty({3}, at::kLong), places = at::empty({3}, at::kLong);
        for (std::int64_t row = 0; row < 3; ++row) {
            const std::int64_t at = lengths[static_cast<std::size_t>(row)] + made;
            QVERIFY(largestDifference(logits[row], whole[row][at - 1]) < 1e-5);
            next[row] = tokens[row][at];
            places[row] = positions[row][at];
        }
        logits = model.step(next, places, cache);
    }
}

void TransformerTest::sameSeedGivesTheSameParameters()
{
    Transformer a(changed({}), vocabulary), b(changed({}), vocabulary), c(changed({}), vocabulary);
    a.initialise(7);
    b.initialise(7);
    c.initialise(8);
    QVERIFY(at::equal(a.flat(), b.flat()));
    QVERIFY(!at::equal(a.flat(), c.flat()));
}

QTEST_GUILESS_MAIN(TransformerTest)
#include "tst_transformer.moc"
