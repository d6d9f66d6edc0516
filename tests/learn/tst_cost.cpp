// SPDX-License-Identifier: GPL-3.0-or-later
// What a genome is said to cost against what building and training it does cost: parameters, matrix products as the
// libraries are asked for them, bytes as libtorch allocates them and as the kernel gives them to the process.
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <dlfcn.h>

#include <algorithm>
#include <memory>

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "core/genome/cost.h"
#include "core/model/compat.h"
#include "core/trainer/loss.h"
#include "core/trainer/optimizer.h"
#include "core/trainer/population.h"
#include "core/trainer/trainer.h"
#include "tests/learn/covering_genomes.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

double products = 0; // floating-point operations of matrix products so far, a multiply-add counts as two

void countOf(const at::RecordFunction& function)
{
    const std::string name = function.name();
    const bool isSum = name == "aten::addmm" || name == "aten::baddbmm";
    if (!isSum && name != "aten::mm" && name != "aten::bmm")
        return;
    const at::Tensor a = function.inputs()[isSum ? 1 : 0].toTensor(), b = function.inputs()[isSum ? 2 : 1].toTensor();
    products += 2.0 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
}

// Counts while it lives.
class ProductCount {
public:
    ProductCount()
        : m_handle(at::addGlobalCallback(at::RecordFunctionCallback([](const at::RecordFunction& function)
                                                                        -> std::unique_ptr<at::ObserverContext> {
                                             countOf(function);
                                             return nullptr;
                                         }).needsInputs(true)))
    {
        products = 0;
    }
    ~ProductCount() { at::removeCallback(m_handle); }
    ProductCount(const ProductCount&) = delete;
    ProductCount& operator=(const ProductCount&) = delete;
    [[nodiscard]] double total() const { return products; }

private:
    at::CallbackHandle m_handle;
};

// Bytes of tensors that live, and the most there were at once.
struct Allocations : c10::MemoryReportingInfoBase {
    void take(std::int64_t bytes)
    {
        live += bytes;
        peak = std::max(peak, live);
    }
#if TORCH_VERSION_MAJOR >= 2
    void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override
    {
        take(bytes);
    }
#else
    void reportMemoryUsage(void*, std::int64_t bytes, std::int64_t, std::int64_t, c10::Device) override
    {
        take(bytes);
    }
#endif
    [[nodiscard]] bool memoryProfilingEnabled() const override
    {
        return true;
    }
    std::int64_t live = 0, peak = 0;
};

Batch randomBatch(std::int64_t rows, std::int64_t length, int vocabulary, int context, std::uint64_t seed)
{
    Rng rng(seed);
    const auto draw = [&](int below) {
        const at::Tensor numbers = at::empty({rows, length}, at::kLong);
        for (std::int64_t i = 0; i < numbers.numel(); ++i)
            numbers.data_ptr<std::int64_t>()[i] =
                static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(below)));
        return numbers;
    };
    return {draw(vocabulary), draw(vocabulary), draw(context)};
}

// Forward, backward and one update as a trainer does them.
void trainStep(const Genome& genome, int vocabulary, std::int64_t length)
{
    Transformer model(genome.architecture, vocabulary);
    model.initialise(1);
    model.requireGradient();
    Optimizer optimizer(genome.recipe, genome.architecture, model.layout());
    const Batch batch = randomBatch(genome.recipe.batch, length, vocabulary, genome.architecture.context, 2);
    ForwardOptions options;
    options.dropout = genome.recipe.dropout;
    static_cast<void>(addGradient(model, batch, genome.recipe, options, nullptr));
    optimizer.step(model.flat(), model.gradient(), 1e-3, 1);
}

template <typename Work> double peakOf(const Work& work)
{
    const auto seen = std::make_shared<Allocations>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, seen);
    work();
    return static_cast<double>(seen->peak);
}

double vectorsOf(const Transformer& model)
{
    double count = 0;
    for (const TensorSlot& slot : model.layout())
        count += slot.shape.size() == 1 ? static_cast<double>(slot.count) : 0;
    return count;
}

QByteArray compared(double computed, double counted)
{
    return QByteArray("computed ") + QByteArray::number(computed, 'f', 0) + ", counted " +
           QByteArray::number(counted, 'f', 0) + ", ratio " + QByteArray::number(computed / counted, 'f', 3);
}

