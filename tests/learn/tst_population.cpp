// SPDX-License-Identifier: GPL-3.0-or-later
// Populations: who takes whose place, a rate that is known to be too low, what is paid, and that the log alone gives the
// winner's bytes again.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/genome/weights_file.h"
#include "core/model/compat.h"
#include "core/trainer/population.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

constexpr int members = 5, generations = 4;

Genome populationOf(Genome genome)
{
    genome.recipe.population = members;
    genome.recipe.generations = generations;
    genome.recipe.schedule = "linear";
    genome.recipe.ema = 0.9;
    genome.recipe.dropout = 0.05;
    genome.recipe.labelSmoothing = 0.02;
    return genome;
}

std::string bytesOf(const std::string& file)
{
    return readFile(file).value_or(std::string());
}

} // namespace

class PopulationTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void theWorseGoOnFromTheBetter();
    void whatAllDidIsPaidFromOneBudget();
    void theWinnerIsTrainedAgainFromTheLogAlone_data();
    void theWinnerIsTrainedAgainFromTheLogAlone();
    void resumedEqualsUninterrupted_data();
    void resumedEqualsUninterrupted();
    void theCurveIsThatOfEachGenerationsBest();
    void aRateThatIsTooLowIsLeft();
    void whoDivergesIsReplaced();
    void aLostMembersStateIsNotNeeded();
    void aBudgetWithoutAStepForAllIsRefused();

private:
    [[nodiscard]] TrainSpec specOf(const Genome& genome, double flops);
    // The spec, and in `spec.parent...` a trained parent when `start` is "continue". `method`: "full", "lora", or "carry", which is
    // full with the parent's moments.
    [[nodiscard]] TrainSpec specOf(const QString& start, const QString& method);

    toy::Copy m_world;
    QTemporaryDir m_root;
    int m_folders = 0;
};

TrainSpec PopulationTest::specOf(const Genome& genome, double flops)
{
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 11;
    spec.genome = genome.toJson();
    spec.budgetFlops = flops;
    spec.scratch = m_root.filePath(QString::number(++m_folders)).toStdString();
    std::filesystem::create_directory(spec.scratch);
    return spec;
}

TrainSpec PopulationTest::specOf(const QString& start, const QString& method)
{
    Genome genome = populationOf(m_world.seedGenome());
    genome.recipe.start = start.toStdString();
    const bool carries = method == QLatin1String("carry");
    genome.adaptation.method = carries ? "full" : method.toStdString();
    genome.recipe.moments = carries ? "carry" : "reset";
    TrainSpec spec = specOf(genome, 3e8);
    if (start != "continue")
        return spec;
    TrainSpec parent = specOf(m_world.seedGenome(), 5e7);
    parent.keepsMoments = carries;
    const auto done = Trainer::create(parent, m_world).value()->run();
    if (!done)
        qFatal("%s", done.error().text.c_str());
    spec.parentGenome = parent.genome;
    spec.parentWeights = done->weights;
    spec.parentMoments = done->moments;
    return spec;
}

