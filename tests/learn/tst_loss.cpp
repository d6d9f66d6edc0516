// SPDX-License-Identifier: GPL-3.0-or-later
// The loss of a step and its gradient against the numbers of tests/learn/reference/losses.py, and gradients in parts
// against the whole.
#include <QTest>

#include <array>
#include <cmath>
#include <thread>

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

const Expected closePreference{0.703231853, {0.011664493,  0.013359161,  -0.025023654, -0.021357767, 0.004365528,
                                             0.016992239,  0.000000000,  0.000000000,  0.000000000,  -0.011543616,
                                             0.023260477,  -0.011716861, -0.018386212, 0.012206262,  0.006179949,
                                             -0.008829234, 0.003499206,  0.005330028,  -0.002333736, 0.011550529,
                                             -0.009216793, -0.016462941, -0.003084451, 0.019547392}};
const Expected loosePreference{2.339999722, {0.414181901,  0.474356020,  -0.888537921, -0.758369878, 0.155010820,
                                             0.603359058,  0.000000000,  0.000000000,  0.000000000,  -0.409889787,
                                             0.825931156,  -0.416041368, -0.010422847, 0.006919534,  0.003503314,
                                             -0.005005151, 0.001983643,  0.003021507,  -0.001322957, 0.006547809,
                                             -0.005224852, -0.009332577, -0.001748526, 0.011081102}};

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

const Architecture twoLayers{.layers = 2, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 32, .context = 8};

} // namespace

class LossTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void numbersOfTheReference_data();
    void numbersOfTheReference();
    void preferencesOfTheReference_data();
    void preferencesOfTheReference();
    void partsGiveTheGradientOfTheWhole_data();
    void partsGiveTheGradientOfTheWhole();
    void partsOfPairsGiveTheGradientOfTheWhole();
    void threadsGiveTheGradientOfTheWhole_data();
    void threadsGiveTheGradientOfTheWhole();
    void partsAreSharedByThreads();
    void whatAThreadThrowsIsThrown();
    void labelsAndPreferencesAreWeighed();
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

void LossTest::preferencesOfTheReference_data()
{
    QTest::addColumn<double>("beta");
    QTest::addColumn<double>("loss");
    QTest::addColumn<QList<double>>("gradient");
    for (const auto& [name, beta, expected] : {std::tuple("close to the parent", 0.1, &closePreference),
                                               std::tuple("far from it", 2.0, &loosePreference)})
        QTest::addRow("%s", name) << beta << expected->loss
                                  << QList<double>(expected->gradient.begin(), expected->gradient.end());
}

