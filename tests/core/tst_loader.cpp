// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <filesystem>
#include <fstream>

#include "core/plugin/loader.h"

using namespace ratchet;

class TestLoader : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR); }
    void findsThePluginsBesideThePrograms();
    void refuses_data();
    void refuses();
    void aThrowingPluginGivesAnError();
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

QTEST_GUILESS_MAIN(TestLoader)
#include "tst_loader.moc"
