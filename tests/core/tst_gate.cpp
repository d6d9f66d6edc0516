// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "core/base/rng.h"
#include "core/selector/gate.h"

using namespace ratchet;

namespace {

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

// Probability of at least `count` of `trials` when each happens with probability p.
double tail(int count, int trials, double p)
{
    double sum = 0;
    for (int k = count; k <= trials; ++k)
        sum += std::exp(std::lgamma(trials + 1.0) - std::lgamma(k + 1.0) - std::lgamma(trials - k + 1.0) + k * std::log(p)
                        + (trials - k) * std::log1p(-p));
    return sum;
}

// Whether so many bad events contradict the promise "at most p" (Clopper and Pearson, one-sided, 1 in 10,000).
bool breaks(int count, int trials, double p)
{
    return count > 0 && tail(count, trials, p) < 1e-4;
}

Gate gateOf(double alpha, int maxPairs, double minEffect = 0.005)
{
    Gate::Options options;
    options.logThreshold = -std::log(alpha);
    options.maxPairs = maxPairs;
    options.minEffect = minEffect;
    return Gate(options);
}

// The gate's first answer on a stream of pairs, looked at after every `step` pairs.
Gate::Answer play(Gate gate, const std::function<std::pair<double, double>()>& pair, int step = 1)
{
    while (gate.answer() == Gate::Answer::NeedMore)
        for (int i = 0; i < step; ++i) {
            const auto [champion, challenger] = pair();
            if (!gate.add(champion, challenger))
                return Gate::Answer::Inconclusive;
        }
    return gate.answer();
}

} // namespace

class TestGate : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void mixtureMatchesExactIntegrals_data();
    void mixtureMatchesExactIntegrals();
    void mixtureIsAFairBet();
    void answers_data();
    void answers();
    void nonsenseIsRefusedAndChangesNothing();
    void peekingAllTheTimeKeepsFalseAcceptsBelowAlpha();
    void twoHundredNullsUnderELondKeepTheLabsPromise();
    void sixInTenIsFoundWithinFourHundredDiscordantPairs();
    void theChanceOfAnAcceptIsTrue_data();
    void theChanceOfAnAcceptIsTrue();
    void theConfidenceSequenceCoversAtAllTimes();
    void bettingDoesNotPayUnderTheNull();
    void bettingFindsASmallSteadyGain();
    void eLondSpendsAlphaOnce();
    void finiteDataIsSharedByEveryCourseOfTheLab();
    void retainedSuites_data();
    void retainedSuites();
    void aHarmfulChallengerSeldomPasses();
};

// Exact rational integration (w + l <= 400) and 45-digit arithmetic (above), both computed independently of this code.
void TestGate::mixtureMatchesExactIntegrals_data()
{
    QTest::addColumn<qint64>("wins");
    QTest::addColumn<qint64>("losses");
    QTest::addColumn<double>("logE");
    const auto row = [](qint64 wins, qint64 losses, double logE) {
        QTest::addRow("%lld wins, %lld losses", wins, losses) << wins << losses << logE;
    };
    row(0, 0, 0);
    row(1, 0, 0.22001365830528208);
    row(0, 1, -0.2824872555746767);
    row(5, 0, 1.2991910973595324);
    row(0, 5, -1.017099776801814);
    row(10, 2, 1.8070016543096052);
    row(2, 10, -1.3927002842196696);
    row(60, 40, 1.2889212025258416);
    row(40, 60, -2.2784689819072526);
    row(150, 150, -1.7411459709745714);
    row(300, 100, 49.87497704941836);
    row(2000, 1900, -1.093280274717122);
    row(1900, 2000, -3.939908724405846);
    row(3000, 0, 2049.7149721481587);
    row(0, 3000, -7.106159357942257);
    row(500000, 500000, -5.781426301408894);
    row(510000, 490000, 194.9232560023186);
    row(490000, 510000, -9.005429766649781);
    row(999999, 1, 693076.2138163404);
    row(600000, 400000, 20130.241574273223);
}

void TestGate::mixtureMatchesExactIntegrals()
{
    QFETCH(qint64, wins);
    QFETCH(qint64, losses);
    QFETCH(double, logE);
    const double got = logMixtureEValue(wins, losses);
    QVERIFY2(std::abs(got - logE) <= 1e-9 * std::max(1.0, std::abs(logE)), std::to_string(got).c_str());
}