// Of this program; getrusage() would begin at what the test had when it started this one.
double highWater()
{
    QFile file("/proc/self/status");
    const QByteArray text = file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    return text.mid(text.indexOf("VmHWM:") + 6).trimmed().split(' ').front().toDouble() * 1024;
}

// A genome of 200 MB or so, most of it activations.
Genome largeGenome()
{
    Genome genome;
    genome.architecture = {
        .layers = 4, .width = 128, .heads = 4, .kvHeads = 4, .feedForwardWidth = 512, .context = 128};
    genome.recipe.batch = 32;
    return genome;
}

} // namespace

// Linear maps go to oneDNN past libtorch: what asks for it in this process comes here first.
extern "C" int dnnl_sgemm(char transposeA, char transposeB, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
                          std::int64_t ldc)
{
    using Function = int (*)(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*, std::int64_t,
                             const float*, std::int64_t, float, float*, std::int64_t);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "dnnl_sgemm"));
    products += 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    return real(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

class TestCost : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void aStepMultipliesWhatItIsSaidTo_data() { architectures(); }
    void aStepMultipliesWhatItIsSaidTo();
    void aDecodedTokenMultipliesAThirdOfThat_data() { architectures(); }
    void aDecodedTokenMultipliesAThirdOfThat();
    void aQueryIsChargedTheKeysThatItsWindowHas();
    void aStepAllocatesWhatItIsSaidTo_data();
    void aStepAllocatesWhatItIsSaidTo();
    void aTrialAllocatesWhatItIsSaidTo_data();
    void aTrialAllocatesWhatItIsSaidTo();
    void aPopulationAllocatesWhatItIsSaidTo();
    void otherVersionsAllocateWhatTheyAreSaidTo_data();
    void otherVersionsAllocateWhatTheyAreSaidTo();
    void theProcessGrowsByWhatItIsSaidTo();
    void everyThreadKeepsAGradient();
    void whatDoesNotFitIsRefusedWithBothFigures();

private:
    static void architectures();
};

void TestCost::architectures()
{
    QTest::addColumn<Choices>("choices");
    for (const Choices& choices : coveringChoices(40, 1))
        QTest::addRow("%s", textOf(choices).c_str()) << choices;
}

void TestCost::aStepMultipliesWhatItIsSaidTo()
{
    QFETCH(Choices, choices);
    constexpr int vocabulary = 11, rows = 5, length = 9;
    const Architecture a = *architectureOf(choices);
    Transformer model(a, vocabulary);
    model.initialise(3);
    QCOMPARE(parameterCount(a, vocabulary), model.flat().numel());
    model.requireGradient();
    const Batch batch = randomBatch(rows, length, vocabulary, a.context, 4);
    ForwardOptions options; // composed of operators, attention multiplies the whole square: hidden keys, too
    options.attention = AttentionKind::Plain;
    Architecture unlimited = a;
    unlimited.window = 0;
    // Gains and biases are part of N, and no matrices.
    const double price = trainingFlops(unlimited, vocabulary, length).value - 6 * vectorsOf(model);
    const ProductCount count;
    const at::Tensor logits = model.forward(batch.inputs, batch.positions, options);
    QCOMPARE(count.total(), price / 3 * rows * length);
    logits.square().mean().backward();
    QCOMPARE(count.total(), price * rows * length);
}

void TestCost::aDecodedTokenMultipliesAThirdOfThat()
{
    QFETCH(Choices, choices);
    constexpr int vocabulary = 11, rows = 3, length = 9;
    const Architecture a = *architectureOf(choices);
    Transformer model(a, vocabulary);
    model.initialise(3);
    const Batch batch = randomBatch(rows, length, vocabulary, a.context, 5);
    KvCache cache;
    cache.attention = AttentionKind::Plain;
    static_cast<void>(model.start(batch.inputs.narrow(1, 0, length - 1), batch.positions.narrow(1, 0, length - 1),
                                  std::vector<std::int64_t>(rows, length - 1), length, cache));
    Architecture unlimited = a;
    unlimited.window = 0;
    const ProductCount count;
    static_cast<void>(model.step(batch.inputs.select(1, length - 1), batch.positions.select(1, length - 1), cache));
    QCOMPARE(count.total(), (trainingFlops(unlimited, vocabulary, length).value / 3 - 2 * vectorsOf(model)) * rows);
}

