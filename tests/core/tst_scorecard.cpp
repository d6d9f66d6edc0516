// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>
#include <functional>
#include <limits>

#include "core/base/rng.h"
#include "core/critic/scorecard.h"

using namespace ratchet;

namespace {

const std::vector<SuiteSpec> suites{{"target", "the target", SuiteRole::Target, 0}, {"kept", "the retained", SuiteRole::Retained, 0.03}};

Integrity sound()
{
    Integrity integrity;
    integrity.checks = {{"causality", true, "bit-identical"}, {"finite", true, "all"}};
    return integrity;
}

Comparison comparisonOf(Measure measure = Measure::ExactMatch, std::vector<SuiteSpec> specs = suites, double leastChance = 0.01)
{
    Comparison::Options options;
    options.leastChance = leastChance;
    options.measure = measure;
    Comparison comparison(specs, options);
    [[maybe_unused]] const auto status = comparison.addIntegrity(sound());
    return comparison;
}

// Answers a question: right with these probabilities, the same coin for both when they are equal.
Scores answerTo(const Ask& ask, double champion, double challenger, Rng& rng)
{
    Scores scores;
    scores.suite = ask.suite;
    scores.split = ask.split;
    for (int i = 0; i < ask.count; ++i) {
        const double coin = rng.uniform();
        scores.champion.push_back(coin < champion ? 1 : 0);
        scores.challenger.push_back(coin < challenger ? 1 : 0);
    }
    scores.championClasses = {{"carry", 2}};
    return scores;
}

struct Strengths { double champion, challenger, keptChampion, keptChallenger; };

int playOut(Comparison& comparison, const Strengths& strengths, Rng& rng)
{
    int asks = 0;
    while (const auto ask = comparison.next()) {
        const bool kept = ask->suite == "kept";
        const auto scores = answerTo(*ask, kept ? strengths.keptChampion : strengths.champion,
                                     kept ? strengths.keptChallenger : strengths.challenger, rng);
        if (++asks > 100 || !comparison.add(scores))
            break;
    }
    return asks;
}

} // namespace

class TestScorecard : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void verdicts_data();
    void verdicts();
    void aHugeEffectNeedsOneBatch();
    void batchesGrowAndStayWithinTheBudget();
    void nearTheCeilingFewerPairsAreSpent();
    void futilityCostsNoPower();
    void nonsenseIsNoResult_data();
    void nonsenseIsNoResult();
    void scoresBeforeIntegrityAreNoResult();
    void aFailedIntegrityCheckRejects();
    void probesAreNeverAsked();
    void confidenceBecomesCalibration();
    void aJudgeThatDiesLeavesNoResult();
    void aFinishedComparisonStaysFinished();
    void bitsPerByteAreToldAsSuch();
    void recordsKnowHowFarItemsLieApart();
    void recordsCountAndDecimate();
    void aChampionAloneGivesAScorecard();
};

void TestScorecard::verdicts_data()
{
    QTest::addColumn<double>("champion");
    QTest::addColumn<double>("challenger");
    QTest::addColumn<double>("keptChampion");
    QTest::addColumn<double>("keptChallenger");
    QTest::addColumn<int>("verdict");
    QTest::addColumn<int>("scorecards");
    const auto row = [](const char* name, Strengths s, Verdict verdict, int scorecards) {
        QTest::addRow("%s", name) << s.champion << s.challenger << s.keptChampion << s.keptChallenger << int(verdict) << scorecards;
    };
    row("better, and as good as before elsewhere", {0.1, 0.95, 0.9, 0.9}, Verdict::Accept, 2);
    row("a little better", {0.6, 0.7, 0.9, 0.95}, Verdict::Accept, 2);
    row("better, but it forgot", {0.1, 0.95, 0.9, 0.5}, Verdict::Reject, 2);
    row("better, but a little worse elsewhere", {0.1, 0.95, 0.9, 0.85}, Verdict::Reject, 2);
    row("worse", {0.9, 0.5, 0.9, 0.9}, Verdict::Reject, 1);
    row("the same", {0.5, 0.5, 0.9, 0.9}, Verdict::Inconclusive, 1);
}

