// SPDX-License-Identifier: GPL-3.0-or-later
// What somebody meets whose lab, disk, permissions or plugins are not as they should be: built programs, whole commands, one
// sentence and what to do, the exit status of the documents, and nothing lost. tst_cli has what needs no such preparation.
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <sys/mount.h>
#include <unistd.h>

#include "core/store/lab.h"

using namespace ratchet;

namespace {

constexpr int patience = 120'000;

struct Outcome { int status = -1; QString out, err; };

} // namespace

class TestUser : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QString m_lab = m_folder.filePath(QStringLiteral("lab"));      // one tooth on a tiny budget, belongs to who runs the test
    QString m_policy = m_folder.filePath(QStringLiteral("policy.json"));

    [[nodiscard]] QString at(const QString& name) const { return m_folder.filePath(name); }
    static Outcome start(const QString& program, const QStringList& words, const QString& pluginPath = {})
    {
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        if (!pluginPath.isEmpty())
            environment.insert(QStringLiteral("RATCHET_PLUGIN_PATH"), pluginPath);
        process.setProcessEnvironment(environment);
        process.start(program, words);
        if (!process.waitForFinished(patience))
            process.kill();
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput()),
                QString::fromUtf8(process.readAllStandardError())};
    }
    static Outcome ratchet(const QStringList& words, const QString& pluginPath = {})
    {
        return start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), words, pluginPath);
    }
    static Outcome asNobody(const QStringList& words)
    {
        return start(QStringLiteral("setpriv"), QStringList{QStringLiteral("--reuid=65534"), QStringLiteral("--regid=65534"), QStringLiteral("--clear-groups"),
                                                            QStringLiteral(RATCHET_BIN_DIR "/ratchet")} + words);
    }
    static QString shown(const Outcome& outcome)
    {
        return QStringLiteral("exit %1\nstdout: %2\nstderr: %3").arg(outcome.status).arg(outcome.out, outcome.err);
    }
    [[nodiscard]] QString makeLab(const QString& lab) const
    {
        const Outcome made = ratchet({QStringLiteral("new"), lab, QStringLiteral("--domain"), QStringLiteral("arithmetic"), QStringLiteral("--seed"),
                                      QStringLiteral("5"), QStringLiteral("--budget"), QStringLiteral("100GFLOP"), QStringLiteral("--trial-budget"),
                                      QStringLiteral("3GFLOP"), QStringLiteral("--candidates"), QStringLiteral("1"), QStringLiteral("--guard"), m_policy});
        return made.status == 0 ? QString() : shown(made);
    }
    // The file of the live version's weights or genome in a copy of the lab.
    [[nodiscard]] std::filesystem::path liveObject(const QString& lab, bool weights) const
    {
        const LabPaths paths{lab.toStdString()};
        const auto store = Store::open(paths.database(), Store::Mode::ReadOnly).value();
        const auto version = store->version(store->live().value()->version).value().value();
        return ObjectStore(paths.objects()).path(weights ? version.weights : version.genome);
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QFile::setPermissions(m_folder.path(), QFile::Permissions::fromInt(0x7755)));       // for nobody, too
        QVERIFY(writeFile(m_policy.toStdString(), R"({"approve": "accepted", "minDifference": 0.0, "maxDeployments": 9, "reason": "A test decides."})"));
        const QString fault = makeLab(m_lab);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
        const Outcome run = ratchet({QStringLiteral("run"), m_lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--json")});
        QVERIFY2(run.status == 0, qPrintable(shown(run)));
    }

    void anOrdinaryUserMayLookAndIsToldWhatElseHeMayNot_data()
    {
        QTest::addColumn<QString>("words");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const char* words, int status, const char* says) {
            QTest::addRow("%s", name) << QString::fromUtf8(words) << status << QString::fromUtf8(says);
        };
        row("status", "status|LAB", 0, "");
        row("versions", "versions|LAB", 0, "");
        row("lessons", "lessons|LAB", 0, "");
        row("the queue", "queue|LAB", 0, "");
        row("checking", "check|LAB", 0, "");
        row("verifying the ledger", "ledger|verify|LAB", 0, "");
        row("a report is printed, but not written", "report|LAB", 3, "Cannot write .*report.html: Permission denied.\n.*--html");
        row("running", "run|LAB|--teeth|1", 3, "Cannot open .*engine.lock: Permission denied.\n.*permissions");
        row("serving", "serve|LAB|--port|0", 3, "server.token: Permission denied.\n.*permissions");
        row("exporting the ledger", "ledger|export|LAB", 3, "private.pem: Permission denied.\n.*permissions");
        row("rolling back", "rollback|LAB|LIVE|--reason|Because.", 1, "live already");
        row("approving", "approve|LAB|LIVE|--reason|Because.", 3, "Cannot open .*engine.lock: Permission denied.\n.*permissions");
        row("a new lab in somebody else's folder", "new|LAB/mine|--domain|arithmetic", 3, "Permission denied.\n.*may write");
        row("a new lab beyond a closed folder", "new|LAB/keys/mine|--domain|arithmetic", 3, "cannot be reached: Permission denied.\n.*permissions");
        row("a lab beyond a closed folder", "status|LAB/keys/mine", 3, "cannot be reached: Permission denied.\n.*permissions");
        row("a corpus that he may not read", "new|OPEN/x|--domain|text|--corpus|LAB/keys", 3, "cannot be read: Permission denied.\n.*permissions");
    }
    void anOrdinaryUserMayLookAndIsToldWhatElseHeMayNot()
    {
        if (::getuid() != 0 || QStandardPaths::findExecutable(QStringLiteral("setpriv")).isEmpty())
            QSKIP("only root can become an ordinary user, with setpriv");
        if (asNobody({QStringLiteral("--version")}).status != 0)
            QSKIP("an ordinary user may not start the programs where they were built");
        QFETCH(QString, words);
        QFETCH(int, status);
        QFETCH(QString, says);
        QVERIFY(QDir().mkpath(at(QStringLiteral("open"))) && QFile::setPermissions(at(QStringLiteral("open")), QFile::Permissions::fromInt(0x7777)));
        const auto live = Store::open(m_lab.toStdString() + "/ratchet.db", Store::Mode::ReadOnly).value()->live().value()->version.hex;
        words.replace(QStringLiteral("LAB"), m_lab).replace(QStringLiteral("OPEN"), at(QStringLiteral("open"))).replace(QStringLiteral("LIVE"), QString::fromStdString(live));
        const Outcome outcome = asNobody(words.split(QLatin1Char('|')));
        QVERIFY2(outcome.status == status, qPrintable(shown(outcome)));
        QVERIFY2(QRegularExpression(says).match(outcome.err).hasMatch() && outcome.err.isEmpty() == (status == 0), qPrintable(shown(outcome)));
        QVERIFY2(!QFile::exists(at(QStringLiteral("open/x"))), "a refused lab left its folder behind");
        QVERIFY(ratchet({QStringLiteral("check"), m_lab}).status == 0);
    }

    void aDamagedLabIsNotRun_data()
    {
        QTest::addColumn<bool>("weights");
        QTest::addColumn<bool>("gone");
        QTest::addRow("a flipped byte in the checkpoint") << true << false;
        QTest::addRow("a flipped byte in the genome") << false << false;
        QTest::addRow("the checkpoint is missing") << true << true;
        QTest::addRow("the genome is missing") << false << true;
    }
    void aDamagedLabIsNotRun()
    {
        QFETCH(bool, weights);
        QFETCH(bool, gone);
        const QString lab = at(QStringLiteral("damaged%1%2").arg(weights).arg(gone));
        QCOMPARE(QProcess::execute(QStringLiteral("cp"), {QStringLiteral("-a"), m_lab, lab}), 0);
        const auto file = liveObject(lab, weights);
        const std::string whole = readFile(file).value();
        std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
        std::string content = whole;
        content[content.size() / 2] ^= 1;
        gone ? void(std::filesystem::remove(file)) : void(std::ofstream(file, std::ios::binary | std::ios::trunc) << content);
        const QStringList run{QStringLiteral("run"), lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--json")};
        for (const QStringList& words : {run, QStringList{QStringLiteral("serve"), lab, QStringLiteral("--port"), QStringLiteral("0")},
                                         QStringList{QStringLiteral("check"), lab}}) {
            const Outcome outcome = ratchet(words);
            QVERIFY2(outcome.status == 3, qPrintable(shown(outcome)));
            QVERIFY2(outcome.err.contains(gone ? QStringLiteral("is missing") : QStringLiteral("is damaged")) && outcome.err.contains(QStringLiteral("Restore")),
                     qPrintable(shown(outcome)));
        }
        QVERIFY2(ratchet({QStringLiteral("status"), lab}).status == 0, "looking is still possible");
        std::ofstream(file, std::ios::binary | std::ios::trunc) << whole;
        const Outcome mended = ratchet(run);
        QVERIFY2(mended.status == 0, qPrintable(shown(mended)));
    }

    void aVersionThatIsNotWhatItsNameSaysIsFound()
    {
        const QString lab = at(QStringLiteral("exchanged"));
        QCOMPARE(QProcess::execute(QStringLiteral("cp"), {QStringLiteral("-a"), m_lab, lab}), 0);
        if (QProcess::execute(QStringLiteral("sqlite3"), {lab + QStringLiteral("/ratchet.db"), QStringLiteral("UPDATE version SET tokenizer = genome")}) != 0)
            QSKIP("sqlite3 is not installed");
        const Outcome check = ratchet({QStringLiteral("check"), lab}), served = ratchet({QStringLiteral("serve"), lab, QStringLiteral("--port"), QStringLiteral("0")});
        QVERIFY2(check.status == 3 && check.out.contains(QRegularExpression(QStringLiteral("BAD +versions"))), qPrintable(shown(check)));
        for (const Outcome& outcome : {check, served})
            QVERIFY2(outcome.status == 3 && outcome.err.contains(QStringLiteral("is not what its name says")), qPrintable(shown(outcome)));
    }

    void aPluginOfAnotherVersionIsNotUsed()
    {
        const std::string file = RATCHET_PLUGIN_DIR "/arithmetic.so";
        std::string content = readFile(file).value();
        const std::string version = std::string(RATCHET_VERSION).append(1, '\0');
        const std::size_t place = content.find(version);
        QVERIFY(place != std::string::npos);
        content[place] = '9';
        const QString folder = at(QStringLiteral("plugins"));
        QVERIFY(QDir().mkpath(folder) && writeFile((folder + QStringLiteral("/arithmetic.so")).toStdString(), content, 0755));
        const auto teeth = Store::open(m_lab.toStdString() + "/ratchet.db", Store::Mode::ReadOnly).value()->teeth().value().size();
        for (const QStringList& words : {QStringList{QStringLiteral("run"), m_lab, QStringLiteral("--teeth"), QStringLiteral("1")},
                                         QStringList{QStringLiteral("new"), at(QStringLiteral("other")), QStringLiteral("--domain"), QStringLiteral("arithmetic")},
                                         QStringList{QStringLiteral("serve"), m_lab, QStringLiteral("--port"), QStringLiteral("0")},
                                         QStringList{QStringLiteral("doctor")}}) {
            const Outcome outcome = ratchet(words, folder);
            QVERIFY2(outcome.status == 3 && outcome.err.startsWith(QStringLiteral("ratchet: ")), qPrintable(shown(outcome)));
            QVERIFY2((outcome.err + outcome.out).contains(QStringLiteral("was built for Ratchet 9")), qPrintable(shown(outcome)));
        }
        QVERIFY(!QFile::exists(at(QStringLiteral("other"))));
        QCOMPARE(Store::open(m_lab.toStdString() + "/ratchet.db", Store::Mode::ReadOnly).value()->teeth().value().size(), teeth);
    }

    void aPluginThatThrowsEndsTheRun_data()
    {
        QTest::addColumn<QString>("domain");
        QTest::addColumn<QString>("says");
        QTest::addRow("in training") << QStringLiteral("throws-in-training") << QStringLiteral("The seed model could not be trained: .*no item today\\.");
        QTest::addRow("in judging") << QStringLiteral("throws-in-judging") << QStringLiteral("The plugin \"throws-in-judging\" threw something that is no exception\\.");
    }
    void aPluginThatThrowsEndsTheRun()
    {
        QFETCH(QString, domain);
        QFETCH(QString, says);
        const QString plugins = QStringLiteral(RATCHET_THROWERS), lab = at(domain);
        const Outcome made = ratchet({QStringLiteral("new"), lab, QStringLiteral("--domain"), domain}, plugins);
        QVERIFY2(made.status == 0, qPrintable(shown(made)));
        for (int twice = 0; twice < 2; ++twice) {       // the lab stays what it was
            const Outcome run = ratchet({QStringLiteral("run"), lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--json")}, plugins);
            QVERIFY2(run.status == 1, qPrintable(shown(run)));
            QVERIFY2(QRegularExpression(says).match(run.err).hasMatch(), qPrintable(shown(run)));
        }
        QVERIFY(ratchet({QStringLiteral("ledger"), QStringLiteral("verify"), lab}, plugins).status == 0);
        QVERIFY(ratchet({QStringLiteral("status"), lab}, plugins).status == 0);
    }

    void aDomainWithoutSuitesIsRefused()
    {
        const QString lab = at(QStringLiteral("judges-nothing"));
        const Outcome made = ratchet({QStringLiteral("new"), lab, QStringLiteral("--domain"), QStringLiteral("judges-nothing")}, QStringLiteral(RATCHET_THROWERS));
        QVERIFY2(made.status == 3 && made.err.contains(QStringLiteral("the first one is no target")), qPrintable(shown(made)));
        QVERIFY(!QFileInfo::exists(lab));
    }

    void aRunOnAFullDiskGoesOnWhenThereIsRoom()
    {
        const QString disk = at(QStringLiteral("disk"));
        QVERIFY(QDir().mkpath(disk));
        if (::mount("tmpfs", qPrintable(disk), "tmpfs", 0, "size=3m") != 0)
            QSKIP("only root can make a small disk");
        const auto unmount = qScopeGuard([&] { ::umount2(qPrintable(disk), MNT_DETACH); });
        const QString lab = disk + QStringLiteral("/lab");
        const QString fault = makeLab(lab);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
        const QStringList run{QStringLiteral("run"), lab, QStringLiteral("--teeth"), QStringLiteral("4"), QStringLiteral("--json")};
        const Outcome full = ratchet(run);
        QVERIFY2(full.status == 3, qPrintable(shown(full)));
        QVERIFY2(QRegularExpression(QStringLiteral("full|No space left")).match(full.err).hasMatch() && full.err.contains(QStringLiteral("Free some disk space")),
                 qPrintable(shown(full)));
        const double spent = Store::open(lab.toStdString() + "/ratchet.db", Store::Mode::ReadOnly).value()->spent().value().value;
        QVERIFY(::mount("tmpfs", qPrintable(disk), "tmpfs", MS_REMOUNT, "size=100m") == 0);
        const Outcome more = ratchet({QStringLiteral("run"), lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--json")});
        QVERIFY2(more.status == 0, qPrintable(shown(more)));
        const auto store = Store::open(lab.toStdString() + "/ratchet.db", Store::Mode::ReadOnly).value();
        QVERIFY(store->spent().value().value >= spent);
        QVERIFY(store->teeth().value().back().stage == "done");
        const Outcome check = ratchet({QStringLiteral("check"), lab});
        QVERIFY2(check.status == 0, qPrintable(shown(check)));
    }
};

QTEST_GUILESS_MAIN(TestUser)
#include "tst_user.moc"
