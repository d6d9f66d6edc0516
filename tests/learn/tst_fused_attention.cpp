// SPDX-License-Identifier: GPL-3.0-or-later
// The fused attention and its step over kept keys equal a masked softmax of ATen operators, for every kind of sight.
#include <QtTest>

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "core/model/attention_kernel.h"
#include "core/model/compat.h"
#include "core/model/fused_attention.h"

using namespace ratchet;

namespace
{

struct Case {
    std::int64_t batch, length, heads, keyHeads, width, memory, window;
};

struct Outcome {
    at::Tensor value, dq, dk, dv;
};

at::Tensor plain(const Case& c, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)
{
    const auto spread = [&](const at::Tensor& t) { return t.repeat_interleave(c.heads / c.keyHeads, 2).transpose(1, 2); };
    const at::Tensor query = at::arange(c.length).unsqueeze(1), key = at::arange(-c.memory, c.length).unsqueeze(0);
    at::Tensor seen = key.le(query);
    if (c.window > 0)
        seen = seen.logical_and(key.gt(query - c.window));
    seen = seen.logical_or(key.lt(0));
    const at::Tensor scores = at::matmul(q.transpose(1, 2), spread(k).transpose(2, 3)) / std::sqrt(double(c.width));
    const at::Tensor p = at::softmax(scores.masked_fill(seen.logical_not(), -INFINITY), -1);
    return at::matmul(p, spread(v)).transpose(1, 2).reshape({c.batch, c.length, c.heads * c.width});
}

template <typename Function> Outcome through(const Case& c, Function function)
{
    at::manual_seed(5);
    const at::Tensor q = at::randn({c.batch, c.length, c.heads, c.width}).requires_grad_(true),
                     k = at::randn({c.batch, c.memory + c.length, c.keyHeads, c.width}).requires_grad_(true),
                     v = at::randn({c.batch, c.memory + c.length, c.keyHeads, c.width}).requires_grad_(true);
    const at::Tensor value = function(q, k, v);
    (value * at::arange(value.numel(), at::kFloat).view(value.sizes()).sin()).sum().backward();
    return {value.detach(), q.grad(), k.grad(), v.grad()};
}

double largest(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).abs().max().item<double>();
}

} // namespace
Q_DECLARE_METATYPE(Case)

class TestFusedAttention : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }

    void equalsThePlainComposition_data()
    {
        QTest::addColumn<Case>("c");
        QTest::addRow("one token") << Case{2, 1, 2, 2, 8, 0, 0};
        QTest::addRow("a short row of narrow heads") << Case{3, 17, 4, 4, 16, 0, 0};
        QTest::addRow("a length and a width that fill no tile") << Case{2, 43, 3, 3, 10, 0, 0};
        QTest::addRow("a long row") << Case{1, 130, 2, 2, 32, 0, 0};
        QTest::addRow("query heads that share a key head") << Case{2, 33, 4, 1, 24, 0, 0};
        QTest::addRow("a window") << Case{2, 70, 2, 2, 16, 0, 9};
        QTest::addRow("a window of one token") << Case{2, 30, 2, 2, 16, 0, 1};
        QTest::addRow("memory tokens") << Case{2, 40, 2, 2, 16, 5, 0};
        QTest::addRow("memory tokens behind which a window hides whole blocks") << Case{1, 90, 2, 2, 48, 17, 20};
        QTest::addRow("memory tokens, a window and shared heads") << Case{2, 65, 4, 2, 32, 20, 12};
    }
    void equalsThePlainComposition()
    {
        QFETCH(Case, c);
        const Outcome expected = through(c, [&](auto& q, auto& k, auto& v) { return plain(c, q, k, v); });
        for (const int threads : {1, 2}) {
            at::set_num_threads(threads);
            const Outcome fused =
                through(c, [&](auto& q, auto& k, auto& v) { return fusedAttention(q, k, v, c.memory, c.window); });
            QVERIFY(largest(fused.value, expected.value) < 1e-5);
            QVERIFY(largest(fused.dq, expected.dq) < 1e-5);
            QVERIFY(largest(fused.dk, expected.dk) < 1e-5);
            QVERIFY(largest(fused.dv, expected.dv) < 1e-5);
        }
        at::set_num_threads(1);
    }

    void aQueryOverKeptKeysEqualsTheLastRow_data() { equalsThePlainComposition_data(); }
    void aQueryOverKeptKeysEqualsTheLastRow()
    {
        QFETCH(Case, c);
        at::manual_seed(6);
        const at::Tensor q = at::randn({c.batch, c.length, c.heads, c.width}),
                         k = at::randn({c.batch, c.memory + c.length, c.keyHeads, c.width}), v = at::randn(k.sizes());
        const at::Tensor expected = plain(c, q, k, v).select(1, c.length - 1).view({c.batch, c.heads, c.width});
        const std::int64_t places = wholeBlocks(k.size(1)), padded = wholeBlocks(c.width);
        for (std::int64_t row = 0; row < c.batch; ++row)
            for (std::int64_t head = 0; head < c.heads; ++head) {
                const std::int64_t shared = head / (c.heads / c.keyHeads);
                const at::Tensor keys = at::full({places, c.width}, 99.0), values = at::full({places, padded}, 99.0);
                keys.narrow(0, 0, k.size(1)).copy_(k[row].select(1, shared));
                values.narrow(0, 0, k.size(1)).narrow(1, 0, c.width).copy_(v[row].select(1, shared));
                const at::Tensor blocks = keys.view({-1, keyBlock, c.width}).transpose(1, 2).contiguous();
                const at::Tensor query = q[row][c.length - 1][head].contiguous(), out = at::empty({padded}), scores = at::empty({places});
                attentionDecode({c.length, c.width, c.memory, c.window}, query.data_ptr<float>(), blocks.data_ptr<float>(),
                                values.data_ptr<float>(), out.data_ptr<float>(), scores.data_ptr<float>());
                QVERIFY(largest(out.narrow(0, 0, c.width), expected[row][head]) < 1e-5);
            }
    }

    void threadsChangeNoBit()
    {
        const Case c{4, 50, 4, 2, 32, 0, 0};
        const auto run = [&](int threads) {
            at::set_num_threads(threads);
            return through(c, [](auto& q, auto& k, auto& v) { return fusedAttention(q, k, v); });
        };
        const Outcome two = run(2), one = run(1);
        QVERIFY(at::equal(one.value, two.value) && at::equal(one.dq, two.dq) && at::equal(one.dk, two.dk) && at::equal(one.dv, two.dv));
    }
};

QTEST_APPLESS_MAIN(TestFusedAttention)
#include "tst_fused_attention.moc"
