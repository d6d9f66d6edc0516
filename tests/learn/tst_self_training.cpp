// SPDX-License-Identifier: GPL-3.0-or-later
// Which labels are believed, what the control arms are, and rounds that go beyond what was trained, on a world where a
// longer word is no harder to answer.
#include <set>

#include <QTemporaryDir>
#include <QTest>

#include "core/model/compat.h"
#include "core/trainer/rounds.h"
#include "core/trainer/self_training.h"
#include "core/trainer/trainer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

// "b.9" is the answer b with confidence .9, "b!" did not end.
ModelReplies repliesFrom(const QString& text)
{
    ModelReplies replies;
    for (const QString& part : text.split(' ')) {
        ModelReply reply;
        reply.answer = reply.completion = part.left(1).toStdString();
        reply.ended = !part.endsWith('!');
        reply.confidence = part.contains('.') ? part.mid(part.indexOf('.')).toDouble() : 1;
        replies.push_back(reply);
    }
    return replies;
}

// Every harder item of this world is one that is judged.
class Leaking : public toy::LastLetter {
public:
    Item drawHarder(const Data&, int, Rng&) const override { return {"hah", Json{{"letter", "hah"}}}; }
};

double budgetOf(const Genome& genome, double steps)
{
    const int length = 8;
    return (steps + 0.5) * genome.recipe.batch * length * trainingFlops(genome.architecture, 11, length).value;
}

} // namespace

class SelfTrainingTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void beliefs_data();
    void beliefs();
    void oddLengths_data();
    void oddLengths();
    void arms_data();
    void arms();
    void everyOlderLevelIsLabelledAgain();
    void votersOutvoteOneOfThem();
    void anItemOfTheJudgeIsAFailure();
    void armsTakeTheSameSteps();
    void levels_data();
    void levels();
    void roundsGoBeyondWhatWasTrained();
    void roundsGoFasterWhereLevelsAreMastered_data();
    void roundsGoFasterWhereLevelsAreMastered();
    void roundsCanBeStopped();
    void roundsGoOnWhereTheyWereStopped();
    void roundsRefuseWhatCannotWork();

private:
    [[nodiscard]] Result<SelfTrainingResult> labelled(const Genome& child, std::vector<Voter> voters = {}) const;

    toy::LastLetter m_world;
    QTemporaryDir m_folder;
    Genome m_genome;
    std::unique_ptr<Answerer> m_parent; // knows words of up to three letters
    Trained m_trained;
};

void SelfTrainingTest::initTestCase()
{
    prepareProcess();
    m_genome = m_world.seedGenome();
    TrainSpec spec;
    spec.seed = 4;
    spec.genome = m_genome.toJson();
    spec.budgetFlops = budgetOf(m_genome, 300);
    spec.scratch = m_folder.path().toStdString();
    auto trainer = Trainer::create(spec, m_world);
    QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
    auto trained = (*trainer)->run();
    QVERIFY2(trained, trained ? "" : trained.error().text.c_str());
    m_trained = *trained;
    auto parent = Answerer::load(m_genome, m_trained.weights, m_world);
    QVERIFY(parent);
    m_parent = std::move(*parent);
}

Result<SelfTrainingResult> SelfTrainingTest::labelled(const Genome& child, std::vector<Voter> voters) const
{
    if (voters.empty())
        voters = {{m_parent.get(), m_genome}};
    SelfTrainingOptions options;
    options.seed = 9;
    options.items = 512;
    options.flops = 1e12;
    options.vocabulary = 11;
    return selfTrain(voters, child, m_world, options);
}

void SelfTrainingTest::beliefs_data()
{
    QTest::addColumn<QString>("replies");
    QTest::addColumn<QString>("believed");
    QTest::addRow("one sure answer") << "b.6"
                                     << "b";
    QTest::addRow("one unsure answer") << "b.4"
                                       << "";
    QTest::addRow("one answer without an end") << "b!"
                                               << "";
    QTest::addRow("two of three") << "a b b"
                                  << "b";
    QTest::addRow("half is no majority") << "a b b c"
                                         << "";
    QTest::addRow("answers without an end do not vote, but count") << "b b! b! a"
                                                                   << "";
}