void TestScorecard::verdicts()
{
    QFETCH(double, champion);
    QFETCH(double, challenger);
    QFETCH(double, keptChampion);
    QFETCH(double, keptChallenger);
    QFETCH(int, verdict);
    QFETCH(int, scorecards);
    Rng rng(12);
    auto comparison = comparisonOf();
    playOut(comparison, {champion, challenger, keptChampion, keptChallenger}, rng);
    const auto record = comparison.verdict();
    QVERIFY2(int(record.verdict) == verdict, record.reason.c_str());
    QCOMPARE(int(comparison.scorecards().size()), scorecards);
    QVERIFY(record.reason.find("target") != std::string::npos && record.reason.back() == '.');
    QCOMPARE(record.verdict == Verdict::Accept || scorecards == 2, record.eValue >= record.threshold);
    QCOMPARE(record.integrity.size(), std::size_t(2));
}

void TestScorecard::aHugeEffectNeedsOneBatch()
{
    Rng rng(3);
    auto comparison = comparisonOf();
    playOut(comparison, {0.05, 0.99, 1, 1}, rng);
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::Accept));
    QCOMPARE(comparison.verdict().pairs, 50);
    QCOMPARE(comparison.verdict().looks, 1);
    QCOMPARE(comparison.scorecards()[1].items, 400);
}

void TestScorecard::batchesGrowAndStayWithinTheBudget()
{
    Rng rng(3);
    auto comparison = comparisonOf(Measure::ExactMatch, suites, 0);
    std::vector<int> counts;
    while (const auto ask = comparison.next()) {
        counts.push_back(ask->count);
        QVERIFY(comparison.add(answerTo(*ask, 0.5, 0.5, rng)));
    }
    QCOMPARE(counts, (std::vector<int>{50, 50, 100, 200, 200}));
    QCOMPARE(comparison.verdict().pairs, 600);
    QCOMPARE(comparison.verdict().looks, 5);
}

namespace {

struct Course { double accepted = 0, pairs = 0; };

// How a lab's questions go: won and lost with these probabilities, as the engine asks (first 200, at most 2000 pairs).
Course courseOf(double won, double lost, double leastChance, std::uint64_t seed)
{
    constexpr int questions = 300;
    Course course;
    for (int question = 0; question < questions; ++question) {
        Rng rng = Rng::stream(seed, "question", static_cast<std::uint64_t>(question));     // the same items whatever is asked
        Comparison::Options options;
        options.alpha = elondAlpha(0.05, 1, 0);
        options.maxPairs = 2000;
        options.firstBatch = 200;
        options.leastChance = leastChance;
        static const double level = logThresholdOf(options);
        options.logThreshold = level;
        Comparison comparison({suites[0]}, options);
        if (!comparison.addIntegrity(sound()))
            return {};
        while (const auto ask = comparison.next()) {
            Scores scores{ask->suite, ask->split, {}, {}, Json::object(), Json::object(), {}, 0, 0};
            for (int i = 0; i < ask->count; ++i) {
                const double coin = rng.uniform();
                scores.champion.push_back(coin < won ? 0 : 1);
                scores.challenger.push_back(coin >= won && coin < won + lost ? 0 : 1);
            }
            if (!comparison.add(scores))
                return {};
        }
        course.accepted += comparison.verdict().verdict == Verdict::Accept;
        course.pairs += comparison.verdict().pairs;
    }
    return {course.accepted / questions, course.pairs / questions};
}

} // namespace

// Champion and challenger are right on 99.5 % each and fail on different items.
void TestScorecard::nearTheCeilingFewerPairsAreSpent()
{
    const double miss = 0.005 * 0.995;
    const Course before = courseOf(miss, miss, 0, 41), after = courseOf(miss, miss, 0.01, 41);
    const QString figures = QStringLiteral("pairs %1 -> %2, accepted %3 -> %4").arg(before.pairs).arg(after.pairs).arg(before.accepted).arg(after.accepted);
    qInfo("%s", qPrintable(figures));
    QVERIFY2(after.pairs < 0.6 * before.pairs, qPrintable(figures));
    QVERIFY2(after.accepted <= before.accepted + 0.02, qPrintable(figures));
    const Course same = courseOf(0, 0, 0.01, 42);            // the same answers throughout: nothing to be learnt
    QVERIFY2(same.pairs < 1000 && same.accepted == 0, qPrintable(QString::number(same.pairs)));
}

// The same questions with and without the bound: wins in six of ten discordant pairs, which are all, half or a fifth.
void TestScorecard::futilityCostsNoPower()
{
    for (const double discordant : {1.0, 0.5, 0.2}) {
        const Course before = courseOf(0.6 * discordant, 0.4 * discordant, 0, 43), after = courseOf(0.6 * discordant, 0.4 * discordant, 0.01, 43);
        const QString figures = QStringLiteral("discordant %1: power %2 -> %3, pairs %4 -> %5")
                                    .arg(discordant).arg(before.accepted).arg(after.accepted).arg(before.pairs).arg(after.pairs);
        qInfo("%s", qPrintable(figures));
        QVERIFY2(after.accepted >= before.accepted - 0.02 && after.accepted > 0.6, qPrintable(figures));     // on the same items
    }
}