// With a window of w and m memory tokens T queries are charged T (m + min(w, T)) keys; they see w (w - 1) / 2 fewer,
// because the first ones have fewer before them.
void TestCost::aQueryIsChargedTheKeysThatItsWindowHas()
{
    constexpr int length = 12;
    for (const int window : {0, 1, 4, 11, 12, 40})
        for (const int memory : {0, 3}) {
            Architecture a{.layers = 1,
                           .width = 8,
                           .heads = 2,
                           .kvHeads = 2,
                           .feedForwardWidth = 8,
                           .window = window,
                           .memoryTokens = memory};
            Architecture narrow = a;
            narrow.window = 1;
            narrow.memoryTokens = 0;
            const double oneKey = 12.0 * a.layers * a.width;
            const double charged =
                (trainingFlops(a, 11, length).value - trainingFlops(narrow, 11, length).value) / oneKey + 1;
            const at::Tensor query = at::randn({1, length, 2, 4}), key = at::randn({1, memory + length, 2, 4});
            const double seen =
                attentionProbabilities(query, key, {memory, window}).gt(0).sum().item<double>() / a.heads;
            const int reach = window == 0 ? length : std::min(window, length);
            QCOMPARE(charged, double(memory + reach));
            QCOMPARE(charged * length - seen, reach * (reach - 1) / 2.0);
        }
}

void TestCost::aStepAllocatesWhatItIsSaidTo_data()
{
    QTest::addColumn<Choices>("choices");
    QTest::addColumn<int>("vocabulary");
    QTest::addColumn<double>("dropout");
    int row = 0;
    for (const Choices& choices : coveringChoices(40, 2)) {
        const int vocabulary = row % 3 == 0 ? 300 : 11;
        const double dropout = row % 4 == 1 ? 0.1 : 0;
        QTest::addRow("%s, vocabulary %d, dropout %g", textOf(choices).c_str(), vocabulary, dropout)
            << choices << vocabulary << dropout;
        ++row;
    }
}

void TestCost::aStepAllocatesWhatItIsSaidTo()
{
    QFETCH(Choices, choices);
    QFETCH(int, vocabulary);
    QFETCH(double, dropout);
    constexpr int length = 12;
    Genome genome;
    genome.architecture = *architectureOf(choices);
    genome.recipe.batch = 64;
    genome.recipe.dropout = dropout;
    const double computed = trainingMemory(genome, vocabulary, length).bytes();
    const double counted = peakOf([&] { trainStep(genome, vocabulary, length); });
    QVERIFY2(computed > 0.85 * counted && computed < 1.25 * counted, compared(computed, counted));
}

void TestCost::aTrialAllocatesWhatItIsSaidTo_data()
{
    QTest::addColumn<QString>("patch");
    const auto row = [](const char* name, const char* patch) { QTest::addRow("%s", name) << QString(patch); };
    row("as it is", "");
    row("Lion", R"({"optimizer": "lion"})");
    row("Muon", R"({"optimizer": "muon"})");
    row("an average", R"({"ema": 0.9})");
    row("four parts of a batch", R"({"accumulation": 4})");
    row("dropout", R"({"dropout": 0.1})");
    row("smooth labels", R"({"labelSmoothing": 0.1})");
    row("z-loss", R"({"zLoss": 0.001})");
    row("a teacher", R"({"distillation": 0.5})");
    row("a teacher and z-loss", R"({"distillation": 0.5, "zLoss": 0.001})");
    row("preferences", R"({"preference": 0.5})");
    row("preferences alone, in parts", R"({"preference": 1, "accumulation": 4})");
    row("low rank", R"({"lora": true})");
    row("low rank and Lion", R"({"lora": true, "optimizer": "lion"})");
}