// At p = 1/2 the mean of E over all outcomes of n tosses is exactly one: E is a martingale.
void TestGate::mixtureIsAFairBet()
{
    for (const int n : {1, 2, 10, 101, 400}) {
        double mean = 0;
        for (int wins = 0; wins <= n; ++wins)
            mean += std::exp(std::lgamma(n + 1.0) - std::lgamma(wins + 1.0) - std::lgamma(n - wins + 1.0) - n * std::log(2.0)
                             + logMixtureEValue(wins, n - wins));
        QVERIFY2(std::abs(mean - 1) < 1e-9, std::to_string(mean).c_str());
    }
}

void TestGate::answers_data()
{
    QTest::addColumn<QByteArray>("outcomes");
    QTest::addColumn<int>("maxPairs");
    QTest::addColumn<int>("answer");
    const auto row = [](const char* name, const QByteArray& outcomes, int maxPairs, Gate::Answer answer) {
        QTest::addRow("%s", name) << outcomes << maxPairs << int(answer);
    };
    row("nothing seen yet", "", 600, Gate::Answer::NeedMore);
    row("nine wins are not enough", "WWWWWWWWW", 600, Gate::Answer::NeedMore);
    row("ten wins in a row are", "WWWWWWWWWW", 600, Gate::Answer::Accept);
    row("ties are no evidence", QByteArray(100, 'T'), 600, Gate::Answer::NeedMore);
    row("only losses: clearly not better", QByteArray(60, 'L'), 600, Gate::Answer::Reject);
    row("the items are spent", QByteArray("WL").repeated(20), 40, Gate::Answer::Inconclusive);
    row("stops early when it cannot win any more", QByteArray("LLLLL") + QByteArray(5, 'T'), 16, Gate::Answer::Inconclusive);
    row("accepts on the last item", QByteArray(30, 'T') + "WWWWWWWWWW", 40, Gate::Answer::Accept);
}

void TestGate::answers()
{
    QFETCH(QByteArray, outcomes);
    QFETCH(int, maxPairs);
    QFETCH(int, answer);
    Gate gate = gateOf(0.05, maxPairs);
    for (const char outcome : outcomes)
        QVERIFY(gate.add(outcome == 'L', outcome == 'W'));
    QCOMPARE(int(gate.answer()), answer);
}

void TestGate::nonsenseIsRefusedAndChangesNothing()
{
    Gate gate = gateOf(0.05, 100);
    RetainedCheck retained(0.02, 0.05, 100);
    QVERIFY(gate.add(0, 1) && retained.add(0, 1));
    const double before = gate.logEValue(), low = retained.difference().low();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {notANumber, infinity, -infinity, -0.001, 1.001, 1e300}) {
        QVERIFY(!gate.add(bad, 1) && !gate.add(0, bad));
        QVERIFY(!retained.add(bad, 1) && !retained.add(0, bad));
    }
    QCOMPARE(gate.pairs(), 1);
    QCOMPARE(gate.logEValue(), before);
    QCOMPARE(gate.difference().count(), 1);
    QCOMPARE(retained.pairs(), 1);
    QCOMPARE(retained.difference().low(), low);
}

void TestGate::peekingAllTheTimeKeepsFalseAcceptsBelowAlpha()
{
    Rng rng(2024);
    int accepted = 0;
    for (int stream = 0; stream < 2000; ++stream)
        accepted += play(gateOf(0.05, 400, -1), [&] { const bool win = rng.below(2) == 1; return std::pair<double, double>(!win, win); })
            == Gate::Answer::Accept;
    QVERIFY2(!breaks(accepted, 2000, 0.05), std::to_string(accepted).c_str());
    QVERIFY2(accepted > 20, "the simulation hardly ever accepts: it does not test the promise");
}

void TestGate::twoHundredNullsUnderELondKeepTheLabsPromise()
{
    Rng rng(7);
    int labsFooled = 0;
    for (int lab = 0; lab < 200; ++lab) {
        int discoveries = 0;
        for (int k = 1; k <= 200; ++k)
            discoveries += play(gateOf(elondAlpha(0.05, k, discoveries), 200, -1),
                                [&] { const bool win = rng.below(2) == 1; return std::pair<double, double>(!win, win); }, 10)
                == Gate::Answer::Accept;
        labsFooled += discoveries > 0 ? 1 : 0;
    }
    QVERIFY2(!breaks(labsFooled, 200, 0.05), std::to_string(labsFooled).c_str());
}

