// SPDX-License-Identifier: GPL-3.0-or-later
// Distillation from named teachers and trials that start from an average of versions: what they compute, that they go
// on exactly where they were stopped, and what a worker refuses.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/genome/cost.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/surgery/average.h"
#include "core/trainer/loss.h"
#include "core/trainer/trainer.h"
#include "random_model.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

constexpr int toyVocabulary = 11;

std::string named(char letter)
{
    return std::string(64, letter);
}

std::string bytesOf(const std::string& file)
{
    return readFile(file).value_or(std::string());
}

} // namespace

class TeachersTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void anEnsembleSaysTheMeanOfItsProbabilities();
    void onlyWhatIsAnsweredIsTaught();
    void aSmallerStudentOfAnotherShapeLearnsFromTwo();
    void teachersAreResumedExactly();
    void workersTakeNoOtherVersions();
    void theMeanOfVersionsIsTheirMean();
    void aSoupLeavesOutWhatHarms();
    void anAverageIsFineTunedAndResumed_data();
    void anAverageIsFineTunedAndResumed();
    void workersRefuseWhatDoesNotFitTheirMemory();

private:
    [[nodiscard]] TrainSpec specOf(const Genome& genome, const QTemporaryDir& folder, double flops) const;
    [[nodiscard]] Artifact trained(char name, const Genome& genome, const QTemporaryDir& folder, std::uint64_t seed,
                                   double steps) const;
    // A model trained with the same recipe from `parent`, with another seed.
    [[nodiscard]] Artifact continued(char name, const Artifact& parent, const QTemporaryDir& folder,
                                     std::uint64_t seed) const;

    toy::Copy m_world;
};

TrainSpec TeachersTest::specOf(const Genome& genome, const QTemporaryDir& folder, double flops) const
{
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 11;
    spec.genome = genome.toJson();
    spec.budgetFlops = flops;
    spec.scratch = folder.path().toStdString();
    return spec;
}

Artifact TeachersTest::trained(char name, const Genome& genome, const QTemporaryDir& folder, std::uint64_t seed,
                               double steps) const
{
    TrainSpec spec =
        specOf(genome, folder,
               (steps + 0.5) * genome.recipe.batch * 3 * trainingFlops(genome.architecture, toyVocabulary, 3).value);
    spec.seed = seed;
    auto trainer = Trainer::create(spec, m_world);
    const auto done = trainer ? (*trainer)->run() : Result<Trained>(passOn(trainer));
    if (!done)
        qFatal("%s", done.error().text.c_str());
    return {named(name), genome.toJson(), done->weights};
}

Artifact TeachersTest::continued(char name, const Artifact& parent, const QTemporaryDir& folder,
                                 std::uint64_t seed) const
{
    Genome genome = Genome::fromJson(parent.genome).value();
    genome.recipe.start = "continue";
    TrainSpec spec = specOf(
        genome, folder, 100.5 * genome.recipe.batch * 3 * trainingFlops(genome.architecture, toyVocabulary, 3).value);
    spec.seed = seed;
    spec.parentGenome = parent.genome;
    spec.parentWeights = parent.weights;
    auto trainer = Trainer::create(spec, m_world);
    const auto done = trainer ? (*trainer)->run() : Result<Trained>(passOn(trainer));
    if (!done)
        qFatal("%s", done.error().text.c_str());
    return {named(name), genome.toJson(), done->weights};
}

