// SPDX-License-Identifier: GPL-3.0-or-later
// Models and training on another device than the CPU: on a stand-in that refuses a mix of devices, with libtorch's
// operators instead of own kernels, and in bf16.
#include <list>

#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/critic/tensor/reward_model.h"
#include "core/model/answerer.h"
#include "core/trainer/optimizer.h"
#include "core/trainer/population.h"
#include "core/trainer/trainer.h"
#include "tests/learn/covering_genomes.h"
#include "tests/learn/stand_in_device.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

constexpr int vocabulary = 11;
const Placement onDevice{stand_in::device, Precision::Float32, Kernels::Own};
const Placement byLibrary{at::kCPU, Precision::Float32, Kernels::Library};
const Placement inHalf{at::kCPU, Precision::BFloat16, Kernels::Own};
const std::vector<std::string> questions{"a=", "b=", "c=", "d=", "e=", "f=", "g=", "h="};

TrainSpec specOf(const Genome& genome, const QTemporaryDir& folder, double steps)
{
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 11;
    spec.genome = genome.toJson();
    spec.budgetFlops = (steps + 0.5) * genome.recipe.batch * 3.0 * trainingFlops(genome.architecture, vocabulary, 3).value;
    spec.scratch = folder.path().toStdString();
    return spec;
}

Result<Trained> train(const TrainSpec& spec, const Domain& world, const Placement& placement, TrainEvents events = {})
{
    RATCHET_TRY(trainer, Trainer::create(spec, world, std::move(events), placement));
    return trainer->run();
}

// The tensors' bytes of a weights file.
std::string valuesIn(const std::string& file)
{
    const auto content = readWeights(file);
    return content ? std::string(content->data.begin(), content->data.end()) : std::string();
}

at::Tensor drawn(std::int64_t rows, std::int64_t length)
{
    return (at::arange(rows * length) * 5 + 3).remainder(vocabulary).view({rows, length});
}

Transformer modelOf(const Architecture& architecture, const Placement& placement)
{
    Transformer model(architecture, vocabulary);
    Rng rng(5);
    for (std::int64_t i = 0; i < model.flat().numel(); ++i)
        model.flat().data_ptr<float>()[i] = static_cast<float>(0.3 * rng.normal());
    model.place(placement);
    return model;
}

// Logits of a pass, of a prompt and two tokens after it, and the gradient: everything that a model computes, on the CPU.
at::Tensor computedBy(Transformer model)
{
    const at::Tensor tokens = drawn(3, 7), positions = at::arange(7).flip(0).expand({3, 7}).contiguous();
    std::vector<at::Tensor> all;
    KvCache cache;
    all.push_back(model.start(tokens, positions, {7, 3, 5}, 10, cache).clone());
    for (int i = 0; i < 2; ++i) {
        const auto rows = static_cast<std::int64_t>(cache.lengths.size());
        all.push_back(model.step(drawn(1, rows).view({-1}), at::ones({rows}, at::kLong), cache).clone());
        cache.keepRows({0, rows - 1});
    }
    model.requireGradient();
    const at::Tensor logits = model.forward(tokens, positions);
    all.push_back(logits.detach());
    at::cross_entropy_loss(logits.view({-1, vocabulary}), tokens.reshape({-1}).to(logits.device())).backward();
    all.push_back(model.gradient());
    for (at::Tensor& tensor : all)
        tensor = tensor.cpu().reshape({-1});
    return at::cat(all);
}

double distance(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).abs().max().item<double>();
}

} // namespace

class DeviceTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void wordsNameAPlacement();
    void aMixOfDevicesIsRefused();
    void everyArchitectureComputesOnTheDevice_data();
    void everyArchitectureComputesOnTheDevice();
    void theOptimizerOfOperatorsIsTheFusedOne_data();
    void theOptimizerOfOperatorsIsTheFusedOne();
    void trainingOnTheDeviceIsTheLibrarys_data();
    void trainingOnTheDeviceIsTheLibrarys();
    void theLibraryLearnsWhatTheKernelsLearn();
    void halfPrecisionLearnsTheWorld();
    void stepsDoNotWaitForTheDevice();
    void resumedEqualsUninterrupted();
    void aStateOfAnotherDeviceStartsOver();
    void stagesAndTheLookAtThemAreTold();
    void membersComeTogetherOnTheDevice_data();
    void membersComeTogetherOnTheDevice();
    void aStudentLearnsFromAnEnsembleOnTheDevice();
    void aPopulationGoesOnOnTheDevice();
    void aRewardModelLearnsOnTheDevice();

