// SPDX-License-Identifier: GPL-3.0-or-later
// Training where the truth is known: a world of eight letters, resumed and repeated runs, and what must fail.
#include <ctime>

#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/trainer/divergence.h"
#include "core/trainer/schedule.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace
{

TrainSpec specOf(const Genome& genome, const QTemporaryDir& folder, double steps)
{
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 11;
    spec.genome = genome.toJson();
    const double tokens = genome.recipe.batch * 3.0;
    spec.budgetFlops = (steps + 0.5) * tokens * trainingFlops(genome.architecture, 11, 3).value;
    spec.scratch = folder.path().toStdString();
    return spec;
}

std::string bytesOf(const std::string& file)
{
    const auto bytes = readFile(file);
    return bytes ? *bytes : std::string();
}

} // namespace

class TrainerTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void aTinyWorldIsLearnt_data();
    void aTinyWorldIsLearnt();
    void resumedEqualsUninterrupted_data() { aTinyWorldIsLearnt_data(); }
    void resumedEqualsUninterrupted();
    void threadsResumeAlikeAndStartOverElsewhere();
    void anotherTrialsCheckpointIsIgnored();
    void textIsLearntByteByByte();
    void selfTrainingLearnsFromTheParent();
    void everythingAtOnceResumes_data();
    void everythingAtOnceResumes();
    void bucketsSpendTheBudget();
    void softTargetsAreTheTeachers();
    void teachersMustFit();
    void probesAreFewInAShortTrial();
    void probesTakeLessThanAThirtiethOfTheTime();
    void divergenceIsAFailure();
    void aFiniteDivergenceIsAFailure();
    void watches_data();
    void watches();
    void stoppingKeepsTheState();
    void theSmokeTestEndsAnExplosion();
    void stagesComeInOrder();
    void aLookChangesNothingButThePrice_data();
    void aLookChangesNothingButThePrice();
    void whoIsKilledAtTheLookAsksAgain();
    void rates_data();
    void rates();
};

void TrainerTest::aTinyWorldIsLearnt_data()
{
    QTest::addColumn<QString>("optimizer");
    QTest::addColumn<QString>("schedule");
    QTest::addColumn<QString>("positions");
    QTest::addColumn<double>("rate");
    QTest::addColumn<double>("ema");
    QTest::addColumn<double>("dropout");
    QTest::addRow("AdamW, constant") << "adamw"
                                     << "constant"
                                     << "learned" << 1e-2 << 0.0 << 0.0;
    QTest::addRow("AdamW, cosine, averaged, with dropout") << "adamw"
                                                           << "cosine"
                                                           << "learned" << 1e-2 << 0.9 << 0.05;
    QTest::addRow("AdamW, coupled positions") << "adamw"
                                              << "wsd"
                                              << "coupled" << 1e-2 << 0.0 << 0.0;
    QTest::addRow("Muon, linear") << "muon"
                                  << "linear"
                                  << "rope" << 1e-2 << 0.0 << 0.0;
    QTest::addRow("Lion, wsd") << "lion"
                               << "wsd"
                               << "learned" << 2e-3 << 0.0 << 0.0;
}

