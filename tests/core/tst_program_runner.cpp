// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "core/base/rng.h"
#include "core/plugin/program_runner.h"

using namespace ratchet;
using namespace ratchet::program;

class TestProgramRunner : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void runs_data();
    void runs();
    void whateverACallHoldsItEndsWithinTheLimits();
    void findsTheOpenCall_data();
    void findsTheOpenCall();
    void aCallIsWrittenWithWhatNoCallHolds();
};

void TestProgramRunner::runs_data()
{
    QTest::addColumn<QByteArray>("call");
    QTest::addColumn<QByteArray>("result");
    const auto row = [](const char* name, const QByteArray& call, const char* result) {
        QTest::addRow("%s", name) << call << QByteArray(result);
    };
    row("a program and its input", "3*2+;5", "17");
    row("an output below zero", "9-;5", "-4");
    row("an input below zero", "2/;-7", "-3");
    row("the last input is on top", "-;3,10", "-7");
    row("no instruction puts the input out", ";5", "5");
    row("a loop", "0s[so+s1-]x;4", "10");
    row("the longest program and the largest inputs", QByteArray("1x").repeated(16) + ";-9999,-9999,-9999,-9999", "-9999");
    row("64 characters", "+;1," + QByteArray(60, '0'), "1");
    row("65 characters", "+;1," + QByteArray(61, '0'), "?");
    row("33 instructions", QByteArray("1x").repeated(16) + "1;5", "?");
    row("a loop without end", "1[];5", "?");
    row("loops without end inside one another", "1[[[]]];5", "?");
    row("a loop that fills the stack", "[1];5", "?");
    row("a stack that is full", QByteArray(16, '1') + ";5", "?");
    row("a number too large", "d*d*d*d*;9", "?");
    row("an input too large", "3*;10000", "?");
    row("an input beyond 64 bits", "3*;99999999999999999999", "?");
    row("division by zero", "0/;5", "?");
    row("too few numbers", "+;5", "?");
    row("a bracket without its partner", "3[;5", "?");
    row("a character that is no instruction", "3a+;5", "?");
    row("a call inside a call", "r3*;5=15>;5", "?");
    row("a zero byte", QByteArray("3\0+;5", 5), "?");
    row("nothing", "", "?");
    row("no input", "3*2+", "?");
    row("an empty input", "3*2+;", "?");
    row("an empty input among others", "+;5,,6", "?");
    row("five inputs", "+;1,2,3,4,5", "?");
    row("two lists of inputs", "3*;5;6", "?");
    row("a plus sign", "3*;+5", "?");
    row("a blank", "3*; 5", "?");
    row("half a number", "3*;5.5", "?");
    row("an instruction as input", "3*;d", "?");
}

void TestProgramRunner::runs()
{
    QFETCH(QByteArray, call);
    QFETCH(QByteArray, result);
    QCOMPARE(QByteArray::fromStdString(runProgram(call.toStdString())), result);
}

void TestProgramRunner::whateverACallHoldsItEndsWithinTheLimits()
{
    Rng rng(1);
    int answered = 0;
    const std::string signs = std::string(instructions).append(";,");
    for (int i = 0; i < 20000; ++i) {
        std::string call;
        for (std::uint64_t n = rng.below(40); n > 0; --n)
            call += i % 8 ? signs[rng.below(signs.size())] : static_cast<char>(rng.below(256));
        const std::string result = runProgram(i % 2 ? call + ";7" : call);
        bool isNumber = false;
        const int number = QByteArray::fromStdString(result).toInt(&isNumber);
        QVERIFY2(result == "?" || (isNumber && std::abs(number) <= Limits{}.largest), call.c_str());
        answered += isNumber ? 1 : 0;
    }
    QVERIFY2(answered > 100, std::to_string(answered).c_str());
}

void TestProgramRunner::findsTheOpenCall_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("query");      // "none"
    QTest::addRow("a call") << "r3*2+;5=" << "3*2+;5";
    QTest::addRow("a second call") << "r3*2+;5=17>r9-;5=" << "9-;5";
    QTest::addRow("a call that is begun again") << "r3*r9-;5=" << "9-;5";
    QTest::addRow("the call goes on") << "r3*2+;5" << "none";
    QTest::addRow("the result goes on") << "r3*2+;5=1" << "none";
    QTest::addRow("a call that was answered") << "r3*2+;5=17>" << "none";
    QTest::addRow("a calling sign after an answer") << "r3*2+;5=17>17=" << "none";
    QTest::addRow("no opening sign") << "3*2+;5=" << "none";
    QTest::addRow("a second calling sign") << "r3*=2+;5=" << "none";
    QTest::addRow("a closing sign inside") << "r3*>2+;5=" << "none";
}

void TestProgramRunner::findsTheOpenCall()
{
    QFETCH(QString, text);
    QFETCH(QString, query);
    const std::string bytes = text.toStdString();
    const auto found = openCall(bytes, programRunner());
    QCOMPARE(found ? QString::fromStdString(std::string(*found)) : QString("none"), query);
}

void TestProgramRunner::aCallIsWrittenWithWhatNoCallHolds()
{
    const Tool tool = programRunner();
    QCOMPARE(tool.name, std::string("program"));      // as in /tools/allowed
    QCOMPARE(callText(tool, "3*2+;5"), std::string("r3*2+;5=17>"));
    QCOMPARE(callText(tool, "1[];5"), std::string("r1[];5=?>"));
    const std::string held = std::string(instructions).append(";,");
    for (const char sign : {tool.open, tool.call, tool.close})
        QVERIFY(held.find(sign) == std::string::npos);
}

QTEST_APPLESS_MAIN(TestProgramRunner)
#include "tst_program_runner.moc"
