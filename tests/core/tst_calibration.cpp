// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>

#include "core/base/rng.h"
#include "core/critic/calibration.h"

using namespace ratchet;

namespace {

// Answers whose confidence is uniform and which are right with the probability that `truth` makes of it.
template <typename Truth>
std::vector<SureAnswer> drawn(int count, Rng& rng, Truth truth)
{
    std::vector<SureAnswer> answers;
    for (int i = 0; i < count; ++i) {
        const double confidence = rng.uniform();
        answers.push_back({confidence, rng.uniform() < truth(confidence)});
    }
    return answers;
}

} // namespace

class TestCalibration : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void byHand();
    void whoIsSureAndWrongIsCounted();
    void whoIsCalibratedShowsWhatChanceShows();
    void overconfidenceIsSeen();
    void equalConfidencesStayTogether();
    void silenceHelpsWhoKnowsWhatItKnows();
    void withoutAnswersNothingIsClaimed();
    void survivesJson();
    void damagedJsonIsRefused();
};

void TestCalibration::byHand()
{
    const auto result = calibrationOf({{0.9, true}, {0.8, false}, {0.3, false}, {0.2, true}}, 2);
    QCOMPARE(result.items, 4);
    QCOMPARE(result.bins.size(), std::size_t(2));
    QCOMPARE(result.bins[0].confidence, 0.25);
    QCOMPARE(result.bins[0].accuracy, 0.5);
    QCOMPARE(result.bins[1].confidence, 0.85);
    QCOMPARE(result.error, 0.5 * 0.25 + 0.5 * 0.35);
    QCOMPARE(result.brier, (0.01 + 0.64 + 0.09 + 0.64) / 4);
    QCOMPARE(result.surestHalf, 0.5);
    QCOMPARE(result.riskArea, (0.0 + 1.0 / 2 + 2.0 / 3 + 2.0 / 4) / 4);
    QCOMPARE(result.sureWrong, 0);
}

void TestCalibration::whoIsSureAndWrongIsCounted()
{
    const auto result = calibrationOf({{0.9, false}, {0.95, true}, {0.99, false}, {0.89, false}, {0.1, false}});
    QCOMPARE(result.sureWrong, 2);
    Json older = result.toJson();
    older.erase("sureWrong");
    QVERIFY(!Calibration::fromJson(older).value().sureWrong);       // not known, which is not none
    older["sureWrong"] = "two";
    QVERIFY(!Calibration::fromJson(older));
}

// The error of a perfect forecaster over many repetitions is the one that is announced for chance.
void TestCalibration::whoIsCalibratedShowsWhatChanceShows()
{
    Rng rng(1);
    double error = 0, announced = 0;
    int covered = 0, bins = 0;
    constexpr int repetitions = 400;
    for (int i = 0; i < repetitions; ++i) {
        const auto result = calibrationOf(drawn(500, rng, [](double p) { return p; }));
        error += result.error / repetitions;
        announced += result.byChance / repetitions;
        for (const auto& bin : result.bins) {
            covered += bin.confidence >= bin.low && bin.confidence <= bin.high;
            ++bins;
        }
    }
    QVERIFY2(std::abs(error / announced - 1) < 0.05, qPrintable(QString("error %1, announced %2").arg(error).arg(announced)));
    QVERIFY2(covered >= 0.95 * bins, qPrintable(QString("%1 of %2 bins").arg(covered).arg(bins)));
}

void TestCalibration::overconfidenceIsSeen()
{
    Rng rng(2);
    const auto result = calibrationOf(drawn(4000, rng, [](double p) { return p / 2; }));
    QVERIFY(std::abs(result.error - 0.25) < 0.02);       // the mean of p - p / 2
    QVERIFY(result.error > 5 * result.byChance);
    QVERIFY(result.bins.back().high < result.bins.back().confidence);
}

void TestCalibration::equalConfidencesStayTogether()
{
    std::vector<SureAnswer> answers(100, {1.0, true});
    answers.resize(110, {0.5, false});
    const auto result = calibrationOf(answers);
    QCOMPARE(result.bins.size(), std::size_t(2));
    QCOMPARE(result.bins[0].items, 10);
    QCOMPARE(result.bins[1].items, 100);
    QCOMPARE(result.bins[1].accuracy, 1.0);
}

void TestCalibration::silenceHelpsWhoKnowsWhatItKnows()
{
    Rng rng(3);
    const auto knows = calibrationOf(drawn(4000, rng, [](double p) { return p; }));
    const auto guesses = calibrationOf(drawn(4000, rng, [](double) { return 0.5; }));
    QVERIFY(knows.surestHalf > 0.7 && guesses.surestHalf < 0.55);
    QVERIFY(knows.riskArea < guesses.riskArea - 0.1);
}

void TestCalibration::withoutAnswersNothingIsClaimed()
{
    const auto result = calibrationOf({});
    QCOMPARE(result.items, 0);
    QVERIFY(result.bins.empty());
}

void TestCalibration::survivesJson()
{
    Rng rng(4);
    const auto before = calibrationOf(drawn(300, rng, [](double p) { return p; }));
    const auto after = Calibration::fromJson(before.toJson());
    QVERIFY(after.has_value());
    QCOMPARE(after->toJson().dump(), before.toJson().dump());
}

void TestCalibration::damagedJsonIsRefused()
{
    Json json = calibrationOf({{0.5, true}}).toJson();
    json["bins"][0]["accuracy"] = "high";
    QVERIFY(!Calibration::fromJson(json));
    QVERIFY(!Calibration::fromJson(Json::array()));
}

QTEST_APPLESS_MAIN(TestCalibration)
#include "tst_calibration.moc"
