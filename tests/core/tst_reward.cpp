// SPDX-License-Identifier: GPL-3.0-or-later
// What a reward model is worth, where the truth is known: figures by hand, intervals and the switch by simulation.
#include <QtTest>

#include <cmath>

#include "core/agent/reward.h"
#include "core/base/rng.h"

using namespace ratchet;

namespace {

// Answers right with this share; logits of right ones lie `apart` standard deviations above wrong ones', and the probabilities are what
// Bayes makes of them.
std::vector<Verified> answersOf(double share, double apart, int count, Rng& rng)
{
    std::vector<Verified> answers;
    for (int i = 0; i < count; ++i) {
        const bool right = rng.uniform() < share;
        const double x = rng.normal() + (right ? apart : 0);
        const double logit = apart * (x - apart / 2) + std::log(share / (1 - share));
        answers.push_back({1 / (1 + std::exp(-logit)), right, right ? "" : "carry", 0.5});
    }
    return answers;
}

// Chance that a draw from N(apart, 1) is above one from N(0, 1).
double areaOf(double apart) { return 0.5 * std::erfc(-apart / 2); }

Reliability following(double correlation, int count, Rng& rng)
{
    std::vector<SignalPair> pairs;
    for (int i = 0; i < count; ++i) {
        const double promised = rng.normal();
        pairs.push_back({0.1 * promised, 0.1 * (correlation * promised + std::sqrt(1 - correlation * correlation) * rng.normal())});
    }
    return reliabilityOf(pairs);
}

RewardWork work(const char* task, const char* champion, std::int64_t deployment, std::int64_t id, std::int64_t model, bool failed = false)
{
    RewardWork one;
    one.task = task;
    one.champion = Hash{champion};
    one.deployment = deployment;
    one.model = model;
    one.record.id.value = id;
    if (failed)
        one.failure = "It died.";
    else
        one.report.emplace();
    return one;
}

} // namespace