// Softmax at the temperature and the mean over teachers in double precision by hand, from each teacher's logits.
void TeachersTest::anEnsembleSaysTheMeanOfItsProbabilities()
{
    const double temperature = 2.5;
    QTemporaryDir folder;
    Genome genome;
    genome.architecture = smallArchitecture();
    genome.recipe.distillation = 0.5;
    genome.recipe.teachers = {named('a'), named('b')};
    Genome deeper = genome;
    deeper.architecture.layers += 1;
    TrainSpec spec;
    const Transformer one = randomModel(genome.architecture, 1), two = randomModel(deeper.architecture, 2);
    for (const auto& [name, model, its] : {std::tuple('a', &one, &genome), std::tuple('b', &two, &deeper)}) {
        const std::string file = (folder.path() + "/" + name).toStdString();
        QVERIFY(model->save(file, model->flat(), {}));
        spec.teachers.push_back({named(name), its->toJson(), file});
    }
    const auto teachers = Teachers::load(spec, genome, vocabulary);
    QVERIFY2(teachers, teachers ? "" : teachers.error().text.c_str());
    QCOMPARE(teachers->architectures().size(), 2U);
    at::manual_seed(3);
    const Batch batch{at::randint(vocabulary, {2, 5}, at::kLong), at::full({2, 5}, -100, at::kLong), {}};
    const at::Tensor places = at::tensor({1, 4, 8}, at::kLong);
    const at::Tensor got = teachers->probabilities(batch, places, temperature);
    QCOMPARE(got.sizes().vec(), (std::vector<std::int64_t>{3, vocabulary}));
    const at::NoGradGuard noGradient;
    for (int row = 0; row < 3; ++row) {
        std::vector<double> mean(vocabulary, 0.0);
        for (const Transformer* model : {&one, &two}) {
            const at::Tensor logits = model->forward(batch.inputs, {}).view({-1, vocabulary});
            const float* const values = logits.data_ptr<float>() + places.data_ptr<std::int64_t>()[row] * vocabulary;
            double sum = 0;
            for (int i = 0; i < vocabulary; ++i)
                sum += std::exp(values[i] / temperature);
            for (int i = 0; i < vocabulary; ++i)
                mean[static_cast<std::size_t>(i)] += std::exp(values[i] / temperature) / sum / 2;
        }
        for (int i = 0; i < vocabulary; ++i)
            QVERIFY(std::abs(got.data_ptr<float>()[row * vocabulary + i] - mean[static_cast<std::size_t>(i)]) < 1e-6);
    }
}

// With nothing but soft targets a teacher's word on the prompt must not count: one that equals the student on the
// answers and not on the prompts gives no loss there.
void TeachersTest::onlyWhatIsAnsweredIsTaught()
{
    Recipe recipe;
    recipe.distillation = 1;
    const at::Tensor logits = at::zeros({4, 3}), targets = at::tensor({-100, -100, 1, 2}, at::kLong);
    const at::Tensor places = placesOf(targets);
    QCOMPARE(places.numel(), 2);
    QVERIFY(places.data_ptr<std::int64_t>()[0] == 2 && places.data_ptr<std::int64_t>()[1] == 3);
    const at::Tensor even = at::full({2, 3}, 1.0 / 3);
    QVERIFY(std::abs(lossOf(recipe, logits, targets, places, even).item<double>()) < 1e-6);
    const at::Tensor sure = at::tensor({0.5, 0.25, 0.25, 1.0 / 3, 1.0 / 3, 1.0 / 3}, at::kFloat).view({2, 3});
    const double byHand =
        (0.5 * std::log(1.5) + 0.5 * std::log(0.75)) / 2; // KL(teacher || even), mean of the two places
    QVERIFY(std::abs(lossOf(recipe, logits, targets, places, sure).item<double>() - byHand) < 1e-6);
}

void TeachersTest::aSmallerStudentOfAnotherShapeLearnsFromTwo()
{
    const QTemporaryDir folders[2], own;
    Genome genome = m_world.seedGenome();
    Genome deep = genome;
    deep.architecture.layers = 2;
    Genome student = genome;
    student.architecture.width = 8;
    student.architecture.feedForwardWidth = 16;
    student.architecture.norm = "rmsnorm";
    student.architecture.positions = "rope";
    student.recipe.distillation = 1;
    student.recipe.distillationTemperature = 2;
    student.recipe.teachers = {named('a'), named('b')};
    TrainSpec spec = specOf(student, own, 0);
    spec.teachers = {trained('a', genome, folders[0], 1, 300), trained('b', deep, folders[1], 2, 300)};
    const double token =
        trainingFlops(student.architecture, toyVocabulary, 3, {genome.architecture, deep.architecture}).value;
    spec.budgetFlops = 800.5 * 16 * 3 * token;
    const toy::Next labels; // which nobody listens to
    auto trainer = Trainer::create(spec, labels);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto done = (*trainer)->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    QCOMPARE(done->steps, 800);
    QVERIFY(std::abs(done->flops / double(done->tokens) / token - 1) < 1e-9);
    const auto answers = Answerer::load(student, done->weights, m_world).value()->answer({"a=", "d=", "h="});
    QVERIFY(answers);
    QCOMPARE((*answers)[0].completion[0], 'a');
    QCOMPARE((*answers)[1].completion[0], 'd');
    QCOMPARE((*answers)[2].completion[0], 'h');
}

