// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <cmath>

#include "core/memory/lessons.h"

using namespace ratchet;

namespace {

LessonEvidence evidence(double gain, double standardError)
{
    LessonEvidence seen;
    seen.family = "reasoning";
    seen.operatorName = "format = reversed";
    seen.gain = gain;
    seen.standardError = standardError;
    seen.predicted = 0.1;
    seen.cost = Flops{5e11};
    return seen;
}

bool near(double a, double b) { return std::abs(a - b) < 1e-12; }

} // namespace

class TestLessons : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void whatDoesNotComeBackIsExpectedLess()
    {
        LessonRecord lesson = lessonOn({}, "reasoning", "format = reversed");
        lesson.meanGain = 0.4;
        QCOMPARE(expectedGain(lesson), 0.4);
        lesson.replicated = 2;
        lesson.nominalGain = 0.5;
        lesson.replicatedGain = 0.2;
        QCOMPARE(shrinkage(lesson), 0.4);
        QCOMPARE(expectedGain(lesson), 0.4 * 0.4);
        lesson.replicatedGain = 0.7;              // more than was claimed is no reason to expect more
        QCOMPARE(expectedGain(lesson), 0.4);
        lesson.replicatedGain = -0.1;
        QCOMPARE(expectedGain(lesson), 0.0);
        lesson.meanGain = -0.3;                   // a loss is not made smaller by what came back of a gain
        QCOMPARE(expectedGain(lesson), -0.3);
    }
    void startFromThePrior()
    {
        const LessonRecord fresh = lessonOn({}, "tuning", "ema = 0.99");
        QCOMPARE(fresh.tried, 0);
        QCOMPARE(fresh.meanGain, 0.0);
        QVERIFY(near(fresh.varianceGain, 0.0225));
    }

    void thePosteriorIsTheOneComputedByHand()
    {
        // Prior N(0, 0.15^2); measured 0.4 with noise 0.05^2 + 0.12^2 = 0.0169.
        LessonEvidence seen = evidence(0.4, 0.12);
        seen.accepted = true;
        const LessonRecord once = learn(lessonOn({}, "reasoning", "format = reversed"), seen, Time(std::chrono::seconds(9)));
        QVERIFY(near(once.varianceGain, 1 / (1 / 0.0225 + 1 / 0.0169)));
        QVERIFY(near(once.meanGain, 0.4 / 0.0169 / (1 / 0.0225 + 1 / 0.0169)));
        QVERIFY(std::abs(once.meanGain - 0.228426) < 1e-6);
        QVERIFY(near(once.predictedError, 0.1 - 0.4));
        QCOMPARE(once.tried, 1);
        QCOMPARE(once.accepted, 1);
        QCOMPARE(once.cost.value, 5e11);
        QCOMPARE(once.updated, Time(std::chrono::seconds(9)));
        const LessonRecord twice = learn(once, evidence(-0.1, 0.12), {});
        QVERIFY(near(twice.varianceGain, 1 / (1 / 0.0225 + 2 / 0.0169)));
        QVERIFY(near(twice.meanGain, 0.3 / 0.0169 / (1 / 0.0225 + 2 / 0.0169)));
        QVERIFY(near(twice.predictedError, (-0.3 + 0.2) / 2));
        QCOMPARE(twice.accepted, 1);
    }

    // Half of the candidates of a kind lose 10 points, would be given up, and are measured by one audit in five; the others gain
    // 10. What is expected is the mean of all, nought, and not the 6.7 points of those that were measured.
    void auditsSpeakForThoseThatWereGivenUp()
    {
        constexpr int worlds = 200, candidates = 200;
        double blind = 0, heeding = 0;
        for (int world = 0; world < worlds; ++world) {
            Rng rng = Rng::stream(7, "audits", static_cast<std::uint64_t>(world));
            LessonRecord plain = lessonOn({}, "reasoning", "format = reversed"), weighted = plain;
            for (int i = 0; i < candidates; ++i) {
                const bool isWorse = rng.uniform() < 0.5;
                if (isWorse && rng.uniform() >= 0.2)
                    continue;
                LessonEvidence seen = evidence((isWorse ? -0.1 : 0.1) + 0.05 * rng.normal(), 0.01);
                plain = learn(plain, seen, {});
                seen.propensity = isWorse ? 0.2 : 1;
                weighted = learn(weighted, seen, {});
            }
            blind += plain.meanGain / worlds;
            heeding += weighted.meanGain / worlds;
        }
        QVERIFY2(std::abs(blind - 0.0667) < 0.005, qPrintable(QString::number(blind)));
        QVERIFY2(std::abs(heeding) < 0.005, qPrintable(QString::number(heeding)));
    }

    // Five that were audited one in five are five measurements, not twenty-five.
    void auditsAloneTellAsMuchAsTheyAre()
    {
        LessonRecord plain = lessonOn({}, "reasoning", "format = reversed"), audited = plain;
        for (int i = 0; i < 5; ++i) {
            LessonEvidence seen = evidence(0.1 * i, 0.05);
            plain = learn(plain, seen, {});
            seen.propensity = 0.2;
            audited = learn(audited, seen, {});
        }
        QVERIFY(near(audited.varianceGain, plain.varianceGain));
        QVERIFY(near(audited.meanGain, plain.meanGain));
    }

    // Kinds drawn from the prior, half of their candidates audited one in five: the kind's gain lies within 1.96 deviations of the
    // posterior's mean 95 times in a hundred. Weights that counted as measurements made it about 65.
    void thePosteriorIsAsSureAsItMayBe()
    {
        constexpr int worlds = 4000, candidates = 20;
        int within = 0;
        for (int world = 0; world < worlds; ++world) {
            Rng rng = Rng::stream(7, "coverage", static_cast<std::uint64_t>(world));
            const double gain = priorGainDeviation * rng.normal();
            LessonRecord lesson = lessonOn({}, "reasoning", "format = reversed");
            for (int i = 0; i < candidates; ++i) {
                LessonEvidence seen = evidence(gain + seedDeviation * rng.normal(), 0);
                seen.propensity = i % 2 == 0 ? 0.2 : 1;
                lesson = learn(lesson, seen, {});
            }
            within += std::abs(lesson.meanGain - gain) < 1.96 * std::sqrt(lesson.varianceGain);
        }
        const double coverage = double(within) / worlds;
        QVERIFY2(std::abs(coverage - 0.95) < 0.015, qPrintable(QString::number(coverage)));
    }

    // A lab without audits learns what it always has, to the last bit.
    void whatWasNotAuditedWeighsOne()
    {
        Rng rng(3);
        LessonRecord lesson = lessonOn({}, "reasoning", "format = reversed");
        for (int i = 0; i < 100; ++i) {
            const LessonEvidence seen = evidence(0.2 * rng.normal(), 0.1 * rng.uniform());
            const double noise = seen.standardError * seen.standardError + seedDeviation * seedDeviation;
            const double precision = 1 / lesson.varianceGain + 1 / noise;
            const double mean = (lesson.meanGain / lesson.varianceGain + seen.gain / noise) / precision;
            lesson = learn(lesson, seen, {});
            QVERIFY(lesson.meanGain == mean && lesson.varianceGain == 1 / precision);
        }
    }

    void theOrderOfMeasurementsDoesNotMatter()
    {
        const LessonRecord fresh = lessonOn({}, "reasoning", "format = reversed");
        LessonEvidence audited = evidence(0.1, 0.2);
        audited.propensity = 0.2;
        const LessonRecord ab = learn(learn(fresh, evidence(0.3, 0.02), {}), audited, {});
        const LessonRecord ba = learn(learn(fresh, audited, {}), evidence(0.3, 0.02), {});
        QVERIFY(near(ab.meanGain, ba.meanGain) && near(ab.varianceGain, ba.varianceGain));
    }

    void aFailureCostsButTeachesNoGain()
    {
        LessonEvidence broken = evidence(0.9, 0.01);
        broken.failed = true;
        const LessonRecord after = learn(lessonOn({}, "reasoning", "format = reversed"), broken, {});
        QCOMPARE(after.failed, 1);
        QCOMPARE(after.tried, 1);
        QCOMPARE(after.meanGain, 0.0);
        QVERIFY(near(after.varianceGain, 0.0225));
        QCOMPARE(after.cost.value, 5e11);
    }

    void perfectMeasurementsLeaveTheSeedsNoise()
    {
        const LessonRecord once = learn(lessonOn({}, "a", "b"), evidence(0.2, 0), {});
        QVERIFY(near(once.varianceGain, 1 / (1 / 0.0225 + 1 / 0.0025)));
    }

    void aLessonIsFoundByFamilyAndName()
    {
        LessonRecord one = lessonOn({}, "tuning", "x"), two = lessonOn({}, "data", "x");
        one.meanGain = 1;
        two.meanGain = 2;
        QCOMPARE(lessonOn({one, two}, "data", "x").meanGain, 2.0);
        QCOMPARE(lessonOn({one, two}, "data", "y").tried, 0);
    }

    void drawsFollowThePosterior()
    {
        LessonRecord lesson;
        lesson.meanGain = 0.3;
        lesson.varianceGain = 0.04;
        Rng rng(5);
        double sum = 0, squares = 0;
        constexpr int draws = 20000;
        for (int i = 0; i < draws; ++i) {
            const double gain = drawGain(lesson, rng);
            sum += gain;
            squares += gain * gain;
        }
        const double mean = sum / draws;
        QVERIFY(std::abs(mean - 0.3) < 4 * 0.2 / std::sqrt(draws));
        QVERIFY(std::abs(std::sqrt(squares / draws - mean * mean) - 0.2) < 0.005);
    }
};

QTEST_GUILESS_MAIN(TestLessons)
#include "tst_lessons.moc"
