// SPDX-License-Identifier: GPL-3.0-or-later
// Trials that adapt a parent: what is frozen stays bit for bit, low-rank updates have their rank, and both resume.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/model/compat.h"
#include "core/surgery/freeze.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

class AdaptationTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void onlyWhatIsNotFrozenMoves();
    void updatesOfAdaptersHaveTheirRank();
    void adaptersResume();

private:
    // A child of the parent with this adaptation, for 60 steps, in `folder`.
    [[nodiscard]] TrainSpec specOf(const Adaptation& adaptation, const QTemporaryDir& folder) const;

    toy::Next m_world;
    QTemporaryDir m_folder;
    Genome m_genome;
    std::string m_parent;
};

TrainSpec AdaptationTest::specOf(const Adaptation& adaptation, const QTemporaryDir& folder) const
{
    Genome genome = m_genome;
    genome.recipe.start = "continue";
    genome.adaptation = adaptation;
    TrainSpec spec;
    spec.seed = 3;
    spec.genome = genome.toJson();
    spec.parentGenome = m_genome.toJson();
    spec.parentWeights = m_parent;
    spec.budgetFlops = 60.5 * 16 * 3 * trainingFlops(genome.architecture, 11, 3).value;
    spec.scratch = folder.path().toStdString();
    return spec;
}

void AdaptationTest::initTestCase()
{
    prepareProcess();
    m_genome = m_world.seedGenome();
    m_genome.architecture.layers = 2;
    Transformer parent(m_genome.architecture, 11);
    parent.initialise(8);
    m_parent = m_folder.path().toStdString() + "/parent.safetensors";
    QVERIFY(parent.save(m_parent, parent.flat(), {}));
}

void AdaptationTest::onlyWhatIsNotFrozenMoves()
{
    Adaptation adaptation;
    adaptation.frozenLayers = 1;
    adaptation.frozenEmbeddings = true;
    const QTemporaryDir folder;
    auto trainer = Trainer::create(specOf(adaptation, folder), m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    const auto before = readWeights(m_parent), after = readWeights(trained->weights);
    QVERIFY(before && after);
    for (const TensorSlot& slot : tensorLayout(m_genome.architecture, 11)) {
        const bool same = std::equal(before->floats(slot.name), before->floats(slot.name) + slot.count,
                                     after->floats(slot.name));
        QVERIFY2(same == isFrozen(slot.name, adaptation), slot.name.c_str());
    }
}

void AdaptationTest::updatesOfAdaptersHaveTheirRank()
{
    Adaptation adaptation;
    adaptation.method = "lora";
    adaptation.rank = 2;
    const QTemporaryDir folder;
    auto trainer = Trainer::create(specOf(adaptation, folder), m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    const auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    QVERIFY(trained->finalLoss < 2.2); // ln 11 is 2.4
    Transformer before(m_genome.architecture, 11), after(m_genome.architecture, 11);
    QVERIFY(before.load(*readWeights(m_parent)) && after.load(*readWeights(trained->weights)));
    const at::Tensor change = after.flat() - before.flat();
    for (const TensorSlot& slot : before.layout()) {
        const at::Tensor own = change.narrow(0, slot.offset, slot.count).view(slot.shape);
        if (slot.shape.size() < 2 || !slot.name.starts_with("blocks.")) {
            QCOMPARE(own.abs().max().item<double>(), 0.0);
            continue;
        }
        const at::Tensor values = at::linalg_svdvals(own);
        QVERIFY2(values[1].item<double>() > 1e-4, slot.name.c_str());
        QVERIFY2(values[2].item<double>() < 1e-4 * values[0].item<double>() + 1e-6, slot.name.c_str());
    }
}

void AdaptationTest::adaptersResume()
{
    Adaptation adaptation;
    adaptation.method = "lora";
    adaptation.rank = 2;
    adaptation.frozenLayers = 1;
    const QTemporaryDir once, twice;
    auto whole = Trainer::create(specOf(adaptation, once), m_world);
    QVERIFY(whole);
    const auto uninterrupted = (*whole)->run();
    QVERIFY(uninterrupted);
    {
        auto part = Trainer::create(specOf(adaptation, twice), m_world);
        QVERIFY(part && (*part)->advance(25) && (*part)->keepCheckpoint());
    }
    auto rest = Trainer::create(specOf(adaptation, twice), m_world);
    QVERIFY(rest);
    QCOMPARE((*rest)->step(), 25);
    const auto resumed = (*rest)->run();
    QVERIFY(resumed);
    QVERIFY(*readFile(uninterrupted->weights) == *readFile(resumed->weights));
}

QTEST_GUILESS_MAIN(AdaptationTest)
#include "tst_adaptation.moc"