private:
    // Two versions of a world's seed genome, each of other items.
    [[nodiscard]] std::vector<Artifact> versionsOf(const Domain& world);
    [[nodiscard]] TrainSpec specIn(const Genome& genome, double steps) // in a folder of its own
    {
        m_folders.emplace_back();
        return specOf(genome, m_folders.back(), steps);
    }
    std::list<QTemporaryDir> m_folders;
};

std::vector<Artifact> DeviceTest::versionsOf(const Domain& world)
{
    std::vector<Artifact> versions;
    for (const char name : {'a', 'b'}) {
        TrainSpec spec = specIn(world.seedGenome(), 60);
        spec.seed = static_cast<std::uint64_t>(name);
        const auto trained = train(spec, world, {});
        if (!trained)
            qFatal("%s", trained.error().text.c_str());
        versions.push_back({std::string(64, name), spec.genome, trained->weights});
    }
    return versions;
}

void DeviceTest::wordsNameAPlacement()
{
    const auto plain = placementOf("auto", "auto");
    QVERIFY(plain && plain->usesOwnKernels() && plain->precision == Precision::Float32);
    QCOMPARE(plain->text(), std::string("cpu"));
    QCOMPARE(placementOf("cpu", "bf16")->text(), std::string("cpu, bf16"));
    QCOMPARE(placementOf("gpu", "auto").error().code, Code::BadInput);
    QCOMPARE(placementOf("cuda:x", "auto").error().code, Code::BadInput);
    QCOMPARE(placementOf("cpu", "fp8").error().code, Code::BadInput);
    if (!hasCuda())
        QCOMPARE(placementOf("cuda", "auto").error().text, std::string("This libtorch was built without CUDA."));
    QVERIFY_EXCEPTION_THROWN((void)placementOf("cuda:999", "auto").value(), std::exception);
}

void DeviceTest::aMixOfDevicesIsRefused()
{
    const at::Tensor there = at::ones({3}, at::device(stand_in::device));
    QVERIFY_EXCEPTION_THROWN((void)at::matmul(there, at::ones({3})), std::exception);
    QVERIFY_EXCEPTION_THROWN((void)there.index_select(0, at::zeros({1}, at::kLong)), std::exception);
    const int before = stand_in::waits;
    QCOMPARE((there + there).sum().item<float>(), 6.0F);
    QCOMPARE(stand_in::waits, before + 1);
    QVERIFY(at::equal((there + 1).cpu(), at::full({3}, 2.0F)));
}

void DeviceTest::everyArchitectureComputesOnTheDevice_data()
{
    QTest::addColumn<int>("index");
    int index = 0;
    for (const Choices& choices : coveringChoices(12, 3))
        QTest::addRow("%s", textOf(choices).c_str()) << index++;
}

void DeviceTest::everyArchitectureComputesOnTheDevice()
{
    QFETCH(int, index);
    static const std::vector<Choices> all = coveringChoices(12, 3);
    const auto architecture = architectureOf(all[static_cast<std::size_t>(index)]);
    QVERIFY(architecture);
    const at::Tensor expected = computedBy(modelOf(*architecture, {}));
    const double size = expected.abs().max().item<double>();
    const auto differs = [&](const Placement& placement) {
        return distance(computedBy(modelOf(*architecture, placement)), expected) / size;
    };
    QVERIFY2(differs(byLibrary) < 1e-5, qPrintable(QString::number(differs(byLibrary))));
    QVERIFY2(differs(onDevice) < 1e-5, qPrintable(QString::number(differs(onDevice))));
    // bf16 has eight bits; which experts are chosen may hang on one of them.
    QVERIFY2(architecture->experts > 0 || differs(inHalf) < 0.05, qPrintable(QString::number(differs(inHalf))));
}

