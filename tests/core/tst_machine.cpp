// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "core/base/rng.h"
#include "core/plugin/machine.h"

using namespace ratchet;
using namespace ratchet::program;

class TestMachine : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void computes_data();
    void computes();
    void faults_data();
    void faults();
    void limitsAreTheCallers();
    void randomProgramsEnd();
};

void TestMachine::computes_data()
{
    QTest::addColumn<QByteArray>("program");
    QTest::addColumn<QList<int>>("input");
    QTest::addColumn<int>("output");
    const auto row = [](const char* name, const char* program, QList<int> input, int output) {
        QTest::addRow("%s", name) << QByteArray(program) << input << output;
    };
    row("nothing leaves the input", "", {5}, 5);
    row("a digit", "7", {}, 7);
    row("a sum", "3+", {5}, 8);
    row("a difference below zero", "9-", {5}, -4);
    row("a product", "3*2+", {5}, 17);
    row("a quotient rounds towards zero", "2/", {-7}, -3);
    row("a remainder has the sign of the first", "2%", {-7}, -1);
    row("less", "<", {3, 5}, 1);
    row("not less when equal", "<", {5, 5}, 0);
    row("not of zero", "n", {0}, 1);
    row("not of anything else", "n", {-3}, 0);
    row("a square", "d*", {9}, 81);
    row("swap", "s-", {3, 10}, 7);
    row("drop", "x", {3, 10}, 3);
    row("copy the second", "o", {3, 10}, 3);
    row("copy keeps both", "o+-", {3, 10}, -10);
    row("the top is the output, whatever lies below", "1234", {}, 4);
    row("a loop that counts down", "[1-]", {9}, 0);
    row("a loop that is not entered", "[3+]7", {0}, 7);
    row("a loop that adds up 4 + 3 + 2 + 1", "0s[so+s1-]x", {4}, 10);
    row("powers of two by a loop", "1s[s2*s1-]x", {5}, 32);
    row("loops inside one another", "[[1-]]4", {6}, 4);
    row("nine to the fourth", "99*99**", {1}, 6561);
}

void TestMachine::computes()
{
    QFETCH(QByteArray, program);
    QFETCH(QList<int>, input);
    QFETCH(int, output);
    const auto outcome = run(program.toStdString(), {input.begin(), input.end()});
    QCOMPARE(int(outcome.fault), int(Fault::None));
    QCOMPARE(int(outcome.output), output);
    QCOMPARE(int(outcome.at), int(program.size()));
}

void TestMachine::faults_data()
{
    QTest::addColumn<QByteArray>("program");
    QTest::addColumn<QList<int>>("input");
    QTest::addColumn<Fault>("fault");
    QTest::addColumn<int>("at");
    const auto row = [](const char* name, const QByteArray& program, QList<int> input, Fault fault, int at) {
        QTest::addRow("%s", name) << program << input << fault << at;
    };
    row("a character that is no instruction", "3a", {1}, Fault::Syntax, 0);
    row("a blank", "3 +", {1}, Fault::Syntax, 0);
    row("a byte of another alphabet", "\xff", {1}, Fault::Syntax, 0);
    row("an opening bracket alone", "3[+", {1}, Fault::Syntax, 0);
    row("a closing bracket alone", "3]+", {1}, Fault::Syntax, 0);
    row("brackets the wrong way round", "]3[", {1}, Fault::Syntax, 0);
    row("more instructions than allowed", QByteArray(33, '1'), {1}, Fault::TooLong, 0);
    row("division by zero", "30/", {1}, Fault::DivisionByZero, 2);
    row("remainder by zero", "0%", {1}, Fault::DivisionByZero, 1);
    row("too few numbers", "3++", {1}, Fault::Underflow, 2);
    row("nothing to duplicate", "d", {}, Fault::Underflow, 0);
    row("nothing to look at", "[]", {}, Fault::Underflow, 0);
    row("nothing left to put out", "x", {1}, Fault::Underflow, 1);
    row("nothing at all", "", {}, Fault::Underflow, 0);
    row("a number too large", "d*d*d*d*", {9}, Fault::Overflow, 5);
    row("a number too small", "9999****", {-9}, Fault::Overflow, 7);
    row("an input too large", "1", {10000}, Fault::Overflow, 0);
    row("a stack that is full", QByteArray(16, '1'), {1}, Fault::StackFull, 15);
    row("a loop without end", "1[]", {1}, Fault::StepsSpent, 2);
    row("a loop that fills the stack", "[1]", {1}, Fault::StackFull, 1);
}

void TestMachine::faults()
{
    QFETCH(QByteArray, program);
    QFETCH(QList<int>, input);
    QFETCH(Fault, fault);
    QFETCH(int, at);
    const auto outcome = run(program.toStdString(), {input.begin(), input.end()});
    QCOMPARE(int(outcome.fault), int(fault));
    QCOMPARE(int(outcome.at), at);
    QCOMPARE(int(outcome.output), 0);
}

void TestMachine::limitsAreTheCallers()
{
    Limits limits;
    limits.steps = 3;
    QCOMPARE(int(run("11+", {}, limits).fault), int(Fault::None));
    QCOMPARE(int(run("11+1", {}, limits).fault), int(Fault::StepsSpent));
    QCOMPARE(run("11+1", {}, limits).steps, 3);
    limits.depth = 2;
    QCOMPARE(int(run("111", {}, limits).fault), int(Fault::StackFull));
    limits.length = 2;
    QCOMPARE(int(check("111", limits)), int(Fault::TooLong));
    limits.largest = 5;
    QCOMPARE(int(run("6", {}, limits).fault), int(Fault::Overflow));
}

void TestMachine::randomProgramsEnd()
{
    Rng rng(1);
    int completed = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string program;
        for (std::uint64_t n = rng.below(33); n > 0; --n)
            program += i % 8 ? instructions[rng.below(instructions.size())] : static_cast<char>(rng.below(256));
        const auto outcome = run(program, {static_cast<Number>(rng.below(100)), 3});
        QVERIFY(outcome.steps <= Limits{}.steps && std::abs(outcome.output) <= Limits{}.largest);
        QVERIFY(outcome.at <= program.size());
        completed += outcome.fault == Fault::None ? 1 : 0;
    }
    QVERIFY2(completed > 500, std::to_string(completed).c_str());
}

QTEST_GUILESS_MAIN(TestMachine)
#include "tst_machine.moc"
