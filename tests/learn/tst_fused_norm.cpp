// SPDX-License-Identifier: GPL-3.0-or-later
// The fused norms equal ATen's operators, with their gradients.
#include <QtTest>

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "core/model/compat.h"
#include "core/model/fused_norm.h"

using namespace ratchet;

namespace
{

constexpr double epsilon = 1e-4;

at::Tensor plain(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    return bias.defined() ? at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon)
                          : x * at::rsqrt(x.square().mean(-1, true) + epsilon) * weight;
}

template <typename Function> std::vector<at::Tensor> through(int rows, int width, bool biased, Function function)
{
    at::manual_seed(8);
    const at::Tensor x = (at::randn({rows, 3, width}) * 2 + 0.5).requires_grad_(true),
                     weight = (at::randn({width}) + 1).requires_grad_(true),
                     bias = biased ? at::randn({width}).requires_grad_(true) : at::Tensor();
    const at::Tensor value = function(x, weight, bias);
    (value * at::arange(value.numel(), at::kFloat).view(value.sizes()).sin()).sum().backward();
    return {value.detach(), x.grad(), weight.grad(), biased ? bias.grad() : at::zeros({1})};
}

} // namespace

class TestFusedNorm : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }

    void equalsThePlainComposition_data()
    {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("width");
        QTest::addColumn<bool>("biased");
        for (const bool biased : {false, true}) {
            const char* const kind = biased ? "layer norm" : "root mean square";
            QTest::addRow("%s, one row", kind) << 1 << 32 << biased;
            QTest::addRow("%s, a width of vectors and a rest", kind) << 40 << 41 << biased;
            QTest::addRow("%s, a width that fills no vector", kind) << 9 << 6 << biased;
            QTest::addRow("%s, rows for two threads", kind) << 400 << 64 << biased;
        }
    }
    void equalsThePlainComposition()
    {
        QFETCH(int, rows);
        QFETCH(int, width);
        QFETCH(bool, biased);
        const auto expected = through(rows, width, biased, plain);
        for (const int threads : {1, 2}) {
            at::set_num_threads(threads);
            const auto run = [](auto& x, auto& weight, auto& bias) { return fusedNorm(x, weight, bias, epsilon); };
            const auto fused = through(rows, width, biased, run), again = through(rows, width, biased, run);
            for (std::size_t i = 0; i < fused.size(); ++i) {
                const double size = std::max(1.0, expected[i].abs().max().item<double>());
                QVERIFY((fused[i] - expected[i]).abs().max().item<double>() < 1e-5 * size);
                QVERIFY(at::equal(fused[i], again[i]));
            }
        }
        at::set_num_threads(1);
    }
};

QTEST_APPLESS_MAIN(TestFusedNorm)
#include "tst_fused_norm.moc"
