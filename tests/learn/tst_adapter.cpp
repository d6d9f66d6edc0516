// SPDX-License-Identifier: GPL-3.0-or-later
// Low-rank adapters and frozen tensors: the function at the start, exact gradients, the exact sum, and what stands
// still.
#include <QTest>

#include "core/base/rng.h"
#include "core/model/compat.h"
#include "core/surgery/adapter.h"
#include "core/surgery/freeze.h"
#include "core/trainer/optimizer.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 9;

Transformer made(const char* feedForward = "swiglu", int experts = 0)
{
    Architecture a{.layers = 3, .width = 16, .heads = 4, .kvHeads = 2, .feedForwardWidth = 24, .context = 10};
    a.feedForward = feedForward;
    a.experts = experts;
    Transformer model(a, vocabulary);
    model.initialise(5);
    return model;
}

at::Tensor tokens()
{
    return at::arange(40).remainder(vocabulary).view({4, 10});
}

at::Tensor lossOf(const Transformer& model)
{
    const at::Tensor next = (tokens() * 2 + 1).remainder(vocabulary);
    return at::cross_entropy_loss(model.forward(tokens(), {}).view({-1, vocabulary}), next.view({-1}));
}

void disturb(const at::Tensor& flat)
{
    Rng rng(8);
    for (std::int64_t i = 0; i < flat.numel(); ++i)
        flat.data_ptr<float>()[i] += static_cast<float>(0.1 * rng.normal());
}

at::Tensor matrix(const at::Tensor& flat, const std::vector<TensorSlot>& layout, const std::string& name)
{
    for (const TensorSlot& slot : layout)
        if (slot.name == name)
            return flat.narrow(0, slot.offset, slot.count).view(slot.shape);
    return {};
}

} // namespace

class AdapterTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theFunctionIsTheParentsBeforeTheFirstStep();
    void theSumIsWhatHuWrites();
    void gradientsEqualFiniteDifferences_data();
    void gradientsEqualFiniteDifferences();
    void trainingMovesNothingElse();
    void equalSeedsGiveEqualAdapters();
    void aFullyFrozenModelIsRefused();
    void frozenTensorsStandStill_data();
    void frozenTensorsStandStill();
};

void AdapterTest::theFunctionIsTheParentsBeforeTheFirstStep()
{
    Transformer model = made();
    const at::Tensor before = model.flat().clone();
    const auto adapters = Adapters::create(model, {.method = "lora", .rank = 3}, 1);
    QVERIFY(adapters);
    adapters->compose(model);
    QVERIFY(at::equal(before, model.flat()));
    QCOMPARE(adapters->layout().size(), std::size_t(3 * 5 * 2)); // no router, norm, table or bias
    const TensorSlot& last = adapters->layout().back();
    QCOMPARE(adapters->flat().numel(), last.offset + last.count);
}

void AdapterTest::theSumIsWhatHuWrites()
{
    Transformer model = made("gelu");
    const at::Tensor before = model.flat().clone();
    const auto adapters = Adapters::create(model, {.method = "lora", .rank = 2, .alpha = 6}, 1);
    disturb(adapters->flat());
    adapters->compose(model);
    adapters->compose(model); // the sum is of the fixed weights, however often it is written
    const std::string name = "blocks.1.feedForward.down";
    const at::Tensor a = matrix(adapters->flat(), adapters->layout(), name + ".loraA");
    const at::Tensor b = matrix(adapters->flat(), adapters->layout(), name + ".loraB");
    const at::Tensor expected = matrix(before, model.layout(), name + ".weight").to(at::kDouble) +
                                3.0 * at::mm(b.to(at::kDouble), a.to(at::kDouble));
    const at::Tensor sum = matrix(model.flat(), model.layout(), name + ".weight");
    QVERIFY((sum - expected).abs().max().item<double>() < 1e-6);
}

void AdapterTest::gradientsEqualFiniteDifferences_data()
{
    QTest::addColumn<int>("experts");
    QTest::addRow("one feed-forward") << 0;
    QTest::addRow("two experts, both chosen") << 2; // so that a small step changes no choice
}