void PopulationTest::theWorseGoOnFromTheBetter()
{
    const TrainSpec spec = specOf("scratch", "full");
    const auto population = Population::create(spec, m_world).value();
    QVERIFY(population->run());
    const PopulationLog& log = population->log();
    QCOMPARE(log.generations.size(), std::size_t(generations));
    QVERIFY(std::set(log.seeds.begin(), log.seeds.end()).size() == members);
    const Hyperparameters own = Hyperparameters::of(populationOf(m_world.seedGenome()).recipe);
    QCOMPARE(log.generations[0][0].with.learningRate, own.learningRate);
    QVERIFY(log.generations[0][1].with.learningRate != own.learningRate);
    for (std::size_t g = 1; g < log.generations.size(); ++g) {
        const std::vector<MemberLog>&before = log.generations[g - 1], &now = log.generations[g];
        const auto byLoss = [](const MemberLog& a, const MemberLog& b) { return a.loss < b.loss; };
        const auto best = std::min_element(before.begin(), before.end(), byLoss) - before.begin(),
                   worst = std::max_element(before.begin(), before.end(), byLoss) - before.begin();
        for (std::size_t i = 0; i < members; ++i) {
            const bool isWorst = i == static_cast<std::size_t>(worst); // a quarter of five is one
            QCOMPARE(now[i].from, isWorst ? static_cast<int>(best) : static_cast<int>(i));
            const Hyperparameters &old = before[static_cast<std::size_t>(now[i].from)].with, &its = now[i].with;
            for (const auto& [was, is] : {std::pair(old.learningRate, its.learningRate), std::pair(old.weightDecay, its.weightDecay),
                                          std::pair(old.dropout, its.dropout), std::pair(old.labelSmoothing, its.labelSmoothing),
                                          std::pair(1 - old.ema, 1 - its.ema)}) {
                const double factor = is / was;
                QVERIFY(isWorst ? std::abs(factor - 0.8) < 1e-9 || std::abs(factor - 1.25) < 1e-9 : factor == 1);
            }
        }
    }
}

void PopulationTest::whatAllDidIsPaidFromOneBudget()
{
    const TrainSpec spec = specOf("scratch", "full");
    const auto population = Population::create(spec, m_world).value();
    const auto done = population->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    const PopulationLog& log = population->log();
    QCOMPARE(done->steps, members * generations * log.steps);
    QCOMPARE(done->tokens, done->steps * 16 * 3);
    const double steps = static_cast<double>(done->tokens) * trainingFlops(m_world.seedGenome().architecture, 11, 3).value;
    const double looks = static_cast<double>(members * generations * log.items * 3) *
                         trainingFlops(m_world.seedGenome().architecture, 11, 3).value / 3;
    QVERIFY(std::abs(done->flops / (steps + looks) - 1) < 1e-9);
    QVERIFY(looks <= 0.1 * spec.budgetFlops && done->flops <= spec.budgetFlops && done->flops > 0.95 * spec.budgetFlops);
    QVERIFY(PopulationLog::fromJson(done->population).value().toJson() == log.toJson());
    QCOMPARE(log.stepsOfAll(), done->steps);
    QCOMPARE(log.flopsOfAll(), done->flops);
}

void PopulationTest::theWinnerIsTrainedAgainFromTheLogAlone_data()
{
    QTest::addColumn<QString>("start");
    QTest::addColumn<QString>("method");
    QTest::addRow("from scratch") << "scratch" << "full";
    QTest::addRow("from a parent") << "continue" << "full";
    QTest::addRow("low rank, from a parent") << "continue" << "lora";
    QTest::addRow("from a parent and its moments") << "continue" << "carry";
}

void PopulationTest::theWinnerIsTrainedAgainFromTheLogAlone()
{
    QFETCH(QString, start);
    QFETCH(QString, method);
    TrainSpec spec = specOf(start, method);
    bool hasMoved = false; // a winner that was never replaced would prove little
    for (spec.seed = 1; !hasMoved && spec.seed < 20; ++spec.seed) {
        const auto done = Population::create(spec, m_world).value()->run();
        QVERIFY2(done, done ? "" : done.error().text.c_str());
        // The log as the version's file has it.
        const Json stored = Json::parse(readWeights(done->weights).value().metadata.at("population"));
        const PopulationLog log = PopulationLog::fromJson(stored).value();
        const std::vector<int> line = log.lineage();
        hasMoved = std::adjacent_find(line.begin(), line.end(), std::not_equal_to()) != line.end();
        TrainSpec alone = spec;
        alone.scratch = m_root.filePath(QString::number(++m_folders)).toStdString();
        std::filesystem::create_directory(alone.scratch);
        const auto again = Population::replay(alone, log, m_world);
        QVERIFY2(again, again ? "" : again.error().text.c_str());
        QCOMPARE(again->steps, generations * log.steps);
        QVERIFY(bytesOf(done->weights) == bytesOf(again->weights));
        // Another line gives other weights.
        PopulationLog other = log;
        other.generations.back()[static_cast<std::size_t>(line.back())].with.learningRate *= 1.01;
        const auto changed = Population::replay(alone, other, m_world);
        QVERIFY(changed && bytesOf(done->weights) != bytesOf(changed->weights));
    }
    QVERIFY(hasMoved);
}

