// SPDX-License-Identifier: GPL-3.0-or-later
// A reward model in whole turns of a tiny lab: it is learnt, asked, held against new champions, switched off and paid for, and changes
// no verdict.
#include <QtTest>

#include <fstream>

#include "core/agent/reward.h"
#include "core/agent/signals.h"
#include "core/agent/summary.h"
#include "tests/app/tiny_lab.h"

using namespace ratchet;

namespace {

std::vector<std::string> tasksOf(const RewardUse& use)
{
    std::vector<std::string> tasks;
    for (const RewardWork& work : use.work)
        tasks.push_back(work.failure.empty() ? work.task : work.task + "!");
    return tasks;
}

} // namespace

class TestRewarded : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void ordersWhatIsJudgedAndChangesNoVerdict()
    {
        const TinyLab without(4), with(4, {}, 0, 0, 0.2, 0.25);
        for (const TinyLab* lab : {&without, &with}) {
            const auto end = lab->run(3, "honest", acceptingPolicy(), 1);
            QVERIFY2(end, end ? "" : end.error().text.c_str());
        }
        const Account before = without.account(), after = with.account();
        QCOMPARE(after.versions, before.versions);
        QCOMPARE(after.proposals, before.proposals);
        QCOMPARE(after.verdicts, before.verdicts);
        QCOMPARE(after.deployments, before.deployments);
        const auto store = with.read();
        const RewardUse use = taken(rewardUse(*store));
        QVERIFY2(use.isOn(), use.trust.why.c_str());
        QVERIFY(use.model->record.weights.isSet() && ObjectStore(with.paths().objects()).verify(use.model->record.weights));
        QVERIFY(use.spent.value > 0);
        QVERIFY(std::abs(after.spent - before.spent - use.spent.value) < 1);       // charged, and once
        int scored = 0;
        for (const RewardWork& work : use.work) {
            std::vector<std::pair<Time, double>> judged;
            for (const std::int64_t id : work.proposals) {
                const auto score = rewardScoreOf(*taken(store->trialOf({id})));
                QVERIFY(score && score->items == 200);
                judged.emplace_back(taken(store->verdict({id}))->created, score->difference());
                ++scored;
            }
            std::sort(judged.begin(), judged.end());
            for (std::size_t i = 1; i < judged.size(); ++i)
                QVERIFY(judged[i - 1].second >= judged[i].second);                 // with one place: one after the other
        }
        QVERIFY(scored >= 4);
        const auto signals = taken(signalsOf(*store));
        QCOMPARE(signals.back().name, std::string("reward model"));
        QVERIFY(signals.back().reliability.pairs > 0);
        QVERIFY(toText(taken(summarise(*store, readLabConfig(with.paths()).value()))).find("Reward model") != std::string::npos);
        QVERIFY(taken(signalsOf(*without.read())).back().name != "reward model");
        QVERIFY(with.isWhole());
    }

    void isHeldAgainstANewChampion_data()
    {
        QTest::addColumn<QString>("learner");
        QTest::addColumn<QStringList>("tasks");
        QTest::addRow("still knows what is right") << "honest" << QStringList{"learn", "score", "grade", "score"};
        QTest::addRow("its answers have changed: off, and learnt anew") << "reward goes stale" << QStringList{"learn", "score", "grade", "learn", "score"};
        QTest::addRow("never knew: not asked") << "reward knows nothing" << QStringList{"learn", "grade", "learn"};
    }
    void isHeldAgainstANewChampion()
    {
        QFETCH(QString, learner);
        QFETCH(QStringList, tasks);
        const TinyLab lab(2, {}, 0, 0, 0.2, 0.25);
        QVERIFY(lab.run(1, learner.toStdString()));
        if (taken(lab.read()->deployments()).size() == 1) {
            QVERIFY(lab.proposeReversed());
            QVERIFY(lab.run(1, learner.toStdString()));
        }
        QVERIFY(taken(lab.read()->deployments()).size() > 1);
        QVERIFY(lab.run(1, learner.toStdString()));
        std::vector<std::string> seen = tasksOf(taken(rewardUse(*lab.read())));
        seen.erase(std::unique(seen.begin(), seen.end()), seen.end());             // one scoring a tooth
        QStringList all;
        for (const std::string& task : seen)
            all << QString::fromStdString(task);
        QCOMPARE(all, tasks);
    }

    void faults_data()
    {
        QTest::addColumn<QString>("learner");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("dies") << "reward dies" << "signal 9";
        QTest::addRow("says NaN") << "reward says NaN" << "";
        QTest::addRow("writes no weights") << "reward writes nothing" << "";
        QTest::addRow("sends what only a judge may") << "reward judges" << "none of its business";
    }
    void faults()
    {
        QFETCH(QString, learner);
        QFETCH(QString, sentence);
        const TinyLab lab(2, {}, 0, 0, 0.2, 0.25);
        const auto end = lab.run(1, learner.toStdString());
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        const auto store = lab.read();
        const RewardUse use = taken(rewardUse(*store));
        QCOMPARE(tasksOf(use), (std::vector<std::string>{"learn!", "learn!"}));    // one attempt more, and no third
        QVERIFY(!use.isOn() && !use.model);
        QVERIFY2(use.trust.why.find(sentence.toStdString()) != std::string::npos, use.trust.why.c_str());
        QCOMPARE(taken(store->teeth()).size(), std::size_t(1));
        QVERIFY(!taken(store->verdicts()).empty());
        QVERIFY(lab.isWhole());
    }

    void aScoringThatFailsLeavesTheOrderAsItWas()
    {
        const TinyLab lab(2, {}, 0, 0, 0.2, 0.25);
        QVERIFY(lab.run(1, "reward forgets a version"));
        const auto store = lab.read();
        QCOMPARE(tasksOf(taken(rewardUse(*store))), (std::vector<std::string>{"learn", "score!"}));
        QVERIFY(!taken(store->verdicts()).empty());
        for (const TrialRecord& trial : taken(store->trials()))
            QVERIFY(!rewardScoreOf(trial));
    }

    void aLieAboutItsPriceCostsNoMoreThanItsShare()
    {
        const TinyLab lab(2, {}, 0, 0, 0.2, 0.25);
        QVERIFY(lab.run(1, "reward overspends"));
        for (const RewardWork& work : taken(rewardUse(*lab.read())).work)
            QVERIFY(work.record.spent.value <= 0.25 * 4e9 * 1.05 + 1);
    }

    void bitsPerByteHaveNothingToLearn()
    {
        QTemporaryDir folder;
        const std::string root = folder.path().toStdString();
        std::ofstream(root + "/corpus.txt") << std::string(20000, 'a') << "\n";
        NewLab wanted;
        wanted.root = root + "/lab";
        wanted.domain = "text";
        wanted.corpus = root + "/corpus.txt";
        wanted.reward = 0.25;
        const Status made = newLab(wanted);
        QVERIFY(!made);
        QCOMPARE(made.error().code, Code::Usage);
        QVERIFY2(made.error().text.find("bits per byte") != std::string::npos, made.error().text.c_str());
        QVERIFY(!std::filesystem::exists(wanted.root));
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestRewarded test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_rewarded.moc"