void TrainerTest::aTinyWorldIsLearnt()
{
    QFETCH(QString, optimizer);
    QFETCH(QString, schedule);
    QFETCH(QString, positions);
    QFETCH(double, rate);
    QFETCH(double, ema);
    QFETCH(double, dropout);
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.optimizer = optimizer.toStdString();
    genome.recipe.schedule = schedule.toStdString();
    genome.architecture.positions = positions.toStdString();
    genome.recipe.learningRate = rate;
    genome.recipe.ema = ema;
    genome.recipe.dropout = dropout;
    const QTemporaryDir folder;
    const TrainSpec spec = specOf(genome, folder, 300);
    auto trainer = Trainer::create(spec, world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    QCOMPARE(trained->steps, 300);
    QCOMPARE(trained->length, 3);
    QVERIFY(trained->flops <= spec.budgetFlops);
    const auto answerer = Answerer::load(genome, trained->weights, world);
    QVERIFY2(answerer, answerer ? "" : answerer.error().text.c_str());
    const auto answers = (*answerer)->answer({"a=", "b=", "c=", "d=", "e=", "f=", "g=", "h="});
    QVERIFY(answers);
    for (std::size_t i = 0; i < answers->size(); ++i) {
        QCOMPARE((*answers)[i].completion, std::string(1, static_cast<char>('a' + i)));
        QVERIFY((*answers)[i].ended && (*answers)[i].confidence > 0.5 && (*answers)[i].tokens == 2);
    }
    Rng rng(1);
    const auto integrity = (*answerer)->check(rng);
    QVERIFY(integrity.causal && integrity.finite && integrity.normalisation < 1e-5);
    QVERIFY(!(*answerer)->answer({"z="}));
    QVERIFY(!(*answerer)->answer({"aaaaaaaaaaaaaaaaaaaaaaaaaaaa="}));
}

void TrainerTest::resumedEqualsUninterrupted()
{
    QFETCH(QString, optimizer);
    QFETCH(QString, positions);
    QFETCH(double, ema);
    QFETCH(double, dropout);
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.optimizer = optimizer.toStdString();
    genome.architecture.positions = positions.toStdString();
    genome.recipe.ema = ema;
    genome.recipe.dropout = dropout;
    const QTemporaryDir once, twice;
    auto whole = Trainer::create(specOf(genome, once, 40), world);
    QVERIFY(whole && (*whole)->run());
    {
        auto first = Trainer::create(specOf(genome, twice, 40), world);
        QVERIFY(first && (*first)->advance(20) && (*first)->keepCheckpoint());
    }
    TrainEvents watching; // looking must not change anything
    watching.onObservation = [](const Observation& seen) { QVERIFY(!seen.layers.empty()); };
    auto second = Trainer::create(specOf(genome, twice, 40), world, watching);
    QVERIFY(second);
    QCOMPARE((*second)->step(), 20);
    QVERIFY((*second)->run());
    const std::string expected = bytesOf(once.path().toStdString() + "/weights.safetensors");
    QVERIFY(!expected.empty());
    QVERIFY(expected == bytesOf(twice.path().toStdString() + "/weights.safetensors"));
}

void TrainerTest::threadsResumeAlikeAndStartOverElsewhere()
{
    const toy::Copy world;
    const Placement three{at::kCPU, Precision::Float32, Kernels::Own, 3};
    const QTemporaryDir once, twice;
    prepareProcess(three.threads);
    auto whole = Trainer::create(specOf(world.seedGenome(), once, 40), world, {}, three);
    QVERIFY(whole && (*whole)->run());
    {
        auto first = Trainer::create(specOf(world.seedGenome(), twice, 40), world, {}, three);
        QVERIFY(first && (*first)->advance(20) && (*first)->keepCheckpoint());
    }
    std::vector<std::string> stages;
    TrainEvents events;
    events.onProgress = [&stages](const Progress& progress) { stages.push_back(progress.stage); };
    const auto alone = Trainer::create(specOf(world.seedGenome(), twice, 40), world, events);
    QVERIFY(alone);
    QCOMPARE((*alone)->step(), 0);
    QCOMPARE(stages.front(), std::string("starting over on cpu: its state is of cpu, 3 threads"));
    auto second = Trainer::create(specOf(world.seedGenome(), twice, 40), world, {}, three);
    QVERIFY(second);
    QCOMPARE((*second)->step(), 20);
    QVERIFY((*second)->run());
    prepareProcess();
    QVERIFY(bytesOf(once.path().toStdString() + "/weights.safetensors") ==
            bytesOf(twice.path().toStdString() + "/weights.safetensors"));
}

void TrainerTest::anotherTrialsCheckpointIsIgnored()
{
    const toy::Copy world;
    const QTemporaryDir folder;
    TrainSpec spec = specOf(world.seedGenome(), folder, 40);
    {
        auto first = Trainer::create(spec, world);
        QVERIFY(first && (*first)->advance(5) && (*first)->keepCheckpoint());
    }
    spec.seed = 12;
    auto other = Trainer::create(spec, world);
    QVERIFY(other);
    QCOMPARE((*other)->step(), 0);
}

void TrainerTest::textIsLearntByteByByte()
{
    const toy::Copy world(Measure::BitsPerByte);
    Genome genome = world.seedGenome();
    const QTemporaryDir folder;
    TrainSpec spec = specOf(genome, folder, 0);
    spec.budgetFlops = 400.0 * 16 * 16 * trainingFlops(genome.architecture, 11, 16).value;
    auto trainer = Trainer::create(spec, world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY(trained);
    QCOMPARE(trained->length, 16);
    const auto answerer = Answerer::load(genome, trained->weights, world);
    QVERIFY(answerer);
    const auto bits = (*answerer)->bitsPerByte({"abababababababababababababababab", "hgfedcbahgfedcba", "ab"});
    QVERIFY(bits);
    QVERIFY2((*bits)[0] < 0.3, qPrintable(QString::number((*bits)[0])));
    QVERIFY2((*bits)[1] > 2.0, qPrintable(QString::number((*bits)[1])));
    QVERIFY2((*bits)[2] < 1.5, qPrintable(QString::number((*bits)[2])));
    QVERIFY(!(*answerer)->bitsPerByte({""}));
}

void TrainerTest::selfTrainingLearnsFromTheParent()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    const QTemporaryDir parentFolder, childFolder;
    auto parent = Trainer::create(specOf(genome, parentFolder, 300), world);
    QVERIFY(parent);
    const auto parentTrained = (*parent)->run();
    QVERIFY(parentTrained);
    Genome childGenome = genome;
    childGenome.data.selfTraining = 1.0; // nothing but what the parent says
    TrainSpec spec = specOf(childGenome, childFolder, 400);
    spec.parentGenome = genome.toJson();
    spec.parentWeights = parentTrained->weights;
    auto child = Trainer::create(spec, world);
    QVERIFY2(child, child ? "" : child.error().text.c_str());
    const auto trained = (*child)->run();
    QVERIFY(trained);
    QVERIFY(trained->flops <= spec.budgetFlops);
    QCOMPARE(trained->selfTraining["right"].get<double>(), 1.0);
    QVERIFY(trained->finalLoss < 0.2);
}

void TrainerTest::everythingAtOnceResumes_data()
{
    QTest::addColumn<bool>("bucketing");
    QTest::addColumn<QString>("optimizer");
    QTest::addRow("rows of one length") << false << "adamw";
    QTest::addRow("buckets, Muon") << true << "muon";
}

// Every part of a trial that has a state or draws at random, together.
void TrainerTest::everythingAtOnceResumes()
{
    QFETCH(bool, bucketing);
    QFETCH(QString, optimizer);
    const toy::LastLetter world;
    const Genome genome = world.seedGenome();
    const QTemporaryDir parentFolder, once, twice;
    auto parent = Trainer::create(specOf(genome, parentFolder, 200), world);
    QVERIFY(parent);
    const auto trained = (*parent)->run();
    QVERIFY(trained);
    Genome child = genome;
    child.recipe.optimizer = optimizer.toStdString();
    child.recipe.start = "continue";
    child.recipe.accumulation = 4;
    child.recipe.dropout = 0.1;
    child.recipe.ema = 0.9;
    child.recipe.labelSmoothing = 0.05;
    child.recipe.zLoss = 1e-3;
    child.recipe.distillation = 0.5;
    child.recipe.distillationTemperature = 2;
    child.data.replay = 0.1;
    child.data.feedback = 0.1;
    child.data.selfTraining = 0.4;
    child.data.level = 2;
    child.data.curriculum = 0.7;
    child.data.bucketing = bucketing;
    child.data.deduplicate = true;
    const auto specIn = [&](const QTemporaryDir& folder) {
        TrainSpec spec = specOf(child, folder, 200);
        spec.parentGenome = genome.toJson();
        spec.parentWeights = trained->weights;
        spec.teachers = {{"a", spec.parentGenome, spec.parentWeights}, {"b", spec.parentGenome, spec.parentWeights}};
        spec.replay = {Json{{"letter", "ab"}}, Json{{"letter", "hb"}}};
        spec.feedback = {Json{{"question", {{"letter", "cd"}}}, {"answer", "d"}}};
        return spec;
    };
    auto whole = Trainer::create(specIn(once), world);
    QVERIFY2(whole, whole ? "" : whole.error().text.c_str());
    const auto uninterrupted = (*whole)->run();
    QVERIFY2(uninterrupted, uninterrupted ? "" : uninterrupted.error().text.c_str());
    QCOMPARE(uninterrupted->data["contaminated"].get<int>(), 1);
    for (const int steps : {7, 13}) {
        auto part = Trainer::create(specIn(twice), world);
        QVERIFY(part && (*part)->advance(steps) && (*part)->keepCheckpoint());
    }
    auto rest = Trainer::create(specIn(twice), world);
    QVERIFY(rest);
    QCOMPARE((*rest)->step(), 20);
    const auto resumed = (*rest)->run();
    QVERIFY(resumed);
    QCOMPARE(resumed->flops, uninterrupted->flops);
    QCOMPARE(resumed->tokens, uninterrupted->tokens);
    QCOMPARE(resumed->finalLoss, uninterrupted->finalLoss);
    const std::string expected = bytesOf(uninterrupted->weights);
    QVERIFY(!expected.empty());
    QVERIFY(expected == bytesOf(resumed->weights));
}

void TrainerTest::bucketsSpendTheBudget()
{
    const toy::LastLetter world;
    Genome genome = world.seedGenome();
    genome.data.mixture = {{"longest", 12}};
    const QTemporaryDir folder, other;
    auto plain = Trainer::create(specOf(genome, folder, 1000), world);
    genome.data.bucketing = true;
    const TrainSpec spec = specOf(genome, other, 1000);
    auto trainer = Trainer::create(spec, world);
    QVERIFY(plain && trainer);
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    QVERIFY(trained->flops <= spec.budgetFlops && trained->flops > 0.95 * spec.budgetFlops);
    QVERIFY(trained->steps * 2 > (*plain)->totalSteps() * 3); // half the tokens were padding
    QVERIFY(std::abs(double(trained->steps - (*trainer)->totalSteps())) < 0.1 * double(trained->steps));
    // What the engine counts from tokens and length is never more than what was reported.
    const double counted = double(trained->tokens) * trainingFlops(genome.architecture, 11, int(trained->length)).value;
    QVERIFY(counted <= trained->flops && counted > 0.9 * trained->flops);
}

// The teacher copies letters; the labels say the next one. With the teacher's word alone the student copies.
void TrainerTest::softTargetsAreTheTeachers()
{
    const toy::Copy world;
    const toy::Next labels;
    const Genome genome = world.seedGenome();
    const QTemporaryDir teacherFolder, folder;
    auto teacher = Trainer::create(specOf(genome, teacherFolder, 300), world);
    QVERIFY(teacher);
    const auto taught = (*teacher)->run();
    QVERIFY(taught);
    Genome small = genome;
    small.architecture.width = 8;
    small.architecture.feedForwardWidth = 16;
    small.architecture.norm = "rmsnorm";
    small.recipe.distillation = 1;
    small.recipe.distillationTemperature = 2;
    TrainSpec spec = specOf(small, folder, 800);
    spec.parentGenome = genome.toJson();
    spec.parentWeights = taught->weights;
    auto student = Trainer::create(spec, labels);
    QVERIFY2(student, student ? "" : student.error().text.c_str());
    const auto trained = (*student)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    const double own = trainingFlops(small.architecture, 11, 3).value,
                 forward = trainingFlops(genome.architecture, 11, 3).value / 3;
    QVERIFY(std::abs(trained->flops / double(trained->tokens) / (own + forward) - 1) < 1e-9);
    QVERIFY(trained->flops <= spec.budgetFlops);
    const auto answerer = Answerer::load(small, trained->weights, world);
    QVERIFY(answerer);
    const auto answers = (*answerer)->answer({"a=", "d=", "h="});
    QVERIFY(answers);
    QCOMPARE((*answers)[0].completion[0], 'a');
    QCOMPARE((*answers)[1].completion[0], 'd');
    QCOMPARE((*answers)[2].completion[0], 'h');
}

void TrainerTest::teachersMustFit()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    const QTemporaryDir teacherFolder, folder;
    auto teacher = Trainer::create(specOf(genome, teacherFolder, 1), world);
    QVERIFY(teacher);
    const auto taught = (*teacher)->run();
    QVERIFY(taught);
    Genome child = genome;
    child.recipe.distillation = 0.5;
    TrainSpec spec = specOf(child, folder, 10);
    const auto alone = Trainer::create(spec, world);
    QVERIFY(!alone && alone.error().text.find("neither a parent nor a teacher") != std::string::npos);
    genome.reasoning.format = "reversed";
    spec.teachers = {{"t", genome.toJson(), taught->weights}};
    const auto foreign = Trainer::create(spec, world);
    QVERIFY(!foreign && foreign.error().text.find("format") != std::string::npos);
    spec.teachers = {{"t", child.toJson(), taught->weights + ".gone"}};
    QVERIFY(!Trainer::create(spec, world));
}

