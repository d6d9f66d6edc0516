// SPDX-License-Identifier: GPL-3.0-or-later
// A lab with a tokenizer of its own, its model written for others and taken back as the start of another lab; all through
// `ratchet` as a person would. And what cannot be imported leaves no lab behind.
#include <QtTest>

#include <QDirIterator>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>

namespace {

struct Outcome {
    int status = -1;
    QString out, err;
};

Outcome ratchet(const QStringList& arguments)
{
    QProcess process;
    process.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), arguments);
    if (!process.waitForFinished(280'000))
        process.kill();
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

QByteArray contentOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QJsonObject objectIn(const QString& path)
{
    return QJsonDocument::fromJson(contentOf(path)).object();
}

} // namespace

class TestImport : public QObject {
    Q_OBJECT
private:
    QTemporaryDir m_temporary;

    [[nodiscard]] QString at(const QString& name) const { return m_temporary.filePath(name); }
    [[nodiscard]] Outcome make(const QString& name, const QStringList& more) const
    {
        return ratchet(QStringList{"new", at(name), "--domain", "text", "--corpus", QStringLiteral(RATCHET_SOURCE_DIR "/core"), "--seed", "5",
                                   "--budget", "100GFLOP", "--trial-budget", "20GFLOP", "--candidates", "1"}
                       + more);
    }
    [[nodiscard]] QJsonObject firstVersion(const QString& lab) const
    {
        const Outcome listed = ratchet({"versions", at(lab), "--json"});
        for (const QJsonValue& version : QJsonDocument::fromJson(listed.out.toUtf8()).array())
            if (version["parent"].isNull())
                return version.toObject();
        return {};
    }

private Q_SLOTS:
    void aModelGoesOutAndComesBack()
    {
        Outcome done = make("own", {"--tokenizer", "bpe:400"});
        QVERIFY2(done.status == 0, qPrintable(done.err));
        done = ratchet({"run", at("own"), "--teeth", "1", "--workers", "1"});
        QVERIFY2(done.status == 0, qPrintable(done.out + done.err));
        const QString seed = firstVersion("own")["version"].toString();
        QCOMPARE(firstVersion("own")["origin"].toString(), QStringLiteral("seed"));
        done = ratchet({"export", at("own"), seed.left(10), "--huggingface", at("folder")});
        QVERIFY2(done.status == 0, qPrintable(done.err));
        QCOMPARE(objectIn(at("folder/config.json"))["vocab_size"].toInt(), 400);
        QCOMPARE(objectIn(at("folder/config.json"))["model_type"].toString(), QStringLiteral("gpt2"));

        done = make("taken", {"--import", at("folder")});
        QVERIFY2(done.status == 0, qPrintable(done.err));
        const QJsonObject version = firstVersion("taken");
        QCOMPARE(version["origin"].toString(), QStringLiteral("import"));
        QVERIFY(version["live"].toBool());
        done = ratchet({"run", at("taken"), "--teeth", "1", "--workers", "1"});
        QVERIFY2(done.status == 0, qPrintable(done.out + done.err));
        done = ratchet({"check", at("taken")});
        QVERIFY2(done.status == 0, qPrintable(done.out + done.err));
        done = ratchet({"export", at("taken"), version["version"].toString(), "--huggingface", at("again")});
        QVERIFY2(done.status == 0, qPrintable(done.err));
        const QByteArray weights = contentOf(at("folder/model.safetensors"));
        QVERIFY(!weights.isEmpty() && weights == contentOf(at("again/model.safetensors")));
        QCOMPARE(contentOf(at("again/config.json")), contentOf(at("folder/config.json")));
        const QJsonObject model = objectIn(at("folder/tokenizer.json"))["model"].toObject();
        QVERIFY(!model.isEmpty() && model == objectIn(at("again/tokenizer.json"))["model"].toObject());
        done = ratchet({"export", at("taken"), version["version"].toString(), "--huggingface", at("again")});
        QCOMPARE(done.status, 3);
        QVERIFY2(done.err.contains("is not an empty folder"), qPrintable(done.err));
    }

    // The lab is seen when its tokenizer is learnt and its ledger written, not before.
    void aLabWhoseMakerIsKilledIsNotThere_data()
    {
        QTest::addColumn<bool>("exists");
        QTest::addRow("in a new folder") << false;
        QTest::addRow("in an empty one") << true;
    }
    void aLabWhoseMakerIsKilledIsNotThere()
    {
        QFETCH(bool, exists);
        const QString lab = at(exists ? "killed/empty" : "killed/new");
        QVERIFY(QDir().mkpath(exists ? lab : at("killed")));
        const auto begun = [&] {            // whether a lab.json is there, in whichever folder it is being made
            QDirIterator files(at("killed"), {"lab.json"}, QDir::Files | QDir::Hidden, QDirIterator::Subdirectories);
            return files.hasNext();
        };
        QProcess maker;
        maker.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), {"new", lab, "--domain", "text", "--corpus", QStringLiteral(RATCHET_SOURCE_DIR "/core"),
                                                                  "--tokenizer", "bpe:20000"});
        QTRY_VERIFY_WITH_TIMEOUT(begun() || maker.state() == QProcess::NotRunning, 60'000);
        maker.kill();
        QVERIFY(maker.waitForFinished());
        QCOMPARE(maker.exitStatus(), QProcess::CrashExit);
        QVERIFY(!QFileInfo::exists(lab + "/lab.json"));
        const Outcome status = ratchet({"status", lab});
        QVERIFY2(status.status == 1 && (status.err.contains("does not exist") || status.err.contains("is not a lab")), qPrintable(status.err));
        QVERIFY(QDir(at("killed")).removeRecursively());
    }

    void whatCannotBeTakenLeavesNoLab_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const QStringList& options, int status, const char* says) {
            QTest::addRow("%s", name) << options << status << QString::fromUtf8(says);
        };
        row("a tokenizer that is not known", {"--tokenizer", "wordpiece"}, 2, "\"wordpiece\" is no tokenizer");
        row("byte pairs fewer than the bytes", {"--tokenizer", "bpe:12"}, 2, "\"bpe:12\" is no tokenizer");
        row("byte pairs without a number", {"--tokenizer", "bpe:"}, 2, "\"bpe:\" is no tokenizer");
        row("byte pairs with more than a number", {"--tokenizer", "bpe:300x"}, 2, "\"bpe:300x\" is no tokenizer");
        row("a folder that is not there", {"--import", "/nothing/here"}, 1, "There is no folder /nothing/here");
        row("a folder without a model", {"--import", QStringLiteral(RATCHET_SOURCE_DIR "/core")}, 1, "There is no config.json");
        row("a tokenizer and a model", {"--import", "/nothing/here", "--tokenizer", "bpe:300"}, 2, "brings its tokenizer along");
    }
    void whatCannotBeTakenLeavesNoLab()
    {
        QFETCH(QStringList, options);
        QFETCH(int, status);
        QFETCH(QString, says);
        const Outcome done = make("none", options);
        QVERIFY2(done.status == status && done.err.contains(says), qPrintable(done.err));
        QVERIFY(!QFile::exists(at("none")));
    }

    void aDomainWithoutCorpusLearnsNoTokenizer()
    {
        const Outcome done = ratchet({"new", at("sums"), "--domain", "arithmetic", "--tokenizer", "bpe:300"});
        QCOMPARE(done.status, 2);
        QVERIFY2(done.err.contains("has no corpus to learn a tokenizer from"), qPrintable(done.err));
    }
};

QTEST_GUILESS_MAIN(TestImport)
#include "tst_import.moc"
