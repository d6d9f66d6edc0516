// SPDX-License-Identifier: GPL-3.0-or-later
// Ensembles where the truth is known: the mean of probabilities by hand, a majority of trained members, the file that
// holds them all, and what must be refused.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

#include "core/base/file.h"
#include "core/genome/cost.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/model/ensemble.h"
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

Genome ensembleOf(Genome genome, const std::string& letters)
{
    genome.recipe.start = "ensemble";
    genome.recipe.members.clear();
    for (const char letter : letters)
        genome.recipe.members.push_back(named(letter));
    return genome;
}

// A model that was never trained, of the shape that random_model.h has, in an ensemble of three.
Ensemble randomEnsemble()
{
    Genome genome;
    genome.architecture = smallArchitecture();
    Ensemble ensemble(ensembleOf(genome, "abc"), vocabulary);
    for (std::size_t i = 0; i < ensemble.size(); ++i)
        ensemble.member(i).flat().copy_(randomModel(genome.architecture, 1 + i).flat());
    return ensemble;
}

} // namespace

class EnsembleTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { prepareProcess(); }
    void theSoftmaxOfItsLogitsIsTheMeanOfItsMembersProbabilities();
    void whatOneMemberRulesOutKeepsTheOthersShare();
    void tokenByTokenItSaysWhatAWholePassSays();
    void aModelAloneIsAnEnsembleOfOne();
    void aMajorityOfItsMembersAnswers();
    void theFileHoldsEveryMemberAndNothingElse();
    void onlyThisGenomeReadsTheFile();
    void workersRefuseWhatIsNoMember();
    void aStudentLearnsFromAllMembers_data();
    void aStudentLearnsFromAllMembers();
    void whatContinuesGoesOnFromTheFirstMember();

private:
    [[nodiscard]] TrainSpec specOf(const Genome& genome, double flops);
    [[nodiscard]] Artifact trained(char name, const Domain& world, std::uint64_t seed);
    [[nodiscard]] Artifact ensemble(char name, const std::vector<Artifact>& members);

    toy::Copy m_world;
    toy::Next m_other;
    QTemporaryDir m_root;
    int m_folders = 0;
};

TrainSpec EnsembleTest::specOf(const Genome& genome, double flops)
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

Artifact EnsembleTest::trained(char name, const Domain& world, std::uint64_t seed)
{
    TrainSpec spec = specOf(world.seedGenome(), 3e8);
    spec.seed = seed;
    auto trainer = Trainer::create(spec, world);
    const auto done = trainer ? (*trainer)->run() : Result<Trained>(passOn(trainer));
    if (!done)
        qFatal("%s", done.error().text.c_str());
    return {named(name), spec.genome, done->weights};
}

Artifact EnsembleTest::ensemble(char name, const std::vector<Artifact>& members)
{
    Genome genome = ensembleOf(m_world.seedGenome(), {});
    for (const Artifact& member : members)
        genome.recipe.members.push_back(member.version);
    TrainSpec spec = specOf(genome, 1e8);
    spec.members = members;
    auto trainer = Trainer::create(spec, m_world);
    const auto done = trainer ? (*trainer)->run() : Result<Trained>(passOn(trainer));
    if (!done)
        qFatal("%s", done.error().text.c_str());
    return {named(name), spec.genome, done->weights};
}

// Softmax of each member and the mean of them in double precision by hand.
void EnsembleTest::theSoftmaxOfItsLogitsIsTheMeanOfItsMembersProbabilities()
{
    const at::NoGradGuard noGradient;
    Ensemble ensemble = randomEnsemble();
    at::Tensor mean = at::zeros({4, 7, vocabulary}, at::kDouble);
    for (std::size_t i = 0; i < 3; ++i)
        mean += at::softmax(ensemble.member(i).forward(tokensOf(7), {}).to(at::kDouble), -1) / 3;
    const at::Tensor logits = ensemble.forward(tokensOf(7), {});
    QVERIFY((at::softmax(logits, -1) - mean).abs().max().item<double>() < 1e-6);
    // They are log-probabilities already: nothing that softmax would hide is left over.
    QVERIFY((logits.exp().sum(-1) - 1).abs().max().item<double>() < 1e-5);
}