void TestScorecard::nonsenseIsNoResult_data()
{
    QTest::addColumn<int>("fault");
    const char* names[] = {"another suite", "another split", "too few scores", "too many scores", "no challenger", "NaN", "a score of 2",
                           "classes that are a list", "a negative class count", "more failures than items", "samples of hidden items"};
    for (int i = 0; i < 11; ++i)
        QTest::addRow("%s", names[i]) << i;
}

void TestScorecard::nonsenseIsNoResult()
{
    QFETCH(int, fault);
    Rng rng(1);
    auto comparison = comparisonOf();
    auto scores = answerTo(*comparison.next(), 0, 1, rng);
    const std::vector<std::function<void()>> faults{
        [&] { scores.suite = "kept"; },
        [&] { scores.split = "guide"; },
        [&] { scores.champion.pop_back(); scores.challenger.pop_back(); },
        [&] { scores.champion.push_back(0); scores.challenger.push_back(1); },
        [&] { scores.challenger.clear(); },
        [&] { scores.challenger[3] = std::numeric_limits<double>::quiet_NaN(); },
        [&] { scores.challenger[3] = 2; },
        [&] { scores.championClasses = Json::array({1}); },
        [&] { scores.challengerClasses = {{"carry", -1}}; },
        [&] { scores.challengerClasses = {{"carry", 40}, {"digit", 20}}; },
        [&] { scores.samples.emplace_back(); },
    };
    faults[static_cast<std::size_t>(fault)]();
    const auto status = comparison.add(scores);
    QVERIFY(!status);
    QCOMPARE(int(status.error().code), int(Code::BadInput));
    QVERIFY(comparison.isFinished());
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::NoResult));
    QVERIFY(comparison.scorecards().empty());
}

void TestScorecard::scoresBeforeIntegrityAreNoResult()
{
    Rng rng(1);
    Comparison comparison(suites, {});
    QVERIFY(!comparison.add(answerTo(*comparison.next(), 0, 1, rng)));
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::NoResult));
    Comparison empty(suites, {});
    QVERIFY(!empty.addIntegrity({}));
    QCOMPARE(int(empty.verdict().verdict), int(Verdict::NoResult));
}

void TestScorecard::probesAreNeverAsked()
{
    auto specs = suites;
    specs.insert(specs.begin() + 1, {"longer", "a probe", SuiteRole::Probe, 0});
    Comparison comparison = comparisonOf(Measure::ExactMatch, specs);
    Rng rng(1);
    playOut(comparison, {0.1, 0.9, 0.8, 0.8}, rng);
    QVERIFY(comparison.verdict().verdict == Verdict::Accept);
    for (const auto& card : comparison.scorecards())
        QVERIFY(card.suite != "longer");
}

void TestScorecard::confidenceBecomesCalibration()
{
    Scores scores;
    scores.suite = "target";
    scores.split = "guide";
    scores.champion = {1, 0, 1, 1};
    scores.championConfidence = {0.9, 0.2, 0.8, 0.7};
    scores.challenger = {1, 1, 1, 1};
    const auto card = scorecardOf(scores, suites[0], Measure::ExactMatch);
    QVERIFY(card.has_value());
    QVERIFY(!card->calibration.contains("challenger"));
    scores.challengerConfidence = {0.9};
    QVERIFY(!scorecardOf(scores, suites[0], Measure::ExactMatch));
    const auto calibration = Calibration::fromJson(card->calibration.at("champion"));
    QVERIFY(calibration.has_value());
    QCOMPARE(calibration->items, 4);
    QCOMPARE(calibration->accuracy, 0.75);
}

void TestScorecard::aFailedIntegrityCheckRejects()
{
    Comparison comparison(suites, {});
    auto integrity = sound();
    integrity.checks.push_back({"challenger normalisation", false, "probabilities sum to 1.3"});
    QVERIFY(comparison.addIntegrity(integrity));
    QVERIFY(comparison.isFinished());
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::Reject));
    QVERIFY(comparison.verdict().reason.find("normalisation") != std::string::npos);
}

