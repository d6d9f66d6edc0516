// SPDX-License-Identifier: GPL-3.0-or-later
// The loss of a step and its gradient against the numbers of tests/learn/reference/losses.py, and gradients in parts
// against the whole.
#include <QTest>

#include <cmath>

#include <ATen/Context.h>

#include "core/model/compat.h"
#include "core/trainer/loss.h"

using namespace ratchet;

namespace
{

struct Expected {
    double loss;
    std::vector<double> gradient;
};

const Expected plain{1.297493550,
                     {0.205540432, 0.235402226, -0.449349920, 0.008407262, 0.000000000, 0.000000000, 0.000000000,
                      0.000000000, -0.131556165, 0.054435096, 0.021869017, 0.055252052}};
const Expected smoothed{1.366151895,
                        {0.193040432, 0.222902226, -0.411849920, -0.004092738, 0.000000000, 0.000000000, 0.000000000,
                         0.000000000, -0.094056165, 0.041935096, 0.009369017, 0.042752052}};
const Expected normalised{1.336946578,
                          {0.216113051, 0.247510880, -0.446744574, 0.008839716, 0.000000000, 0.000000000, 0.000000000,
                           0.000000000, -0.123232600, 0.055664847, 0.022363063, 0.056500258}};
const Expected distilled{0.552089934,
                         {0.010676161, 0.157255392, -0.125829359, -0.042102194, 0.000000000, 0.000000000, 0.000000000,
                          0.000000000, 0.021799390, -0.058288821, -0.034588848, 0.071078278}};
const Expected onlyTaught{0.175098650,
                          {-0.104446167, 0.121787984, 0.005046554, -0.022388371, 0.000000000, 0.000000000, 0.000000000,
                           0.000000000, 0.090786206, -0.092524279, -0.031797531, 0.033535604}};
const Expected everything{1.081738599,
                          {0.144941110, 0.241862774, -0.173613588, -0.084594931, 0.000000000, 0.000000000, 0.000000000,
                           0.000000000, 0.053025350, -0.019758905, -0.031207396, 0.054418790}};

// [3, 4] of f(4 r + t).
template <typename Function> at::Tensor table(Function f)
{
    const at::Tensor values = at::empty({3, 4}, at::kFloat);
    for (int i = 0; i < 12; ++i)
        values.data_ptr<float>()[i] = static_cast<float>(f(static_cast<double>(i)));
    return values;
}

// Probabilities of the script's teachers at the rows that have a target.
at::Tensor taughtBy(const std::vector<int>& teachers, double temperature)
{
    at::Tensor sum = at::zeros({3, 4});
    for (const int number : teachers)
        sum =
            sum + at::softmax(table([number](double i) { return 1.5 * std::cos(number + 0.7 * i); }) / temperature, -1);
    return (sum / static_cast<double>(teachers.size())).index_select(0, at::tensor({0, 2}, at::kLong));
}

// Random tokens; every third row has most of its targets taken away, so that parts hold different numbers of them.
Batch unevenBatch(int vocabulary, std::int64_t rows, std::int64_t length)
{
    at::manual_seed(5);
    Batch batch{
        at::randint(vocabulary, {rows, length}, at::kLong), at::randint(vocabulary, {rows, length}, at::kLong), {}};
    for (std::int64_t row = 0; row < rows; row += 3)
        batch.targets[row].narrow(0, 1, length - 1).fill_(-100);
    batch.targets[rows - 1].fill_(-100);
    return batch;
}

} // namespace

class LossTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void numbersOfTheReference_data();
    void numbersOfTheReference();
    void partsGiveTheGradientOfTheWhole_data();
    void partsGiveTheGradientOfTheWhole();
};