void TestGate::sixInTenIsFoundWithinFourHundredDiscordantPairs()
{
    Rng rng(99);
    int accepted = 0;
    for (int stream = 0; stream < 500; ++stream)
        accepted += play(gateOf(0.05, 400), [&] { const bool win = rng.uniform() < 0.6; return std::pair<double, double>(!win, win); })
            == Gate::Answer::Accept;
    QVERIFY2(accepted > 425, std::to_string(accepted).c_str());
}

// Against simulation: how often labs that saw just this end in an accept with their last pair, when rates are drawn from the
// posterior that the formula is about.
void TestGate::theChanceOfAnAcceptIsTrue_data()
{
    QTest::addColumn<int>("wins");
    QTest::addColumn<int>("losses");
    QTest::addColumn<int>("ties");
    QTest::addRow("nothing seen yet") << 0 << 0 << 0;
    QTest::addRow("a few more wins than losses") << 8 << 4 << 88;
    QTest::addRow("as many wins as losses") << 20 << 20 << 60;
    QTest::addRow("ties only") << 0 << 0 << 100;
    QTest::addRow("nearly there") << 9 << 1 << 90;
}

void TestGate::theChanceOfAnAcceptIsTrue()
{
    QFETCH(int, wins);
    QFETCH(int, losses);
    QFETCH(int, ties);
    constexpr int maxPairs = 300, labs = 4000;
    Gate gate = gateOf(0.03, maxPairs);
    for (int i = 0; i < wins + losses + ties; ++i)
        QVERIFY(gate.add(i >= wins && i < wins + losses, i < wins));
    QVERIFY(gate.answer() == Gate::Answer::NeedMore);
    Rng rng(13);
    const auto half = [&](int successes, int failures) {   // Beta(successes + 1/2, failures + 1/2) by sums of squared normals
        double up = 0, down = 0;
        for (int i = 0; i < 2 * successes + 1; ++i)
            up += std::pow(rng.normal(), 2);
        for (int i = 0; i < 2 * failures + 1; ++i)
            down += std::pow(rng.normal(), 2);
        return up / (up + down);
    };
    int accepted = 0;
    for (int lab = 0; lab < labs; ++lab) {
        const double discordant = half(wins + losses, ties), won = half(wins, losses);
        int w = wins, l = losses;
        for (int pair = wins + losses + ties; pair < maxPairs; ++pair)
            if (rng.uniform() < discordant)
                ++(rng.uniform() < won ? w : l);
        accepted += logMixtureEValue(w, l) >= -std::log(0.03);
    }
    const double share = static_cast<double>(accepted) / labs, chance = gate.chanceOfAccept();
    QVERIFY2(std::abs(share - chance) < 4 * std::sqrt(0.25 / labs) * std::sqrt(4 * std::max(chance * (1 - chance), 0.002)) + 0.004,
             (std::to_string(share) + " of the labs, " + std::to_string(chance) + " said").c_str());
}

void TestGate::theConfidenceSequenceCoversAtAllTimes()
{
    Rng rng(5);
    int missed = 0;
    double width = 0;
    for (int stream = 0; stream < 1000; ++stream) {
        ConfidenceSequence sequence(0.05);
        bool covered = true;
        for (int i = 0; i < 500; ++i) {   // -1 with 0.1, 0 with 0.65, 1 with 0.25: mean 0.15
            const double u = rng.uniform();
            sequence.add(u < 0.1 ? -1 : u < 0.75 ? 0 : 1);
            covered = covered && sequence.low() <= 0.15 && sequence.high() >= 0.15;
        }
        missed += covered ? 0 : 1;
        width += (sequence.high() - sequence.low()) / 1000;
    }
    QVERIFY2(!breaks(missed, 1000, 0.05), std::to_string(missed).c_str());
    QVERIFY2(width < 0.25, std::to_string(width).c_str());
}

void TestGate::bettingDoesNotPayUnderTheNull()
{
    Rng rng(31);
    int crossed = 0;
    for (int stream = 0; stream < 2000; ++stream) {
        BettingEProcess process;   // small gains, rare large losses: mean 0, the worst case for a mean test
        bool paid = false;
        for (int i = 0; i < 400; ++i) {
            process.add(rng.uniform() < 0.9 ? 0.1 : -0.9);
            paid = paid || process.logEValue() >= std::log(20.0);
        }
        crossed += paid ? 1 : 0;
    }
    QVERIFY2(!breaks(crossed, 2000, 0.05), std::to_string(crossed).c_str());
}