void DeviceTest::theOptimizerOfOperatorsIsTheFusedOne_data()
{
    QTest::addColumn<QString>("optimizer");
    QTest::addColumn<int>("frozen");
    QTest::addRow("AdamW") << "adamw" << 0;
    QTest::addRow("AdamW, the first block frozen") << "adamw" << 1;
    QTest::addRow("Lion") << "lion" << 0;
    QTest::addRow("Muon") << "muon" << 0;
}

void DeviceTest::theOptimizerOfOperatorsIsTheFusedOne()
{
    QFETCH(QString, optimizer);
    QFETCH(int, frozen);
    Recipe recipe;
    recipe.optimizer = optimizer.toStdString();
    recipe.weightDecay = 0.1;
    const Architecture architecture{.layers = 2, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 24, .context = 8};
    std::vector<TensorSlot> layout = tensorLayout(architecture, vocabulary);
    std::erase_if(layout, [frozen](const TensorSlot& slot) { return frozen > 0 && slot.name.starts_with("blocks.0."); });
    const std::int64_t size = layout.back().offset + layout.back().count;
    const at::Tensor start = at::arange(size, at::kFloat).sin(), fused = start.clone();
    const at::Tensor there = start.to(stand_in::device);
    Optimizer own(recipe, architecture, layout), operators(recipe, architecture, layout, onDevice);
    for (int step = 1; step <= 20; ++step) {
        at::Tensor gradient = (at::arange(size, at::kFloat) * step).cos();
        const double norm = clipGradient(gradient, 1);
        at::Tensor its = (at::arange(size, at::kFloat) * step).cos().to(stand_in::device);
        QVERIFY(std::abs(queueClip(its, 1, onDevice).item<double>() / norm - 1) < 1e-6);
        QVERIFY(distance(its.cpu(), gradient) < 1e-6);
        own.step(fused, gradient, 1e-2, step);
        operators.step(there, its, 1e-2, step);
    }
    QVERIFY(distance(fused, start) > 1e-2);
    // Lion's step is a sign: where rounding turns one, the whole step differs. cos() keeps clear of zero here.
    const double differs = distance(there.cpu(), fused);
    QVERIFY2(differs < 1e-6 * (optimizer == "muon" ? 10 : 2), qPrintable(QString::number(differs)));
    QVERIFY(distance(operators.firstMoment().cpu(), own.firstMoment()) < 1e-6);
}

void DeviceTest::trainingOnTheDeviceIsTheLibrarys_data()
{
    QTest::addColumn<QString>("change");
    QTest::addRow("as it comes") << "{}";
    QTest::addRow("averaged, with dropout, in parts, with z-loss and smoothing")
        << R"({"recipe": {"ema": 0.9, "dropout": 0.1, "accumulation": 2, "zLoss": 0.001, "labelSmoothing": 0.1}})";
    QTest::addRow("Muon, coupled positions, experts")
        << R"({"recipe": {"optimizer": "muon"}, "architecture": {"positions": "coupled", "experts": 3, "expertsPerToken": 2}})";
    QTest::addRow("adapters, distilled, self-trained")
        << R"({"recipe": {"distillation": 0.5, "start": "continue"}, "adaptation": {"method": "lora", "rank": 4},
               "data": {"selfTraining": 0.3}})";
    QTest::addRow("preferences") << R"({"recipe": {"preference": 0.5, "start": "continue"}})";
}

