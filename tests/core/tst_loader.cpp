// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/plugin/loader.h"

using namespace ratchet;

Q_DECLARE_METATYPE(std::vector<ratchet::SuiteSpec>)
Q_DECLARE_METATYPE(ratchet::Measure)

class TestLoader : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR); }
    void findsThePluginsBesideThePrograms();
    void refuses_data();
    void refuses();
    void aThrowingPluginGivesAnError();
    void suitesThatCannotJudgeAreRefused_data();
    void suitesThatCannotJudgeAreRefused();
};

void TestLoader::findsThePluginsBesideThePrograms()
{
    const auto names = domainNames();
    QVERIFY(std::find(names.begin(), names.end(), "arithmetic") != names.end());
    const auto domain = loadDomain("arithmetic");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    QCOMPARE((*domain)->info().name, std::string("arithmetic"));
}

void TestLoader::refuses_data()
{
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<bool>("fileExists");
    QTest::addColumn<int>("code");
    QTest::addRow("a domain nobody knows") << QByteArray("chess") << false << int(Code::NotFound);
    QTest::addRow("a name that climbs out of the folder") << QByteArray("../arithmetic") << false << int(Code::NotFound);
    QTest::addRow("an empty name") << QByteArray() << false << int(Code::NotFound);
    QTest::addRow("a file that is no library") << QByteArray("broken") << true << int(Code::Environment);
}

void TestLoader::refuses()
{
    QFETCH(QByteArray, name);
    QFETCH(bool, fileExists);
    QFETCH(int, code);
    const auto folder = std::filesystem::temp_directory_path() / ("ratchet-loader-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    if (fileExists)
        std::ofstream(folder / (name.toStdString() + ".so")) << "not a library";
    qputenv("RATCHET_PLUGIN_PATH", QByteArray::fromStdString(folder.string() + ":" RATCHET_PLUGIN_DIR));
    const auto domain = loadDomain(name.toStdString());
    std::filesystem::remove_all(folder);
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    QVERIFY(!domain);
    QCOMPARE(int(domain.error().code), code);
    QVERIFY(!domain.error().text.empty() && !domain.error().hint.empty());
}

void TestLoader::aThrowingPluginGivesAnError()
{
    const auto domain = loadDomain("arithmetic");
    QVERIFY(domain);
    Rng rng(1);
    const auto item = guarded("arithmetic", [&] { return (*domain)->draw("no such suite", Split::Gate, rng); });
    QVERIFY(!item);
    QCOMPARE(int(item.error().code), int(Code::Failed));
    QVERIFY(item.error().text.find("arithmetic") != std::string::npos);
}

using Suites = std::vector<SuiteSpec>;

void TestLoader::suitesThatCannotJudgeAreRefused_data()
{
    constexpr auto target = SuiteRole::Target, kept = SuiteRole::Retained, probe = SuiteRole::Probe;
    QTest::addColumn<Suites>("suites");
    QTest::addColumn<Measure>("measure");
    QTest::addColumn<QString>("says");
    const auto right = Measure::ExactMatch, bits = Measure::BitsPerByte;
    QTest::addRow("a target alone") << Suites{{"a", "", target, 0}} << right << "";
    QTest::addRow("a target, a retained suite, a probe whose margin means nothing")
        << Suites{{"a", "", target, 0}, {"b", "", kept, 0}, {"c", "", probe, 9}} << right << "";
    QTest::addRow("none at all") << Suites{} << right << "no target";
    QTest::addRow("a retained one first") << Suites{{"b", "", kept, 0.02}, {"a", "", target, 0}} << right << "no target";
    QTest::addRow("two targets") << Suites{{"a", "", target, 0}, {"b", "", target, 0}} << right << "b is a second target";
    QTest::addRow("a name twice") << Suites{{"a", "", target, 0}, {"a", "", probe, 0}} << right << "comes twice";
    QTest::addRow("no name") << Suites{{"", "", target, 0}} << right << "empty";
    QTest::addRow("a margin that everything passes") << Suites{{"a", "", target, 0}, {"b", "", kept, 1}} << right << "the margin of b is 1";
    QTest::addRow("a margin of one bit per byte") << Suites{{"a", "", target, 0}, {"b", "", kept, 0.125}} << bits << "not 0 to below 0.125";
    QTest::addRow("a margin below it") << Suites{{"a", "", target, 0}, {"b", "", kept, 0.02}} << bits << "";
    QTest::addRow("a margin that asks for a gain") << Suites{{"a", "", target, 0}, {"b", "", kept, -0.01}} << right << "the margin of b";
    QTest::addRow("a margin that is no number") << Suites{{"a", "", target, 0}, {"b", "", kept, std::nan("")}} << right << "the margin of b";
}

void TestLoader::suitesThatCannotJudgeAreRefused()
{
    QFETCH(Suites, suites);
    QFETCH(Measure, measure);
    QFETCH(QString, says);
    DomainInfo info;
    info.name = "faulty";
    info.measure = measure;
    const Status checked = checkSuites(info, suites);
    QCOMPARE(checked.has_value(), says.isEmpty());
    if (!checked)
        QVERIFY2(QString::fromStdString(checked.error().text).contains(says), checked.error().text.c_str());
}

QTEST_GUILESS_MAIN(TestLoader)
#include "tst_loader.moc"
