// SPDX-License-Identifier: GPL-3.0-or-later
// The real ratchet-learner under the real supervisor and sandbox: it greets, says what is wrong, and goes.
#include <QtTest>

#include <QProcess>
#include <QTemporaryDir>

#include "core/launch/child.h"
#include "core/plugin/loader.h"

using namespace ratchet;
using std::chrono::milliseconds;

class TestLearner : public QObject {
    Q_OBJECT

    const QString m_program = QStringLiteral(RATCHET_BIN_DIR "/ratchet-learner");

private Q_SLOTS:
    void initTestCase()
    {
        if (!QFile::exists(m_program))
            QSKIP("ratchet-learner is not built");
    }

    void byHandItSaysWhatToUse()
    {
        for (const char* role : {"worker", "judge", "serve"}) {
            QProcess process;
            process.start(m_program, {QString::fromLatin1(role)});
            QVERIFY(process.waitForFinished());
            QCOMPARE(process.exitCode(), 2);
            QVERIFY(process.readAllStandardError().contains("Use `ratchet run`, `ratchet serve` or `ratchet bench` instead."));
        }
    }

    void wrongWordsAreUsageErrors()
    {
        for (const QStringList& words : {QStringList(), QStringList(QStringLiteral("dance"))}) {
            QProcess process;
            process.start(m_program, words);
            QVERIFY(process.waitForFinished());
            QCOMPARE(process.exitCode(), 2);
        }
    }

    void everyRoleGreetsFromItsSandboxAndNamesWhatIsWrong_data()
    {
        QTest::addColumn<QString>("role");
        QTest::addColumn<int>("level");
        for (const char* role : {"worker", "judge", "serve"})
            for (const int level : {1, 2})
                QTest::addRow("%s at level %d", role, level) << QString::fromLatin1(role) << level;
    }
    void everyRoleGreetsFromItsSandboxAndNamesWhatIsWrong()
    {
        QFETCH(QString, role);
        QFETCH(int, level);
        if (level > probeSandbox().level)
            QSKIP(probeSandbox().reason.c_str());
        auto supervisor = Supervisor::create(m_program.toStdString());
        QVERIFY(supervisor);
        ChildSpec spec;
        spec.role = role.toStdString();
        spec.sandbox.required = spec.sandbox.wanted = level;
        spec.sandbox.network = role == QLatin1String("serve");
        TrainSpec train;
        train.domain = "no-such-domain";
        train.genome = Json::object();
        JudgeSpec judge;
        judge.domain = train.domain;
        ServeSpec serve{train.domain, "", "127.0.0.1", 0, std::string(32, 'a'), {}};
        spec.first = role == QLatin1String("worker") ? Message(train) : role == QLatin1String("judge") ? Message(judge) : Message(serve);
        Hello hello;
        int ends = 0;
        Status status;
        auto child = (*supervisor)->start(spec, {[&](const Message& message) {
                                                     if (const auto* said = std::get_if<Hello>(&message))
                                                         hello = *said;
                                                 },
                                                 [&](Status end, milliseconds, double) { status = end, ++ends; }});
        QVERIFY2(child, child ? "" : child.error().text.c_str());
        while (ends == 0)
            (*supervisor)->runFor(milliseconds(1000));
        QVERIFY2(hello.sandbox.is_object(), status ? "" : status.error().text.c_str());
        QVERIFY2(hello.sandbox["level"].get<int>() >= level, hello.sandbox.dump().c_str());
        QCOMPARE(hello.platform["threads"].get<int>(), 1);
        QVERIFY(!hello.platform["libtorch"].get<std::string>().empty());
        QVERIFY(!status);
        const char* fault = role == QLatin1String("judge") ? "The judge's folder cannot be read" : "no-such-domain";
        QVERIFY2(status.error().text.find(fault) != std::string::npos, status.error().text.c_str());
        const bool saysWhatToDo = status.error().text.find("The domains are: ") != std::string::npos ||
                                  status.error().text.find("set RATCHET_PLUGIN_PATH") != std::string::npos;
        QVERIFY2(saysWhatToDo || role == QLatin1String("judge"), status.error().text.c_str());
    }

    // However long that takes; and what it is told is what it does.
    void aWorkerWaitsForTheAnswerToItsProxy_data()
    {
        QTest::addColumn<bool>("proceeds");
        QTest::addRow("proceed") << true;
        QTest::addRow("stop") << false;
    }
    void aWorkerWaitsForTheAnswerToItsProxy()
    {
        QFETCH(bool, proceeds);
        ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
        const auto domain = loadDomain("arithmetic");
        QVERIFY(domain);
        Genome genome = (*domain)->seedGenome();
        genome.architecture.layers = 1;
        genome.architecture.width = 32;
        genome.recipe.batch = 32;
        const QTemporaryDir scratch;
        TrainSpec spec;
        spec.trial = 1;
        spec.domain = "arithmetic";
        spec.genome = genome.toJson();
        spec.budgetFlops = 3e9;
        spec.scratch = scratch.path().toStdString();
        spec.proxy = 0.5;
        ChildSpec child;
        child.role = "worker";
        child.sandbox.writable.emplace_back(spec.scratch);
        child.first = spec;
        auto supervisor = Supervisor::create(m_program.toStdString());
        QVERIFY(supervisor);
        std::vector<Message> said;
        int ends = 0;
        Status status;
        auto worker = (*supervisor)->start(child, {[&](const Message& message) { said.push_back(message); },
                                                   [&](Status end, milliseconds, double) { status = end, ++ends; }});
        QVERIFY2(worker, worker ? "" : worker.error().text.c_str());
        const auto waits = [&] { return !said.empty() && std::holds_alternative<Proxy>(said.back()); };
        while (ends == 0 && !waits())
            (*supervisor)->runFor(milliseconds(1000));
        QVERIFY2(waits(), status ? "" : status.error().text.c_str());
        QVERIFY(std::get<Progress>(said[said.size() - 2]).step == std::get<Proxy>(said.back()).step);
        const std::size_t before = said.size();
        (*supervisor)->runFor(milliseconds(300));
        QCOMPARE(said.size(), before);
        (*worker)->send(proceeds ? Message(Proceed{}) : Message(Stop{}));
        while (ends == 0)
            (*supervisor)->runFor(milliseconds(1000));
        QCOMPARE(status.has_value(), proceeds);
        QCOMPARE(std::holds_alternative<Trained>(said.back()), proceeds);
        QCOMPARE(QFile::exists(scratch.filePath(QStringLiteral("weights.safetensors"))), proceeds);
        QCOMPARE(QFile::exists(scratch.filePath(QStringLiteral("checkpoint.safetensors"))), !proceeds);
    }
};

QTEST_GUILESS_MAIN(TestLearner)
#include "tst_learner.moc"