void LossTest::numbersOfTheReference_data()
{
    QTest::addColumn<double>("smoothing");
    QTest::addColumn<double>("z");
    QTest::addColumn<double>("weight");
    QTest::addColumn<double>("temperature");
    QTest::addColumn<QList<int>>("teachers");
    QTest::addColumn<double>("loss");
    QTest::addColumn<QList<double>>("gradient");
    const auto add = [](const char* name, double smoothing, double z, double weight, double temperature,
                        const QList<int>& teachers, const Expected& expected) {
        QTest::addRow("%s", name) << smoothing << z << weight << temperature << teachers << expected.loss
                                  << QList<double>(expected.gradient.begin(), expected.gradient.end());
    };
    add("cross-entropy alone", 0, 0, 0, 1, {}, plain);
    add("smoothed labels", 0.1, 0, 0, 1, {}, smoothed);
    add("z-loss", 0, 0.01, 0, 1, {}, normalised);
    add("labels and a teacher, at temperature 2", 0, 0, 0.7, 2, {1}, distilled);
    add("nothing but a teacher", 0, 0, 1, 1, {1}, onlyTaught);
    add("all of it with two teachers", 0.2, 0.05, 0.5, 3, {1, 2}, everything);
}

void LossTest::numbersOfTheReference()
{
    QFETCH(double, smoothing);
    QFETCH(double, z);
    QFETCH(double, weight);
    QFETCH(double, temperature);
    QFETCH(QList<int>, teachers);
    QFETCH(double, loss);
    QFETCH(QList<double>, gradient);
    Recipe recipe;
    recipe.labelSmoothing = smoothing;
    recipe.zLoss = z;
    recipe.distillation = weight;
    recipe.distillationTemperature = temperature;
    at::Tensor logits = table([](double i) { return 2 * std::sin(1 + i); });
    logits.requires_grad_(true);
    const at::Tensor targets = at::tensor({2, -100, 0}, at::kLong);
    const at::Tensor taught =
        teachers.empty() ? at::Tensor() : taughtBy({teachers.begin(), teachers.end()}, recipe.distillationTemperature);
    const at::Tensor got = lossOf(recipe, logits, targets, placesOf(targets), taught);
    got.backward();
    QVERIFY2(std::abs(got.item<double>() - loss) < 2e-6, qPrintable(QString::number(got.item<double>(), 'g', 9)));
    for (qsizetype i = 0; i < gradient.size(); ++i)
        QVERIFY2(std::abs(logits.grad().data_ptr<float>()[i] - gradient[i]) < 2e-6,
                 qPrintable(QString("gradient %1 is %2 instead of %3")
                                .arg(i)
                                .arg(double(logits.grad().data_ptr<float>()[i]), 0, 'g', 9)
                                .arg(gradient[i])));
}

void LossTest::partsGiveTheGradientOfTheWhole_data()
{
    QTest::addColumn<int>("parts");
    QTest::addRow("two parts") << 2;
    QTest::addRow("a part for every row, one of them without a target") << 12;
}

void LossTest::partsGiveTheGradientOfTheWhole()
{
    QFETCH(int, parts);
    const Architecture architecture{
        .layers = 2, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 32, .context = 8};
    Transformer model(architecture, 11);
    model.initialise(3);
    model.requireGradient();
    const Batch batch = unevenBatch(11, 12, 6);
    Recipe recipe;
    recipe.labelSmoothing = 0.1;
    recipe.zLoss = 0.01;
    const double whole = addGradient(model, batch, recipe, {}, nullptr).value;
    const at::Tensor expected = model.gradient().clone();
    QVERIFY(expected.abs().max().item<double>() > 1e-3);
    model.gradient().zero_();
    recipe.accumulation = parts;
    const double sum = addGradient(model, batch, recipe, {}, nullptr).value;
    QVERIFY2(std::abs(whole - sum) < 1e-6, qPrintable(QString::number(whole - sum)));
    const double largest = (model.gradient() - expected).abs().max().item<double>();
    QVERIFY2(largest < 1e-6, qPrintable(QString::number(largest)));
}

QTEST_GUILESS_MAIN(LossTest)
#include "tst_loss.moc"
