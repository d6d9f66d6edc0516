// SPDX-License-Identifier: GPL-3.0-or-later
#include <fstream>

#include <sys/stat.h>

#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/store/object_store.h"

using namespace ratchet;

namespace {

struct Place {
    QTemporaryDir folder;
    [[nodiscard]] std::filesystem::path root() const { return folder.path().toStdString(); }
    [[nodiscard]] ObjectStore store() const { return ObjectStore(root() / "objects"); }
};

void flipByte(const std::filesystem::path& path)
{
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(3);
    const char old = static_cast<char>(file.get());
    file.seekp(3);
    file.put(static_cast<char>(old ^ 1));
}

std::size_t filesBelow(const std::filesystem::path& folder)
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        count += entry.is_regular_file();
    return count;
}

} // namespace

class TestObjectStore : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void givesBackWhatWasPut_data();
    void givesBackWhatWasPut();
    void equalContentIsOneObject();
    void movesFilesIn();
    void refusesLinks();
    void flippedByteIsDamage();
    void puttingAgainHealsDamage();
    void missingIsNotFound();
};

void TestObjectStore::givesBackWhatWasPut_data()
{
    QTest::addColumn<QByteArray>("content");
    QTest::addRow("nothing") << QByteArray();
    QTest::addRow("text") << QByteArray("weights");
    QTest::addRow("bytes with zeros") << QByteArray("a\0b\xff", 4);
    QTest::addRow("three megabytes") << QByteArray(3'000'000, 'x');
}

void TestObjectStore::givesBackWhatWasPut()
{
    QFETCH(QByteArray, content);
    Place place;
    const Hash hash = place.store().put(content.toStdString()).value();
    QCOMPARE(hash, hashOf(content.toStdString()));
    QCOMPARE(place.store().get(hash).value(), content.toStdString());
    QVERIFY(place.store().contains(hash) && place.store().verify(hash));
    QCOMPARE(place.store().path(hash), place.root() / "objects" / hash.hex.substr(0, 2) / hash.hex.substr(2));
}

void TestObjectStore::equalContentIsOneObject()
{
    Place place;
    const auto first = place.store().put("same").value();
    QCOMPARE(place.store().put("same").value(), first);
    QVERIFY(writeFile(place.root() / "copy", "same"));
    QCOMPARE(place.store().putFile(place.root() / "copy").value(), first);
    QCOMPARE(filesBelow(place.root()), 1U);
}

void TestObjectStore::movesFilesIn()
{
    Place place;
    QVERIFY(writeFile(place.root() / "weights.safetensors", "weights"));
    const Hash hash = place.store().putFile(place.root() / "weights.safetensors").value();
    QCOMPARE(place.store().get(hash).value(), "weights");
    QVERIFY(!std::filesystem::exists(place.root() / "weights.safetensors"));
    QCOMPARE(std::filesystem::status(place.store().path(hash)).permissions(), std::filesystem::perms(0444));
    QCOMPARE(place.store().putFile(place.root() / "nothing").error().code, Code::NotFound);
    QCOMPARE(place.store().putFile(place.root()).error().code, Code::BadInput);
}

void TestObjectStore::refusesLinks()
{
    Place place;
    QVERIFY(writeFile(place.root() / "secret", "the judge's"));
    std::filesystem::create_symlink(place.root() / "secret", place.root() / "weights");
    QVERIFY(!place.store().putFile(place.root() / "weights"));
    QVERIFY(mkfifo((place.root() / "pipe").c_str(), 0600) == 0);   // must not wait for a writer either
    QCOMPARE(place.store().putFile(place.root() / "pipe").error().code, Code::BadInput);
}

void TestObjectStore::flippedByteIsDamage()
{
    Place place;
    const Hash hash = place.store().put("a checkpoint").value();
    flipByte(place.store().path(hash));
    const auto got = place.store().get(hash);
    QCOMPARE(got.error().code, Code::Damaged);
    QVERIFY(got.error().text.find(hash.hex.substr(2)) != std::string::npos);
    QVERIFY(!got.error().hint.empty());
    QCOMPARE(place.store().verify(hash).error().code, Code::Damaged);
}

void TestObjectStore::puttingAgainHealsDamage()
{
    Place place;
    const Hash hash = place.store().put("a checkpoint").value();
    flipByte(place.store().path(hash));
    QCOMPARE(place.store().put("a checkpoint").value(), hash);
    QVERIFY(place.store().verify(hash));
}

void TestObjectStore::missingIsNotFound()
{
    Place place;
    const Hash hash = hashOf("never put");
    QCOMPARE(place.store().get(hash).error().code, Code::NotFound);
    QCOMPARE(place.store().verify(hash).error().code, Code::NotFound);
    QVERIFY(place.store().get(hash).error().text.find(hash.brief()) != std::string::npos);
    QVERIFY(!place.store().contains({}));
    QCOMPARE(place.store().get({}).error().code, Code::NotFound);
}

QTEST_GUILESS_MAIN(TestObjectStore)
#include "tst_object_store.moc"