void SelfTrainingTest::beliefs()
{
    QFETCH(QString, replies);
    QFETCH(QString, believed);
    const auto reply = agreedReply(repliesFrom(replies), 0.5);
    QCOMPARE(reply ? QString::fromStdString(reply->answer) : QString(), believed);
}

void SelfTrainingTest::oddLengths_data()
{
    QTest::addColumn<QList<int>>("lengths");
    QTest::addColumn<QList<int>>("kept");
    QTest::addRow("equal lengths stay") << QList<int>{5, 5, 5, 5, 5, 5, 5, 5, 5}
                                        << QList<int>{5, 5, 5, 5, 5, 5, 5, 5, 5};
    QTest::addRow("one character off stays")
        << QList<int>{5, 5, 5, 5, 5, 5, 5, 5, 6} << QList<int>{5, 5, 5, 5, 5, 5, 5, 5, 6};
    QTest::addRow("much longer and much shorter go")
        << QList<int>{5, 5, 5, 5, 9, 5, 5, 5, 5, 1} << QList<int>{5, 5, 5, 5, 5, 5, 5, 5};
    QTest::addRow("a world of many lengths keeps them")
        << QList<int>{1, 2, 3, 4, 5, 6, 7, 8} << QList<int>{1, 2, 3, 4, 5, 6, 7, 8};
    QTest::addRow("nothing at all") << QList<int>{} << QList<int>{};
}

void SelfTrainingTest::oddLengths()
{
    QFETCH(QList<int>, lengths);
    QFETCH(QList<int>, kept);
    std::vector<std::optional<ModelReply>> replies;
    for (const int length : lengths) {
        replies.emplace_back(ModelReply{});
        replies.back()->completion = std::string(static_cast<std::size_t>(length), 'x');
    }
    dropOddLengths(std::vector<std::size_t>(replies.size(), 7), replies);
    QList<int> left;
    for (const auto& reply : replies)
        if (reply)
            left.push_back(static_cast<int>(reply->completion.size()));
    QCOMPARE(left, kept);
}

void SelfTrainingTest::arms_data()
{
    QTest::addColumn<QString>("labels");
    QTest::addColumn<double>("leastKept"); // shares
    QTest::addColumn<double>("leastRight");
    QTest::addColumn<double>("mostRight");
    QTest::addColumn<bool>("costs");
    QTest::addRow("filtered") << "filtered" << 0.5 << 0.9 << 1.0 << true;
    QTest::addRow("unfiltered") << "unfiltered" << 0.8 << 0.8 << 1.0 << true;
    QTest::addRow("checked") << "checked" << 0.5 << 1.0 << 1.0 << true;
    QTest::addRow("oracle") << "oracle" << 1.0 << 1.0 << 1.0 << false;
    QTest::addRow("poisoned") << "poisoned" << 0.5 << 0.35 << 0.65 << true;
    QTest::addRow("none") << "none" << 0.0 << 0.0 << 0.0 << false;
}

void SelfTrainingTest::arms()
{
    QFETCH(QString, labels);
    QFETCH(double, leastKept);
    QFETCH(double, leastRight);
    QFETCH(double, mostRight);
    QFETCH(bool, costs);
    Genome child = m_genome;
    child.data.selfTraining = 0.5;
    child.data.labels = labels.toStdString();
    const auto result = labelled(child);
    QVERIFY2(result, result ? "" : result.error().text.c_str());
    const double asked = 512, kept = static_cast<double>(result->newest.size());
    QVERIFY2(kept >= leastKept * asked && (leastKept > 0 || kept == 0), qPrintable(QString::number(kept)));
    const double right = result->report["right"].get<double>();
    QVERIFY2(right >= leastRight && right <= mostRight, qPrintable(QString::number(right)));
    QCOMPARE(result->report["kept"].get<double>(), kept);
    QCOMPARE(result->flops > 0, costs);
    QCOMPARE(result->withheld > 0, !costs);
    int wrong = 0;
    for (const Example& example : result->newest) {
        QCOMPARE(example.prompt.size(), std::size_t(5)); // a step harder than three letters
        wrong += example.completion[0] != example.prompt[3] ? 1 : 0;
    }
    QVERIFY(kept == 0 || std::abs(wrong / kept - (1 - right)) < 1e-9);
}