// A member so sure that its other probabilities underflow must not take the logits to infinity.
void EnsembleTest::whatOneMemberRulesOutKeepsTheOthersShare()
{
    const at::NoGradGuard noGradient;
    Ensemble ensemble = randomEnsemble();
    for (std::size_t i = 0; i < 3; ++i)
        ensemble.member(i).flat().mul_(i == 0 ? 60 : 1);
    const at::Tensor sure = at::softmax(ensemble.member(0).forward(tokensOf(7), {}), -1);
    QVERIFY(sure.min().item<float>() == 0);
    const at::Tensor logits = ensemble.forward(tokensOf(7), {});
    QVERIFY(at::isfinite(logits).all().item<bool>());
    const at::Tensor others = (at::softmax(ensemble.member(1).forward(tokensOf(7), {}), -1) +
                               at::softmax(ensemble.member(2).forward(tokensOf(7), {}), -1) + sure) / 3;
    QVERIFY((logits.exp() - others).abs().max().item<double>() < 1e-6);
}

void EnsembleTest::tokenByTokenItSaysWhatAWholePassSays()
{
    const at::NoGradGuard noGradient;
    const Ensemble ensemble = randomEnsemble();
    const at::Tensor tokens = tokensOf(8), whole = ensemble.forward(tokens, {});
    Caches caches;
    at::Tensor logits = ensemble.start(tokens.narrow(1, 0, 5), {}, {5, 5, 5, 5}, 8, caches);
    for (std::int64_t t = 5; t < 8; ++t) {
        QVERIFY((logits - whole.select(1, t - 1)).abs().max().item<double>() < 1e-5);
        logits = ensemble.step(tokens.select(1, t), {}, caches);
    }
    QVERIFY((logits - whole.select(1, 7)).abs().max().item<double>() < 1e-5);
}

void EnsembleTest::aModelAloneIsAnEnsembleOfOne()
{
    Genome genome;
    genome.architecture = smallArchitecture();
    Ensemble alone(genome, vocabulary);
    const Transformer model = randomModel(genome.architecture);
    alone.member(0).flat().copy_(model.flat());
    const at::NoGradGuard noGradient;
    QVERIFY(alone.size() == 1 && at::equal(alone.forward(tokensOf(7), {}), model.forward(tokensOf(7), {})));
}

// Two that copy the letter and one that says the next: two thirds of the probability are the copy's.
void EnsembleTest::aMajorityOfItsMembersAnswers()
{
    const std::vector<Artifact> members{trained('a', m_other, 1), trained('b', m_world, 2), trained('c', m_world, 3)};
    const Artifact made = ensemble('e', members);
    const auto answerer = Answerer::load(Genome::fromJson(made.genome).value(), made.weights, m_world);
    QVERIFY2(answerer, answerer ? "" : answerer.error().text.c_str());
    const std::vector<std::string> prompts{"a=", "b=", "c=", "d=", "e=", "f=", "g=", "h="};
    const auto answers = (*answerer)->answer(prompts);
    QVERIFY(answers);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        QCOMPARE((*answers)[i].completion, prompts[i].substr(0, 1));
        QVERIFY(std::abs((*answers)[i].confidence - 2.0 / 3) < 0.03);
    }
    const auto alone = Answerer::load(m_world.seedGenome(), members[1].weights, m_world);
    QVERIFY(alone && (*alone)->answer(prompts));
    QVERIFY(std::abs((*answerer)->flopsUsed() / (*alone)->flopsUsed() - 3) < 1e-9); // every member answers
    Rng rng(1);
    const auto integrity = (*answerer)->check(rng);
    QVERIFY(integrity.causal && integrity.finite && integrity.normalisation < 1e-5);
}

void EnsembleTest::theFileHoldsEveryMemberAndNothingElse()
{
    const std::vector<Artifact> members{trained('a', m_world, 1), trained('b', m_world, 2)};
    const Genome genome = ensembleOf(m_world.seedGenome(), "ab");
    TrainSpec spec = specOf(genome, 1e8);
    spec.members = members;
    const auto done = Trainer::create(spec, m_world).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    QVERIFY(done->steps == 0 && done->tokens == 0 && done->length == 3);
    QVERIFY(done->flops > 0 && done->flops <= 0.1 * spec.budgetFlops); // a look at its loss by both
    QVERIFY(done->finalLoss > 0 && done->finalLoss < 0.2);
    const WeightsFile file = readWeights(done->weights).value();
    QCOMPARE(Json::parse(file.metadata.at("members")), Json(genome.recipe.members));
    QVERIFY(checkWeights(file, genome, toyVocabulary));
    QCOMPARE(file.tensors.size(), 2 * expectedTensors(genome.architecture, toyVocabulary).size());
    for (std::size_t i = 0; i < members.size(); ++i) {
        const WeightsFile own = readWeights(members[i].weights).value();
        for (const auto& [name, entry] : own.tensors) {
            const TensorEntry& copy = file.tensors.at(memberPrefix(i) + name);
            QCOMPARE(copy.shape, entry.shape);
            QCOMPARE(file.data.compare(copy.offset, copy.bytes, own.data, entry.offset, entry.bytes), 0);
        }
    }
    QCOMPARE(parameterCount(genome, toyVocabulary), 2 * parameterCount(genome.architecture, toyVocabulary));
    const std::string bytes = readFile(done->weights).value();
    QVERIFY(Trainer::create(spec, m_world).value()->run());
    QVERIFY(bytes == readFile(done->weights).value());
}