void TrainerTest::probesAreFewInAShortTrial()
{
    const toy::Copy world;
    for (const auto& [steps, expected] : {std::pair{8, 1}, std::pair{40, 4}, std::pair{240, 12}}) {
        const QTemporaryDir folder;
        int seen = 0;
        TrainEvents events;
        events.onObservation = [&seen](const Observation&) { ++seen; };
        auto trainer = Trainer::create(specOf(world.seedGenome(), folder, steps), world, events);
        QVERIFY(trainer);
        const auto trained = (*trainer)->run();
        QVERIFY(trained);
        QCOMPARE(seen, expected);
        QVERIFY(trained->observationSeconds > 0 && trained->observationSeconds < trained->seconds);
    }
}

// From a good start, with steps as large as the weights: the loss stays finite and far above.
void TrainerTest::aFiniteDivergenceIsAFailure()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    const QTemporaryDir parentFolder, folder;
    auto parent = Trainer::create(specOf(genome, parentFolder, 300), world);
    QVERIFY(parent);
    const auto trained = (*parent)->run();
    QVERIFY(trained);
    genome.recipe.start = "continue";
    genome.recipe.optimizer = "lion";
    genome.recipe.learningRate = 1;
    genome.recipe.warmup = 0;
    genome.recipe.weightDecay = 0;
    TrainSpec spec = specOf(genome, folder, 2000);
    spec.parentGenome = world.seedGenome().toJson();
    spec.parentWeights = trained->weights;
    auto child = Trainer::create(spec, world);
    QVERIFY(child);
    const auto diverged = (*child)->run();
    QVERIFY(!diverged);
    QCOMPARE(diverged.error().code, Code::Failed);
    QVERIFY2(diverged.error().text.find("far above its best") != std::string::npos, diverged.error().text.c_str());
    QVERIFY((*child)->step() < 400);
}