void TestGate::bettingFindsASmallSteadyGain()
{
    Rng rng(32);
    Gate::Options options;
    options.kind = Gate::Kind::Bounded;
    options.range = 0.125;       // one bit per byte
    int accepted = 0;
    for (int stream = 0; stream < 300; ++stream)   // 0.1 bits per byte better, 0.15 from text to text
        accepted += play(Gate(options), [&] { return std::pair(0.6, std::clamp(0.6 + 0.0125 + 0.019 * rng.normal(), 0.0, 1.0)); })
            == Gate::Answer::Accept;
    QVERIFY2(accepted > 290, std::to_string(accepted).c_str());
}

void TestGate::eLondSpendsAlphaOnce()
{
    for (const double decay : {2.0, alphaDecay}) {
        double spent = 0;
        for (int k = 1; k <= 100000; ++k)
            spent += elondAlpha(0.05, k, 0, decay);
        QVERIFY2(spent < 0.05 && spent > 0.048, std::to_string(spent).c_str());
    }
    QCOMPARE(elondAlpha(0.05, 1, 0, 2), 0.05 * 6 / (std::numbers::pi * std::numbers::pi));
    QCOMPARE(elondAlpha(0.05, 1, 100), 0.05);
    QCOMPARE(elondAlpha(0.05, 4, 2), 3 * elondAlpha(0.05, 4, 0));
}

// Every course that a lab can take gets its own part of alpha, and all parts together are no more than it.
void TestGate::finiteDataIsSharedByEveryCourseOfTheLab()
{
    double spent = 0;
    for (int k = 1; k <= 300; ++k)
        for (int found = 0; found < k; ++found)
            spent += finiteDataAlpha(0.05, k, found)
                     * std::exp(std::lgamma(k) - std::lgamma(found + 1.0) - std::lgamma(k - found));
    QVERIFY2(spent <= 0.05 && spent > 0.03, std::to_string(spent).c_str());
    QCOMPARE(finiteDataAlpha(0.05, 1, 0), elondAlpha(0.05, 1, 0) / 2);
}

void TestGate::retainedSuites_data()
{
    QTest::addColumn<QByteArray>("outcomes");
    QTest::addColumn<int>("answer");
    const auto row = [](const char* name, const QByteArray& outcomes, RetainedCheck::Answer answer) {
        QTest::addRow("%s", name) << outcomes << int(answer);
    };
    row("nothing seen yet", "", RetainedCheck::Answer::NeedMore);
    row("a hundred ties leave room for three per cent", QByteArray(100, 'T'), RetainedCheck::Answer::NeedMore);
    row("three hundred ties do not", QByteArray(300, 'T'), RetainedCheck::Answer::Pass);
    row("clearly better", QByteArray("WWT").repeated(40), RetainedCheck::Answer::Pass);
    row("clearly worse", QByteArray("LLT").repeated(40), RetainedCheck::Answer::Fail);
    row("still undecided when the items are spent", QByteArray("WLTT").repeated(150), RetainedCheck::Answer::Fail);
}

void TestGate::retainedSuites()
{
    QFETCH(QByteArray, outcomes);
    QFETCH(int, answer);
    RetainedCheck check(0.03, 0.05, 600);
    for (const char outcome : outcomes)
        QVERIFY(check.add(outcome == 'L', outcome == 'W'));
    QCOMPARE(int(check.answer()), answer);
}

void TestGate::aHarmfulChallengerSeldomPasses()
{
    Rng rng(8);
    int passed = 0;
    for (int stream = 0; stream < 1000; ++stream) {
        RetainedCheck check(0.03, 0.05, 1000);
        while (check.answer() == RetainedCheck::Answer::NeedMore) {
            const double u = rng.uniform();   // exactly at the margin: one win and four losses in a hundred
            QVERIFY(check.add(u < 0.04, u >= 0.04 && u < 0.05));
        }
        passed += check.answer() == RetainedCheck::Answer::Pass ? 1 : 0;
    }
    QVERIFY2(!breaks(passed, 1000, 0.05), std::to_string(passed).c_str());
}

QTEST_GUILESS_MAIN(TestGate)
#include "tst_gate.moc"
