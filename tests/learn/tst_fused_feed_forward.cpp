// SPDX-License-Identifier: GPL-3.0-or-later
// The fused feed-forward equals the plain composition of ATen's operators, with all its gradients.
#include <QtTest>

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "core/model/compat.h"
#include "core/model/fused_feed_forward.h"

using namespace ratchet;

namespace
{

at::Tensor plain(const at::Tensor& x, const FeedForwardMaps& maps, const std::string& kind)
{
    const at::Tensor up = at::linear(x, maps.up.weight, maps.up.bias);
    const at::Tensor inner = kind == "swiglu"  ? at::silu(at::linear(x, maps.gate.weight, maps.gate.bias)) * up
                             : kind == "relu2" ? at::relu(up).square()
                                               : at::gelu(up, kind == "gelu-tanh" ? "tanh" : "none");
    return at::linear(inner, maps.down.weight, maps.down.bias);
}

// The result and the gradients of everything that has one.
template <typename Function> std::vector<at::Tensor> through(const std::string& kind, int rows, bool biased, Function function)
{
    constexpr std::int64_t width = 24, hidden = 40;
    at::manual_seed(5);
    std::vector<at::Tensor> leaves;
    const auto leaf = [&](std::initializer_list<std::int64_t> sizes, double scale) {
        leaves.push_back((at::randn(sizes) * scale).requires_grad_(true));
        return leaves.back();
    };
    const auto map = [&](std::int64_t out, std::int64_t in) {
        const at::Tensor weight = leaf({out, in}, 0.3);
        return Linear{weight, biased ? leaf({out}, 0.3) : at::Tensor()};
    };
    const at::Tensor x = leaf({rows, width}, 1);
    FeedForwardMaps maps;
    maps.up = map(hidden, width);
    maps.down = map(width, hidden);
    if (kind == "swiglu")
        maps.gate = map(hidden, width);
    const at::Tensor value = function(x, maps);
    (value * at::arange(value.numel(), at::kFloat).view(value.sizes()).sin()).sum().backward();
    std::vector<at::Tensor> seen{value.detach()};
    for (const at::Tensor& each : leaves)
        seen.push_back(each.grad());
    return seen;
}

} // namespace

class TestFusedFeedForward : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }

    void equalsThePlainComposition_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("rows");
        QTest::addColumn<bool>("biased");
        for (const char* kind : {"gelu", "gelu-tanh", "relu2", "swiglu"}) {
            QTest::addRow("%s, one row", kind) << kind << 1 << false;
            QTest::addRow("%s, with biases", kind) << kind << 50 << true;
            QTest::addRow("%s, several tiles and a rest", kind) << kind << 1100 << true;
        }
    }
    void equalsThePlainComposition()
    {
        QFETCH(QString, kind);
        QFETCH(int, rows);
        QFETCH(bool, biased);
        const std::string name = kind.toStdString();
        const auto expected = through(name, rows, biased, [&](auto& x, auto& maps) { return plain(x, maps, name); });
        for (const int threads : {1, 2}) {
            at::set_num_threads(threads);
            const auto run = [&](auto& x, auto& maps) { return fusedFeedForward(x, maps, activationOf(name)); };
            const auto fused = through(name, rows, biased, run), again = through(name, rows, biased, run);
            QCOMPARE(fused.size(), expected.size());
            for (std::size_t i = 0; i < fused.size(); ++i) {
                const double size = std::max(1.0, expected[i].abs().max().item<double>());
                QVERIFY((fused[i] - expected[i]).abs().max().item<double>() < 1e-5 * size);
                QVERIFY(at::equal(fused[i], again[i]));
            }
        }
        at::set_num_threads(1);
    }

    void withoutAGradientIsTheSame()
    {
        FeedForwardMaps maps;
        at::manual_seed(6);
        maps.up.weight = at::randn({32, 16}).requires_grad_(true);
        maps.down.weight = at::randn({16, 32});
        const at::Tensor x = at::randn({600, 16}), kept = fusedFeedForward(x, maps, Activation::Gelu).detach();
        const at::NoGradGuard noGradient;
        QVERIFY(at::equal(kept, fusedFeedForward(x, maps, Activation::Gelu)));
    }
};

QTEST_APPLESS_MAIN(TestFusedFeedForward)
#include "tst_fused_feed_forward.moc"