// The trainer from its first tensor to its third step, parent and teacher included.
void TestCost::aTrialAllocatesWhatItIsSaidTo()
{
    QFETCH(QString, patch);
    const toy::Copy world(Measure::BitsPerByte);
    const int vocabulary = vocabularyOf(world.info().alphabet);
    QTemporaryDir folder;
    Genome parent = world.seedGenome();
    parent.architecture = {.layers = 2, .width = 32, .heads = 4, .kvHeads = 4, .feedForwardWidth = 96, .context = 32};
    parent.recipe.batch = 64;
    Genome genome = parent;
    Json changes = patch.isEmpty() ? Json::object() : Json::parse(patch.toStdString());
    if (changes.erase("lora") > 0)
        genome.adaptation.method = "lora";
    genome.recipe.start = "continue";
    Json json = genome.toJson();
    json["recipe"].update(changes);
    genome = *Genome::fromJson(json);
    TrainSpec spec;
    spec.genome = genome.toJson();
    spec.parentGenome = parent.toJson();
    spec.parentWeights = folder.filePath("parent.safetensors").toStdString();
    spec.scratch = folder.path().toStdString();
    spec.budgetFlops = 1e12;
    spec.preferences = {Json{{"question", {{"letter", "a"}}}, {"chosen", "a"}, {"rejected", "b"}}};
    Transformer model(parent.architecture, vocabulary);
    model.initialise(7);
    QVERIFY(model.save(spec.parentWeights, model.flat(), {}));
    int length = 0;
    const double counted = peakOf([&] {
        auto trainer = Trainer::create(spec, world);
        QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
        QVERIFY((*trainer)->advance(3));
        length = 24;
    });
    const double computed = trainingMemory(genome, vocabulary, length).bytes();
    QVERIFY2(computed > 0.85 * counted && computed < 1.25 * counted, compared(computed, counted));
}

// All members at once, and in the second generation one that takes another's place.
void TestCost::aPopulationAllocatesWhatItIsSaidTo()
{
    const toy::Copy world(Measure::BitsPerByte);
    Genome genome = world.seedGenome();
    genome.architecture = {.layers = 3, .width = 128, .heads = 4, .kvHeads = 4, .feedForwardWidth = 512, .context = 32};
    genome.recipe.batch = 16;
    genome.recipe.ema = 0.9;
    genome.recipe.population = 4;
    genome.recipe.generations = 3;
    QTemporaryDir folder;
    TrainSpec spec;
    spec.genome = genome.toJson();
    spec.scratch = folder.path().toStdString();
    spec.budgetFlops = 6e10;
    const double counted = peakOf([&] {
        auto population = Population::create(spec, world);
        QVERIFY2(population, population ? "" : population.error().text.c_str());
        QVERIFY((*population)->advance(4 * (*population)->log().steps + 1));
    });
    const double computed = trainingMemory(genome, vocabularyOf(world.info().alphabet), 24).bytes();
    QVERIFY2(computed > 0.85 * counted && computed < 1.25 * counted, compared(computed, counted));
}

void TestCost::otherVersionsAllocateWhatTheyAreSaidTo_data()
{
    QTest::addColumn<QString>("start");
    QTest::addColumn<int>("versions");
    QTest::addColumn<double>("fineTuning");
    QTest::addRow("three larger teachers") << "scratch" << 3 << 0.0;
    QTest::addRow("a mean of four") << "average" << 4 << 0.0;
    QTest::addRow("a mean of two, trained on") << "average" << 2 << 0.5;
    QTest::addRow("a soup of four") << "soup" << 4 << 0.0;
    QTest::addRow("a larger parent's preferences") << "continue" << 1 << 0.0;
}

void TestCost::otherVersionsAllocateWhatTheyAreSaidTo()
{
    QFETCH(QString, start);
    QFETCH(int, versions);
    QFETCH(double, fineTuning);
    const toy::Copy world(Measure::BitsPerByte);
    const int vocabulary = vocabularyOf(world.info().alphabet);
    const Architecture large{.layers = 3, .width = 128, .heads = 4, .kvHeads = 4, .feedForwardWidth = 512, .context = 32};
    QTemporaryDir folder;
    TrainSpec spec;
    Genome genome = world.seedGenome();
    genome.recipe.batch = 32;
    genome.recipe.start = start.toStdString();
    genome.recipe.fineTuning = fineTuning;
    genome.architecture = large;
    Genome other = world.seedGenome();
    other.architecture = large;
    for (int i = 0; i < versions; ++i) {
        Transformer model(large, vocabulary);
        model.initialise(static_cast<std::uint64_t>(i));
        const std::string name(64, static_cast<char>('a' + i)), file = folder.filePath(QString::number(i)).toStdString();
        QVERIFY(model.save(file, model.flat(), {}));
        (genome.recipe.isAverage() ? spec.members : spec.teachers).push_back({name, other.toJson(), file});
        (genome.recipe.isAverage() ? genome.recipe.members : genome.recipe.teachers).push_back(name);
    }
    std::vector<Architecture> teachers;
    if (!genome.recipe.isAverage()) {
        genome.recipe.distillation = 0.5;
        genome.architecture = {.layers = 2, .width = 32, .heads = 4, .kvHeads = 4, .feedForwardWidth = 96, .context = 32};
        teachers.assign(static_cast<std::size_t>(versions), large);
    }
    spec.genome = genome.toJson();
    spec.scratch = folder.path().toStdString();
    spec.budgetFlops = 1e12;
    const double counted = peakOf([&] {
        auto trainer = Trainer::create(spec, world);
        QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
        QVERIFY((*trainer)->advance(3));
    });
    const double computed = trainingMemory(genome, vocabulary, 24, teachers).bytes();
    QVERIFY2(computed > 0.85 * counted && computed < 1.25 * counted, compared(computed, counted));
}

