// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "core/plugin/tools.h"

using namespace ratchet;

class TestTools : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void calculates_data()
    {
        QTest::addColumn<QString>("expression");
        QTest::addColumn<QString>("result");
        QTest::addRow("a number") << "42" << "42";
        QTest::addRow("multiplication goes before addition") << "2+3*4" << "14";
        QTest::addRow("subtraction goes from the left") << "10-3-2" << "5";
        QTest::addRow("brackets go first") << "(2+3)*4" << "20";
        QTest::addRow("a sign") << "-3+5" << "2";
        QTest::addRow("two signs") << "2--3" << "5";
        QTest::addRow("an exact division") << "84/12" << "7";
        QTest::addRow("a division with a remainder") << "7/2" << "?";
        QTest::addRow("a division by zero") << "7/0" << "?";
        QTest::addRow("nothing") << "" << "?";
        QTest::addRow("a sign at the end") << "3+" << "?";
        QTest::addRow("an open bracket") << "(3+4" << "?";
        QTest::addRow("a stray bracket") << "3)+4" << "?";
        QTest::addRow("words") << "three" << "?";
        QTest::addRow("blanks") << "3 + 4" << "?";
        QTest::addRow("the largest number") << "9223372036854775807" << "9223372036854775807";
        QTest::addRow("one more") << "9223372036854775807+1" << "?";
        QTest::addRow("a number too large to read") << "99999999999999999999" << "?";
        QTest::addRow("the smallest divided by minus one") << "(-9223372036854775807-1)/-1" << "?";
        QTest::addRow("65 characters") << QString(65, '1') << "?";
        QTest::addRow("64 open brackets") << QString(64, '(') << "?";
        QTest::addRow("64 signs") << QString(63, '-') + "1" << "-1";
    }
    void calculates()
    {
        QFETCH(QString, expression);
        QFETCH(QString, result);
        QCOMPARE(QString::fromStdString(calculate(expression.toStdString())), result);
    }

    void findsTheOpenCall_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("query");      // "-" for none
        QTest::addRow("a call") << "[12*3=" << "12*3";
        QTest::addRow("a call after words") << "so [1+1=" << "1+1";
        QTest::addRow("an empty query") << "[=" << "";
        QTest::addRow("a second call") << "[1+1=2][2+2=" << "2+2";
        QTest::addRow("no opening sign") << "12*3=" << "-";
        QTest::addRow("the query goes on") << "[12*3" << "-";
        QTest::addRow("a call that was answered") << "[1+1=2] =" << "-";
        QTest::addRow("a second calling sign") << "[1+1==" << "-";
        QTest::addRow("nothing") << "" << "-";
    }
    void findsTheOpenCall()
    {
        QFETCH(QString, text);
        QFETCH(QString, query);
        const std::string bytes = text.toStdString();
        const auto found = openCall(bytes, calculator());
        QCOMPARE(found ? QString::fromStdString(std::string(*found)) : QString("-"), query);
    }

    void knowsWhatAToolWrote()
    {
        const Tool tool = calculator();
        QCOMPARE(callText(tool, "12*3"), std::string("[12*3=36]"));
        QCOMPARE(callText(tool, "x"), std::string("[x=?]"));
        const std::string text = "a[12*3=36]b[1+1=2]c";
        std::string written;
        for (const ToolSpan& span : toolSpans(text, tool))
            written += text.substr(span.begin, span.length) + "|";
        QCOMPARE(written, std::string("36]|2]|"));
        QVERIFY(toolSpans("1=1, 2=2", tool).empty());
        QCOMPARE(toolSpans("[1+1=", tool).size(), 1U);       // cut off: nothing is written yet
        QCOMPARE(toolSpans("[1+1=", tool).front().length, 0U);
    }
};

QTEST_APPLESS_MAIN(TestTools)
#include "tst_tools.moc"