void SelfTrainingTest::everyOlderLevelIsLabelledAgain()
{
    Genome child = m_genome;
    child.data.selfTraining = 0.5;
    child.data.level = 3;
    child.data.labels = "oracle";
    const auto result = labelled(child);
    QVERIFY(result);
    QCOMPARE(result->newest[0].prompt.size(), std::size_t(3 + 4 + 1));
    QCOMPARE(result->older.size(), std::size_t(3));
    for (std::size_t level = 1; level <= 3; ++level) {
        QCOMPARE(result->older[level - 1].size(), std::size_t(171)); // a third of 512
        QCOMPARE(result->older[level - 1][0].prompt.size(), 3 + level + 1);
    }
    QCOMPARE(result->report["levels"].size(), std::size_t(4));
}

void SelfTrainingTest::votersOutvoteOneOfThem()
{
    QTemporaryDir folder;
    TrainSpec spec; // hardly trained: answers at random
    spec.seed = 5;
    spec.genome = m_genome.toJson();
    spec.budgetFlops = budgetOf(m_genome, 1);
    spec.scratch = folder.path().toStdString();
    auto trainer = Trainer::create(spec, m_world);
    QVERIFY(trainer);
    const auto weak = (*trainer)->run();
    QVERIFY(weak);
    const auto answerer = Answerer::load(m_genome, weak->weights, m_world);
    QVERIFY(answerer);
    Genome child = m_genome;
    child.data.selfTraining = 0.5;
    const auto result =
        labelled(child, {{answerer->get(), m_genome}, {m_parent.get(), m_genome}, {m_parent.get(), m_genome}});
    QVERIFY(result);
    QVERIFY(result->newest.size() > 400);
    QVERIFY(result->report["right"].get<double>() > 0.8);
}

void SelfTrainingTest::anItemOfTheJudgeIsAFailure()
{
    const Leaking world;
    Genome child = m_genome;
    child.data.selfTraining = 0.5;
    SelfTrainingOptions options;
    options.flops = 1e12;
    options.vocabulary = 11;
    const auto result = selfTrain({{m_parent.get(), m_genome}}, child, world, options);
    QVERIFY(!result);
    QCOMPARE(result.error().code, Code::Failed);
    QVERIFY(result.error().text.find("\"hah\"") != std::string::npos);
}

// Labels cost compute; an arm without them must not turn it into more steps.
void SelfTrainingTest::armsTakeTheSameSteps()
{
    std::vector<std::int64_t> steps;
    for (const char* labels : {"filtered", "none", "oracle"}) {
        Genome child = m_genome;
        child.recipe.start = "continue";
        child.data.selfTraining = 0.5;
        child.data.labels = labels;
        QTemporaryDir folder;
        TrainSpec spec;
        spec.genome = child.toJson();
        spec.parentGenome = m_genome.toJson();
        spec.parentWeights = m_trained.weights;
        spec.budgetFlops = budgetOf(m_genome, 400);
        spec.scratch = folder.path().toStdString();
        auto trainer = Trainer::create(spec, m_world);
        QVERIFY2(trainer, trainer ? "" : trainer.error().text.c_str());
        steps.push_back((*trainer)->totalSteps());
    }
    QVERIFY(steps[0] > 400); // rows have six tokens, not eight
    QVERIFY2(std::abs(steps[0] - steps[1]) * 100 <= steps[0],
             qPrintable(QString("%1 and %2").arg(steps[0]).arg(steps[1])));
    QCOMPARE(steps[1], steps[2]);
}