void AdapterTest::gradientsEqualFiniteDifferences()
{
    QFETCH(int, experts);
    Transformer model = made("swiglu", experts);
    const auto adapters = Adapters::create(model, {.method = "lora", .rank = 2, .frozenLayers = 1}, 1);
    disturb(adapters->flat());
    adapters->compose(model);
    model.requireGradient();
    lossOf(model).backward();
    adapters->pullBack(model);
    const at::NoGradGuard noGradient;
    for (const TensorSlot& slot : adapters->layout()) {
        // Along the gradient itself the loss changes most: the quotient stands clear of rounding.
        const at::Tensor part = adapters->flat().narrow(0, slot.offset, slot.count), kept = part.clone();
        const at::Tensor gradient = adapters->gradient().narrow(0, slot.offset, slot.count);
        const double norm = gradient.norm().item<double>(), step = 2e-3;
        QVERIFY2(norm > 1e-5, slot.name.c_str());
        part.copy_(kept + gradient * (step / norm));
        adapters->compose(model);
        const double above = lossOf(model).item<double>();
        part.copy_(kept - gradient * (step / norm));
        adapters->compose(model);
        const double slope = (above - lossOf(model).item<double>()) / (2 * step);
        part.copy_(kept);
        QVERIFY2(std::abs(slope - norm) < 0.02 * norm + 1e-4,
                 qPrintable(QString("%1: %2 against %3").arg(slot.name.c_str()).arg(slope).arg(norm)));
    }
}

void AdapterTest::trainingMovesNothingElse()
{
    Transformer model = made();
    const at::Tensor before = model.flat().clone();
    const Adaptation adaptation{.method = "lora", .rank = 4, .frozenLayers = 1};
    const auto adapters = Adapters::create(model, adaptation, 1);
    model.requireGradient();
    Optimizer optimizer({}, model.architecture(), adapters->layout());
    const double first = lossOf(model).item<double>();
    for (int step = 1; step <= 30; ++step) {
        model.gradient().zero_();
        lossOf(model).backward();
        adapters->pullBack(model);
        optimizer.step(adapters->flat(), adapters->gradient(), 1e-2, step);
        adapters->compose(model);
    }
    QVERIFY(lossOf(model).item<double>() < first - 0.3);
    for (const TensorSlot& slot : model.layout()) {
        const bool moved =
            !at::equal(before.narrow(0, slot.offset, slot.count), model.flat().narrow(0, slot.offset, slot.count));
        const bool block = slot.name.starts_with("blocks.") && !slot.name.starts_with("blocks.0.");
        QVERIFY2(moved == (block && slot.shape.size() == 2), slot.name.c_str());
    }
}

void AdapterTest::equalSeedsGiveEqualAdapters()
{
    const Transformer model = made();
    const Adaptation lora{.method = "lora"};
    const at::Tensor one = Adapters::create(model, lora, 1)->flat(), same = Adapters::create(model, lora, 1)->flat();
    QVERIFY(at::equal(one, same));
    QVERIFY(!at::equal(one, Adapters::create(model, lora, 2)->flat()));
}

void AdapterTest::aFullyFrozenModelIsRefused()
{
    const auto adapters = Adapters::create(made(), {.method = "lora", .frozenLayers = 3}, 1);
    QVERIFY(!adapters);
    QCOMPARE(adapters.error().code, Code::Refused);
}

void AdapterTest::frozenTensorsStandStill_data()
{
    QTest::addColumn<int>("layers");
    QTest::addColumn<bool>("embeddings");
    QTest::addColumn<QString>("optimizer");
    for (const char* const optimizer : {"adamw", "muon", "lion"}) {
        QTest::addRow("two blocks, %s", optimizer) << 2 << false << optimizer;
        QTest::addRow("the embeddings, %s", optimizer) << 0 << true << optimizer;
        QTest::addRow("all but the last norm, %s", optimizer) << 3 << true << optimizer;
    }
}

void AdapterTest::frozenTensorsStandStill()
{
    QFETCH(int, layers);
    QFETCH(bool, embeddings);
    QFETCH(QString, optimizer);
    Transformer model = made();
    const at::Tensor before = model.flat().clone();
    const Adaptation adaptation{.frozenLayers = layers, .frozenEmbeddings = embeddings};
    const std::vector<TensorSlot> slots = trainableSlots(model.layout(), adaptation);
    Recipe recipe;
    recipe.weightDecay = 0.1;
    recipe.optimizer = optimizer.toStdString();
    Optimizer stepper(recipe, model.architecture(), slots);
    model.requireGradient();
    for (int step = 1; step <= 3; ++step) {
        model.gradient().zero_();
        lossOf(model).backward();
        clearFrozen(model.gradient(), model.layout(), adaptation);
        stepper.step(model.flat(), model.gradient(), 1e-2, step);
    }
    for (const TensorSlot& slot : model.layout()) {
        const auto part = [&slot](const at::Tensor& flat) { return flat.narrow(0, slot.offset, slot.count); };
        const bool frozen = isFrozen(slot.name, adaptation);
        QVERIFY2(at::equal(part(before), part(model.flat())) == frozen, slot.name.c_str());
        QVERIFY2((part(model.gradient()).abs().max().item<double>() == 0) == frozen, slot.name.c_str());
    }
}

QTEST_GUILESS_MAIN(AdapterTest)
#include "tst_adapter.moc"
