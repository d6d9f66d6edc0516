// SPDX-License-Identifier: GPL-3.0-or-later
// An optimizer that goes on from where its parent's stopped: the steps that one long training would have made, bit for bit,
// as the data of every step are the same here.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/model/compat.h"
#include "core/trainer/kept_moments.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace
{

// "c=" -> "c" and nothing else.
class OneLetter : public toy::Copy
{
public:
    Item drawTraining(const Data&, Rng&) const override { return {"c", Json{{"letter", "c"}}}; }
};

double budgetOf(const Genome& genome, double steps)
{
    return (steps + 0.5) * genome.recipe.batch * 3 * trainingFlops(genome.architecture, 11, 3).value;
}

} // namespace

class TestKeptMoments : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void carriedOnIsOneTraining_data();
    void carriedOnIsOneTraining();
    void resumedEqualsUninterrupted();
    void aGrownChildCarriesOnWithItsOwnShape();
    void whatIsFrozenHasNoMoments();
    void whoHasNothingToCarryStartsAnewAndSaysSo_data();
    void whoHasNothingToCarryStartsAnewAndSaysSo();
    void damageIsRefused_data();
    void damageIsRefused();

private:
    [[nodiscard]] TrainSpec specOf(const Genome& genome, double steps, const Trained* parent, const Genome& parentGenome)
    {
        m_folders.push_back(std::make_unique<QTemporaryDir>());
        TrainSpec spec;
        spec.seed = 3;
        spec.genome = genome.toJson();
        spec.budgetFlops = budgetOf(genome, steps);
        spec.scratch = m_folders.back()->path().toStdString();
        spec.keepsMoments = true;
        if (parent) {
            spec.parentGenome = parentGenome.toJson();
            spec.parentWeights = parent->weights;
            spec.parentMoments = parent->moments;
        }
        return spec;
    }
    [[nodiscard]] Trained train(const Genome& genome, double steps, const Trained* parent = nullptr, const Genome& parentGenome = {})
    {
        auto trainer = Trainer::create(specOf(genome, steps, parent, parentGenome), m_world);
        auto trained = trainer ? (*trainer)->run() : Result<Trained>(passOn(trainer));
        m_error = trained ? std::string() : trained.error().text;
        return trained ? *trained : Trained();
    }
    [[nodiscard]] static Genome child(Genome genome)
    {
        genome.recipe.start = "continue";
        genome.recipe.moments = "carry";
        return genome;
    }
    [[nodiscard]] static std::string dataOf(const std::string& file) { return readWeights(file).value().data; }

    OneLetter m_world;
    std::vector<std::unique_ptr<QTemporaryDir>> m_folders;
    std::string m_error;
};

void TestKeptMoments::carriedOnIsOneTraining_data()
{
    QTest::addColumn<QString>("optimizer");
    QTest::addRow("AdamW") << "adamw";
    QTest::addRow("Lion") << "lion";
    QTest::addRow("Muon") << "muon";
}

void TestKeptMoments::carriedOnIsOneTraining()
{
    QFETCH(QString, optimizer);
    Genome genome = m_world.seedGenome();
    genome.recipe.optimizer = optimizer.toStdString();
    genome.recipe.warmup = 0;
    const Trained whole = train(genome, 12), first = train(genome, 8);
    QCOMPARE(first.steps, 8);
    const Trained second = train(child(genome), 3, &first, genome), third = train(child(genome), 1, &second, child(genome));
    QVERIFY2(m_error.empty(), m_error.c_str());
    QCOMPARE(dataOf(third.weights), dataOf(whole.weights));
    QCOMPARE(dataOf(third.moments), dataOf(whole.moments));
    QCOMPARE(momentSteps(readWeights(third.moments).value()).value(), 12);
    Genome anew = child(genome);
    anew.recipe.moments = "reset";
    const Trained reset = train(anew, 4, &first, genome);
    QVERIFY(dataOf(reset.weights) != dataOf(whole.weights));
    QCOMPARE(reset.surgery["moments"].get<std::string>(), std::string());
    QVERIFY(reset.surgery["keepsFunction"].get<bool>());
    QCOMPARE(second.surgery["moments"].get<std::string>(), std::string("Its optimizer goes on from where the parent's was after 8 steps."));
}

void TestKeptMoments::resumedEqualsUninterrupted()
{
    const Genome genome = m_world.seedGenome();
    const Trained parent = train(genome, 8), whole = train(child(genome), 6, &parent, genome);
    const TrainSpec spec = specOf(child(genome), 6, &parent, genome);
    {
        const auto first = Trainer::create(spec, m_world).value();
        QVERIFY(first->advance(2) && first->keepCheckpoint());
    }
    const auto second = Trainer::create(spec, m_world).value();
    QCOMPARE(second->step(), 2);
    const Trained resumed = second->run().value();
    QCOMPARE(dataOf(resumed.weights), dataOf(whole.weights));
    QCOMPARE(dataOf(resumed.moments), dataOf(whole.moments));
    QCOMPARE(momentSteps(readWeights(resumed.moments).value()).value(), 14);
}

