// SPDX-License-Identifier: GPL-3.0-or-later
// Giving trials up half way: the rule, and by simulation what its estimate, its audits and its thrift are worth.
#include <cmath>

#include <QtTest>

#include "core/base/rng.h"
#include "core/selector/screen.h"

using namespace ratchet;

namespace {

// What a simulated lab came to. P(accepted | worse half, family) is known: `truth` is its mean over all looks.
struct Played {
    int looks = 0, accepts = 0, givenUp = 0, lost = 0;      // lost: accepts among those given up
    int asked = 0, covered = 0;                             // families; whose interval holds the truth
    double bias = 0;                                        // sum of belief minus truth over them
    [[nodiscard]] double coverage() const { return double(covered) / asked; }
    [[nodiscard]] double lostShare() const { return double(lost) / accepts; }
    [[nodiscard]] double givenUpShare() const { return double(givenUp) / looks; }
};

const std::vector<std::string> families{"architecture", "data", "growth", "reasoning", "tuning"};
constexpr int candidates = 4;       // a tooth: what it decides rests on earlier ones

// chance(family, score, look number): of the gate's accept.
template <typename Chance> void play(Played& played, Rng& rng, int looks, const ScreenOptions& options, const Chance& chance)
{
    std::vector<Looked> past, now;
    std::array<double, 5> truth{}, worse{};
    for (int i = 0; i < looks; ++i) {
        if (i % candidates == 0)
            past.insert(past.end(), std::make_move_iterator(now.begin()), std::make_move_iterator(now.end())), now.clear();
        const auto family = static_cast<std::size_t>(rng.below(families.size()));
        const double score = rng.normal(), p = chance(family, score, i);
        const Screening made = screen(past, families[family], score, rng.uniform(), options);
        const bool accepted = rng.uniform() < p;
        const bool isGivenUp = made.decision == Screened::GiveUp;
        if (made.side == Side::Fail)
            truth[family] += p, worse[family] += 1;
        now.push_back({families[family], score, made.side, made.propensity, isGivenUp ? std::nullopt : std::optional(accepted)});
        ++played.looks;
        played.accepts += accepted;
        played.givenUp += isGivenUp;
        played.lost += isGivenUp && accepted;
    }
    past.insert(past.end(), now.begin(), now.end());
    for (std::size_t f = 0; f < families.size(); ++f) {
        if (worse[f] == 0)
            continue;
        const PassRate rate = passRate(past, families[f], Side::Fail, options);
        const double mean = truth[f] / worse[f];
        ++played.asked;
        played.covered += rate.low <= mean && mean <= rate.high;
        played.bias += rate.chance - mean;
    }
}

// Families of different promise; who is better half way is accepted more often.
Played unlikeFamilies(int looks, const ScreenOptions& options, int labs)
{
    Played played;
    for (int lab = 1; lab <= labs; ++lab) {
        Rng rng(static_cast<std::uint64_t>(lab));
        std::array<double, 5> promise{};
        for (double& one : promise)
            one = 0.3 * std::pow(rng.uniform(), 2);
        play(played, rng, looks, options, [&](std::size_t family, double score, int) { return 2 * promise[family] / (1 + std::exp(-2 * score)); });
    }
    return played;
}

// What looked hopeless in the first half of the lab's life is not so in the second: the champion or the data have changed.
Played changingWorld(int looks, const ScreenOptions& options, int labs)
{
    Played played;
    for (int lab = 1; lab <= labs; ++lab) {
        Rng rng(static_cast<std::uint64_t>(lab));
        play(played, rng, looks, options, [&](std::size_t, double, int look) { return look < looks / 2 ? 0.02 : 0.3; });
    }
    return played;
}

ScreenOptions auditing(double audit)
{
    ScreenOptions options;
    options.audit = audit;
    return options;
}

// `count` judged trials of the worse half, of which the first `accepted` were accepted.
std::vector<Looked> judged(const std::string& family, int count, int accepted, double propensity = 1)
{
    std::vector<Looked> list;
    for (int i = 0; i < count; ++i)
        list.push_back({family, -1, Side::Fail, propensity, i < accepted});
    return list;
}

std::vector<Looked> operator+(std::vector<Looked> a, const std::vector<Looked>& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// The better half that makes -1 the worse one.
std::vector<Looked> better(int count)
{
    return std::vector<Looked>(static_cast<std::size_t>(count), Looked{"tuning", 1, Side::Pass, 1, true});
}

} // namespace

class TestScreen : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theMedianParts()
    {
        std::vector<Looked> past;
        QVERIFY(sideOf(-5, past) == Side::Pass);
        for (const double score : {-0.4, -0.1, 0.0, 0.2, 0.3})
            past.push_back({"data", score, Side::Pass, 1, false});
        QVERIFY(sideOf(0.1, past) == Side::Pass);
        QVERIFY(sideOf(0.0, past) == Side::Pass);
        QVERIFY(sideOf(-0.05, past) == Side::Fail);
    }

    // The lab gets better: what counts is who came last.
    void theMedianIsThatOfTheNewest()
    {
        const std::vector<Looked> old(50, Looked{"data", 0.1, Side::Pass, 1, false}), recent(medianOf, Looked{"data", 0.7, Side::Pass, 1, false});
        QVERIFY(sideOf(0.5, old) == Side::Pass);
        QVERIFY(sideOf(0.5, old + recent) == Side::Fail);
        QVERIFY(sideOf(0.5, recent + old) == Side::Pass);
    }

