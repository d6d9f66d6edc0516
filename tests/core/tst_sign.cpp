// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/stat.h>

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/base/sign.h"

using namespace ratchet;

namespace {

struct Keys {
    QTemporaryDir folder;
    std::filesystem::path path{folder.path().toStdString()};
    Keys()
    {
        if (!createKeys(path))
            qFatal("no keys");
    }
};

} // namespace

class TestSign : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void signatureHolds_data();
    void signatureHolds();
    void knownSignatureIsReproduced();
    void forgeriesFail_data();
    void forgeriesFail();
    void keyIsKeptPrivateAndNeverReplaced();
    void brokenKeysAreTold();
    void opensslAgrees();
};

void TestSign::signatureHolds_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addRow("nothing") << QByteArray("");
    QTest::addRow("a line") << QByteArray("head\n");
    QTest::addRow("bytes") << QByteArray("\0\xff\n", 3);
    QTest::addRow("a megabyte") << QByteArray(1 << 20, 'x');
}

void TestSign::signatureHolds()
{
    QFETCH(QByteArray, text);
    const Keys keys, others;
    const std::string signature = signText(keys.path, text.toStdString()).value();
    QCOMPARE(signature.size(), 88U);
    QVERIFY(verifyText(keys.path, text.toStdString(), signature).value());
    QVERIFY(!verifyText(others.path, text.toStdString(), signature).value());
    QVERIFY(!verifyText(keys.path, text.toStdString() + " ", signature).value());
}

// RFC 8032, section 7.1, test 2.
void TestSign::knownSignatureIsReproduced()
{
    QTemporaryDir folder;
    const std::filesystem::path path(folder.path().toStdString());
    const QByteArray seed = QByteArray::fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const QByteArray key = QByteArray::fromHex("302e020100300506032b657004220420") + seed;   // PKCS #8
    QVERIFY(writeFile(path / "private.pem", "-----BEGIN PRIVATE KEY-----\n" + key.toBase64().toStdString() + "\n-----END PRIVATE KEY-----\n"));
    const std::string signature = signBytes(path, "\x72").value();
    QCOMPARE(QByteArray::fromStdString(signature).toHex(),
             QByteArray("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
}

void TestSign::forgeriesFail_data()
{
    QTest::addColumn<QString>("how");
    for (const char* how : {"empty", "short", "long", "not base64", "a bit flipped", "no padding"})
        QTest::addRow("%s", how) << how;
}

void TestSign::forgeriesFail()
{
    QFETCH(QString, how);
    const Keys keys;
    std::string signature = signText(keys.path, "text").value();
    if (how == "empty")
        signature.clear();
    else if (how == "short")
        signature.resize(84);
    else if (how == "long")
        signature += "AAAA";
    else if (how == "not base64")
        signature.replace(10, 3, "%&!");
    else if (how == "a bit flipped")
        signature[20] = signature[20] == 'A' ? 'B' : 'A';
    else
        signature.replace(86, 2, "AA");
    QVERIFY(!verifyText(keys.path, "text", signature).value());
}

void TestSign::keyIsKeptPrivateAndNeverReplaced()
{
    const Keys keys;
    struct stat info{};
    QVERIFY(stat((keys.path / "private.pem").c_str(), &info) == 0);
    QCOMPARE(info.st_mode & 0777, 0600U);
    const std::string before = readFile(keys.path / "private.pem").value();
    QCOMPARE(createKeys(keys.path).error().code, Code::Conflict);
    QCOMPARE(readFile(keys.path / "private.pem").value(), before);
}

void TestSign::brokenKeysAreTold()
{
    const Keys keys;
    QVERIFY(writeFile(keys.path / "public.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    QCOMPARE(verifyText(keys.path, "text", signText(keys.path, "text").value()).error().code, Code::Damaged);
    std::filesystem::remove(keys.path / "private.pem");
    QCOMPARE(signText(keys.path, "text").error().code, Code::NotFound);
}

void TestSign::opensslAgrees()
{
    if (QStandardPaths::findExecutable("openssl").isEmpty())
        QSKIP("the command openssl is not installed");
    const Keys keys;
    QVERIFY(writeFile(keys.path / "text", "some text\n"));
    const auto openssl = [&](const QStringList& arguments) {
        QProcess process;
        process.setWorkingDirectory(keys.folder.path());
        process.start("openssl", arguments);
        return process.waitForFinished() && process.exitCode() == 0;
    };
    QVERIFY(writeFile(keys.path / "ours", signBytes(keys.path, "some text\n").value()));
    QVERIFY(openssl({"pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-in", "text", "-sigfile", "ours"}));
    QVERIFY(openssl({"pkeyutl", "-sign", "-rawin", "-inkey", "private.pem", "-in", "text", "-out", "theirs"}));
    QCOMPARE(readFile(keys.path / "theirs").value(), readFile(keys.path / "ours").value());   // Ed25519 is deterministic
}

QTEST_GUILESS_MAIN(TestSign)
#include "tst_sign.moc"
