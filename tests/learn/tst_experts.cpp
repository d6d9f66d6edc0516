// SPDX-License-Identifier: GPL-3.0-or-later
// Mixture of experts on cases small enough to be worked out by hand.
#include <QTest>

#include <cmath>

#include "core/model/compat.h"
#include "core/model/feed_forward.h"
#include "core/model/transformer.h"

using namespace ratchet;

namespace {

// Two experts over two channels. The router's logits are the channels themselves. Expert 0 has one hidden unit that
// reads channel 0 and writes to channel 0; expert 1 one that reads channel 1 twice and writes to channel 1. ReLU
// squared.
struct TwoExperts {
    TwoExperts()
    {
        architecture.width = 2;
        architecture.feedForward = "relu2";
        architecture.feedForwardWidth = 1;
        architecture.experts = 2;
        architecture.expertsPerToken = 1;
        maps.router = at::tensor({1.0F, 0.0F, 0.0F, 1.0F}).view({2, 2});
        maps.up.weight = at::tensor({1.0F, 0.0F, 0.0F, 2.0F}).view({2, 1, 2});
        maps.down.weight = at::tensor({1.0F, 0.0F, 0.0F, 1.0F}).view({2, 2, 1});
    }
    Architecture architecture;
    FeedForwardMaps maps;
};

const double ln3 = std::log(3.0);

// Logits (ln 3, 0), (ln 3, 0), (ln 3, 0), (0, ln 3): probabilities (3/4, 1/4) thrice and (1/4, 3/4).
at::Tensor fourTokens()
{
    const auto l = static_cast<float>(ln3);
    return at::tensor({l, 0.0F, l, 0.0F, l, 0.0F, 0.0F, l}).view({4, 2});
}

double at2(const at::Tensor& tensor, std::int64_t row, std::int64_t column)
{
    return tensor[row][column].item<double>();
}

bool near(double a, double b)
{
    return std::abs(a - b) < 1e-5;
}

} // namespace

class TestExperts : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void balanceLossAsByHand();
    void balanceGradientAsByHand();
    void aFullExpertDropsTheLastOnes_data();
    void aFullExpertDropsTheLastOnes();
    void twoExpertsATokenShareItAsByHand();
    void aRouterWithoutPreferenceCostsOneABlock();
};

// Shares of the tokens f = (3/4, 1/4). Mean probabilities P = ((3 * 3/4 + 1/4) / 4, (3 * 1/4 + 3/4) / 4) = (5/8, 3/8).
// E sum f P = 2 (3/4 * 5/8 + 1/4 * 3/8) = 2 (15/32 + 3/32) = 9/8.
void TestExperts::balanceLossAsByHand()
{
    const TwoExperts two;
    Routing routing;
    static_cast<void>(feedForward(fourTokens(), two.maps, two.architecture, ExpertKind::Sparse, &routing));
    const double loss = routing.balanceLoss.item<double>();
    QVERIFY2(near(loss, 9.0 / 8), std::to_string(loss).c_str());
}

// Only P has a gradient. For the logit of expert 0 of a token with probabilities p it is E / N p_0 (f_0 - f p):
// the first three 2/4 * 3/4 (3/4 - (9/16 + 1/16)) = 3/8 * 1/8 = 3/64, the last 2/4 * 1/4 (3/4 - (3/16 + 3/16)) = 3/64;
// for expert 1 the negatives. The router's row 0 gets the tokens weighed by it: (3 * 3/64 ln 3, 3/64 ln 3).
void TestExperts::balanceGradientAsByHand()
{
    TwoExperts two;
    two.maps.router.requires_grad_(true);
    Routing routing;
    static_cast<void>(feedForward(fourTokens(), two.maps, two.architecture, ExpertKind::Sparse, &routing));
    routing.balanceLoss.backward();
    const at::Tensor gradient = two.maps.router.grad();
    const double one = 3.0 / 64 * ln3;
    QVERIFY(near(at2(gradient, 0, 0), 3 * one) && near(at2(gradient, 0, 1), one));
    QVERIFY(near(at2(gradient, 1, 0), -3 * one) && near(at2(gradient, 1, 1), -one));
}

void TestExperts::aFullExpertDropsTheLastOnes_data()
{
    QTest::addColumn<double>("capacity");
    QTest::addColumn<int>("dropped");
    QTest::addRow("ceil(1 * 4 * 1 / 2) = 2 places for three tokens") << 1.0 << 1;
    QTest::addRow("ceil(1.25 * 4 * 1 / 2) = 3 places for three tokens") << 1.25 << 0;
    QTest::addRow("ceil(1.5 * 4 * 1 / 2) = 3 places for three tokens") << 1.5 << 0;
}