class TestReward : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void figuresByHand()
    {
        // Right: 0.9, 0.6, 0.4. Wrong: 0.6, 0.1. Of six pairs four are won, one tied: 0.9 > both, 0.6 > 0.1 and = 0.6, 0.4 > 0.1.
        const RewardReport report = rewardReportOf({{0.9, true, "", 1}, {0.6, true, "", 1}, {0.4, true, "", 0}, {0.6, false, "carry", 0.5}, {0.1, false, "carry", 1}});
        QCOMPARE(report.answers, 5);
        QCOMPARE(report.right, 3);
        QCOMPARE(report.accuracy, 3.0 / 5);
        QCOMPARE(report.majority, 3.0 / 5);
        QCOMPARE(report.area, 4.5 / 6);
        QCOMPARE(report.confidenceArea, 3.0 / 6);            // 1 beats 0.5 and ties with 1, twice; 0 loses to both
        QCOMPARE(report.brierOfShare, 0.24);
        QVERIFY(report.areaLow < 0.5 && report.areaHigh > 0.9 && report.areaHigh <= 1);
        QCOMPARE(report.classes.size(), std::size_t(1));
        QCOMPARE(report.classes[0].caught, 1);
        QCOMPARE(report.classes[0].predicted, 0.35);
        const auto back = RewardReport::fromJson(report.toJson());
        QVERIFY(back && back->toJson() == report.toJson());
    }

    void oneKindOfAnswerAloneSaysNothing()
    {
        for (const bool right : {false, true}) {
            const RewardReport report = rewardReportOf(std::vector<Verified>(100, {0.7, right, right ? "" : "carry", 0.5}));
            QCOMPARE(report.area, 0.5);
            QCOMPARE(report.areaLow, 0.0);
            QCOMPARE(report.areaHigh, 1.0);
            QCOMPARE(report.majority, 1.0);
            const RewardTrust trust = trustIn(report, {});
            QVERIFY(!trust.on);
            QVERIFY(trust.why.find("cannot be seen") != std::string::npos);
        }
        QVERIFY(!trustIn(rewardReportOf({}), {}).on);
    }

    void theAreasIntervalHoldsItsTrueValue_data()
    {
        QTest::addColumn<double>("share");
        QTest::addColumn<double>("apart");
        QTest::addRow("chance") << 0.5 << 0.0;
        QTest::addRow("fair") << 0.5 << 1.0;
        QTest::addRow("good, few wrong") << 0.9 << 2.0;
        QTest::addRow("nearly perfect") << 0.5 << 3.5;
    }
    void theAreasIntervalHoldsItsTrueValue()
    {
        QFETCH(double, share);
        QFETCH(double, apart);
        Rng rng(1);
        int held = 0;
        constexpr int runs = 1000;
        for (int run = 0; run < runs; ++run) {
            const RewardReport report = rewardReportOf(answersOf(share, apart, 200, rng));
            held += report.areaLow <= areaOf(apart) && areaOf(apart) <= report.areaHigh;
        }
        QVERIFY2(held >= 925, qPrintable(QString::number(held)));        // 95 %, less four standard errors
    }

    void calibrationUndoesScaleAndBalanceAndWeighsTheConfidence()
    {
        Rng rng(2);
        std::vector<PlattPoint> points;
        for (int i = 0; i < 20000; ++i) {
            const double first = rng.normal(), second = rng.normal();            // log odds
            points.push_back({3 * first - 2, 1 / (1 + std::exp(-second)), rng.uniform() < 1 / (1 + std::exp(-(2 * first + second / 2 + 1)))});
        }
        const Platt platt = plattOf(points);
        QVERIFY2(std::abs(platt.slope - 2.0 / 3) < 0.04, qPrintable(QString::number(platt.slope)));
        QVERIFY2(std::abs(platt.confidence - 0.5) < 0.06, qPrintable(QString::number(platt.confidence)));
        QVERIFY2(std::abs(platt.offset - 7.0 / 3) < 0.12, qPrintable(QString::number(platt.offset)));
    }

    void calibrationNeverTurnsTheOrderRound()
    {
        std::vector<PlattPoint> points;
        for (int i = 0; i < 100; ++i)
            points.push_back({static_cast<double>(i), i % 2 == 0 ? 0.2 : 0.8, i < 30});
        const Platt platt = plattOf(points);
        QCOMPARE(platt.slope, 0.0);
        QVERIFY(std::abs(platt.confidence) < 0.05);
        QVERIFY(std::abs(platt.probability(5, 0.5) - 0.3) < 0.02);
        for (PlattPoint& point : points)
            point.confidence = point.right ? 0.2 : 0.8;
        const Platt neither = plattOf(points);
        QVERIFY(neither.slope == 0 && neither.confidence == 0);
        for (const auto& separable : {std::vector<PlattPoint>{{-1, 0.5, false}, {1, 0.5, true}}, {{1e6, 1, true}, {-1e6, 0, false}}})
            QVERIFY(std::isfinite(plattOf(separable).slope) && std::isfinite(plattOf(separable).offset));
    }

    void itemsAreOfOnePartEach()
    {
        int count[3] = {0, 0, 0};
        for (int i = 0; i < 10000; ++i)
            ++count[static_cast<int>(rewardPartOf("item " + std::to_string(i)))];
        QVERIFY(std::abs(count[static_cast<int>(RewardPart::HeldOut)] - 2000) < 200);
        QVERIFY(std::abs(count[static_cast<int>(RewardPart::Calibrate)] - 1000) < 150);
        QCOMPARE(rewardPartOf("123+456="), rewardPartOf("123+456="));
    }

    // --- the switch ----------------------------------------------------------------------------------------------

    void aModelThatTellsNothingIsHardlyEverTrusted()
    {
        Rng rng(3);
        int on = 0;
        for (int run = 0; run < 2000; ++run)
            on += trustIn(rewardReportOf(answersOf(0.6, 0, 300, rng)), {}).on;
        QVERIFY2(on <= 80, qPrintable(QString::number(on)));             // promised: one in forty
    }

    void aModelThatTellsSomethingIsTrusted()
    {
        Rng rng(4);
        int on = 0;
        for (int run = 0; run < 500; ++run)
            on += trustIn(rewardReportOf(answersOf(0.6, 1, 300, rng)), following(0.6, 20, rng)).on;
        QVERIFY2(on >= 450, qPrintable(QString::number(on)));
    }

    // Where nearly all answers are right, to say so is hard to beat, and whoever asks for it loses a model that knows the order.
    void whereMostAnswersAreRightTheOrderCountsAndNotTheAccuracy()
    {
        Rng rng(5);
        int on = 0, beatsMajority = 0;
        for (int run = 0; run < 500; ++run) {
            const RewardReport report = rewardReportOf(answersOf(0.95, 1.8, 300, rng));
            on += trustIn(report, {}).on;
            beatsMajority += report.accuracyLow > report.majority;
        }
        QVERIFY2(on >= 475, qPrintable(QString::number(on)));
        QVERIFY2(beatsMajority <= 25, qPrintable(QString::number(beatsMajority)));
    }

    void aModelWhoseAnswersHaveChangedGoesOff()
    {
        Rng rng(6);
        int before = 0, after = 0;
        for (int run = 0; run < 500; ++run) {
            before += trustIn(rewardReportOf(answersOf(0.5, 1.5, 300, rng)), {}).on;
            after += trustIn(rewardReportOf(answersOf(0.8, 0, 300, rng)), {}).on;
        }
        QCOMPARE(before, 500);
        QVERIFY2(after <= 25, qPrintable(QString::number(after)));
    }

    void worseThanTheMajorityGoesOffThoughItOrdersWell()
    {
        std::vector<Verified> answers;
        for (int i = 0; i < 200; ++i)
            answers.push_back({i % 10 == 0 ? 0.1 : 0.3, i % 10 != 0, i % 10 == 0 ? "carry" : "", 0.5});       // holds every answer for wrong
        const RewardTrust trust = trustIn(rewardReportOf(answers), {});
        QVERIFY(!trust.on);
        QVERIFY2(trust.why.find("always saying the same") != std::string::npos, trust.why.c_str());
    }

    void aSignalThatMisleadsOrDriftsSwitchesItOff()
    {
        Rng rng(7);
        const RewardReport good = rewardReportOf(answersOf(0.5, 1.5, 300, rng));
        QVERIFY(trustIn(good, following(0.5, 40, rng)).on);
        QVERIFY(trustIn(good, following(0, 5, rng)).on);                  // too few to say anything
        const RewardTrust misled = trustIn(good, following(-0.8, 40, rng));
        QVERIFY(!misled.on && misled.why.find("wrong way round") != std::string::npos);
        std::vector<SignalPair> pairs;
        for (int i = 0; i < 40; ++i)
            pairs.push_back({0.01 * i + (i >= 20 ? 0.3 : 0), 0.01 * i + 0.01 * rng.normal()});
        const RewardTrust drifted = trustIn(good, reliabilityOf(pairs));
        QVERIFY(!drifted.on && drifted.why.find("promise more") != std::string::npos);
    }

    void aSignalThatStaysAsItIsIsSeldomSwitchedOff()
    {
        Rng rng(8);
        const RewardReport good = rewardReportOf(answersOf(0.5, 1.5, 300, rng));
        int off = 0;
        constexpr int lives = 1000;
        for (int life = 0; life < lives; ++life) {
            std::vector<SignalPair> pairs;
            bool wasOff = false;
            for (int i = 0; i < 40; ++i) {
                const double promised = 0.1 * rng.normal();
                pairs.push_back({promised, promised + 0.05 * rng.normal()});
                if (i % 4 == 3)                          // a tooth of four candidates
                    wasOff = wasOff || !trustIn(good, reliabilityOf(pairs)).on;
            }
            off += wasOff;
        }
        QVERIFY2(off <= lives / 5, qPrintable(QString::number(off)));
    }

    // --- what is to be done --------------------------------------------------------------------------------------

    void isLearntOnceGradedOnceAndLearntAnewWhenItIsOld()
    {
        RewardUse use;
        QCOMPARE(rewardNeed(use, Hash{"a"}, 1), RewardNeed::Learn);
        const auto did = [&use](const RewardWork& one) {
            use.work.push_back(one);
            if (one.isModel())
                use.model = one;
        };
        use.trust.on = true;
        did(work("learn", "a", 1, 1, 0));
        QCOMPARE(rewardNeed(use, Hash{"a"}, 1), RewardNeed::Nothing);
        QCOMPARE(rewardNeed(use, Hash{"b"}, 2), RewardNeed::Grade);
        did(work("grade", "b", 2, 2, 1));
        QCOMPARE(rewardNeed(use, Hash{"b"}, 2), RewardNeed::Nothing);
        use.trust.on = false;
        QCOMPARE(rewardNeed(use, Hash{"b"}, 2), RewardNeed::Learn);
        use.trust.on = true;
        QCOMPARE(rewardNeed(use, Hash{"d"}, 4), RewardNeed::Grade);
        did(work("grade", "d", 4, 3, 1));
        QCOMPARE(rewardNeed(use, Hash{"d"}, 4), RewardNeed::Learn);       // three promotions since
        did(work("learn", "d", 4, 4, 0));
        QCOMPARE(rewardNeed(use, Hash{"d"}, 4), RewardNeed::Nothing);
        use.trust.on = false;
        QCOMPARE(rewardNeed(use, Hash{"d"}, 4), RewardNeed::Nothing);     // no second one from the same answers
    }

    void aChildThatDiesIsReplacedOnce()
    {
        RewardUse use;
        use.work.push_back(work("learn", "a", 1, 1, 0, true));
        QCOMPARE(rewardNeed(use, Hash{"a"}, 1), RewardNeed::Learn);
        use.work.push_back(work("learn", "a", 1, 2, 0, true));
        QCOMPARE(rewardNeed(use, Hash{"a"}, 1), RewardNeed::Nothing);
        QCOMPARE(rewardNeed(use, Hash{"b"}, 2), RewardNeed::Learn);
    }

    void aScoreLeavesOtherKeysOfATrialAlone()
    {
        TrialRecord trial;
        QVERIFY(!rewardScoreOf(trial));
        trial.proxy = {{"screen", 7}};
        QVERIFY(!rewardScoreOf(trial));
        keepRewardScore(trial, {3, 0.5, 0.75, 200});
        const auto score = rewardScoreOf(trial);
        QVERIFY(score && score->model == 3 && score->items == 200);
        QCOMPARE(score->difference(), 0.25);
        QCOMPARE(trial.proxy["screen"], Json(7));
    }

    void workSurvivesTheWayThroughTheStore()
    {
        RewardWork one = work("grade", "a", 1, 0, 5);
        one.report = rewardReportOf({{0.9, true, "", 1}, {0.2, false, "carry", 0.5}});
        one.record.report = one.toJson();
        const auto back = RewardWork::from(one.record);
        QVERIFY(back && back->toJson() == one.toJson());
        one.record.report["report"]["surprise"] = 1;
        QVERIFY(!RewardWork::from(one.record));
    }
};

QTEST_APPLESS_MAIN(TestReward)
#include "tst_reward.moc"