void PopulationTest::resumedEqualsUninterrupted_data()
{
    QTest::addColumn<QString>("method");
    QTest::addColumn<double>("generationsDone");
    QTest::addRow("before the first step") << "full" << 0.0;
    QTest::addRow("in the middle of a member's turn") << "full" << 1.3;
    QTest::addRow("between two generations") << "full" << 2.0;
    QTest::addRow("in the last, low rank") << "lora" << 3.7;
    QTest::addRow("in the last, with the parent's moments") << "carry" << 3.7;
    QTest::addRow("when all is done") << "full" << 4.0;
}

void PopulationTest::resumedEqualsUninterrupted()
{
    QFETCH(QString, method);
    QFETCH(double, generationsDone);
    TrainSpec spec = specOf("continue", method);
    const auto whole = Population::create(spec, m_world).value();
    const auto done = whole->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    spec.scratch = m_root.filePath(QString::number(++m_folders)).toStdString();
    std::filesystem::create_directory(spec.scratch);
    {
        const auto first = Population::create(spec, m_world).value();
        const auto steps = static_cast<std::int64_t>(generationsDone * static_cast<double>(members * first->log().steps));
        QVERIFY(first->advance(steps));
        QCOMPARE(first->log().stepsOfAll(), steps);
        QVERIFY(first->keepCheckpoint());
    }
    TrainEvents watching; // looking must not change anything
    watching.onObservation = [](const Observation& seen) { QVERIFY(!seen.layers.empty()); };
    const auto second = Population::create(spec, m_world, watching).value();
    const auto resumed = second->run();
    QVERIFY2(resumed, resumed ? "" : resumed.error().text.c_str());
    QVERIFY(bytesOf(done->weights) == bytesOf(resumed->weights));
    QVERIFY(second->log().toJson() == whole->log().toJson());
    // Another trial's checkpoint is not gone on from.
    spec.seed += 1;
    QCOMPARE(Population::create(spec, m_world).value()->log().stepsOfAll(), 0);
}

void PopulationTest::theCurveIsThatOfEachGenerationsBest()
{
    std::vector<std::int64_t> steps;
    std::int64_t observations = 0;
    TrainEvents events;
    events.onPoints = [&](const Points& points) { steps.push_back(points.step); };
    events.onObservation = [&](const Observation&) { ++observations; };
    const auto population = Population::create(specOf("scratch", "full"), m_world, events).value();
    QVERIFY(population->run());
    QCOMPARE(steps.size(), static_cast<std::size_t>(generations * population->log().steps));
    for (std::size_t i = 0; i < steps.size(); ++i)
        QCOMPARE(steps[i], static_cast<std::int64_t>(i + 1));
    QVERIFY(observations > 0 && observations <= 13);
}

// In a world of eight letters and a few dozen steps, faster is better by far: whoever wins has a higher rate than the genome's.
void PopulationTest::aRateThatIsTooLowIsLeft()
{
    Genome genome = m_world.seedGenome();
    genome.recipe.population = 4;
    genome.recipe.generations = 8;
    genome.recipe.learningRate = 1e-4;
    TrainSpec spec = specOf(genome, 4e8);
    for (spec.seed = 1; spec.seed <= 5; ++spec.seed) {
        const auto population = Population::create(spec, m_world).value();
        QVERIFY(population->run());
        const PopulationLog& log = population->log();
        const double rate = log.generations.back()[static_cast<std::size_t>(log.ranking().front())].with.learningRate;
        QVERIFY2(rate > 1.5 * genome.recipe.learningRate, qPrintable(QString::number(rate)));
    }
}