// A process of its own: main() below does one step and says how far its resident memory rose above where it was before.
void TestCost::theProcessGrowsByWhatItIsSaidTo()
{
    const Genome genome = largeGenome();
    QProcess child;
    child.start(QCoreApplication::applicationFilePath(), {"--one-step"});
    QVERIFY(child.waitForFinished(120000));
    const double grown = child.readAllStandardOutput().trimmed().toDouble();
    const double computed = trainingMemory(genome, 64, genome.architecture.context).bytes();
    QVERIFY2(computed > 0.8 * grown && computed < 1.25 * grown, compared(computed, grown));
}

void TestCost::everyThreadKeepsAGradient()
{
    Genome genome = largeGenome();
    genome.recipe.batch = 8;
    const auto bytesBy = [&genome](int threads) { return trainingMemory(genome, 64, 128, {}, threads).state; };
    const double gradient = 4.0 * static_cast<double>(parameterCount(genome.architecture, 64));
    QCOMPARE(bytesBy(3) - bytesBy(1), 2 * gradient);
    QCOMPARE(bytesBy(100) - bytesBy(1), 7 * gradient); // no more than there are rows
    genome.recipe.dropout = 0.1;
    QCOMPARE(shardsOf(genome, 4), 1);
    QCOMPARE(bytesBy(4), bytesBy(1));
}

void TestCost::whatDoesNotFitIsRefusedWithBothFigures()
{
    Genome genome = largeGenome();
    const double needed = learnerBytes + trainingMemory(genome, 64, 128).bytes();
    QVERIFY(fitsMemory(genome, 64, 128, needed));
    const auto refused = fitsMemory(genome, 64, 128, needed - 1e6);
    QVERIFY(!refused);
    QVERIFY(refused.error().code == Code::Refused);
    const QString text = QString::fromStdString(refused.error().text);
    QVERIFY2(text.contains(QString::fromStdString(toTextBytes(needed))), qPrintable(text));
    QVERIFY2(text.contains(QString::fromStdString(toTextBytes(needed - 1e6)) + " are allowed"), qPrintable(text));
    QCOMPARE(refused.error().hint, std::string("Lower /recipe/batch or raise /recipe/accumulation."));
    genome.recipe.accumulation = 8; // an eighth of the activations
    QVERIFY(fitsMemory(genome, 64, 128, needed - 1e6));
    genome.architecture.width = genome.architecture.feedForwardWidth = 4096;
    genome.recipe.batch = genome.recipe.accumulation = 1;
    QCOMPARE(fitsMemory(genome, 64, 128, 1e9).error().hint, std::string("Lower the model's width or depth."));
}

int main(int argumentCount, char** arguments)
{
    if (argumentCount > 1 && std::string_view(arguments[1]) == "--one-step") {
        prepareProcess();
        Genome small = largeGenome();
        small.recipe.batch = 1;
        trainStep(small, 64, 16); // what the libraries set up once
        const double before = highWater();
        trainStep(largeGenome(), 64, 128);
        std::printf("%.0f\n", highWater() - before);
        return 0;
    }
    QCoreApplication application(argumentCount, arguments);
    TestCost test;
    return QTest::qExec(&test, argumentCount, arguments);
}
#include "tst_cost.moc"