void TrainerTest::watches_data()
{
    QTest::addColumn<double>("bump");
    QTest::addColumn<int>("steps"); // that it lasts, of 2000
    QTest::addColumn<bool>("settled");
    QTest::addColumn<bool>("diverged");
    QTest::addRow("a tenth of the steps far above") << 3.0 << 200 << true << true;
    QTest::addRow("a shorter bump") << 3.0 << 199 << true << false;
    QTest::addRow("above, but by less than a nat") << 1.0 << 1000 << true << false;
    QTest::addRow("the data still gets harder") << 3.0 << 1000 << false << false;
}

void TrainerTest::watches()
{
    QFETCH(double, bump);
    QFETCH(int, steps);
    QFETCH(bool, settled);
    QFETCH(bool, diverged);
    DivergenceWatch watch;
    bool seen = false;
    for (int i = 0; i < 50; ++i)
        seen = watch.add(0.1, 2000, settled) || seen;
    QVERIFY(!seen);
    for (int i = 0; i < steps; ++i)
        seen = watch.add(bump, 2000, settled) || seen;
    seen = watch.add(0.1, 2000, settled) || seen;
    QCOMPARE(seen, diverged);
}

// Of the thread's own time, so that whatever else runs is not in it; of the best of a few tries, for what shares its caches is.
void TrainerTest::probesTakeLessThanAThirtiethOfTheTime()
{
    const toy::LastLetter world;
    Genome genome = world.seedGenome();
    genome.architecture.layers = 2;
    genome.architecture.width = 64;
    genome.architecture.heads = genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 256;
    genome.recipe.batch = 128;
    genome.data.mixture = {{"longest", 12}};
    const auto threadSeconds = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    double least = 1;
    for (int attempt = 0; attempt < 5 && least >= 0.03; ++attempt) {
        const QTemporaryDir folder;
        TrainEvents events;
        int seen = 0;
        events.onObservation = [&seen](const Observation&) { ++seen; };
        const double before = threadSeconds();
        auto trainer = Trainer::create(specOf(genome, folder, 1200), world, events);
        QVERIFY(trainer);
        const auto trained = (*trainer)->run();
        QVERIFY(trained);
        QVERIFY(seen >= 12);
        least = std::min(least, trained->observationSeconds / (threadSeconds() - before));
    }
    QVERIFY2(least < 0.03, qPrintable(QString::number(least)));
}