void DeviceTest::trainingOnTheDeviceIsTheLibrarys()
{
    QFETCH(QString, change);
    const toy::LastLetter world;
    Genome genome = world.seedGenome();
    const QTemporaryDir seedFolder, folder, otherFolder;
    TrainSpec seed = specOf(genome, seedFolder, 60); // right now and then
    const auto parent = train(seed, world, byLibrary);
    QVERIFY2(parent, parent ? "" : parent.error().text.c_str());
    Json json = genome.toJson();
    json.merge_patch(Json::parse(change.toStdString()));
    const auto changed = Genome::fromJson(json);
    QVERIFY2(changed, changed ? "" : changed.error().text.c_str());
    double losses[2] = {};
    int observed = 0;
    for (int i = 0; i < 2; ++i) {
        TrainSpec spec = specOf(*changed, i == 0 ? folder : otherFolder, 150);
        spec.parentGenome = genome.toJson();
        spec.parentWeights = parent->weights;
        TrainEvents events;
        events.onObservation = [&](const Observation&) { ++observed; };
        const auto trained = train(spec, world, i == 0 ? byLibrary : onDevice, events);
        QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
        losses[i] = trained->finalLoss;
    }
    QVERIFY(observed > 0);
    // layer_norm, for one, sums in another order there.
    QVERIFY2(std::abs(losses[0] - losses[1]) < 1e-3, qPrintable(QStringLiteral("%1 %2").arg(losses[0]).arg(losses[1])));
}

void DeviceTest::theLibraryLearnsWhatTheKernelsLearn()
{
    const toy::Copy world;
    const Genome genome = world.seedGenome();
    const QTemporaryDir folder, otherFolder;
    const auto kernels = train(specOf(genome, folder, 300), world, {}), library = train(specOf(genome, otherFolder, 300), world, byLibrary);
    QVERIFY(kernels && library);
    QVERIFY(std::abs(kernels->finalLoss - library->finalLoss) < 1e-4);
    const auto own = Answerer::load(genome, kernels->weights, world),
               other = Answerer::load(genome, library->weights, world, nullptr, onDevice);
    QVERIFY(own && other);
    const auto answers = (*own)->answer(questions), others = (*other)->answer(questions);
    QVERIFY(answers && others);
    for (std::size_t i = 0; i < questions.size(); ++i)
        QCOMPARE((*others)[i].completion, (*answers)[i].completion);
    const auto bits = (*own)->bitsPerByte({"a=a", "b=b"}), otherBits = (*other)->bitsPerByte({"a=a", "b=b"});
    QVERIFY(bits && otherBits && std::abs((*bits)[0] - (*otherBits)[0]) < 1e-3);
    Rng rng(1);
    const auto integrity = (*other)->check(rng);
    QVERIFY(integrity.causal && integrity.finite && integrity.normalisation < 1e-5);
}

void DeviceTest::halfPrecisionLearnsTheWorld()
{
    const toy::Copy world;
    const Genome genome = world.seedGenome();
    const QTemporaryDir folder;
    const auto trained = train(specOf(genome, folder, 300), world, inHalf);
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    const auto answerer = Answerer::load(genome, trained->weights, world);
    QVERIFY(answerer);
    const auto answers = (*answerer)->answer(questions);
    QVERIFY(answers);
    for (std::size_t i = 0; i < questions.size(); ++i)
        QCOMPARE((*answers)[i].completion, std::string(1, static_cast<char>('a' + i)));
}

void DeviceTest::stepsDoNotWaitForTheDevice()
{
    const toy::Copy world;
    const QTemporaryDir folder;
    Genome genome = world.seedGenome();
    genome.recipe.zLoss = 1e-3;
    genome.recipe.accumulation = 2;
    std::vector<std::int64_t> told;
    TrainEvents events;
    events.onPoints = [&told](const Points& points) { told.push_back(points.step); };
    const auto trainer = Trainer::create(specOf(genome, folder, 100), world, events, onDevice);
    QVERIFY(trainer);
    const int before = stand_in::waits;
    QVERIFY((*trainer)->advance(40));
    QCOMPARE(stand_in::waits - before, 4); // after 1 step, 10 (the stages), 26 and at the end
    QCOMPARE(told.size(), std::size_t(40));
    QVERIFY(std::is_sorted(told.begin(), told.end()) && told.back() == 40);
}

