// SPDX-License-Identifier: GPL-3.0-or-later
// `ratchet demo` with displays of every kind: none, one that does not answer, one that works (Xvfb, when it is installed).
// Built programs, a small lab that exists already, one tooth.
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>

#include "core/agent/status.h"
#include "core/launch/process_tree.h"
#include "core/store/lab.h"

using namespace ratchet;

namespace {

constexpr int patience = 120'000;

QString nameOf(pid_t process)
{
    QFile file(QStringLiteral("/proc/%1/comm").arg(process));
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()).trimmed() : QString();
}

} // namespace

class TestDemo : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    [[nodiscard]] QString at(const QString& name) const { return m_folder.filePath(name); }
    [[nodiscard]] static QProcessEnvironment displayed(const QString& display)
    {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.remove(QStringLiteral("QT_QPA_PLATFORM"));      // the tests' own
        environment.remove(QStringLiteral("WAYLAND_DISPLAY"));
        environment.insert(QStringLiteral("DISPLAY"), display);
        return environment;
    }
    void makeLab(const QString& name)
    {
        const QString policy = at(QStringLiteral("policy.json"));
        QVERIFY(writeFile(policy.toStdString(), R"({"approve": "accepted", "minDifference": 0.0, "maxDeployments": 9, "reason": "A test decides."})"));
        QProcess made;
        made.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"),
                   {QStringLiteral("new"), at(name), QStringLiteral("--domain"), QStringLiteral("arithmetic"), QStringLiteral("--seed"), QStringLiteral("5"),
                    QStringLiteral("--trial-budget"), QStringLiteral("5GFLOP"), QStringLiteral("--budget"), QStringLiteral("100GFLOP"),
                    QStringLiteral("--candidates"), QStringLiteral("2"), QStringLiteral("--guard"), policy});
        QVERIFY(made.waitForFinished(patience));
        QVERIFY2(made.exitCode() == 0, made.readAllStandardError().constData());
    }
    void start(QProcess& demo, const QString& lab, const QString& display, const QStringList& more = {}) const
    {
        demo.setProcessEnvironment(displayed(display));
        demo.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"),
                   QStringList{QStringLiteral("demo"), QStringLiteral("--lab"), at(lab), QStringLiteral("--teeth"), QStringLiteral("1")} + more);
    }
    [[nodiscard]] bool hasTurned(const QString& lab) const
    {
        const auto store = Store::open(at(lab).toStdString() + "/ratchet.db", Store::Mode::ReadOnly);
        const auto teeth = store ? (*store)->teeth() : passOn(store);
        return teeth && !teeth->empty() && teeth->front().stage == "done";
    }

