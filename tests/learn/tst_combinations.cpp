// SPDX-License-Identifier: GPL-3.0-or-later
// Architectures in combination: small random genomes in which every pair of options occurs. Whatever the combination,
// the model builds, generates what it computes, and trains.
#include <QTest>

#include <cmath>

#include "core/model/compat.h"
#include "core/trainer/loss.h"
#include "core/trainer/optimizer.h"
#include "tests/learn/covering_genomes.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 11, context = 24, rows = 3, genomes = 48;
const std::vector<std::int64_t> lengths{2, 5, 3}; // of ragged prompts
constexpr std::int64_t made = 18;                 // tokens written after each: more than a block of kept keys

at::Tensor draw(Rng& rng, std::int64_t many, std::int64_t length, int below)
{
    const at::Tensor numbers = at::empty({many, length}, at::kLong);
    for (std::int64_t i = 0; i < numbers.numel(); ++i)
        numbers.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(below)));
    return numbers;
}

// As after some training: no tensor at its initial ones or zeros.
Transformer modelOf(const Architecture& architecture)
{
    Transformer model(architecture, vocabulary);
    model.initialise(11);
    Rng rng(12);
    for (std::int64_t i = 0; i < model.flat().numel(); ++i)
        model.flat().data_ptr<float>()[i] += static_cast<float>(0.1 * rng.normal());
    return model;
}

// The recipe's own options are drawn too.
Recipe recipeOf(Rng& rng)
{
    Recipe recipe;
    recipe.batch = 6;
    recipe.accumulation = rng.below(2) == 0 ? 1 : 2;
    recipe.optimizer = std::vector<std::string>{"adamw", "muon", "lion"}[rng.below(3)];
    recipe.dropout = rng.below(2) == 0 ? 0 : 0.1;
    recipe.labelSmoothing = rng.below(2) == 0 ? 0 : 0.1;
    recipe.zLoss = rng.below(2) == 0 ? 0 : 1e-3;
    return recipe;
}

} // namespace

class TestCombinations : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void everyPairOfOptionsOccurs();
    void generatesWhatItComputes_data() { combinations(); }
    void generatesWhatItComputesOfOperators_data() { combinations(); }
    void generatesWhatItComputesOfOperators() { generates(AttentionKind::Plain); }
    void generatesWhatItComputes() { generates(AttentionKind::Fused); }
    void writesTheSameTextWithAndWithoutCache_data() { combinations(); }
    void writesTheSameTextWithAndWithoutCache();
    void trains_data() { combinations(); }
    void trains();

private:
    static void combinations();
    static void generates(AttentionKind kind);
};

void TestCombinations::combinations()
{
    QTest::addColumn<Choices>("choices");
    for (const Choices& choices : coveringChoices(genomes, 5))
        QTest::addRow("%s", textOf(choices).c_str()) << choices;
}

void TestCombinations::everyPairOfOptionsOccurs()
{
    std::set<Pair> missing = allPairs();
    std::set<std::string> different;
    for (const Choices& choices : coveringChoices(genomes, 5)) {
        different.insert(textOf(choices));
        for (const Pair& pair : pairsOf(choices))
            missing.erase(pair);
    }
    QVERIFY(different.size() >= 40);
    QVERIFY(allPairs().size() > 500);
    for (const auto& [i, a, j, b] : missing)
        qWarning("never together: %s=%s and %s=%s", dimensions()[i].name.c_str(),
                 dimensions()[i].values[a].dump().c_str(), dimensions()[j].name.c_str(),
                 dimensions()[j].values[b].dump().c_str());
    QVERIFY(missing.empty());
}