void TeachersTest::teachersAreResumedExactly()
{
    const QTemporaryDir folders[2], once, twice;
    Genome genome = m_world.seedGenome();
    Genome student = genome;
    student.recipe.distillation = 0.5;
    student.recipe.ema = 0.9;
    student.recipe.dropout = 0.05;
    student.recipe.accumulation = 2;
    student.recipe.teachers = {named('a'), named('b')};
    TrainSpec spec = specOf(student, once, 2e8);
    spec.teachers = {trained('a', genome, folders[0], 1, 50), trained('b', genome, folders[1], 2, 50)};
    QVERIFY(Trainer::create(spec, m_world).value()->run());
    spec.scratch = twice.path().toStdString();
    {
        auto first = Trainer::create(spec, m_world).value();
        QVERIFY(first->advance(15) && first->keepCheckpoint());
    }
    auto second = Trainer::create(spec, m_world).value();
    QCOMPARE(second->step(), 15);
    QVERIFY(second->run());
    const std::string expected = bytesOf(once.path().toStdString() + "/weights.safetensors");
    QVERIFY(!expected.empty() && expected == bytesOf(twice.path().toStdString() + "/weights.safetensors"));
    // Another teacher is another trial: its checkpoint is not gone on from.
    TrainSpec other = spec;
    student.recipe.teachers.pop_back();
    other.genome = student.toJson();
    other.teachers.pop_back();
    QCOMPARE(Trainer::create(other, m_world).value()->step(), 0);
}

void TeachersTest::workersTakeNoOtherVersions()
{
    const QTemporaryDir folders[2], own;
    const Genome genome = m_world.seedGenome();
    const Artifact a = trained('a', genome, folders[0], 1, 1), b = trained('b', genome, folders[1], 2, 1);
    Genome student = genome;
    student.recipe.distillation = 0.5;
    student.recipe.teachers = {named('a'), named('b')};
    TrainSpec spec = specOf(student, own, 1e8);
    const auto text = [&] {
        const auto refused = Trainer::create(spec, m_world);
        return refused ? std::string() : refused.error().text;
    };
    QVERIFY(text().find("names 2 teachers") != std::string::npos);
    spec.teachers = {a};
    QVERIFY(text().find("names 2 teachers") != std::string::npos);
    spec.teachers = {a, b};
    QCOMPARE(text(), std::string());
    Genome average = genome;
    average.recipe.start = "average";
    average.recipe.members = {named('a'), named('b')};
    spec = specOf(average, own, 1e8);
    spec.members = {b, a};
    QVERIFY(text().find("names 2 members") != std::string::npos);
    Genome wide = genome;
    wide.architecture.feedForwardWidth = 64;
    const QTemporaryDir another;
    spec.members = {a, trained('b', wide, another, 2, 1)};
    QVERIFY(text().find("another architecture") != std::string::npos);
    spec.members[1].weights += ".gone";
    QVERIFY(!text().empty());
}

void TeachersTest::theMeanOfVersionsIsTheirMean()
{
    const QTemporaryDir folders[3], own;
    Genome average = m_world.seedGenome();
    const Artifact a = trained('a', average, folders[0], 1, 100), b = continued('b', a, folders[1], 2);
    average.recipe.start = "average";
    average.recipe.members = {named('a'), named('b')};
    TrainSpec spec = specOf(average, own, 1e8);
    spec.members = {a, b};
    const auto done = Trainer::create(spec, m_world).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    QVERIFY(done->steps == 0 && done->tokens == 0 && done->length == 3);
    QVERIFY(done->flops > 0 && done->flops <= 0.1 * spec.budgetFlops); // one look at its loss
    QVERIFY(done->finalLoss > 0 && done->finalLoss < 3);
    const WeightsFile file = readWeights(done->weights).value();
    QCOMPARE(Json::parse(file.metadata.at("members")), Json(average.recipe.members));
    const WeightsFile first = readWeights(a.weights).value(), second = readWeights(b.weights).value();
    for (const auto& [name, entry] : file.tensors)
        for (std::size_t i = 0; i < entry.bytes / sizeof(float); ++i)
            QVERIFY(std::abs(file.floats(name)[i] - (double(first.floats(name)[i]) + second.floats(name)[i]) / 2) <
                    1e-7);
}