void SelfTrainingTest::levels_data()
{
    QTest::addColumn<int>("acceleration");
    QTest::addColumn<int>("mastered"); // levels up to this one are
    QTest::addColumn<int>("next");
    QTest::addRow("one step a round") << 1 << 99 << 3;
    QTest::addRow("nothing further is mastered") << 4 << 3 << 3;
    QTest::addRow("one further level is") << 4 << 4 << 4;
    QTest::addRow("not more than allowed") << 4 << 99 << 6;
}

void SelfTrainingTest::levels()
{
    QFETCH(int, acceleration);
    QFETCH(int, mastered);
    QFETCH(int, next);
    QCOMPARE(nextLevel(2, acceleration, 0.9, [=](int level) { return level <= mastered ? 1.0 : 0.5; }), next);
}

void SelfTrainingTest::roundsGoBeyondWhatWasTrained()
{
    QTemporaryDir folder;
    RoundsOptions options;
    options.genome = m_genome;
    options.arms = {"filtered", "oracle", "none"};
    options.rounds = 3;
    options.baseFlops = budgetOf(m_genome, 250);
    options.roundFlops = budgetOf(m_genome, 60);
    options.levels = {0, 3, 6};
    options.items = 100;
    options.scratch = folder.path().toStdString();
    int rowsSeen = 0;
    double fraction = 0;
    RoundsEvents events;
    events.onRow = [&](const RoundRow&) { ++rowsSeen; };
    events.onProgress = [&](const std::string&, int, double now, double) {
        QVERIFY(now >= fraction && now <= 1);
        fraction = now;
    };
    const auto rows = selfTrainingRounds(m_world, options, events);
    QVERIFY2(rows, rows ? "" : rows.error().text.c_str());
    QCOMPARE(rows->size(), std::size_t(3 * 4 * 3));
    QCOMPARE(rowsSeen, 36);
    QVERIFY(fraction > 0.9);
    std::map<std::string, double> last, first;
    for (const RoundRow& row : *rows) {
        QCOMPARE(row.trainedLevel, row.round);
        if (row.level == 3) {
            QVERIFY(std::abs(row.length - 8) < 1e-9);
            (row.round == 0 ? first : last)[row.arm] = row.accuracy;
        }
        if (row.round > 0)
            QCOMPARE(row.kept > 0, row.arm != "none");
    }
    QCOMPARE(first["filtered"], first["none"]); // the same base
    // Words of six letters: the right labels get there, the parent's own go half the way, more steps alone nowhere.
    QVERIFY2(last["oracle"] > 0.9 && last["filtered"] > last["none"] + 0.15,
             qPrintable(QString("%1 %2 %3").arg(last["oracle"]).arg(last["filtered"]).arg(last["none"])));
    QTemporaryDir another;
    options.scratch = another.path().toStdString();
    const auto again = selfTrainingRounds(m_world, options);
    QVERIFY(again);
    for (std::size_t i = 0; i < rows->size(); ++i)
        QCOMPARE((*again)[i].accuracy, (*rows)[i].accuracy);
}

void SelfTrainingTest::roundsGoFasterWhereLevelsAreMastered_data()
{
    QTest::addColumn<int>("acceleration");
    QTest::addColumn<double>("mastered");
    QTest::addColumn<std::vector<int>>("trained");
    QTest::addRow("one level a round") << 1 << 0.0 << std::vector{1, 2, 3};
    QTest::addRow("nothing is ever mastered") << 3 << 1.1 << std::vector{1, 2, 3};
    QTest::addRow("everything is") << 3 << 0.0 << std::vector{1, 4, 7};
}

void SelfTrainingTest::roundsGoFasterWhereLevelsAreMastered()
{
    QFETCH(int, acceleration);
    QFETCH(double, mastered);
    QFETCH(std::vector<int>, trained);
    QTemporaryDir folder;
    RoundsOptions options;
    options.genome = m_genome;
    options.arms = {"oracle"};
    options.rounds = 3;
    options.baseFlops = options.roundFlops = budgetOf(m_genome, 20);
    options.levels = {0};
    options.items = 10;
    options.acceleration = acceleration;
    options.mastered = mastered;
    options.scratch = folder.path().toStdString();
    const auto rows = selfTrainingRounds(m_world, options);
    QVERIFY2(rows, rows ? "" : rows.error().text.c_str());
    std::vector<int> levels;
    for (const RoundRow& row : *rows)
        if (row.round > 0)
            levels.push_back(row.trainedLevel);
    QCOMPARE(levels, trained);
}