void TestCombinations::generates(AttentionKind kind)
{
    QFETCH(Choices, choices);
    const Architecture a = *architectureOf(choices, context);
    const Transformer model = modelOf(a);
    QCOMPARE(parameterCount(a, vocabulary), model.flat().numel());
    Rng rng(13);
    const at::Tensor tokens = draw(rng, rows, context, vocabulary), positions = draw(rng, rows, context, context);
    const at::NoGradGuard noGradient;
    const at::Tensor whole = model.forward(tokens, positions);
    QVERIFY(whole.abs().max().item<double>() > 0.05);
    KvCache cache;
    cache.attention = kind;
    at::Tensor logits = model.start(tokens.narrow(1, 0, 5), positions.narrow(1, 0, 5), lengths, context, cache);
    for (std::int64_t step = 0; step < made; ++step) {
        at::Tensor next = at::empty({rows}, at::kLong), places = at::empty({rows}, at::kLong);
        for (std::int64_t row = 0; row < rows; ++row) {
            const std::int64_t at = lengths[static_cast<std::size_t>(row)] + step;
            const double difference = (logits[row] - whole[row][at - 1]).abs().max().item<double>();
            QVERIFY2(difference < 1e-5, qPrintable(QString("token %1: %2").arg(at).arg(difference)));
            next[row] = tokens[row][at];
            places[row] = positions[row][at];
        }
        logits = model.step(next, places, cache);
    }
}

void TestCombinations::writesTheSameTextWithAndWithoutCache()
{
    QFETCH(Choices, choices);
    const Transformer model = modelOf(*architectureOf(choices, context));
    Rng rng(14);
    const at::Tensor prompts = draw(rng, rows, 5, vocabulary), positions = draw(rng, rows, context, context);
    const at::NoGradGuard noGradient;
    std::vector<std::vector<std::int64_t>> cached(rows), uncached(rows);
    KvCache cache;
    at::Tensor logits = model.start(prompts, positions.narrow(1, 0, 5), lengths, context, cache);
    for (std::int64_t step = 0; step < made; ++step) {
        const at::Tensor next = logits.argmax(-1);
        at::Tensor places = at::empty({rows}, at::kLong);
        for (std::int64_t row = 0; row < rows; ++row) {
            cached[static_cast<std::size_t>(row)].push_back(next[row].item<std::int64_t>());
            places[row] = positions[row][lengths[static_cast<std::size_t>(row)] + step];
        }
        logits = model.step(next, places, cache);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        at::Tensor text = prompts[row].narrow(0, 0, lengths[static_cast<std::size_t>(row)]).unsqueeze(0);
        for (std::int64_t step = 0; step < made; ++step) {
            const at::Tensor all = model.forward(text, positions.narrow(0, row, 1).narrow(1, 0, text.size(1)));
            const at::Tensor next = all[0][text.size(1) - 1].argmax(-1);
            uncached[static_cast<std::size_t>(row)].push_back(next.item<std::int64_t>());
            text = at::cat({text, next.view({1, 1})}, 1);
        }
    }
    QCOMPARE(cached, uncached);
}

void TestCombinations::trains()
{
    QFETCH(Choices, choices);
    Transformer model = modelOf(*architectureOf(choices, context));
    model.requireGradient();
    Rng rng = Rng::stream(15, textOf(choices));
    const Recipe recipe = recipeOf(rng);
    Optimizer optimizer(recipe, model.architecture(), model.layout());
    const Batch batch{draw(rng, recipe.batch, context, vocabulary), draw(rng, recipe.batch, context, vocabulary),
                      draw(rng, recipe.batch, context, context)};
    const at::Tensor before = model.flat().clone();
    ForwardOptions options;
    options.dropout = recipe.dropout;
    const StepLoss loss = addGradient(model, batch, recipe, options, nullptr);
    QVERIFY2(std::isfinite(loss.value) && loss.value > 0.5 && loss.value < 10, std::to_string(loss.value).c_str());
    QVERIFY(loss.droppedShare >= 0 && loss.droppedShare < 1);
    QVERIFY(at::isfinite(model.gradient()).all().item<bool>());
    for (const TensorSlot& slot : model.layout()) // nothing is left out of the function
        QVERIFY2(model.gradient().narrow(0, slot.offset, slot.count).abs().max().item<double>() > 0, slot.name.c_str());
    optimizer.step(model.flat(), model.gradient(), 1e-3, 1);
    QVERIFY(at::isfinite(model.flat()).all().item<bool>());
    const double moved = (model.flat() - before).abs().max().item<double>();
    QVERIFY2(moved > 1e-5 && moved < 0.1, std::to_string(moved).c_str());
}

QTEST_GUILESS_MAIN(TestCombinations)
#include "tst_combinations.moc"