void EnsembleTest::onlyThisGenomeReadsTheFile()
{
    const Artifact made = ensemble('e', {trained('a', m_world, 1), trained('b', m_world, 2)});
    QVERIFY(Answerer::load(Genome::fromJson(made.genome).value(), made.weights, m_world));
    QVERIFY(!Answerer::load(ensembleOf(m_world.seedGenome(), "abc"), made.weights, m_world));
    QVERIFY(!Answerer::load(m_world.seedGenome(), made.weights, m_world));
    WeightsFile file = readWeights(made.weights).value();
    file.tensors.erase(memberPrefix(1) + "norm.weight");
    QVERIFY(!checkWeights(file, Genome::fromJson(made.genome).value(), toyVocabulary));
}

void EnsembleTest::workersRefuseWhatIsNoMember()
{
    const Artifact a = trained('a', m_world, 1), b = trained('b', m_world, 2), both = ensemble('e', {a, b});
    const auto text = [&](const std::string& names, const std::vector<Artifact>& members) {
        TrainSpec spec = specOf(ensembleOf(m_world.seedGenome(), names), 1e8);
        spec.members = members;
        const auto refused = Trainer::create(spec, m_world);
        return refused ? std::string() : refused.error().text;
    };
    QCOMPARE(text("ab", {a, b}), std::string());
    QVERIFY(text("ab", {b, a}).find("names 2 members") != std::string::npos);
    QVERIFY(text("ae", {a, both}).find("an ensemble itself") != std::string::npos);
    Artifact wide = b;
    wide.genome["architecture"]["feedForwardWidth"] = 64;
    QVERIFY(text("ab", {a, wide}).find("another architecture") != std::string::npos);
}

void EnsembleTest::aStudentLearnsFromAllMembers_data()
{
    QTest::addColumn<bool>("isNamed");
    QTest::addRow("that its genome names as a teacher") << true;
    QTest::addRow("that is its parent") << false;
}

// The labels say the next letter, and nobody listens to them.
void EnsembleTest::aStudentLearnsFromAllMembers()
{
    QFETCH(bool, isNamed);
    const Artifact teacher = ensemble('e', {trained('a', m_other, 1), trained('b', m_world, 2), trained('c', m_world, 3)});
    Genome student = m_world.seedGenome();
    student.recipe.distillation = 1;
    if (isNamed)
        student.recipe.teachers = {teacher.version};
    TrainSpec spec = specOf(student, 1e9);
    if (isNamed)
        spec.teachers = {teacher};
    spec.parentGenome = teacher.genome;
    spec.parentWeights = teacher.weights;
    const auto done = Trainer::create(spec, m_other).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    const double token = trainingFlops(student.architecture, toyVocabulary, 3, std::vector(3, student.architecture)).value;
    QVERIFY(std::abs(done->flops / double(done->tokens) / token - 1) < 1e-9); // three teachers are paid for
    const auto answers = Answerer::load(student, done->weights, m_world).value()->answer({"a=", "d="});
    QVERIFY(answers);
    QCOMPARE((*answers)[0].completion, std::string("a"));
    QVERIFY(std::abs((*answers)[0].confidence - 2.0 / 3) < 0.05);
    QCOMPARE((*answers)[1].completion, std::string("d"));
}

void EnsembleTest::whatContinuesGoesOnFromTheFirstMember()
{
    const Artifact a = trained('a', m_world, 1), both = ensemble('e', {a, trained('b', m_world, 2)});
    Genome child = m_world.seedGenome();
    child.recipe.start = "continue";
    child.recipe.learningRate = 1e-8;
    TrainSpec spec = specOf(child, 1e6);
    spec.parentGenome = both.genome;
    spec.parentWeights = both.weights;
    const auto done = Trainer::create(spec, m_world).value()->run();
    QVERIFY2(done, done ? "" : done.error().text.c_str());
    Transformer before(child.architecture, toyVocabulary), after(child.architecture, toyVocabulary);
    QVERIFY(before.load(readWeights(a.weights).value()) && after.load(readWeights(done->weights).value()));
    QVERIFY((before.flat() - after.flat()).abs().max().item<double>() < 1e-5);
}

QTEST_GUILESS_MAIN(EnsembleTest)
#include "tst_ensemble.moc"