void DeviceTest::resumedEqualsUninterrupted()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.ema = 0.9;
    const QTemporaryDir folder, otherFolder;
    const auto whole = train(specOf(genome, folder, 100), world, onDevice);
    {
        const auto first = Trainer::create(specOf(genome, otherFolder, 100), world, {}, onDevice);
        QVERIFY(first && (*first)->advance(37) && (*first)->keepCheckpoint());
    }
    const auto second = Trainer::create(specOf(genome, otherFolder, 100), world, {}, onDevice);
    QVERIFY(second);
    QCOMPARE((*second)->step(), 37);
    const auto resumed = (*second)->run();
    QVERIFY(whole && resumed);
    QVERIFY(valuesIn(resumed->weights) == valuesIn(whole->weights));
}

void DeviceTest::aStateOfAnotherDeviceStartsOver()
{
    const toy::Copy world;
    const QTemporaryDir folder;
    const TrainSpec spec = specOf(world.seedGenome(), folder, 100);
    {
        const auto first = Trainer::create(spec, world, {}, inHalf);
        QVERIFY(first && (*first)->advance(37) && (*first)->keepCheckpoint());
    }
    std::vector<std::string> stages;
    TrainEvents events;
    events.onProgress = [&stages](const Progress& progress) { stages.push_back(progress.stage); };
    const auto second = Trainer::create(spec, world, events);
    QVERIFY(second);
    QCOMPARE((*second)->step(), 0);
    QCOMPARE(stages, (std::vector<std::string>{"starting over on cpu: its state is of cpu, bf16", "shape"}));
}

void DeviceTest::stagesAndTheLookAtThemAreTold()
{
    const toy::Copy world;
    TrainSpec spec = specIn(world.seedGenome(), 100);
    spec.proxy = 0.6;
    std::vector<std::string> stages;
    std::int64_t told = 0, asked = 0;
    TrainEvents events;
    events.onProgress = [&](const Progress& progress) {
        if (stages.empty() || stages.back() != progress.stage)
            stages.push_back(progress.stage);
    };
    events.onPoints = [&](const Points& points) { told = points.step; };
    events.onProxy = [&](const Proxy& proxy) -> Result<AfterProxy> {
        asked = proxy.step;
        return told == proxy.step && proxy.score > 0.1 ? AfterProxy::TrainOn : AfterProxy::Stop;
    };
    const auto trained = train(spec, world, onDevice, events);
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    QVERIFY(asked >= 60 && asked < 70);
    QCOMPARE(stages, (std::vector<std::string>{"shape", "smoke", "proxy", "full"}));
}

void DeviceTest::membersComeTogetherOnTheDevice_data()
{
    QTest::addColumn<QString>("start");
    for (const char* start : {"ensemble", "average", "soup"})
        QTest::addRow("%s", start) << start;
}

void DeviceTest::membersComeTogetherOnTheDevice()
{
    QFETCH(QString, start);
    const toy::Copy world;
    const std::vector<Artifact> members = versionsOf(world);
    Genome genome = world.seedGenome();
    genome.recipe.start = start.toStdString();
    genome.recipe.members = {members[0].version, members[1].version};
    TrainSpec spec = specIn(genome, 60), other = specIn(genome, 60);
    spec.members = other.members = members;
    const auto here = train(spec, world, byLibrary), there = train(other, world, onDevice);
    QVERIFY2(here && there, !here ? here.error().text.c_str() : !there ? there.error().text.c_str() : "");
    QVERIFY(std::abs(here->finalLoss - there->finalLoss) < 1e-5);
    QVERIFY(valuesIn(here->weights) == valuesIn(there->weights));
    const auto own = Answerer::load(genome, here->weights, world), placed = Answerer::load(genome, there->weights, world, nullptr, onDevice);
    QVERIFY(own && placed);
    const auto answers = (*own)->answer(questions), others = (*placed)->answer(questions);
    QVERIFY(answers && others);
    for (std::size_t i = 0; i < questions.size(); ++i)
        QVERIFY((*answers)[i].completion == (*others)[i].completion && std::abs((*answers)[i].confidence - (*others)[i].confidence) < 1e-4);
}