void TrainerTest::divergenceIsAFailure()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.learningRate = 10; // with this decay every step multiplies the matrices by -9
    genome.recipe.weightDecay = 1;
    genome.recipe.clip = 0;
    const QTemporaryDir folder;
    auto trainer = Trainer::create(specOf(genome, folder, 50), world);
    QVERIFY(trainer);
    const auto trained = (*trainer)->run();
    QVERIFY(!trained);
    QCOMPARE(trained.error().code, Code::Failed);
    QVERIFY(trained.error().text.find("diverged at step") != std::string::npos);
}

void TrainerTest::stoppingKeepsTheState()
{
    const toy::Copy world;
    const QTemporaryDir folder;
    const TrainSpec spec = specOf(world.seedGenome(), folder, 50);
    int asked = 0;
    TrainEvents events;
    events.isStopped = [&asked] { return ++asked > 7; };
    auto trainer = Trainer::create(spec, world, events);
    QVERIFY(trainer);
    const auto trained = (*trainer)->run();
    QVERIFY(!trained && trained.error().code == Code::Cancelled);
    auto again = Trainer::create(spec, world);
    QVERIFY(again);
    QCOMPARE((*again)->step(), 7);
}

void TrainerTest::theSmokeTestEndsAnExplosion()
{
    const toy::Copy world;
    Genome genome = world.seedGenome();
    genome.recipe.learningRate = 1;
    genome.recipe.warmup = 0;
    genome.recipe.clip = 0;
    const QTemporaryDir folder;
    auto trainer = Trainer::create(specOf(genome, folder, 1000), world);
    QVERIFY(trainer);
    const auto trained = (*trainer)->run();
    QVERIFY(!trained);
    QCOMPARE(trained.error().code, Code::Failed);
    QVERIFY2(trained.error().text.find("is far above its best") != std::string::npos, trained.error().text.c_str());
    QVERIFY((*trainer)->step() <= 10);
    DivergenceWatch watch;
    QVERIFY(!watch.add(1, 1000, true));
    QVERIFY(watch.hasExploded(5, 2) && !watch.hasExploded(5, 3) && !watch.hasExploded(1.9, 0.5));
}