    // Hand-worked. Family 3 of 5 with weight 1: n = 5, p = 0.6. Others 0 of 2: m = 2, q = 0. Beta(3.5, 4.5).
    void theBeliefIsThatOfTheFormula()
    {
        const PassRate rate = passRate(judged("data", 5, 3) + judged("growth", 2, 0), "data", Side::Fail);
        QCOMPARE(rate.judged, 5);
        QCOMPARE(rate.accepted, 3);
        QVERIFY(std::abs(rate.weight - 5) < 1e-12 && std::abs(rate.borrowed - 2) < 1e-12);
        QVERIFY(std::abs(rate.chance - 3.5 / 8) < 1e-12);
        QVERIFY(rate.low < rate.chance && rate.chance < rate.high);
        // Beta(1/2, 1/2) is the arc-sine law: quantile sin^2(pi q / 2).
        const PassRate none = passRate({}, "data", Side::Fail);
        QVERIFY(std::abs(none.low - std::pow(std::sin(M_PI * 0.1 / 2), 2)) < 1e-9);
        QVERIFY(std::abs(none.high - std::pow(std::sin(M_PI * 0.9 / 2), 2)) < 1e-9);
    }

    // One audited accept (weight 5) among nine refused with weight 1: p = 5/14, n = 14^2 / (9 + 25).
    void anAuditedTrialStandsForThoseGivenUp()
    {
        auto past = judged("data", 9, 0) + judged("data", 1, 1, 0.2);
        for (int i = 0; i < 4; ++i)
            past.push_back({"data", -1, Side::Fail, 0.2, {}});
        const PassRate rate = passRate(past, "data", Side::Fail);
        QCOMPARE(rate.looked, 14);
        QCOMPARE(rate.judged, 10);
        const double n = 14.0 * 14 / 34;
        QVERIFY(std::abs(rate.weight - n) < 1e-12);
        QVERIFY(std::abs(rate.chance - (0.5 + n * 5 / 14) / (1 + n)) < 1e-12);
    }

    void whatIsGivenUp_data()
    {
        QTest::addColumn<int>("own");
        QTest::addColumn<int>("accepted");
        QTest::addColumn<int>("others");
        QTest::addColumn<double>("score");
        QTest::addColumn<double>("draw");
        QTest::addColumn<Screened>("decision");
        QTest::addRow("none of twelve like it was accepted") << 12 << 0 << 0 << -1.0 << 0.9 << Screened::GiveUp;
        QTest::addRow("the draw makes it an audit") << 12 << 0 << 0 << -1.0 << 0.1 << Screened::Audit;
        QTest::addRow("it is of the better half") << 12 << 0 << 0 << 1.0 << 0.9 << Screened::TrainOn;
        QTest::addRow("two of twelve were accepted") << 12 << 2 << 0 << -1.0 << 0.9 << Screened::TrainOn;
        QTest::addRow("little of its own, whatever others did") << 3 << 0 << 60 << -1.0 << 0.9 << Screened::TrainOn;
        QTest::addRow("some of its own, and others alike") << 6 << 0 << 60 << -1.0 << 0.9 << Screened::GiveUp;
        QTest::addRow("nobody was looked at before") << 0 << 0 << 0 << -1.0 << 0.9 << Screened::TrainOn;
    }
    void whatIsGivenUp()
    {
        QFETCH(int, own);
        QFETCH(int, accepted);
        QFETCH(int, others);
        QFETCH(double, score);
        QFETCH(double, draw);
        QFETCH(Screened, decision);
        const int past = own + others;
        const Screening made = screen(judged("data", own, accepted) + judged("growth", others, 0) + better(past + 1), "data", score, draw);
        QVERIFY(made.decision == decision);
        QCOMPARE(made.propensity, decision == Screened::TrainOn ? 1.0 : 0.2);
    }

    void anAuditOfEverythingGivesNothingUp()
    {
        QCOMPARE(changingWorld(200, auditing(1), 5).givenUp, 0);
    }

    // 80 % intervals over families drawn at random, at the end of labs that gave trials up.
    void theEstimateIsCalibrated()
    {
        for (const int looks : {50, 200}) {
            const Played played = unlikeFamilies(looks, auditing(0.2), 100);
            QVERIFY2(played.coverage() > 0.74 && played.coverage() < 0.88, qPrintable(QString::number(played.coverage())));
        }
    }

    // Where the world changes, who never looks again goes on believing what was true once.
    void withoutAuditsTheEstimateIsBiased()
    {
        const Played blind = changingWorld(200, auditing(0), 100), audited = changingWorld(200, auditing(0.2), 100);
        QVERIFY2(blind.coverage() < 0.6, qPrintable(QString::number(blind.coverage())));
        QVERIFY2(blind.bias / blind.asked < -0.04, qPrintable(QString::number(blind.bias / blind.asked)));
        QVERIFY2(audited.coverage() > 0.8, qPrintable(QString::number(audited.coverage())));
        QVERIFY2(audited.bias / audited.asked > -0.01, qPrintable(QString::number(audited.bias / audited.asked)));
        QVERIFY2(audited.lostShare() < blind.lostShare() / 2, qPrintable(QString::number(audited.lostShare())));
    }

    // What is saved and what it costs: the accepts that are lost are a smaller share than the trials that are given up.
    void thriftCostsLittle()
    {
        const Played played = unlikeFamilies(200, auditing(0.2), 100);
        QVERIFY2(played.givenUpShare() > 0.08, qPrintable(QString::number(played.givenUpShare())));
        QVERIFY2(played.lostShare() < 0.07 && played.lostShare() < played.givenUpShare() / 2, qPrintable(QString::number(played.lostShare())));
        ScreenOptions timid = auditing(0.2);
        timid.threshold = 0.05;
        QVERIFY(unlikeFamilies(200, timid, 50).givenUpShare() < 0.02);
    }
};

QTEST_APPLESS_MAIN(TestScreen)
#include "tst_screen.moc"
