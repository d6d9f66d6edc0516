// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "core/base/units.h"

using namespace ratchet;

class TestUnits : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void readsAmounts_data();
    void readsAmounts();
    void refusesOthers_data();
    void refusesOthers();
    void writesForPeople();
};

void TestUnits::readsAmounts_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<double>("flops");
    QTest::addRow("tera") << "10TFLOP" << 1e13;
    QTest::addRow("with a space") << "0.4 TFLOP" << 4e11;
    QTest::addRow("giga") << "500GFLOP" << 5e11;
    QTest::addRow("no prefix") << "7FLOP" << 7.0;
    QTest::addRow("an exponent") << "2e3KFLOP" << 2e6;
    QTest::addRow("exa") << "1.5EFLOP" << 1.5e18;
}

void TestUnits::readsAmounts()
{
    QFETCH(QString, text);
    QFETCH(double, flops);
    QCOMPARE(parseFlops(text.toStdString()).value().value, flops);
}

void TestUnits::refusesOthers_data()
{
    QTest::addColumn<QString>("text");
    for (const char* text : {"", "10 TFLOPS", "-3", "-3TFLOP", "1e400", "1e400FLOP", "0TFLOP", "TFLOP", "ten TFLOP", "10", "10 tflop",
                             "10TFLOP extra", "nanTFLOP", "infFLOP", "0x10TFLOP", "10XFLOP", "+-1TFLOP", "1e308EFLOP"})
        QTest::addRow("\"%s\"", text) << text;
}

void TestUnits::refusesOthers()
{
    QFETCH(QString, text);
    const auto read = parseFlops(text.toStdString());
    QVERIFY(!read);
    QCOMPARE(read.error().code, Code::Usage);
    QVERIFY(!read.error().hint.empty());
}

void TestUnits::writesForPeople()
{
    QCOMPARE(toText(Flops{6.1e12}), "6.1 TFLOP");
    QCOMPARE(toText(Flops{0}), "0 FLOP");
    QCOMPARE(toText(Flops{999.9e9}), "1 TFLOP");
    QCOMPARE(toText(std::chrono::milliseconds(1540)), "1.5 s");
    QCOMPARE(toText(std::chrono::milliseconds(38'000)), "38 s");
    QCOMPARE(toText(std::chrono::milliseconds(125'000)), "2 min 5 s");
    QCOMPARE(toText(std::chrono::hours(3) + std::chrono::minutes(10)), "3 h 10 min");
    QCOMPARE(toTextBytes(1.2e6), "1.2 MB");
    QCOMPARE(toTextPercent(0.943), "94.3 %");
}

QTEST_GUILESS_MAIN(TestUnits)
#include "tst_units.moc"