void TrainerTest::stagesComeInOrder()
{
    const toy::Copy world;
    for (const double proxy : {0.0, 0.5}) {
        const QTemporaryDir folder;
        TrainSpec spec = specOf(world.seedGenome(), folder, 100);
        spec.proxy = proxy;
        std::vector<std::string> stages;
        TrainEvents events;
        events.onProgress = [&](const Progress& progress) {
            if (stages.empty() || stages.back() != progress.stage)
                stages.push_back(progress.stage);
        };
        events.onProxy = [&](const Proxy&) -> Result<AfterProxy> {
            stages.emplace_back("asked");
            return AfterProxy::TrainOn;
        };
        auto trainer = Trainer::create(spec, world, events);
        QVERIFY(trainer && (*trainer)->run());
        QVERIFY(stages == (proxy > 0 ? std::vector<std::string>{"shape", "smoke", "proxy", "asked", "full"}
                                     : std::vector<std::string>{"shape", "smoke", "full"}));
    }
}

void TrainerTest::aLookChangesNothingButThePrice_data()
{
    QTest::addColumn<double>("ema");
    QTest::addColumn<double>("dropout");
    QTest::addColumn<bool>("adapters");
    QTest::addColumn<bool>("text");
    QTest::addRow("plain") << 0.0 << 0.0 << false << false;
    QTest::addRow("averaged, with dropout") << 0.9 << 0.1 << false << false;
    QTest::addRow("adapters") << 0.0 << 0.0 << true << false;
    QTest::addRow("text, measured in bits per byte") << 0.0 << 0.0 << false << true;
}