// A matrix is multiplied by 1 - rate * decay at every step: beyond 2 its numbers overflow within a generation. The first
// member stays below, and others start above.
void PopulationTest::whoDivergesIsReplaced()
{
    Genome genome = m_world.seedGenome();
    genome.recipe.population = 4;
    genome.recipe.generations = 3;
    genome.recipe.optimizer = "lion";
    genome.recipe.clip = 0;
    genome.recipe.learningRate = 10;
    genome.recipe.weightDecay = 10;
    TrainSpec spec = specOf(genome, 4e8);
    const auto refused = Population::create(spec, m_world).value()->run();
    QVERIFY(!refused);
    QVERIFY2(refused.error().text.find("Every member") != std::string::npos, refused.error().text.c_str());
    genome.recipe.population = 8;
    genome.recipe.learningRate = 0.13;
    spec = specOf(genome, 4e9);
    int lost = 0, saved = 0;
    for (spec.seed = 1; spec.seed <= 3; ++spec.seed) {
        const auto population = Population::create(spec, m_world).value();
        const auto done = population->run();
        QVERIFY2(done, done ? "" : done.error().text.c_str());
        const auto& first = population->log().generations[0];
        const auto& second = population->log().generations[1];
        for (std::size_t i = 0; i < first.size(); ++i)
            if (first[i].isLost) {
                ++lost;
                saved += second[i].from != static_cast<int>(i) && !first[static_cast<std::size_t>(second[i].from)].isLost;
            }
    }
    QVERIFY(lost > 0);
    QCOMPARE(saved, lost);
}

// Its numbers may be none, which no checkpoint holds.
void PopulationTest::aLostMembersStateIsNotNeeded()
{
    Genome genome = m_world.seedGenome();
    genome.recipe.population = 8;
    genome.recipe.generations = 3;
    genome.recipe.optimizer = "lion";
    genome.recipe.clip = 0;
    genome.recipe.learningRate = 0.13;
    genome.recipe.weightDecay = 10;
    TrainSpec spec = specOf(genome, 4e9);
    const auto whole = Population::create(spec, m_world).value();
    const auto done = whole->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    spec = specOf(genome, 4e9);
    const auto isLost = [](const MemberLog& member) { return member.isLost; };
    {
        const auto first = Population::create(spec, m_world).value();
        const auto& generation = first->log().generations.front();
        while (std::none_of(generation.begin(), generation.end(), isLost))
            QVERIFY(first->advance(1) && first->log().generations.size() == 1);
        QVERIFY(first->keepCheckpoint());
    }
    const auto second = Population::create(spec, m_world);
    QVERIFY2(second, second ? "" : second.error().text.c_str());
    const auto resumed = (*second)->run();
    QVERIFY2(resumed, resumed ? "" : resumed.error().text.c_str());
    QVERIFY((*second)->log().toJson() == whole->log().toJson());
    QVERIFY(bytesOf(done->weights) == bytesOf(resumed->weights));
}

void PopulationTest::aBudgetWithoutAStepForAllIsRefused()
{
    Genome genome = populationOf(m_world.seedGenome());
    const double step = 16 * 3 * trainingFlops(genome.architecture, 11, 3).value;
    const auto refused = Population::create(specOf(genome, members * generations * step), m_world);
    QVERIFY(!refused);
    QVERIFY2(refused.error().text.find("every member in every generation") != std::string::npos, refused.error().text.c_str());
    QVERIFY(Population::create(specOf(genome, members * generations * step * 1.5), m_world));
    const auto alone = Trainer::create(specOf(genome, 1e9), m_world);
    QVERIFY(!alone && alone.error().code == Code::BadInput);
}

QTEST_GUILESS_MAIN(PopulationTest)
#include "tst_population.moc"
