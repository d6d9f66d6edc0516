// SPDX-License-Identifier: GPL-3.0-or-later
// kill -9 of the window that runs a lab and of the server's parent: nothing they started outlives them, and the lab goes on.
// Built programs on a small lab; tst_tooth does the same for engine, worker and judge.
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/guard/ledger.h"
#include "core/launch/process_tree.h"
#include "core/store/lab.h"

using namespace ratchet;

namespace {

constexpr int patience = 120'000;

QString programAt(const char* name)
{
    return QStringLiteral(RATCHET_BIN_DIR "/") + QLatin1String(name);
}

std::string commandOf(pid_t process)
{
    return readFile(fmt::format("/proc/{}/cmdline", process)).value_or("");
}

// Gone, or a zombie that only waits for somebody to ask how it ended.
bool isGone(pid_t process)
{
    const auto stat = readFile(fmt::format("/proc/{}/stat", process));
    return !stat || stat->find(") Z ") != std::string::npos;
}

bool areGone(const std::vector<pid_t>& processes)
{
    return std::all_of(processes.begin(), processes.end(), &isGone);
}

} // namespace

class TestKill : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QString m_lab = m_folder.filePath(QStringLiteral("lab"));

    [[nodiscard]] LabPaths paths() const { return {m_lab.toStdString()}; }
    [[nodiscard]] std::unique_ptr<Store> read() const { return Store::open(paths().database(), Store::Mode::ReadOnly).value(); }
    static std::pair<int, QString> ratchet(const QStringList& words)
    {
        QProcess process;
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start(programAt("ratchet"), words);
        if (!process.waitForFinished(patience))
            process.kill();
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, QString::fromUtf8(process.readAll())};
    }
    void goesOn()
    {
        QVERIFY(QTest::qWaitFor([this] { return !isEngineRunning(paths()); }, patience));
        const auto teeth = read()->teeth().value().size();
        const auto [status, text] = ratchet({QStringLiteral("run"), m_lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--json")});
        QVERIFY2(status == 0, qPrintable(text));
        const auto after = read()->teeth().value();
        QVERIFY(after.size() >= teeth && after.back().stage == "done");
        const auto trials = read()->trials().value();
        for (const TrialRecord& trial : trials)
            QVERIFY2(trial.state == TrialState::Trained && trial.spent <= trial.budget, trial.failure.c_str());
        for (const QStringList& words : {QStringList{QStringLiteral("check"), m_lab}, QStringList{QStringLiteral("ledger"), QStringLiteral("verify"), m_lab}}) {
            const auto [checked, said] = ratchet(words);
            QVERIFY2(checked == 0, qPrintable(said));
        }
    }
    // Starts `ratchet serve` and waits until it says where.
    int served(QProcess& server) const
    {
        server.start(programAt("ratchet"), {QStringLiteral("serve"), m_lab, QStringLiteral("--port"), QStringLiteral("0"), QStringLiteral("--json")});
        QByteArray said;
        static_cast<void>(QTest::qWaitFor([&] { return (said += server.readAllStandardOutput()).contains('}') || server.state() == QProcess::NotRunning; }, patience));
        return QJsonDocument::fromJson(said).object()[QStringLiteral("url")].toString().section(QLatin1Char(':'), -1).toInt();
    }
    static bool answers(int port)
    {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

private Q_SLOTS:
    void initTestCase()
    {
        const QString policy = m_folder.filePath(QStringLiteral("policy.json"));
        QVERIFY(writeFile(policy.toStdString(), R"({"approve": "accepted", "minDifference": 0.0, "maxDeployments": 9, "reason": "A test decides."})"));
        const auto [status, text] = ratchet({QStringLiteral("new"), m_lab, QStringLiteral("--domain"), QStringLiteral("arithmetic"), QStringLiteral("--seed"),
                                             QStringLiteral("5"), QStringLiteral("--budget"), QStringLiteral("100GFLOP"), QStringLiteral("--trial-budget"),
                                             QStringLiteral("5GFLOP"), QStringLiteral("--candidates"), QStringLiteral("2"), QStringLiteral("--guard"), policy});
        QVERIFY2(status == 0, qPrintable(text));
    }

    void theWindowIsKilledAndTheLabGoesOn_data()
    {
        QTest::addColumn<QByteArray>("role");
        QTest::addRow("while workers train") << QByteArray("worker");
        QTest::addRow("while a judge judges") << QByteArray("judge");
    }
    void theWindowIsKilledAndTheLabGoesOn()
    {
        QFETCH(QByteArray, role);
        if (!QFile::exists(programAt("ratchet-lab")))
            QSKIP("ratchet-lab is not built");
        QProcess window;
        window.start(programAt("ratchet-lab"), {m_lab, QStringLiteral("--run"), QStringLiteral("--teeth"), QStringLiteral("1")});
        std::vector<pid_t> tree;
        const bool found = QTest::qWaitFor([&] {
            tree = processTree(static_cast<pid_t>(window.processId()));
            return std::any_of(tree.begin(), tree.end(), [&](pid_t p) {
                const std::string command = commandOf(p);
                return command.find("ratchet-learner") != std::string::npos && command.find(role.constData()) != std::string::npos;
            });
        }, patience);
        QVERIFY2(found, window.readAllStandardError().constData());
        QVERIFY(tree.size() > 1);
        window.kill();                                                // SIGKILL
        QVERIFY(window.waitForFinished(patience));
        QVERIFY2(QTest::qWaitFor([&] { return areGone(tree); }, 20'000), "a child outlived the window");
        goesOn();
    }

    void theServersParentIsKilledAndTheServerGoes()
    {
        if (!read()->live().value())
            goesOn();
        QProcess server;
        const int port = served(server);
        QVERIFY2(port > 0 && answers(port), server.readAllStandardError().constData());
        const auto tree = processTree(static_cast<pid_t>(server.processId()));
        QVERIFY(tree.size() > 1);
        server.kill();
        QVERIFY(server.waitForFinished(patience));
        QVERIFY2(QTest::qWaitFor([&] { return areGone(tree); }, 20'000), "the server outlived its parent");
        QVERIFY(!answers(port));
        QProcess again;
        QVERIFY(answers(served(again)));
        again.terminate();
        QVERIFY(again.waitForFinished(patience));
        QCOMPARE(again.exitCode(), 0);
        goesOn();
    }

    void theServerIsKilledAndItsParentSaysSo()
    {
        if (!read()->live().value())
            goesOn();
        QProcess server;
        QVERIFY(served(server) > 0);
        for (const pid_t process : processTree(static_cast<pid_t>(server.processId())))
            if (process != server.processId())
                ::kill(process, SIGKILL);
        QVERIFY(server.waitForFinished(patience));
        QCOMPARE(server.exitStatus(), QProcess::NormalExit);
        QCOMPARE(server.exitCode(), 1);
        const QString said = QString::fromUtf8(server.readAllStandardError());
        QVERIFY2(said.startsWith(QStringLiteral("ratchet: The server was killed by signal 9.")) && said.contains(QStringLiteral("serve.log")), qPrintable(said));
        goesOn();
    }
};

QTEST_GUILESS_MAIN(TestKill)
#include "tst_kill.moc"
