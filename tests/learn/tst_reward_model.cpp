// SPDX-License-Identifier: GPL-3.0-or-later
// A reward model where what is right is known: the last letter of a word.
#include <fstream>
#include <iterator>
#include <set>

#include <QTemporaryDir>
#include <QTest>

#include "core/critic/tensor/reward.h"
#include "core/critic/tensor/reward_model.h"
#include "core/genome/tokenizer.h"
#include "core/genome/weights_file.h"
#include "core/model/compat.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace
{

// Words of up to five letters in every suite; remembers whatever was drawn.
class Words : public toy::LastLetter
{
public:
    explicit Words(Measure measure = Measure::ExactMatch) : m_measured(measure) {}
    DomainInfo info() const override
    {
        DomainInfo info = LastLetter::info();
        info.measure = m_measured;
        return info;
    }
    Genome seedGenome() const override
    {
        Genome genome = LastLetter::seedGenome();
        genome.data.mixture = {{"longest", 5}};
        return genome;
    }
    Item drawTraining(const Data& data, Rng& rng) const override
    {
        const Item item = LastLetter::drawTraining(data, rng);
        drawn.insert(item.id);
        return item;
    }
    Item draw(const std::string&, Split, Rng& rng) const override { return drawTraining(seedGenome().data, rng); }
    mutable std::set<std::string> drawn;

private:
    Measure m_measured;
};

// Hands out what only the judge may ask.
class Leaking : public Words
{
public:
    Item draw(const std::string&, Split, Rng&) const override { return {"hab", Json{{"letter", "hab"}}}; }
};

// Has a single item.
class Single : public Words
{
public:
    Item drawTraining(const Data&, Rng&) const override { return {"ab", Json{{"letter", "ab"}}}; }
    Item draw(const std::string&, Split, Rng& rng) const override { return drawTraining({}, rng); }
};

double budgetOf(const Genome& genome, double steps)
{
    const int length = 7;
    return (steps + 0.5) * genome.recipe.batch * length * trainingFlops(genome.architecture, 11, length).value;
}

std::string bytesOf(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

class TestRewardModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        prepareProcess();
        m_fair = train("fair", 30);          // about half of its answers are right
        m_good = train("good", 100);         // all of them
        m_poor = train("poor", 10);          // hardly any
    }

    void learnsWhatIsRightFromAnswersOfVersions()
    {
        m_words.drawn.clear();
        const auto graded = learn({m_fair, m_good, m_poor});
        QVERIFY2(graded, graded ? "" : graded.error().text.c_str());
        QVERIFY2(graded->nothing.empty(), graded->nothing.c_str());
        const RewardReport report = rewardReportOf(graded->answers);
        QVERIFY2(report.answers >= 100, qPrintable(QString::number(report.answers)));
        QVERIFY2(report.area > 0.93, report.toJson().dump().c_str());
        QVERIFY2(report.accuracyLow > report.majority && report.accuracy > 0.85, report.toJson().dump().c_str());
        QVERIFY2(report.calibration.error < report.calibration.byChance + 0.06, report.toJson().dump().c_str());
        QVERIFY2(report.calibration.brier < report.brierOfShare / 2, report.toJson().dump().c_str());
        QVERIFY(trustIn(report, {}).on);
        QVERIFY(graded->flops > 0 && graded->flops <= m_budget * 1.05);
        QVERIFY(graded->right > 0 && graded->right < graded->shown);
    }

    void noItemIsBothLearntFromAndHeldOut()
    {
        m_words.drawn.clear();
        const auto graded = learn({m_fair}, 1, m_little);
        QVERIFY(graded && graded->nothing.empty());
        std::size_t heldOut = 0, learnt = 0;
        for (const std::string& item : m_words.drawn) {
            heldOut += rewardPartOf(item) == RewardPart::HeldOut;
            learnt += rewardPartOf(item) == RewardPart::Learn;
        }
        QCOMPARE(static_cast<std::size_t>(graded->items), m_words.drawn.size());
        QCOMPARE(graded->answers.size(), heldOut);              // one answer of each, and of no other
        QVERIFY(static_cast<std::size_t>(graded->shown) >= learnt && static_cast<std::size_t>(graded->shown) <= 2 * learnt);
    }

    void isTheSameForASeedAndAnotherForAnother()
    {
        std::string weights[3];
        for (const std::uint64_t seed : {1, 2, 3}) {
            const auto graded = learn({m_fair}, seed == 3 ? 1 : seed, m_little);
            QVERIFY(graded && graded->nothing.empty());
            weights[seed - 1] = bytesOf(graded->weights);
        }
        QVERIFY(!weights[0].empty());
        QVERIFY(weights[0] == weights[2]);
        QVERIFY(weights[0] != weights[1]);
    }

    void scoresABetterVersionHigherWithoutSeeingGrades()
    {
        const auto learnt = learn({m_fair, m_good, m_poor});
        QVERIFY(learnt && learnt->nothing.empty());
        RewardSpec spec = specOf("score", {m_poor, m_fair, m_good});
        spec.model = {"reward", m_fair.genome, learnt->weights};
        spec.items = 200;
        const auto done = doRewardWork(spec, m_words, [](const Progress&) { return false; });
        QVERIFY2(done, done ? "" : done.error().text.c_str());
        const auto& rewards = std::get<Rewards>(*done);
        QCOMPARE(rewards.items, 200);
        QVERIFY2(rewards.means[0] + 0.1 < rewards.means[1] && rewards.means[1] + 0.05 < rewards.means[2],
                 qPrintable(QStringLiteral("%1 %2 %3").arg(rewards.means[0]).arg(rewards.means[1]).arg(rewards.means[2])));
        spec.task = "grade";
        spec.versions = {m_good};
        const auto again = doRewardWork(spec, m_words, [](const Progress&) { return false; });
        QVERIFY(again);
        const RewardReport report = rewardReportOf(std::get<Graded>(*again).answers);
        QCOMPARE(report.answers, 200);
        QVERIFY2(report.accuracy > 0.8 && std::abs(static_cast<double>(report.right) / report.answers - rewards.means[2]) < 0.2,
                 report.toJson().dump().c_str());
    }

    void answersThatPeopleGradedAreLearntFromToo()
    {
        const auto without = learn({m_fair}, 1, m_little);
        RewardSpec spec = specOf("learn", {m_fair});
        spec.budgetFlops = m_little;
        std::string learnt, heldOut;
        for (const std::string word : {"abc", "abd", "abe", "abf", "bac", "bad", "bae", "cab", "cad", "dab", "dac", "fab", "gab"})
            (rewardPartOf(word) == RewardPart::Learn ? learnt : heldOut) = word;
        QVERIFY(!learnt.empty() && !heldOut.empty());
        for (const std::string& word : {learnt, heldOut, std::string("hab")})          // the last two are not for learning
            spec.feedback.push_back({{"question", {{"letter", word}}}, {"answer", word.substr(2)}, {"right", true}});
        const auto with = doRewardWork(spec, m_words, [](const Progress&) { return false; });
        QVERIFY(without && with);
        QCOMPARE(std::get<Graded>(*with).shown, without->shown + 1);
        QCOMPARE(std::get<Graded>(*with).right, without->right + 1);
    }

    void saysThatThereIsNothingToLearn()
    {
        const auto wrong = learn({m_poor}, 1, m_little);
        QVERIFY2(wrong, wrong ? "" : wrong.error().text.c_str());
        QVERIFY2(wrong->nothing.find("right and wrong ones are needed") != std::string::npos, wrong->nothing.c_str());
        QVERIFY(wrong->weights.empty() && wrong->answers.empty() && wrong->flops > 0);
        const Single single;
        const auto few = doRewardWork(specOf("learn", {m_fair}), single, [](const Progress&) { return false; });
        QVERIFY(few);
        QVERIFY(!std::get<Graded>(*few).nothing.empty());
        QVERIFY(std::get<Graded>(*few).items <= 1);
    }

    void faults_data()
    {
        QTest::addColumn<QString>("fault");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("no version") << "no version" << "needs a version";
        QTest::addRow("an item of the gate") << "gate" << "only the judge may ask";
        QTest::addRow("bits per byte") << "bits" << "no answer is right or wrong";
        QTest::addRow("another tokenizer") << "tokenizer" << "";
        QTest::addRow("weights that are not there") << "weights" << "";
        QTest::addRow("a genome that is none") << "genome" << "";
        QTest::addRow("too little memory") << "memory" << "";
    }
    void faults()
    {
        QFETCH(QString, fault);
        QFETCH(QString, sentence);
        RewardSpec spec = specOf("learn", {m_fair});
        spec.budgetFlops = m_little;
        if (fault == "no version")
            spec.versions.clear();
        else if (fault == "tokenizer")
            spec.tokenizer = Tokenizer("").toJson();
        else if (fault == "weights")
            spec.versions[0].weights += ".gone";
        else if (fault == "genome")
            spec.versions[0].genome = Json{{"layers", 1}};
        else if (fault == "memory")
            spec.memoryBytes = 1e6;
        const Leaking leaking;
        const Words bits(Measure::BitsPerByte);
        const Domain& domain = fault == "gate" ? static_cast<const Domain&>(leaking) : fault == "bits" ? bits : m_words;
        const auto done = doRewardWork(spec, domain, [](const Progress&) { return false; });
        QVERIFY(!done);
        QVERIFY2(done.error().text.find(sentence.toStdString()) != std::string::npos, done.error().text.c_str());
    }

    void aLossThatIsNotFiniteIsAFailure()
    {
        WeightsFile file = readWeights(m_fair.weights).value();
        for (std::size_t i = 0; i + sizeof(float) <= file.data.size(); i += sizeof(float)) {
            const float huge = 3e37F;
            file.data.replace(i, sizeof huge, reinterpret_cast<const char*>(&huge), sizeof huge);
        }
        const std::string name = path("huge.safetensors");
        QVERIFY(writeWeights(name, file));
        auto model = RewardModel::load(m_words.seedGenome(), name, m_words, nullptr, 0);
        QVERIFY(model);
        std::vector<ShownAnswer> shown;
        for (const std::string answer : {"b", "c"})
            shown.push_back({(*model)->read({"ab", Json{{"letter", "ab"}}}, answer).value(), answer == "b"});
        const auto learnt = (*model)->learn(shown, shown, m_budget, 1, [](double, double) { return false; });
        QVERIFY(!learnt);
        QVERIFY2(learnt.error().text.find("not finite") != std::string::npos, learnt.error().text.c_str());
    }

    void canBeStopped()
    {
        for (const char* stage : {"answering", "learning"}) {
            const auto done = doRewardWork(specOf("learn", {m_fair}), m_words, [stage](const Progress& progress) { return progress.stage == stage; });
            QVERIFY(!done);
            QCOMPARE(done.error().code, Code::Cancelled);
        }
    }

    void readsWhatTheModelCanReadOnly()
    {
        const auto model = RewardModel::load(m_words.seedGenome(), m_fair.weights, m_words, nullptr, 0).value();
        const Item item{"ab", Json{{"letter", "ab"}}};
        const auto text = model->read(item, "b");
        QVERIFY(text);
        QCOMPARE(text->tokens, (std::vector<std::int64_t>{0, 1, 8, 1, 9}));      // a b = b end
        QVERIFY(model->read(item, "bb=") && !model->read(item, "x"));
        QVERIFY(!model->read(item, std::string(20, 'b')));
    }

private:
    [[nodiscard]] std::string path(const std::string& name) const { return m_folder.path().toStdString() + "/" + name; }

    Artifact train(const std::string& name, double steps)
    {
        const Genome genome = m_words.seedGenome();
        TrainSpec spec;
        spec.seed = 4;
        spec.genome = genome.toJson();
        spec.budgetFlops = budgetOf(genome, steps);
        spec.scratch = path(name);
        QDir().mkpath(QString::fromStdString(spec.scratch));
        auto trainer = Trainer::create(spec, m_words);
        if (!trainer)
            qFatal("%s", trainer.error().text.c_str());
        const auto trained = (*trainer)->run();
        if (!trained)
            qFatal("%s", trained.error().text.c_str());
        return {name, spec.genome, trained->weights};
    }

    [[nodiscard]] RewardSpec specOf(const std::string& task, std::vector<Artifact> versions) const
    {
        RewardSpec spec;
        spec.task = task;
        spec.seed = 1;
        spec.versions = std::move(versions);
        spec.budgetFlops = m_budget;
        spec.scratch = m_folder.path().toStdString();
        return spec;
    }

    [[nodiscard]] Result<Graded> learn(std::vector<Artifact> versions, std::uint64_t seed = 1, double budget = 0) const
    {
        RewardSpec spec = specOf("learn", std::move(versions));
        spec.seed = seed;
        spec.budgetFlops = budget > 0 ? budget : m_budget;
        RATCHET_TRY(done, doRewardWork(spec, m_words, [](const Progress&) { return false; }));
        return std::get<Graded>(done);
    }

    Words m_words;
    QTemporaryDir m_folder;
    Artifact m_fair, m_good, m_poor;
    double m_budget = budgetOf(Words().seedGenome(), 4000), m_little = m_budget / 10;
};

QTEST_GUILESS_MAIN(TestRewardModel)
#include "tst_reward_model.moc"
