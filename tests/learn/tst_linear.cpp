// SPDX-License-Identifier: GPL-3.0-or-later
// Linear maps on oneDNN equal ATen's, with their gradients.
#include <QtTest>

#include <ATen/Context.h>

#include "core/model/compat.h"
#include "core/model/linear.h"

using namespace ratchet;

namespace
{

struct Outcome {
    at::Tensor value, dx, dWeight, dBias;
};

Outcome through(LinearKind kind, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    const auto leaf = [](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.detach().requires_grad_(true) : at::Tensor();
    };
    const at::Tensor a = leaf(x), w = leaf(weight), b = leaf(bias);
    const at::Tensor value = linearMap(a, w, b, kind);
    (value * at::arange(value.numel(), at::kFloat).view(value.sizes()).sin()).sum().backward();
    return {value.detach(), a.grad(), w.grad(), b.defined() ? b.grad() : at::Tensor()};
}

double largest(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).abs().max().item<double>();
}

} // namespace

class TestLinear : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }

    void equalsThePlainComposition_data()
    {
        QTest::addColumn<std::vector<std::int64_t>>("sizes");
        QTest::addColumn<int>("out");
        QTest::addColumn<bool>("bias");
        QTest::addRow("rows of a batch") << std::vector<std::int64_t>{100, 32} << 96 << false;
        QTest::addRow("with a bias") << std::vector<std::int64_t>{100, 32} << 96 << true;
        QTest::addRow("three dimensions") << std::vector<std::int64_t>{4, 7, 24} << 10 << true;
        QTest::addRow("one row") << std::vector<std::int64_t>{1, 16} << 64 << false;
    }
    void equalsThePlainComposition()
    {
        QFETCH(std::vector<std::int64_t>, sizes);
        QFETCH(int, out);
        QFETCH(bool, bias);
        at::manual_seed(3);
        const at::Tensor x = at::randn(sizes), weight = at::randn({out, sizes.back()}) / 4,
                         offset = bias ? at::randn({out}) : at::Tensor();
        const Outcome fast = through(LinearKind::OneDnn, x, weight, offset), plain = through(LinearKind::Plain, x, weight, offset);
        QVERIFY(largest(fast.value, plain.value) < 1e-5);
        QVERIFY(largest(fast.dx, plain.dx) < 1e-5);
        QVERIFY(largest(fast.dWeight, plain.dWeight) < 1e-5 * std::max(1.0, plain.dWeight.abs().max().item<double>()));
        if (bias)
            QVERIFY(largest(fast.dBias, plain.dBias) < 1e-5 * std::max(1.0, plain.dBias.abs().max().item<double>()));
    }

    void setsOrAddsToRowsThatAreThere_data()
    {
        QTest::addColumn<int>("rows");
        QTest::addColumn<bool>("bias");
        for (const int rows : {1, 5, 64})
            for (const bool bias : {false, true})
                QTest::addRow("%d rows%s", rows, bias ? " and a bias" : "") << rows << bias;
    }
    void setsOrAddsToRowsThatAreThere()
    {
        QFETCH(int, rows);
        QFETCH(bool, bias);
        at::manual_seed(5);
        const at::Tensor x = at::randn({rows, 24}), weight = at::randn({10, 24}) / 4, offset = bias ? at::randn({10}) : at::Tensor();
        const at::Tensor there = at::randn({rows, 10}), set = there.clone(), sum = there.clone();
        mapRows(x.data_ptr<float>(), rows, weight, offset, set.data_ptr<float>(), Sum::Set);
        mapRows(x.data_ptr<float>(), rows, weight, offset, sum.data_ptr<float>(), Sum::Add);
        const at::Tensor expected = at::linear(x, weight, offset);
        QVERIFY(largest(set, expected) < 1e-5);
        QVERIFY(largest(sum, there + expected) < 1e-5);
    }

    void readsViewsWithGaps()
    {
        at::manual_seed(4);
        const at::Tensor x = at::randn({20, 48}).narrow(1, 8, 16), weight = at::randn({16, 12}).t();
        QVERIFY(largest(linearMap(x, weight), at::linear(x, weight)) < 1e-5);
    }
};

QTEST_APPLESS_MAIN(TestLinear)
#include "tst_linear.moc"
