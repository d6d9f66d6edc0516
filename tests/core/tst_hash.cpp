// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/json.h"

using namespace ratchet;

class TestHash : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void equalsPublishedDigests();
    void filesHashAsTheirContent();
    void jsonHashIgnoresOrderAndSpaces();
};

// FIPS 180-2, appendix B.
void TestHash::equalsPublishedDigests()
{
    QCOMPARE(hashOf("").hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    QCOMPARE(hashOf("abc").hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    QCOMPARE(hashOf(std::string(1'000'000, 'a')).hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    QCOMPARE(hashOf("abc").brief(), "ba7816bf8f");
}

void TestHash::filesHashAsTheirContent()
{
    QTemporaryDir folder;
    const std::filesystem::path file = std::filesystem::path(folder.path().toStdString()) / "file";
    for (const std::size_t size : {0U, 1U, 1U << 20, (1U << 20) + 1}) {
        const std::string content(size, 'x');
        QVERIFY(writeFile(file, content));
        QCOMPARE(hashOfFile(file).value(), hashOf(content));
    }
    QCOMPARE(hashOfFile(file.string() + ".not").error().code, Code::NotFound);
    QVERIFY(!hashOfFile(folder.path().toStdString()));
}

void TestHash::jsonHashIgnoresOrderAndSpaces()
{
    const auto one = parseJson(R"({"a": 1, "b": [1.5, true]})", "it").value();
    const auto two = parseJson(R"({ "b":[1.5,true],"a":1 })", "it").value();
    QCOMPARE(hashOfJson(one), hashOfJson(two));
    QCOMPARE(hashOfJson(one), hashOf(R"({"a":1,"b":[1.5,true]})"));
    QVERIFY(hashOfJson(one) != hashOfJson(parseJson(R"({"a": 1.0, "b": [1.5, true]})", "it").value()));
}

QTEST_GUILESS_MAIN(TestHash)
#include "tst_hash.moc"
