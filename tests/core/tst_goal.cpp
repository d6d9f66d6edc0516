// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "core/agent/goal.h"

using namespace ratchet;

namespace {

DomainInfo sums()
{
    DomainInfo info;
    info.name = "arithmetic";
    info.measure = Measure::ExactMatch;
    info.defaultGoal = "exact match >= 0.99 on addition-3";
    return info;
}

std::vector<SuiteSpec> suites(const char* target)
{
    SuiteSpec first;
    first.name = target;
    first.role = SuiteRole::Target;
    SuiteSpec second;
    second.name = "addition-2";
    second.role = SuiteRole::Retained;
    return {first, second};
}

} // namespace

class TestGoal : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void isRead_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<double>("target");
        QTest::addColumn<double>("within");                            // 0: no limit
        QTest::addRow("the plain form") << "exact match >= 0.99 on addition-3" << 0.99 << 0.0;
        QTest::addRow("with a budget") << "exact match >= 0.99 on addition-3 within 10TFLOP" << 0.99 << 1e13;
        QTest::addRow("with a budget of two words") << "exact match >= 1 on addition-3 within 400 GFLOP" << 1.0 << 4e11;
        QTest::addRow("with spaces around") << "  exact match>=.5 on addition-3  " << 0.5 << 0.0;
        QTest::addRow("with an exponent") << "exact match >= 5e-1 on addition-3" << 0.5 << 0.0;
    }
    void isRead()
    {
        QFETCH(QString, text);
        QFETCH(double, target);
        QFETCH(double, within);
        const auto goal = parseGoal(text.toStdString(), sums(), suites("addition-3"));
        QVERIFY2(goal, goal ? "" : goal.error().text.c_str());
        QCOMPARE(goal->target, target);
        QCOMPARE(goal->within ? goal->within->value : 0.0, within);
        QVERIFY(goal->isReachedBy(target) && goal->isReachedBy(1) && !goal->isReachedBy(target - 1e-9));
    }

    void bitsFall()
    {
        DomainInfo text = sums();
        text.name = "text";
        text.measure = Measure::BitsPerByte;
        const auto goal = parseGoal("bits per byte <= 2.1 on text", text, suites("text"));
        QVERIFY(goal && !goal->higherIsBetter);
        QVERIFY(goal->isReachedBy(2.1) && goal->isReachedBy(1) && !goal->isReachedBy(2.2));
        QVERIFY(!parseGoal("exact match >= 0.9 on text", text, suites("text")));
        QVERIFY(!parseGoal("bits per byte >= 2.1 on text", text, suites("text")));
    }

    void isRefused_data()
    {
        QTest::addColumn<QString>("text");
        for (const char* text : {"", "be better", "exact match > 0.9 on addition-3", "exact match >= 0.9", "exact match >= on addition-3",
                                 "exact match >= 0.9.9 on addition-3", "exact match >= -0.5 on addition-3", "exact match >= nan on addition-3",
                                 "exact match >= 1e999 on addition-3", "exact match <= 0.9 on addition-3", "exact match >= 0.9 on addition-2",
                                 "exact match >= 0.9 on poetry", "bits per byte <= 2 on addition-3", "exact match >= 0.9 on addition-3 within",
                                 "exact match >= 0.9 on addition-3 within 10TFLOPS", "exact match >= 0.9 on addition-3 within -3",
                                 "exact match >= 0.9 on addition-3 within 1e400"})
            QTest::addRow("\"%s\"", text) << text;
    }
    void isRefused()
    {
        QFETCH(QString, text);
        const auto goal = parseGoal(text.toStdString(), sums(), suites("addition-3"));
        QVERIFY(!goal);
        QCOMPARE(goal.error().code, Code::Usage);
        QVERIFY(goal.error().text.ends_with('.') && !goal.error().hint.empty());
    }

    void weakPointsComeMostFrequentFirst()
    {
        ScorecardRecord guide;
        guide.items = 200;
        guide.classes = {{"champion", {{"carry", 50}, {"length", 80}, {"other", 10}}}, {"challenger", {{"carry", 200}}}};
        const auto points = weakPoints(guide);
        QCOMPARE(points.size(), 3U);
        QCOMPARE(points[0].failureClass, std::string("length"));
        QCOMPARE(points[0].share, 0.4);
        QCOMPARE(points[2].share, 0.05);
        QVERIFY(weakPoints({}).empty());
    }
};

QTEST_GUILESS_MAIN(TestGoal)
#include "tst_goal.moc"