void TestKeptMoments::aGrownChildCarriesOnWithItsOwnShape()
{
    const Genome genome = m_world.seedGenome();
    const Trained parent = train(genome, 8);
    Genome wider = child(genome);
    wider.architecture.feedForwardWidth *= 2;
    wider.architecture.layers = 2;
    const Trained grown = train(wider, 2, &parent, genome);
    QVERIFY2(m_error.empty(), m_error.c_str());
    QVERIFY(checkMoments(readWeights(grown.moments).value(), wider, 11));
    QVERIFY(!checkMoments(readWeights(grown.moments).value(), genome, 11));
    QVERIFY(grown.surgery["keepsFunction"].get<bool>());
    Genome narrower = child(genome);
    narrower.architecture.feedForwardWidth /= 2;
    const Trained shrunk = train(narrower, 2, &parent, genome);
    QVERIFY(!shrunk.surgery["keepsFunction"].get<bool>());
    QVERIFY(shrunk.surgery["note"].get<std::string>().find("The function changed") != std::string::npos);
}

void TestKeptMoments::whatIsFrozenHasNoMoments()
{
    const Genome genome = m_world.seedGenome();
    const Trained parent = train(genome, 8);
    Genome frozen = child(genome);
    frozen.adaptation.frozenEmbeddings = true;
    const Trained trained = train(frozen, 2, &parent, genome);
    QVERIFY2(m_error.empty(), m_error.c_str());
    const auto isZero = [](const Trained& of, const char* name) {
        const WeightsFile file = readWeights(of.moments).value();
        const TensorEntry& entry = file.tensors.at(name);
        return std::all_of(file.floats(name), file.floats(name) + entry.bytes / 4, [](float value) { return value == 0; });
    };
    QVERIFY(!isZero(parent, "first.embedding.token.weight"));
    QVERIFY(isZero(trained, "first.embedding.token.weight") && isZero(trained, "second.embedding.token.weight"));
    QVERIFY(!isZero(trained, "first.norm.weight"));
}

void TestKeptMoments::whoHasNothingToCarryStartsAnewAndSaysSo_data()
{
    QTest::addColumn<bool>("keeps");
    QTest::addColumn<QString>("optimizer");
    QTest::addColumn<QString>("why");
    QTest::addRow("nothing was kept") << false << "adamw" << "Its optimizer starts anew: nothing was kept of the parent's.";
    QTest::addRow("another optimizer") << true << "lion" << "Its optimizer starts anew: the parent's was adamw.";
}

void TestKeptMoments::whoHasNothingToCarryStartsAnewAndSaysSo()
{
    QFETCH(bool, keeps);
    QFETCH(QString, optimizer);
    QFETCH(QString, why);
    const Genome genome = m_world.seedGenome();
    Trained parent = train(genome, 8);
    if (!keeps)
        parent.moments.clear();
    Genome carrying = child(genome);
    carrying.recipe.optimizer = optimizer.toStdString();
    Genome anew = carrying;
    anew.recipe.moments = "reset";
    const Trained one = train(carrying, 3, &parent, genome), other = train(anew, 3, &parent, genome);
    QVERIFY2(m_error.empty(), m_error.c_str());
    QCOMPARE(dataOf(one.weights), dataOf(other.weights));
    QCOMPARE(one.surgery["moments"].get<std::string>(), why.toStdString());
    QCOMPARE(momentSteps(readWeights(one.moments).value()).value(), 3);
    Genome lowRank = genome;
    lowRank.recipe.start = "continue";
    lowRank.adaptation.method = "lora";
    QVERIFY(train(lowRank, 3, &parent, genome).moments.empty());
}

void TestKeptMoments::damageIsRefused_data()
{
    QTest::addColumn<QString>("damage");
    for (const char* damage : {"cut off", "a tensor less", "another shape", "a negative second moment", "no steps", "steps below one"})
        QTest::addRow("%s", damage) << damage;
}

void TestKeptMoments::damageIsRefused()
{
    QFETCH(QString, damage);
    const Genome genome = m_world.seedGenome();
    const Trained parent = train(genome, 4);
    WeightsFile file = readWeights(parent.moments).value();
    const char* const name = "second.norm.weight";
    TensorEntry& entry = file.tensors.at(name);
    if (damage == QLatin1String("a tensor less"))
        file.tensors.erase(name);
    else if (damage == QLatin1String("another shape"))
        entry.shape = {entry.shape[0] / 2, 2};
    else if (damage == QLatin1String("a negative second moment"))
        file.data[entry.offset + 3] = static_cast<char>(file.data[entry.offset + 3] | 0x80);
    else if (damage == QLatin1String("no steps"))
        file.metadata.clear();
    else if (damage == QLatin1String("steps below one"))
        file.metadata["steps"] = "0";
    QVERIFY(writeWeights(parent.moments, file));
    if (damage == QLatin1String("cut off"))
        std::filesystem::resize_file(parent.moments, std::filesystem::file_size(parent.moments) - 1);
    QVERIFY(train(child(genome), 2, &parent, genome).weights.empty());
    QVERIFY2(m_error.starts_with("The weights file is damaged"), m_error.c_str());
}

QTEST_GUILESS_MAIN(TestKeptMoments)
#include "tst_kept_moments.moc"
