// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <QtTest>

#include "core/critic/outcomes.h"
#include "core/selector/gate.h"

using namespace ratchet;

namespace {

std::string lines(const std::string& line, int count)
{
    std::string text;
    for (int i = 0; i < count; ++i)
        text.append(line).append("\n");
    return text;
}

} // namespace

class TestOutcomes : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyProposalIsAQuestionOfItsOwn()
    {
        std::string text = "proposal,outcome\n# measured elsewhere\n\n";
        text += lines("wider , win", 20) + lines("deeper,loss", 200) + lines("wider,tie", 3) + lines("same,tie", 30);
        const auto verdicts = judgeOutcomes(text, 0.05, 0.005);
        QVERIFY2(verdicts, verdicts ? "" : verdicts.error().text.c_str());
        QCOMPARE(verdicts->size(), std::size_t(3));
        const OutcomeVerdict &wider = (*verdicts)[0], &deeper = (*verdicts)[1], &same = (*verdicts)[2];
        QCOMPARE(wider.proposal, std::string("wider"));
        QCOMPARE(wider.verdict, Verdict::Accept);
        QCOMPARE(wider.alpha, elondAlpha(0.05, 1, 0));
        // E of 13 wins and no loss is 78.2, of 14 it is 122; 1 / alpha_1 is 78.6.
        QCOMPARE(wider.wins, 14);
        QCOMPARE(wider.given, 23);
        QCOMPARE(deeper.verdict, Verdict::Reject);
        QCOMPARE(deeper.alpha, elondAlpha(0.05, 2, 1));
        QVERIFY(deeper.high < 0.005);
        QCOMPARE(same.verdict, Verdict::Inconclusive);
        QCOMPARE(same.losses + same.wins, 0);
    }

    void scoresAreBetOn()
    {
        const auto verdicts = judgeOutcomes(lines("a,0.25,0.75", 60) + lines("b,0.5,0.5", 60), 0.05, 0.005);
        QVERIFY(verdicts);
        QCOMPARE((*verdicts)[0].verdict, Verdict::Accept);
        QVERIFY(std::abs((*verdicts)[0].difference - 0.5) < 1e-9);
        QVERIFY((*verdicts)[1].verdict != Verdict::Accept);
    }

    void aBadLineIsNamedAndNothingIsJudged_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("expected");
        QTest::addRow("an empty file") << "" << "holds no outcome";
        QTest::addRow("only a header") << "proposal,outcome\n" << "holds no outcome";
        QTest::addRow("a word that is no outcome") << "a,win\na,won\n" << "Line 2 is no outcome: \"won\" is none of win, loss and tie";
        QTest::addRow("a second header") << "a,win\nproposal,outcome\n" << "Line 2";
        QTest::addRow("one field") << "a,win\n\na\n" << "Line 3 is no outcome: it has 1 fields";
        QTest::addRow("four fields") << "a,0,1,1\n" << "it has 4 fields";
        QTest::addRow("no name") << ",win\n" << "the proposal has no name";
        QTest::addRow("a score beyond one") << "a,0.5,1.5\n" << "\"1.5\" is no score";
        QTest::addRow("a score that is not a number") << "a,nan,1\n" << "\"nan\" is no score";
        QTest::addRow("an infinite score") << "a,0,inf\n" << "\"inf\" is no score";
        QTest::addRow("a missing score") << "a,,1\n" << "\"\" is no score";
    }
    void aBadLineIsNamedAndNothingIsJudged()
    {
        QFETCH(QString, text);
        QFETCH(QString, expected);
        const auto verdicts = judgeOutcomes(text.toStdString(), 0.05, 0.005);
        QVERIFY(!verdicts);
        QCOMPARE(verdicts.error().code, Code::BadInput);
        QVERIFY2(QString::fromStdString(verdicts.error().text).contains(expected), verdicts.error().text.c_str());
    }

    void alphasOutOfRangeAreRefused()
    {
        for (const double alpha : {0.0, 1.0, -0.1, std::nan("")})
            QVERIFY(!judgeOutcomes("a,win\n", alpha, 0.005));
        QVERIFY(!judgeOutcomes("a,win\n", 0.05, -1));
    }
};

QTEST_GUILESS_MAIN(TestOutcomes)
#include "tst_outcomes.moc"
