// SPDX-License-Identifier: GPL-3.0-or-later
// What generation does to rows between its matrix products equals ATen's operators.
#include <QtTest>

#include "core/model/compat.h"
#include "core/model/row_kernel.h"

using namespace ratchet;

namespace
{

double largest(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).abs().max().item<double>();
}

at::Tensor expected(Activation kind, const at::Tensor& x)
{
    switch (kind) {
    case Activation::Gelu:
        return at::gelu(x);
    case Activation::GeluTanh:
        return at::gelu(x, "tanh");
    case Activation::Relu2:
        return at::relu(x).square();
    case Activation::Silu:
        return at::silu(x);
    }
    return {};
}

} // namespace
Q_DECLARE_METATYPE(Activation)

class TestRowKernel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void normalises_data()
    {
        QTest::addColumn<int>("width");
        QTest::addRow("a width of whole vectors") << 64;
        QTest::addRow("a width that fills no vector") << 10;
        QTest::addRow("a width of vectors and a rest") << 41;
    }
    void normalises()
    {
        QFETCH(int, width);
        at::manual_seed(2);
        const at::Tensor x = at::randn({7, width}) * 3 + 1, weight = at::randn({width}), bias = at::randn({width}),
                         out = at::empty(x.sizes());
        normaliseRows(x.data_ptr<float>(), 7, width, weight.data_ptr<float>(), bias.data_ptr<float>(), 1e-5F, out.data_ptr<float>());
        QVERIFY(largest(out, at::layer_norm(x, {width}, weight, bias, 1e-5)) < 1e-5);
        const at::Tensor root = x * at::rsqrt(x.square().mean(-1, true) + 1e-3) * weight;
        normaliseRows(x.data_ptr<float>(), 7, width, weight.data_ptr<float>(), nullptr, 1e-3F, x.data_ptr<float>());
        QVERIFY(largest(x, root) < 1e-5);
    }

    void activates_data()
    {
        QTest::addColumn<Activation>("kind");
        QTest::addRow("gelu") << Activation::Gelu;
        QTest::addRow("gelu-tanh") << Activation::GeluTanh;
        QTest::addRow("relu2") << Activation::Relu2;
        QTest::addRow("silu") << Activation::Silu;
    }
    void activates()
    {
        QFETCH(Activation, kind);
        const at::Tensor wide = at::arange(-400, 400, at::kFloat) / 8, fine = at::arange(-1003, 1003, at::kFloat) / 500;
        for (const at::Tensor& x : {wide, fine}) { // to where exponentials end, and in between
            const at::Tensor factor = at::arange(x.numel(), at::kFloat).cos(), alone = x.clone(), gated = at::zeros_like(x);
            activate(kind, alone.data_ptr<float>(), nullptr, alone.data_ptr<float>(), x.numel());
            activate(kind, x.data_ptr<float>(), factor.data_ptr<float>(), gated.data_ptr<float>(), x.numel());
            const at::Tensor all = expected(kind, x), error = (alone - all).abs();
            QVERIFY((error / all.abs().clamp_min(1)).max().item<double>() < 1e-6);
            QVERIFY(at::equal(gated, alone * factor));
        }
    }

    void capsSoftly()
    {
        const at::Tensor x = at::arange(-1000, 1000, at::kFloat) / 10, capped = x.clone();
        capSoftly(capped.data_ptr<float>(), capped.numel(), 5);
        QVERIFY(largest(capped, at::tanh(x / 5) * 5) < 2e-6);
    }
};

QTEST_APPLESS_MAIN(TestRowKernel)
#include "tst_row_kernel.moc"