private Q_SLOTS:
    void goesOnInText_data()
    {
        QTest::addColumn<QString>("display");
        QTest::addColumn<QStringList>("more");
        QTest::addColumn<QString>("said");
        QTest::addRow("without a display") << QString() << QStringList{} << QString();
        QTest::addRow("when nobody answers on the display") << QStringLiteral(":99") << QStringList{}
                                                            << QStringLiteral("The display :99 cannot be used; the demo goes on in text.\n");
        QTest::addRow("when the display is no name of one") << QStringLiteral("nonsense") << QStringList{}
                                                            << QStringLiteral("The display nonsense cannot be used; the demo goes on in text.\n");
        QTest::addRow("when it is asked to, without a look at the display") << QStringLiteral(":99") << QStringList{QStringLiteral("--headless")} << QString();
    }
    void goesOnInText()
    {
        QFETCH(QString, display);
        QFETCH(QStringList, more);
        QFETCH(QString, said);
        const QString lab = QString::number(qHash(QString::fromUtf8(QTest::currentDataTag())));
        makeLab(lab);
        QProcess demo;
        start(demo, lab, display, more);
        QVERIFY(demo.waitForFinished(patience));
        const QString out = QString::fromUtf8(demo.readAllStandardOutput()), err = QString::fromUtf8(demo.readAllStandardError());
        QVERIFY2(demo.exitCode() == 0, qPrintable(out + err));
        QCOMPARE(err, said);
        QVERIFY2(out.contains(QStringLiteral("No person decides here")) && out.contains(QStringLiteral("Report: ")), qPrintable(out));
        QVERIFY(hasTurned(lab));
    }

    void theWindowItselfSaysWhatIsWrong()
    {
        QProcess window;
        window.setProcessEnvironment(displayed(QStringLiteral(":99")));
        window.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet-lab"), {});
        if (!window.waitForStarted())
            QSKIP("ratchet-lab is not built");
        QVERIFY(window.waitForFinished(patience));
        QCOMPARE(window.exitStatus(), QProcess::NormalExit);
        QCOMPARE(window.exitCode(), 3);
        const QString err = QString::fromUtf8(window.readAllStandardError());
        QVERIFY2(err.startsWith(QStringLiteral("The display :99 cannot be used. ")) && err.count(QLatin1Char('\n')) == 1, qPrintable(err));
    }

    void opensTheWindowOnTheRunningLab_data()
    {
        QTest::addColumn<bool>("atTheTerminal");
        QTest::addColumn<int>("status");
        QTest::addRow("closed in the window") << false << 0;
        QTest::addRow("stopped at the terminal") << true << 1;
    }
    void opensTheWindowOnTheRunningLab()
    {
        QFETCH(bool, atTheTerminal);
        QFETCH(int, status);
        if (QStandardPaths::findExecutable(QStringLiteral("Xvfb")).isEmpty() || !QFile::exists(QStringLiteral(RATCHET_BIN_DIR "/ratchet-lab")))
            QSKIP("Xvfb is not installed, or ratchet-lab is not built");
        QProcess server;
        server.start(QStringLiteral("Xvfb"), {QStringLiteral("-displayfd"), QStringLiteral("1"), QStringLiteral("-screen"), QStringLiteral("0"),
                                              QStringLiteral("1280x800x24"), QStringLiteral("-nolisten"), QStringLiteral("tcp")});
        QVERIFY(QTest::qWaitFor([&] { return server.canReadLine(); }, 20'000));
        const QString display = QStringLiteral(":") + QString::fromUtf8(server.readLine()).trimmed();

        const QString lab = atTheTerminal ? QStringLiteral("stopped") : QStringLiteral("closed");
        makeLab(lab);
        const LabPaths paths{at(lab).toStdString()};
        QProcess demo;
        start(demo, lab, display);
        QVERIFY(QTest::qWaitFor([&] { return hasTurned(lab) && !isEngineRunning(paths); }, patience));     // the engine in the window
        QCOMPARE(demo.state(), QProcess::Running);                                                        // the window stays
        const auto tree = processTree(static_cast<pid_t>(demo.processId()));
        pid_t window = 0;
        for (const pid_t process : tree)
            window = nameOf(process) == QStringLiteral("ratchet-lab") ? process : window;
        QVERIFY(window > 0);
        QCOMPARE(::kill(atTheTerminal ? static_cast<pid_t>(demo.processId()) : window, SIGTERM), 0);
        QVERIFY(demo.waitForFinished(patience));
        const QString out = QString::fromUtf8(demo.readAllStandardOutput()), err = QString::fromUtf8(demo.readAllStandardError());
        QCOMPARE(demo.exitStatus(), QProcess::NormalExit);
        QVERIFY2(demo.exitCode() == status, qPrintable(out + err));
        QVERIFY2(out.contains(QStringLiteral("Report: ")) && !out.contains(QStringLiteral("No person decides here")), qPrintable(out));
        QCOMPARE(err.contains(QStringLiteral("The demo was stopped.")), atTheTerminal);
        for (const pid_t process : tree)
            QVERIFY2(process == demo.processId() || ::kill(process, 0) != 0, qPrintable(nameOf(process)));
        // The written policy decided, in the window as everywhere.
        const auto store = Store::open(paths.database(), Store::Mode::ReadOnly).value();
        const auto entries = store->ledger().value();
        QVERIFY(std::any_of(entries.begin(), entries.end(), [](const LedgerEntry& e) { return e.line.find("A test decides.") != std::string::npos; }));
        const auto told = EngineStatus::fromJson(store->meta("status").value().value()).value();
        QCOMPARE(told.stage, std::string("idle"));
        server.kill();
        server.waitForFinished();
    }
};

QTEST_GUILESS_MAIN(TestDemo)
#include "tst_demo.moc"
