// SPDX-License-Identifier: GPL-3.0-or-later
// Optimizer steps against the numbers of tests/learn/reference/optimizers.py.
#include <QTest>

#include <cmath>

#include <ATen/Context.h>

#include "core/model/compat.h"
#include "core/trainer/optimizer.h"

using namespace ratchet;

namespace
{

const std::vector<double> adamMatrix{0.833107667, 0.911614720, 0.169643094, -0.725824329, -0.930535671, -0.259112077,
                                     0.664533351, 0.983688868, 0.382520251, -0.571488208, -1.023696275, -0.556456378};
const std::vector<double> adamVector{0.835608800, 0.914326687, 0.170095445};
const std::vector<double> lionMatrix{0.848959085, 0.916582252, 0.170667081, -0.724564347, -0.946080368, -0.268608080,
                                     0.645007619, 0.976383149, 0.380913356, -0.572360689, -1.026963245, -0.544934818};
const std::vector<double> muonMatrix{0.836005412, 0.908379665, 0.146813045, -0.749129874, -0.953317480, -0.279185886,
                                     0.658725888, 0.984972371, 0.404681404, -0.547270536, -0.999927135, -0.535234431};

// A matrix [4, 3] under the given name, or a vector [3].
TensorSlot slotOf(const std::string& name, bool isMatrix)
{
    return isMatrix ? TensorSlot{name, {4, 3}, 0, 12} : TensorSlot{name, {3}, 0, 3};
}

at::Tensor threeSteps(const std::string& kind, const TensorSlot& slot)
{
    Recipe recipe;
    recipe.optimizer = kind;
    recipe.weightDecay = 0.1;
    Optimizer optimizer(recipe, {}, {slot});
    const at::Tensor parameters = at::empty({slot.count}, at::kFloat), gradient = parameters.clone();
    for (std::int64_t i = 0; i < slot.count; ++i)
        parameters.data_ptr<float>()[i] = static_cast<float>(std::sin(1.0 + static_cast<double>(i)));
    for (std::int64_t step = 1; step <= 3; ++step) {
        for (std::int64_t i = 0; i < slot.count; ++i)
            gradient.data_ptr<float>()[i] =
                static_cast<float>(std::cos(0.5 * static_cast<double>(i) + static_cast<double>(step)));
        optimizer.step(parameters, gradient, 0.01, step);
    }
    return parameters;
}

} // namespace

class OptimizerTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void steps_data();
    void steps();
    void orthogonalisedMatricesHaveSingularValuesNearOne();
    void clippingKeepsTheDirection();
};

void OptimizerTest::steps_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("name");
    QTest::addColumn<QList<double>>("expected");
    const auto list = [](const std::vector<double>& values) { return QList<double>(values.begin(), values.end()); };
    const QString inBlock = "blocks.0.feedForward.up.weight";
    QTest::addRow("AdamW on a matrix decays it") << "adamw" << inBlock << list(adamMatrix);
    QTest::addRow("AdamW on a vector does not") << "adamw"
                                                << "norm.weight" << list(adamVector);
    QTest::addRow("Lion") << "lion" << inBlock << list(lionMatrix);
    QTest::addRow("Muon on a matrix inside a block") << "muon" << inBlock << list(muonMatrix);
    QTest::addRow("Muon leaves the embedding to AdamW") << "muon"
                                                        << "embedding.token.weight" << list(adamMatrix);
    QTest::addRow("Muon leaves vectors to AdamW") << "muon"
                                                  << "blocks.0.attention.norm.weight" << list(adamVector);
}

void OptimizerTest::steps()
{
    QFETCH(QString, kind);
    QFETCH(QString, name);
    QFETCH(QList<double>, expected);
    const at::Tensor parameters = threeSteps(kind.toStdString(), slotOf(name.toStdString(), expected.size() > 3));
    for (qsizetype i = 0; i < expected.size(); ++i)
        QVERIFY2(std::abs(parameters.data_ptr<float>()[i] - expected[i]) < 2e-6,
                 qPrintable(QString("element %1 is %2 instead of %3")
                                .arg(i)
                                .arg(double(parameters.data_ptr<float>()[i]), 0, 'g', 9)
                                .arg(expected[i])));
}

void OptimizerTest::orthogonalisedMatricesHaveSingularValuesNearOne()
{
    at::manual_seed(1);
    for (const auto& [rows, columns] : {std::pair{8, 8}, std::pair{16, 5}, std::pair{5, 16}}) {
        const at::Tensor x = orthogonalise(at::randn({rows, columns}));
        const at::Tensor values = at::linalg_svdvals(x);
        QVERIFY(values.min().item<double>() > 0.3 && values.max().item<double>() < 1.3);
        QVERIFY(x.size(0) == rows && x.size(1) == columns);
    }
}

void OptimizerTest::clippingKeepsTheDirection()
{
    const at::Tensor gradient = at::full({4}, 3.0F);
    QCOMPARE(clipGradient(gradient, 0), 6.0);
    QCOMPARE(gradient[0].item<double>(), 3.0);
    QCOMPARE(clipGradient(gradient, 1), 6.0);
    QVERIFY(std::abs(gradient[3].item<double>() - 0.5) < 1e-6);
    QCOMPARE(clipGradient(at::zeros({4}), 1), 0.0);
}

QTEST_GUILESS_MAIN(OptimizerTest)
#include "tst_optimizer.moc"