void TrainerTest::aLookChangesNothingButThePrice()
{
    QFETCH(double, ema);
    QFETCH(double, dropout);
    QFETCH(bool, adapters);
    QFETCH(bool, text);
    const toy::Copy world(text ? Measure::BitsPerByte : Measure::ExactMatch);
    Genome genome = world.seedGenome();
    genome.recipe.ema = ema;
    genome.recipe.dropout = dropout;
    const QTemporaryDir plain, looked, parentFolder;
    TrainSpec spec = specOf(genome, plain, 400);
    if (text)
        spec.budgetFlops = 400.0 * 16 * 16 * trainingFlops(genome.architecture, 11, 16).value;
    if (adapters) {
        auto parent = Trainer::create(specOf(genome, parentFolder, 20), world);
        QVERIFY(parent && (*parent)->run());
        spec.parentGenome = genome.toJson();
        spec.parentWeights = parentFolder.path().toStdString() + "/weights.safetensors";
        genome.adaptation.method = "lora";
        genome.recipe.start = "continue";
        spec.genome = genome.toJson();
    }
    auto without = Trainer::create(spec, world);
    QVERIFY2(without, without ? "" : without.error().text.c_str());
    const auto first = (*without)->run();
    QVERIFY(first);
    spec.scratch = looked.path().toStdString();
    spec.proxy = 0.5;
    std::vector<Proxy> proxies;
    TrainEvents events;
    events.onProxy = [&](const Proxy& proxy) -> Result<AfterProxy> {
        proxies.push_back(proxy);
        return AfterProxy::TrainOn;
    };
    auto with = Trainer::create(spec, world, events);
    QVERIFY(with);
    const auto second = (*with)->run();
    QVERIFY2(second, second ? "" : second.error().text.c_str());
    QVERIFY(bytesOf(first->weights) == bytesOf(second->weights));
    QCOMPARE(proxies.size(), 1U);
    const Proxy& proxy = proxies.front();
    QVERIFY(std::abs(static_cast<double>(proxy.step) / static_cast<double>(second->steps) - 0.5) < 0.01);
    QVERIFY2(proxy.score > (text ? 0.9 : adapters ? 0.0 : 0.5) && proxy.score <= 1, qPrintable(QString::number(proxy.score)));
    QVERIFY(proxy.items >= 16 && proxy.flops > 0 && proxy.flops <= 0.02 * spec.budgetFlops);
    QVERIFY(std::abs(second->flops - first->flops - proxy.flops) <= 1e-9 * second->flops);
    QVERIFY(!QFile::exists(looked.filePath(QStringLiteral("proxy.safetensors"))));
}