void LossTest::preferencesOfTheReference()
{
    QFETCH(double, beta);
    QFETCH(double, loss);
    QFETCH(QList<double>, gradient);
    at::Tensor logits = at::empty({4, 2, 3}, at::kFloat);
    for (int i = 0; i < 24; ++i)
        logits.data_ptr<float>()[i] = static_cast<float>(2 * std::sin(1.0 + i));
    logits.requires_grad_(true);
    const at::Tensor targets = at::tensor({2, 0, -100, 1, 0, 0, 1, 2}, at::kLong).view({4, 2});
    const at::Tensor rows = logProbabilities(logits, targets).view({2, 2});
    const at::Tensor got =
        preferenceLoss(beta, rows.select(1, 0) - rows.select(1, 1), at::tensor({-0.7F + 1.1F, -2.0F + 0.4F}));
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
    Transformer model(twoLayers, 11);
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

void LossTest::partsOfPairsGiveTheGradientOfTheWhole()
{
    Transformer model(twoLayers, 11);
    model.initialise(3);
    model.requireGradient();
    const Batch rows = unevenBatch(11, 12, 6);
    const at::Tensor reference = at::randn({6});
    Recipe recipe;
    recipe.preference = 0.3;
    recipe.preferenceBeta = 2;
    const PreferenceLoss whole = addPreference(model, rows, reference, recipe);
    const at::Tensor expected = model.gradient().clone();
    QVERIFY(expected.abs().max().item<double>() > 1e-3);
    model.gradient().zero_();
    recipe.accumulation = 3;
    const PreferenceLoss sum = addPreference(model, rows, reference, recipe);
    QVERIFY(std::abs(whole.value - sum.value) < 1e-6 && std::abs(whole.margin - sum.margin) < 1e-5);
    QVERIFY(std::abs(whole.right - sum.right) < 1e-6);
    const double largest = (model.gradient() - expected).abs().max().item<double>();
    QVERIFY2(largest < 1e-6, qPrintable(QString::number(largest)));
}

void LossTest::threadsGiveTheGradientOfTheWhole_data()
{
    QTest::addColumn<int>("threads");
    QTest::addColumn<int>("parts");
    QTest::addRow("two threads") << 2 << 1;
    QTest::addRow("five threads for rows that they do not divide") << 5 << 1;
    QTest::addRow("three threads, four parts each") << 3 << 4;
    QTest::addRow("more threads than rows") << 16 << 1;
}

void LossTest::threadsGiveTheGradientOfTheWhole()
{
    QFETCH(int, threads);
    QFETCH(int, parts);
    Transformer model(twoLayers, 11);
    model.initialise(3);
    model.requireGradient();
    const Batch rows = unevenBatch(11, 12, 6);
    const at::Tensor reference = at::randn({6});
    Recipe recipe;
    recipe.preference = 0.3;
    const auto lossBy = [&](int sharedBy) {
        model.gradient().zero_();
        const Shards shards(model, sharedBy);
        return queueGradient(shards, rows, recipe, {}, nullptr).value.item<double>() +
               queuePreference(shards, rows, reference, recipe)[0].item<double>();
    };
    const double whole = lossBy(1);
    const at::Tensor expected = model.gradient().clone();
    QVERIFY(expected.abs().max().item<double>() > 1e-3);
    recipe.accumulation = parts;
    prepareProcess(threads);
    const double sum = lossBy(threads);
    const at::Tensor gradient = model.gradient().clone();
    const bool isRepeated = lossBy(threads) == sum && at::equal(model.gradient(), gradient);
    prepareProcess();
    QVERIFY2(std::abs(whole - sum) < 1e-6, qPrintable(QString::number(whole - sum)));
    const double largest = (gradient - expected).abs().max().item<double>();
    QVERIFY2(largest < 1e-6, qPrintable(QString::number(largest)));
    QVERIFY(isRepeated);
}

// Of a library that was compiled without OpenMP one thread would do both parts, without a word.
void LossTest::partsAreSharedByThreads()
{
    Transformer model(twoLayers, 11);
    model.requireGradient();
    prepareProcess(2);
    const Shards shards(model, 2);
    std::array<std::thread::id, 2> threads;
    shards.run(2, [&threads](const Transformer&, std::int64_t part) { threads[static_cast<std::size_t>(part)] = std::this_thread::get_id(); });
    prepareProcess();
    QVERIFY(threads[0] != std::thread::id() && threads[1] != std::thread::id() && threads[0] != threads[1]);
}

void LossTest::whatAThreadThrowsIsThrown()
{
    Transformer model({.layers = 1, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 32, .context = 8}, 11);
    model.requireGradient();
    prepareProcess(2);
    const Shards shards(model, 2);
    QVERIFY_EXCEPTION_THROWN(shards.run(2,
                                        [](const Transformer&, std::int64_t part) {
                                            if (part == 1)
                                                throw std::runtime_error("no");
                                        }),
                             std::runtime_error);
    prepareProcess();
}

// The gradient of a mixed step is the one of labels alone and the one of preferences alone, as much of each as is asked for.
void LossTest::labelsAndPreferencesAreWeighed()
{
    const Architecture architecture{
        .layers = 1, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 32, .context = 8};
    Transformer model(architecture, 11);
    model.initialise(3);
    model.requireGradient();
    const Batch rows = unevenBatch(11, 12, 6);
    const at::Tensor reference = at::randn({6});
    const auto gradientAt = [&](double preference, bool labels, bool pairs) {
        Recipe recipe;
        recipe.preference = preference;
        model.gradient().zero_();
        if (labels)
            (void)addGradient(model, rows, recipe, {}, nullptr);
        if (pairs)
            (void)addPreference(model, rows, reference, recipe);
        return model.gradient().clone();
    };
    const at::Tensor expected = gradientAt(0, true, false) * 0.75 + gradientAt(1, false, true) * 0.25;
    const double largest = (gradientAt(0.25, true, true) - expected).abs().max().item<double>();
    QVERIFY2(largest < 1e-6, qPrintable(QString::number(largest)));
}

QTEST_GUILESS_MAIN(LossTest)
#include "tst_loss.moc"
