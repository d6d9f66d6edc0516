// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "core/base/json.h"

using namespace ratchet;

class TestJson : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void brokenTextNamesTheByte();
    void fieldsFit_data();
    void fieldsFit();
    void firstFaultIsTold();
    void whatFitsIsRead();
};

void TestJson::brokenTextNamesTheByte()
{
    const auto read = parseJson("{\"a\": 1,}", "lab.json");
    QCOMPARE(read.error().code, Code::BadInput);
    QCOMPARE(read.error().text, "lab.json is not JSON: it breaks at byte 9.");
    QVERIFY(!parseJson("", "it"));
    QVERIFY(!parseJson("{} {}", "it"));
    QVERIFY(!parseJson("1e999", "it"));
    QVERIFY(!parseJson("\"\xff\"", "it"));
}

void TestJson::fieldsFit_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("kind");
    QTest::addColumn<bool>("fits");
    QTest::addRow("an int") << "7" << "int" << true;
    QTest::addRow("a number with a fraction as int") << "7.5" << "int" << false;
    QTest::addRow("text as int") << "\"7\"" << "int" << false;
    QTest::addRow("true as int") << "true" << "int" << false;
    QTest::addRow("null as int") << "null" << "int" << false;
    QTest::addRow("too large for int") << "2147483648" << "int" << false;
    QTest::addRow("too small for int") << "-2147483649" << "int" << false;
    QTest::addRow("the smallest int") << "-2147483648" << "int" << true;
    QTest::addRow("negative as unsigned") << "-1" << "uint64" << false;
    QTest::addRow("the largest unsigned") << "18446744073709551615" << "uint64" << true;
    QTest::addRow("larger than any") << "18446744073709551616" << "uint64" << false;
    QTest::addRow("an int as double") << "3" << "double" << true;
    QTest::addRow("text as double") << "\"3\"" << "double" << false;
    QTest::addRow("1 as bool") << "1" << "bool" << false;
    QTest::addRow("a bool") << "false" << "bool" << true;
    QTest::addRow("a number as text") << "1" << "string" << false;
    QTest::addRow("a list of numbers") << "[1, 2.5]" << "list" << true;
    QTest::addRow("a list with text") << "[1, \"2\"]" << "list" << false;
}

void TestJson::fieldsFit()
{
    QFETCH(QString, text);
    QFETCH(QString, kind);
    QFETCH(bool, fits);
    const Json json{{"x", Json::parse(text.toStdString())}};
    Fields in(json, "it");
    int i = 0;
    std::uint64_t u = 0;
    double d = 0;
    bool b = false;
    std::string s;
    std::vector<double> list;
    kind == "int"      ? in.read("x", i)
    : kind == "uint64" ? in.read("x", u)
    : kind == "double" ? in.read("x", d)
    : kind == "bool"   ? in.read("x", b)
    : kind == "string" ? in.read("x", s)
                       : in.read("x", list);
    QCOMPARE(in.status().has_value(), fits);
}

void TestJson::firstFaultIsTold()
{
    const Json json{{"width", "wide"}, {"colour", 1}};
    int width = 3, depth = 0;
    Fields in(json, "the genome");
    in.read("width", width).read("depth", depth).onlyKnown();
    QCOMPARE(in.status().error().text, "In the genome: \"width\" has the wrong type or is not finite.");
    QCOMPARE(width, 3);
    Fields missing(json, "the genome");
    QCOMPARE(missing.read("depth", depth).status().error().text, "In the genome: \"depth\" is missing.");
    Fields unknown(json, "the genome");
    std::string text;
    QCOMPARE(unknown.read("width", text).onlyKnown().status().error().text, "In the genome: \"colour\" is not known.");
    const Json list = Json::array();
    QCOMPARE(Fields(list, "the genome").readIf("a", width).onlyKnown().status().error().code, Code::BadInput);
    const Json infinite{{"x", INFINITY}};
    double x = 0;
    QVERIFY(!Fields(infinite, "it").read("x", x).status());
}

void TestJson::whatFitsIsRead()
{
    const Json json{{"a", 5}, {"b", "text"}, {"c", {1, 2}}};
    int a = 0, none = 9;
    std::string b;
    std::vector<int> c;
    Fields in(json, "it");
    QVERIFY(in.read("a", a).read("b", b).read("c", c).readIf("none", none).onlyKnown().status());
    QCOMPARE(a, 5);
    QCOMPARE(b, "text");
    QCOMPARE(c, (std::vector<int>{1, 2}));
    QCOMPARE(none, 9);
}

QTEST_GUILESS_MAIN(TestJson)
#include "tst_json.moc"