void TrainerTest::whoIsKilledAtTheLookAsksAgain()
{
    const toy::Copy world;
    const QTemporaryDir once, often;
    TrainSpec spec = specOf(world.seedGenome(), once, 400);
    spec.proxy = 0.25;
    std::vector<Proxy> proxies;
    AfterProxy answer = AfterProxy::TrainOn;
    TrainEvents events;
    events.onProxy = [&](const Proxy& proxy) -> Result<AfterProxy> {
        proxies.push_back(proxy);
        return answer;
    };
    auto whole = Trainer::create(spec, world, events);
    QVERIFY(whole);
    const auto expected = (*whole)->run();
    QVERIFY(expected);
    spec.scratch = often.path().toStdString();
    answer = AfterProxy::Stop;
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto stopped = Trainer::create(spec, world, events);
        QVERIFY(stopped);
        const auto end = (*stopped)->run();
        QVERIFY(!end && end.error().code == Code::Cancelled);
    }
    answer = AfterProxy::TrainOn;
    int steps = 0;
    events.isStopped = [&steps] { return ++steps > 100; };      // some steps after the look
    auto resumed = Trainer::create(spec, world, events);
    QVERIFY(resumed && !(*resumed)->run());
    events.isStopped = {};
    auto last = Trainer::create(spec, world, events);
    QVERIFY(last);
    const auto trained = (*last)->run();
    QVERIFY(trained);
    QCOMPARE(proxies.size(), 4U);             // nobody is asked once more who was let go on
    for (const Proxy& proxy : proxies)
        QVERIFY(proxy.step == proxies.front().step && proxy.score == proxies.front().score && proxy.flops == proxies.front().flops);
    QCOMPARE(trained->flops, expected->flops);
    QVERIFY(bytesOf(expected->weights) == bytesOf(trained->weights));
}

void TrainerTest::rates_data()
{
    QTest::addColumn<QString>("schedule");
    QTest::addColumn<int>("step");
    QTest::addColumn<double>("share");
    QTest::addRow("warm-up starts small") << "constant" << 0 << 0.1;
    QTest::addRow("constant stays") << "constant" << 99 << 1.0;
    QTest::addRow("linear is half way in the middle of what follows the warm-up") << "linear" << 54 << 0.5;
    QTest::addRow("linear ends at zero") << "linear" << 99 << 0.0;
    QTest::addRow("cosine is half way in the middle") << "cosine" << 54 << 0.5;
    QTest::addRow("wsd is stable") << "wsd" << 68 << 1.0;
    QTest::addRow("wsd decays in its last part") << "wsd" << 84 << 0.5;
}

void TrainerTest::rates()
{
    QFETCH(QString, schedule);
    QFETCH(int, step);
    QFETCH(double, share);
    Recipe recipe;
    recipe.learningRate = 2;
    recipe.warmup = 0.1;
    recipe.schedule = schedule.toStdString();
    QVERIFY(std::abs(learningRateAt(recipe, step, 100) - 2 * share) < 1e-9);
}

QTEST_GUILESS_MAIN(TrainerTest)
#include "tst_trainer.moc"