// With one expert a token its gate is 1. Expert 0 makes relu(ln 3)^2 = (ln 3)^2 in channel 0, expert 1 of the last
// token relu(2 ln 3)^2 = 4 (ln 3)^2 in channel 1. The third token of expert 0 finds it full where there are two places.
void TestExperts::aFullExpertDropsTheLastOnes()
{
    QFETCH(double, capacity);
    QFETCH(int, dropped);
    TwoExperts two;
    two.architecture.expertCapacity = capacity;
    Routing routing;
    const at::Tensor out = feedForward(fourTokens(), two.maps, two.architecture, ExpertKind::Sparse, &routing);
    QCOMPARE(routing.assigned, 4);
    QCOMPARE(routing.dropped, dropped);
    QCOMPARE(routing.droppedShare(), dropped / 4.0);
    const double square = ln3 * ln3;
    for (int token = 0; token < 3; ++token) {
        QVERIFY(near(at2(out, token, 0), token == 2 && dropped == 1 ? 0 : square));
        QVERIFY(near(at2(out, token, 1), 0));
    }
    QVERIFY(near(at2(out, 3, 0), 0) && near(at2(out, 3, 1), 4 * square));
    const at::Tensor answering = feedForward(fourTokens(), two.maps, two.architecture, ExpertKind::Sparse, nullptr);
    QVERIFY(near(at2(answering, 2, 0), square)); // nobody is dropped outside of training
}

// Three experts over one channel that is 1, logits (ln 4, ln 2, 0): probabilities (4/7, 2/7, 1/7). The two highest
// gates add up to one: 2/3 and 1/3. The experts make 1, 100 and 10000 of it: 2/3 + 100/3 = 34. Three such tokens: each
// of the first two experts is asked thrice and has ceil(1 * 3 * 2 / 3) = 2 places, so 2 of 6 are dropped, both of the
// third token. f = (1/2, 1/2, 0), P = p: loss 3 (1/2 * 4/7 + 1/2 * 2/7) = 9/7.
void TestExperts::twoExpertsATokenShareItAsByHand()
{
    Architecture architecture;
    architecture.width = 1;
    architecture.feedForward = "relu2";
    architecture.feedForwardWidth = 1;
    architecture.experts = 3;
    architecture.expertsPerToken = 2;
    architecture.expertCapacity = 1;
    FeedForwardMaps maps;
    maps.router = at::tensor({std::log(4.0F), std::log(2.0F), 0.0F}).view({3, 1});
    maps.up.weight = at::ones({3, 1, 1});
    maps.down.weight = at::tensor({1.0F, 100.0F, 10000.0F}).view({3, 1, 1});
    for (const ExpertKind kind : {ExpertKind::Sparse, ExpertKind::Dense})
        QVERIFY(std::abs(at2(feedForward(at::ones({1, 1}), maps, architecture, kind, nullptr), 0, 0) - 34) < 1e-3);
    Routing routing;
    const at::Tensor out = feedForward(at::ones({3, 1}), maps, architecture, ExpertKind::Sparse, &routing);
    QVERIFY(std::abs(at2(out, 0, 0) - 34) < 1e-3 && std::abs(at2(out, 1, 0) - 34) < 1e-3);
    QVERIFY(near(at2(out, 2, 0), 0));
    QCOMPARE(routing.assigned, 6);
    QCOMPARE(routing.dropped, 2);
    QVERIFY(near(routing.balanceLoss.item<double>(), 9.0 / 7));
}

// Equal probabilities 1/E: E sum f / E = 1, whomever the ties go to; blocks add up.
void TestExperts::aRouterWithoutPreferenceCostsOneABlock()
{
    const Architecture architecture{.layers = 3,
                                    .width = 8,
                                    .heads = 2,
                                    .kvHeads = 2,
                                    .feedForwardWidth = 4,
                                    .experts = 5,
                                    .expertsPerToken = 2,
                                    .context = 6};
    const Transformer model(architecture, 7); // all zero
    Routing routing;
    ForwardOptions options;
    options.routing = &routing;
    static_cast<void>(model.forward(at::zeros({2, 6}, at::kLong), {}, options));
    QVERIFY(near(routing.balanceLoss.item<double>(), 3));
    // All 12 tokens go to the same two experts of 5, which have ceil(1.25 * 12 * 2 / 5) = 6 places each: 12 of 24
    // dropped.
    QCOMPARE(routing.assigned, 3 * 24);
    QCOMPARE(routing.dropped, 3 * 12);
}

QTEST_GUILESS_MAIN(TestExperts)
#include "tst_experts.moc"
