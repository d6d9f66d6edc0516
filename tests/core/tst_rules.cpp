// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <QtTest>

#include "core/base/rng.h"
#include "core/selector/rules.h"

using namespace ratchet;

class TestRules : public QObject {
    Q_OBJECT

private Q_SLOTS:
    // Sums of binomial coefficients over powers of two.
    void signTestIsExact_data()
    {
        QTest::addColumn<int>("wins");
        QTest::addColumn<int>("losses");
        QTest::addColumn<double>("p");
        QTest::addRow("no pair") << 0 << 0 << 1.0;
        QTest::addRow("one won") << 1 << 0 << 0.5;
        QTest::addRow("all of five lost") << 0 << 5 << 1.0;
        QTest::addRow("eight of ten") << 8 << 2 << 56.0 / 1024;
        QTest::addRow("ten of ten") << 10 << 0 << 1.0 / 1024;
    }
    void signTestIsExact()
    {
        QFETCH(int, wins);
        QFETCH(int, losses);
        QFETCH(double, p);
        QVERIFY(std::abs(signTestP(wins, losses) - p) < 1e-12);
    }

    // Closed forms: none of n, upper 1 - (a/2)^(1/n); all of n, lower (a/2)^(1/n); and 2 of 10 as Clopper and Pearson's chart has it.
    void intervalsAreExact()
    {
        QVERIFY(std::abs(clopperPearson(0, 20).second - (1 - std::pow(0.025, 1.0 / 20))) < 1e-9);
        QCOMPARE(clopperPearson(0, 20).first, 0.0);
        QVERIFY(std::abs(clopperPearson(20, 20).first - std::pow(0.025, 1.0 / 20)) < 1e-9);
        QCOMPARE(clopperPearson(20, 20).second, 1.0);
        QVERIFY(std::abs(clopperPearson(2, 10).first - 0.02521) < 1e-5);
        QVERIFY(std::abs(clopperPearson(2, 10).second - 0.55610) < 1e-5);
        QCOMPARE(clopperPearson(0, 0), (std::pair{0.0, 1.0}));
    }

    void intervalsCover()
    {
        Rng rng(7);
        int missed = 0;
        for (int run = 0; run < 2000; ++run) {
            int count = 0;
            for (int i = 0; i < 60; ++i)
                count += rng.uniform() < 0.3 ? 1 : 0;
            const auto [low, high] = clopperPearson(count, 60);
            missed += low > 0.3 || high < 0.3 ? 1 : 0;
        }
        QVERIFY2(missed <= 130, qPrintable(QString::number(missed)));      // 100 promised at most; 3 standard errors more
    }

    void theLadderWantsMoreThanOneStandardError()
    {
        QVERIFY(!ladderAccepts(0, 0, 100));
        QVERIFY(!ladderAccepts(54, 46, 1000));       // mean .008, standard error .01
        QVERIFY(ladderAccepts(56, 44, 1000));        // mean .012
        QVERIFY(!ladderAccepts(1, 0, 1));
    }

    void theRatioTestKeepsBothErrors()
    {
        int falseAccepts = 0, missed = 0;
        constexpr int runs = 2000;
        for (int run = 0; run < runs; ++run)
            for (const bool better : {false, true}) {
                Rng rng = Rng::stream(3, better ? "better" : "null", static_cast<std::uint64_t>(run));
                Sprt test(0.6, 0.05, 0.1);
                while (test.answer() == Sprt::Answer::NeedMore)
                    test.add(rng.uniform() < (better ? 0.6 : 0.5));
                falseAccepts += !better && test.answer() == Sprt::Answer::Accept ? 1 : 0;
                missed += better && test.answer() == Sprt::Answer::Reject ? 1 : 0;
            }
        QVERIFY2(falseAccepts <= runs * 0.05 + 30, qPrintable(QString::number(falseAccepts)));
        QVERIFY2(missed <= runs * 0.1 + 41, qPrintable(QString::number(missed)));
    }
};

QTEST_GUILESS_MAIN(TestRules)
#include "tst_rules.moc"