void TeachersTest::aSoupLeavesOutWhatHarms()
{
    const QTemporaryDir folders[3], own;
    Genome soup = m_world.seedGenome();
    const Artifact a = trained('a', soup, folders[0], 1, 200), b = continued('b', a, folders[1], 2),
                   untrained = trained('c', soup, folders[2], 3, 1);
    soup.recipe.start = "soup";
    soup.recipe.members = {named('c'), named('a'), named('b')};
    TrainSpec spec = specOf(soup, own, 1e8);
    spec.members = {untrained, a, b};
    const auto done = Trainer::create(spec, m_world).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    const Json members = Json::parse(readWeights(done->weights).value().metadata.at("members"));
    QVERIFY(members.size() <= 2 && members[0] == named('b')); // trained the longest
    QVERIFY(std::find(members.begin(), members.end(), Json(named('c'))) == members.end());
    QVERIFY(done->flops > 0 && done->flops <= 0.1 * spec.budgetFlops);
    const std::string weights = bytesOf(done->weights);
    QVERIFY(Trainer::create(spec, m_world).value()->run());
    QVERIFY(weights == bytesOf(done->weights)); // tasted alike
}

void TeachersTest::anAverageIsFineTunedAndResumed_data()
{
    QTest::addColumn<QString>("start");
    QTest::addRow("the mean") << "average";
    QTest::addRow("the greedy soup") << "soup";
}

void TeachersTest::anAverageIsFineTunedAndResumed()
{
    QFETCH(QString, start);
    const QTemporaryDir folders[2], once, twice;
    Genome average = m_world.seedGenome();
    const Artifact a = trained('a', average, folders[0], 1, 100), b = continued('b', a, folders[1], 2);
    average.recipe.start = start.toStdString();
    average.recipe.members = {named('a'), named('b')};
    average.recipe.fineTuning = 0.25;
    TrainSpec spec = specOf(average, once, 1e8);
    spec.members = {a, b};
    const auto done = Trainer::create(spec, m_world).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    const double step = 16 * 3 * trainingFlops(average.architecture, toyVocabulary, 3).value;
    QCOMPARE(done->steps, static_cast<std::int64_t>(0.25 * spec.budgetFlops / step));
    QVERIFY(done->steps > 20 && done->flops < 0.36 * spec.budgetFlops);
    spec.scratch = twice.path().toStdString();
    {
        auto first = Trainer::create(spec, m_world).value();
        QVERIFY(first->advance(15) && first->keepCheckpoint());
    }
    auto second = Trainer::create(spec, m_world).value();
    QCOMPARE(second->step(), 15);
    QVERIFY(second->run());
    const std::string expected = bytesOf(once.path().toStdString() + "/weights.safetensors");
    QVERIFY(!expected.empty() && expected == bytesOf(twice.path().toStdString() + "/weights.safetensors"));
}

void TeachersTest::workersRefuseWhatDoesNotFitTheirMemory()
{
    const QTemporaryDir folder;
    const Genome genome = m_world.seedGenome();
    TrainSpec spec = specOf(genome, folder, 1e8);
    const double needed = learnerBytes + trainingMemory(genome, toyVocabulary, 3).bytes();
    spec.memoryBytes = needed;
    QVERIFY(Trainer::create(spec, m_world));
    spec.memoryBytes = needed * 0.9;
    const auto refused = Trainer::create(spec, m_world);
    QVERIFY(!refused && refused.error().code == Code::Refused);
    QVERIFY2(refused.error().text.find("are allowed") != std::string::npos, refused.error().text.c_str());
}

QTEST_GUILESS_MAIN(TeachersTest)
#include "tst_teachers.moc"