void SelfTrainingTest::roundsCanBeStopped()
{
    QTemporaryDir folder;
    RoundsOptions options;
    options.genome = m_genome;
    options.baseFlops = options.roundFlops = budgetOf(m_genome, 50);
    options.levels = {0};
    options.scratch = folder.path().toStdString();
    int asked = 0;
    RoundsEvents events;
    events.isStopped = [&asked] { return ++asked > 20; };
    const auto rows = selfTrainingRounds(m_world, options, events);
    QVERIFY(!rows);
    QCOMPARE(rows.error().code, Code::Cancelled);
}

void SelfTrainingTest::roundsGoOnWhereTheyWereStopped()
{
    QTemporaryDir folder, another;
    RoundsOptions options;
    options.genome = m_genome;
    options.arms = {"filtered", "none"};
    options.rounds = 2;
    options.baseFlops = budgetOf(m_genome, 100);
    options.roundFlops = budgetOf(m_genome, 30);
    options.levels = {0, 2};
    options.items = 40;
    options.scratch = folder.path().toStdString();
    std::set<std::pair<std::string, int>> trained; // rounds in which a step was made
    std::vector<RoundRow> seen;
    RoundsEvents events;
    events.onProgress = [&](const std::string& arm, int round, double, double) { trained.emplace(arm, round); };
    events.onRow = [&](const RoundRow& row) { seen.push_back(row); };
    events.isStopped = [&] { return trained.count({"filtered", 2}) > 0; };
    const auto stopped = selfTrainingRounds(m_world, options, events);
    QVERIFY(!stopped && stopped.error().code == Code::Cancelled);
    QCOMPARE(seen.size(), std::size_t(8)); // of the base and of round 1, both arms
    trained.clear();
    events.isStopped = {};
    const auto rows = selfTrainingRounds(m_world, options, events);
    QVERIFY2(rows, rows ? "" : rows.error().text.c_str());
    QVERIFY((trained == std::set<std::pair<std::string, int>>{{"filtered", 2}, {"none", 2}}));
    options.scratch = another.path().toStdString();
    const auto atOnce = selfTrainingRounds(m_world, options);
    QVERIFY(atOnce);
    QCOMPARE(rows->size(), atOnce->size());
    for (std::size_t i = 0; i < rows->size(); ++i)
        QVERIFY(toJson((*rows)[i]) == toJson((*atOnce)[i]));
    trained.clear();
    options.roundFlops *= 2; // other options: the base stays, the rounds do not
    QVERIFY(selfTrainingRounds(m_world, options, events));
    QCOMPARE(trained.size(), std::size_t(4));
    QCOMPARE(trained.count({"base", 0}), std::size_t(0));
}

void SelfTrainingTest::roundsRefuseWhatCannotWork()
{
    QTemporaryDir folder;
    RoundsOptions options;
    options.genome = m_genome;
    options.baseFlops = options.roundFlops = budgetOf(m_genome, 50);
    QVERIFY(!selfTrainingRounds(m_world, options)); // no folder
    options.scratch = folder.path().toStdString();
    options.arms = {"gilded"};
    const auto unknown = selfTrainingRounds(m_world, options);
    QVERIFY(!unknown && unknown.error().text.find("gilded") != std::string::npos);
    options.arms = {"filtered"};
    options.levels = {20}; // words of 23 letters do not fit 16 tokens
    const auto tooLong = selfTrainingRounds(m_world, options);
    QVERIFY(!tooLong && tooLong.error().hint.find("/architecture/context") != std::string::npos);
}

QTEST_GUILESS_MAIN(SelfTrainingTest)
#include "tst_self_training.moc"