void DeviceTest::aStudentLearnsFromAnEnsembleOnTheDevice()
{
    const toy::Copy world;
    const std::vector<Artifact> members = versionsOf(world);
    Genome ensemble = world.seedGenome(), student = world.seedGenome();
    ensemble.recipe.start = "ensemble";
    ensemble.recipe.members = {members[0].version, members[1].version};
    student.recipe.distillation = 0.7;
    TrainSpec teacher = specIn(ensemble, 60);
    teacher.members = members;
    const auto made = train(teacher, world, {});
    QVERIFY2(made, made ? "" : made.error().text.c_str());
    double losses[2] = {};
    for (int i = 0; i < 2; ++i) {
        TrainSpec spec = specIn(student, 100);
        spec.teachers = {{"ensemble", teacher.genome, made->weights}};
        const auto trained = train(spec, world, i == 0 ? byLibrary : onDevice);
        QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
        losses[i] = trained->finalLoss;
    }
    QVERIFY2(std::abs(losses[0] - losses[1]) < 1e-3, qPrintable(QStringLiteral("%1 %2").arg(losses[0]).arg(losses[1])));
}

void DeviceTest::aPopulationGoesOnOnTheDevice()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.population = 3;
    genome.recipe.generations = 3;
    genome.recipe.ema = 0.9;
    const TrainSpec spec = specIn(genome, 250), other = specIn(genome, 250);
    const auto whole = Population::create(spec, world, {}, onDevice).value();
    const auto done = whole->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    const std::int64_t steps = 4 * whole->log().steps + 5; // the second generation, the second member
    {
        const auto first = Population::create(other, world, {}, onDevice).value();
        QVERIFY(first->advance(steps) && first->keepCheckpoint());
    }
    std::vector<std::string> stages;
    TrainEvents events;
    events.onProgress = [&stages](const Progress& progress) { stages.push_back(progress.stage); };
    QCOMPARE(Population::create(other, world, events).value()->log().stepsOfAll(), 0);
    QVERIFY(stages.size() == 1 && stages[0].starts_with("starting over on cpu: its state is of "));
    const auto second = Population::create(other, world, {}, onDevice).value();
    QCOMPARE(second->log().stepsOfAll(), steps);
    const auto resumed = second->run();
    QVERIFY2(resumed, resumed ? "" : resumed.error().text.c_str());
    QVERIFY(valuesIn(resumed->weights) == valuesIn(done->weights));
    QVERIFY(second->log().toJson() == whole->log().toJson());
}

void DeviceTest::aRewardModelLearnsOnTheDevice()
{
    const toy::LastLetter world;
    const Genome genome = world.seedGenome();
    const Artifact version = versionsOf(world).front();
    std::vector<double> probabilities[2];
    for (int i = 0; i < 2; ++i) {
        const auto model = RewardModel::load(genome, version.weights, world, nullptr, 0, i == 0 ? byLibrary : onDevice).value();
        std::vector<ShownAnswer> shown[2]; // to learn from and to calibrate by
        Rng rng(3);
        for (int n = 0; n < 240; ++n) {
            const Item item = world.drawTraining(genome.data, rng);
            const bool right = n % 2 == 0;
            const std::string answer = right ? world.example(item, {}).completion : std::string(1, static_cast<char>('a' + rng.below(8)));
            shown[n < 160 ? 0 : 1].push_back({model->read(item, answer).value(), right});
        }
        const auto steps = model->learn(shown[0], shown[1], 150 * model->stepPrice(6), 1, [](double, double) { return false; });
        QVERIFY2(steps && *steps > 20, steps ? "" : steps.error().text.c_str());
        std::vector<ReadAnswer> asked;
        for (const ShownAnswer& one : shown[1])
            asked.push_back(one.text);
        probabilities[i] = model->probabilities(asked);
    }
    const auto [least, most] = std::minmax_element(probabilities[0].begin(), probabilities[0].end());
    QVERIFY2(*most - *least > 0.3, qPrintable(QString::number(*most - *least)));
    for (std::size_t i = 0; i < probabilities[0].size(); ++i)
        QVERIFY2(std::abs(probabilities[0][i] - probabilities[1][i]) < 1e-2,
                 qPrintable(QStringLiteral("%1 %2").arg(probabilities[0][i]).arg(probabilities[1][i])));
}

QTEST_GUILESS_MAIN(DeviceTest)
#include "tst_device.moc"