void TestScorecard::aJudgeThatDiesLeavesNoResult()
{
    Rng rng(1);
    auto comparison = comparisonOf();
    QVERIFY(comparison.add(answerTo(*comparison.next(), 0.5, 0.5, rng)));
    comparison.abandon("The judge crashed by signal 9.");
    QVERIFY(comparison.isFinished());
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::NoResult));
    QCOMPARE(comparison.verdict().reason, std::string("The judge crashed by signal 9."));
}

void TestScorecard::aFinishedComparisonStaysFinished()
{
    Rng rng(1);
    auto comparison = comparisonOf();
    playOut(comparison, {0.05, 0.99, 1, 1}, rng);
    comparison.abandon("The judge was told to stop.");
    QCOMPARE(int(comparison.verdict().verdict), int(Verdict::Accept));
}

void TestScorecard::bitsPerByteAreToldAsSuch()
{
    Rng rng(4);
    auto comparison = comparisonOf(Measure::BitsPerByte);
    while (const auto ask = comparison.next()) {
        Scores scores{ask->suite, ask->split, {}, {}, Json::object(), Json::object(), {}, 0, 0};
        for (int i = 0; i < ask->count; ++i) {
            const double bits = 3 + 0.4 * rng.normal();
            scores.champion.push_back(1 - bits / 8);
            scores.challenger.push_back(1 - (bits - 0.3 + 0.1 * rng.normal()) / 8);
        }
        QVERIFY(comparison.add(scores));
    }
    QVERIFY2(comparison.verdict().verdict == Verdict::Accept, comparison.verdict().reason.c_str());
    QVERIFY2(comparison.verdict().reason.find("bits per byte against 3.") != std::string::npos, comparison.verdict().reason.c_str());
    QVERIFY(comparison.verdict().pairs <= 100);
}

void TestScorecard::recordsKnowHowFarItemsLieApart()
{
    // Differences 0.1, -0.3 and 0.5 bits of 8: clipped at 1 they are as they are; 3 bits count as 1.
    Scores scores;
    scores.suite = "target";
    scores.split = "gate";
    scores.champion = {0.5, 0.5, 0.5, 0.5};
    scores.challenger = {0.5 + 0.1 / 8, 0.5 - 0.3 / 8, 0.5 + 0.5 / 8, 0.5 + 3.0 / 8};
    const auto card = scorecardOf(scores, suites.front(), Measure::BitsPerByte).value();
    const auto deviationOf = [](const std::vector<double>& values) {
        double mean = 0, squares = 0;
        for (const double value : values)
            mean += value / static_cast<double>(values.size());
        for (const double value : values)
            squares += (value - mean) * (value - mean);
        return std::sqrt(squares / static_cast<double>(values.size() - 1));
    };
    QVERIFY(std::abs(card.differenceDeviation.value() - deviationOf({0.1 / 8, -0.3 / 8, 0.5 / 8, 1.0 / 8})) < 1e-12);
    QVERIFY(std::abs(card.challengerDeviation.value() - deviationOf(scores.challenger)) < 1e-12);
    scores.challenger.clear();
    const auto single = scorecardOf(scores, suites.front(), Measure::BitsPerByte).value();
    QVERIFY(!single.differenceDeviation && !single.challengerDeviation);
}

void TestScorecard::recordsCountAndDecimate()
{
    Rng rng(6);
    auto comparison = comparisonOf(Measure::ExactMatch, suites, 0);
    playOut(comparison, {0.5, 0.5, 1, 1}, rng);
    const auto record = comparison.scorecards()[0];
    QCOMPARE(record.items, 600);
    QCOMPARE(record.wins + record.losses + record.ties, 600);
    QCOMPARE(record.path.size(), std::size_t(200));
    QVERIFY(std::abs(record.path.back() - std::log10(record.eValue)) < 1e-9);
    QCOMPARE(record.classes["champion"]["carry"].get<int>(), 10);
    QVERIFY(record.low <= record.difference && record.difference <= record.high);
    QVERIFY(!record.retained && record.samples.empty());
}

void TestScorecard::aChampionAloneGivesAScorecard()
{
    Scores scores{"target", "guide", {1, 0, 0, 1}, {}, {{"carry", 2}}, Json::object(), std::vector<Sample>(2), 0, 0};
    const auto record = scorecardOf(scores, suites[0], Measure::ExactMatch);
    QVERIFY(record);
    QCOMPARE(record->items, 4);
    QCOMPARE(record->championMean, 0.5);
    QCOMPARE(record->samples.size(), std::size_t(2));
    scores.champion.clear();
    QVERIFY(!scorecardOf(scores, suites[0], Measure::ExactMatch));
}

QTEST_GUILESS_MAIN(TestScorecard)
#include "tst_scorecard.moc"
