// SPDX-License-Identifier: GPL-3.0-or-later
// The checks before any score, tried on models that are at fault on purpose: each fault is found, and a sound model has none.
#include <QTest>

#include "core/model/compat.h"
#include "core/model/soundness.h"
#include "core/model/transformer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 11, context = 64;

// A model of random weights. `faulty` makes of its logits and its tokens what is taken for logarithms of probabilities.
using Fault = std::function<at::Tensor(const at::Tensor& logits, const at::Tensor& tokens)>;

at::Tensor honest(const at::Tensor& logits, const at::Tensor&) { return at::log_softmax(logits, -1); }

// Adds the token that comes `ahead` later to the logits of the places `from` .. `to`.
Fault peeking(std::int64_t ahead, std::int64_t from = 0, std::int64_t to = context)
{
    return [=](const at::Tensor& logits, const at::Tensor& tokens) {
        at::Tensor seen = logits.clone();
        for (std::int64_t t = from; t < std::min(to, tokens.size(1) - ahead); ++t)
            seen.select(1, t).select(-1, 0).add_(tokens.select(1, t + ahead).to(at::kFloat));
        return at::log_softmax(seen, -1);
    };
}

} // namespace

Q_DECLARE_METATYPE(Fault)

class TestSoundness : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void everyFaultIsFound_data();
    void everyFaultIsFound();
};

void TestSoundness::everyFaultIsFound_data()
{
    QTest::addColumn<Fault>("fault");
    QTest::addColumn<bool>("normalised");
    QTest::addColumn<bool>("causal");
    QTest::addColumn<bool>("finite");
    QTest::addRow("a sound model has none") << Fault(honest) << true << true << true;
    QTest::addRow("it sees the next token") << peeking(1) << true << false << true;
    QTest::addRow("it sees the next token only late in a long text") << peeking(1, 52) << true << false << true;
    QTest::addRow("it sees the next token only at its beginning") << peeking(1, 0, 10) << true << false << true;
    QTest::addRow("it sees far ahead") << peeking(48) << true << false << true;
    QTest::addRow("its first place sees the last token") << peeking(context - 1) << true << false << true;
    QTest::addRow("it normalises over places instead of tokens")
        << Fault([](const at::Tensor& logits, const at::Tensor&) { return at::log_softmax(logits, 1); }) << false << false << true;
    QTest::addRow("its logits are taken for probabilities") << Fault([](const at::Tensor& logits, const at::Tensor&) { return logits; }) << false << true << true;
    QTest::addRow("it gives every token a thousandth too much")
        << Fault([](const at::Tensor& logits, const at::Tensor&) { return at::log_softmax(logits, -1) + 1e-3; }) << false << true << true;
    QTest::addRow("it forgets the last token of the vocabulary")
        << Fault([](const at::Tensor& logits, const at::Tensor&) {
               return at::cat({at::log_softmax(logits.narrow(-1, 0, vocabulary - 1), -1), logits.narrow(-1, vocabulary - 1, 1)}, -1);
           })
        << false << true << true;
    QTest::addRow("one of its places is no number") << Fault([](const at::Tensor& logits, const at::Tensor&) {
        at::Tensor broken = at::log_softmax(logits, -1);
        broken.select(1, 1).fill_(std::numeric_limits<float>::quiet_NaN());
        return broken;
    }) << false << false << false;
}

void TestSoundness::everyFaultIsFound()
{
    QFETCH(Fault, fault);
    QFETCH(bool, normalised);
    QFETCH(bool, causal);
    QFETCH(bool, finite);
    Architecture architecture = toy::Copy().seedGenome().architecture;
    architecture.context = context;
    Transformer model(architecture, vocabulary);
    model.initialise(7);
    const at::NoGradGuard noGradient;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Rng rng(seed);
        const Soundness seen = soundnessOf([&](const at::Tensor& tokens, const at::Tensor& positions) { return fault(model.forward(tokens, positions), tokens); },
                                           vocabulary, context, rng);
        QCOMPARE(seen.normalisation <= 1e-4, normalised);
        QCOMPARE(seen.causal, causal);
        QCOMPARE(seen.finite, finite);
    }
}

QTEST_GUILESS_MAIN(TestSoundness)
#include "tst_soundness.moc"
