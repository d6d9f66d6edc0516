// SPDX-License-Identifier: GPL-3.0-or-later
// Children that crash, hang, flood, lie and swell. This program is its own child: started with a role as argument, it
// misbehaves as the first message tells it.
#include <QtTest>

#include <QProcess>

#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

#include "core/base/file.h"
#include "core/launch/child.h"
#include "core/launch/frame.h"
#include "core/launch/process_tree.h"

using namespace ratchet;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

void sleepForEver()
{
    for (;;)
        ::pause();
}

void sendRaw(const std::string& bytes)
{
    [[maybe_unused]] const auto sent = ::write(3, bytes.data(), bytes.size());
}

int behave(FrameChannel& channel, const std::string& how)
{
    const auto say = [&](const Message& message) { return channel.send(message).has_value(); };
    if (how == "crash")
        ::raise(SIGKILL);
    else if (how == "abort")
        std::abort();
    else if (how == "exit 3")
        return 3;
    else if (how == "hang")
        sleepForEver();
    else if (how == "chat")
        while (say(Progress{1, 1, 1, 0.5, 1, "training"}))
            std::this_thread::sleep_for(milliseconds(5));
    else if (how == "flood")
        while (say(Progress{1, 1, 1, 0.5, 1, "training"})) {}
    else if (how == "nonsense")
        sendRaw("Traceback (most recent call last):\n"), sleepForEver();
    else if (how == "NaN")
        say(Progress{1, 1, 1, 0.5, std::nan(""), "training"}), sleepForEver();
    else if (how == "half a frame")
        sendRaw(std::string("\x20\0\0\0abc", 7));
    else if (how == "hello again")
        say(Hello{protocolVersion, RATCHET_VERSION, "worker", 1, Json::object(), Json::object()}), sleepForEver();
    else if (how == "close")
        ::close(3), sleepForEver();
    else if (how == "swell") {
        std::vector<char> memory(std::size_t(300) << 20, 'x');
        sleepForEver();
    } else if (how == "fail")
        return say(Failure{"bad-input", "The corpus is empty."}), 1;
    else if (how == "work") {
        for (int i = 1; i <= 3; ++i)
            say(Progress{i, i, double(i), i / 3.0, 1.0 / i, "training"});
        say(Trained{"/w", 3, 3, 1, 3, 0.1, 0.33, 1e6, nullptr, nullptr, 0});
    } else if (how == "until stop")
        return channel.receive().has_value() ? 0 : 4;
    return 0;
}

int child(const std::string& role)
{
    if (!enterSandbox())
        return 9;
    FrameChannel channel;
    if (role == "silent")
        sleepForEver();
    if (role == "leaving")
        return 0;
    Hello hello{protocolVersion, RATCHET_VERSION, role, ::getpid(), measureSandbox(), Json::object()};
    if (role == "old")
        hello.version = "0.0.1";
    if (role == "impostor")
        hello.role = "judge";
    if (role == "rude")
        (void)channel.send(Progress{});
    if (role == "weak")
        hello.sandbox["level"] = 0;
    if (!channel.send(hello))
        return 8;
    const auto first = channel.receive();
    return first ? behave(channel, std::get<TrainSpec>(*first).domain) : 7;
}

// An engine with one hanging worker: says which processes there are and then only handles events.
int engine(int level)
{
    auto supervisor = Supervisor::create(std::filesystem::read_symlink("/proc/self/exe"));
    ChildSpec spec;
    spec.role = "worker";
    TrainSpec first;
    first.domain = "hang";
    first.genome = Json::object();
    spec.first = first;
    spec.sandbox.wanted = level;
    std::unique_ptr<Child> worker;
    const auto report = [&](const Message&) {
        for (const pid_t pid : processTree(worker->pid()))
            std::printf("%d ", pid);
        std::printf("\n");
        std::fflush(stdout);
    };
    worker = std::move(*(*supervisor)->start(spec, {report, {}}));
    for (;;)
        (*supervisor)->runFor(seconds(1));
}

bool isGone(pid_t pid)
{
    const auto status = readFile(fmt::format("/proc/{}/status", pid));
    return !status || status->find("State:\tZ") != std::string::npos || status->find("State:\tX") != std::string::npos;
}

struct Outcome {
    std::vector<Message> messages;
    int ends = 0;
    Status status;
    double peak = 0;
    milliseconds wall{0};
};

TrainSpec told(const std::string& how)
{
    TrainSpec spec;
    spec.domain = how;
    spec.genome = Json::object();
    return spec;
}

} // namespace

class TestChild : public QObject {
    Q_OBJECT

    std::unique_ptr<Supervisor> m_supervisor;
    QTemporaryDir m_folder;

    ChildSpec spec(const std::string& how, int level = 1) const
    {
        ChildSpec result;
        result.role = "worker";
        result.first = told(how);
        result.sandbox.wanted = level;
        result.log = m_folder.filePath(QStringLiteral("log")).toStdString();
        return result;
    }
    static ChildEvents into(Outcome& outcome)
    {
        return {[&outcome](const Message& message) { outcome.messages.push_back(message); },
                [&outcome](Status status, milliseconds wall, double peak) {
                    ++outcome.ends;
                    outcome.status = status;
                    outcome.wall = wall;
                    outcome.peak = peak;
                }};
    }
    void runUntilEnd(const std::vector<const Outcome*>& outcomes)
    {
        const auto running = [&] { return std::any_of(outcomes.begin(), outcomes.end(), [](auto* one) { return one->ends == 0; }); };
        while (running())
            m_supervisor->runFor(milliseconds(1000));
        m_supervisor->runFor(milliseconds(20));
    }
    Outcome outcomeOf(const ChildSpec& what)
    {
        Outcome outcome;
        const auto started = m_supervisor->start(what, into(outcome));
        if (!started) {
            outcome.status = passOn(started);
            return outcome;
        }
        runUntilEnd({&outcome});
        return outcome;
    }
    static bool isThere(pid_t pid) { return ::kill(pid, 0) == 0; }

private Q_SLOTS:
    void init()
    {
        auto made = Supervisor::create("/proc/self/exe");
        QVERIFY(made);
        made = Supervisor::create(std::filesystem::read_symlink("/proc/self/exe"));
        QVERIFY(made);
        m_supervisor = std::move(*made);
    }
    void cleanup() { m_supervisor.reset(); }

    void aWorkerThatWorks_data()
    {
        QTest::addColumn<int>("level");
        QTest::addRow("at sandbox level 1") << 1;
        QTest::addRow("at sandbox level 2") << 2;
    }
    void aWorkerThatWorks()
    {
        QFETCH(int, level);
        if (level > probeSandbox().level)
            QSKIP(probeSandbox().reason.c_str());
        const Outcome outcome = outcomeOf(spec("work", level));
        QVERIFY2(outcome.status, outcome.status ? "" : outcome.status.error().text.c_str());
        QCOMPARE(outcome.ends, 1);
        QCOMPARE(outcome.messages.size(), std::size_t(5));
        QVERIFY(std::holds_alternative<Hello>(outcome.messages.front()));
        QVERIFY(std::holds_alternative<Trained>(outcome.messages.back()));
        QVERIFY(outcome.peak > 1e6);
        QCOMPARE(std::get<Hello>(outcome.messages.front()).sandbox["level"].get<int>() >= level, true);
    }

    void everyWayToEndBadly_data()
    {
        QTest::addColumn<QString>("how");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* how, const char* sentence) {
            QTest::addRow("%s", how) << QString::fromLatin1(how) << QString::fromLatin1(sentence);
        };
        row("crash", "The worker was killed by signal 9.");
        row("abort", "The worker was killed by signal 6.");
        row("exit 3", "The worker ended with exit status 3.");
        row("hang", "The worker said nothing for 0.3 s.");
        row("chat", "The worker ran longer than 1.5 s.");
        row("flood", "The worker sent more than 200 messages.");
        row("nonsense", "The worker sent nonsense: A frame claims to hold 1667330644 bytes.");
        row("NaN", "The worker sent nonsense: In a message: a number is not finite.");
        row("hello again", "The worker said twice or wrongly who it is.");
        row("fail", "The corpus is empty.");
    }
    void everyWayToEndBadly()
    {
        QFETCH(QString, how);
        QFETCH(QString, sentence);
        for (const int level : {1, 2}) {
            if (level > probeSandbox().level)
                continue;
            ChildSpec what = spec(how.toStdString(), level);
            what.limits.silence = how == QLatin1String("hang") ? milliseconds(300) : milliseconds(20000);
            what.limits.wall = how == QLatin1String("chat") ? milliseconds(1500) : milliseconds(60000);
            what.limits.frames = how == QLatin1String("flood") ? 200 : 100000;
            const Outcome outcome = outcomeOf(what);
            QVERIFY(!outcome.status);
            QCOMPARE(QString::fromStdString(outcome.status.error().text), sentence);
            QCOMPARE(outcome.ends, 1);
        }
    }

    void theFailureOfAWorkerKeepsItsCode()
    {
        const Outcome outcome = outcomeOf(spec("fail"));
        QVERIFY(!outcome.status);
        QCOMPARE(outcome.status.error().code, Code::BadInput);
    }

    void halfAFrameIsNoMessage()
    {
        const Outcome outcome = outcomeOf(spec("half a frame"));
        QVERIFY(outcome.status);
        QCOMPARE(outcome.messages.size(), std::size_t(1));
    }

    void closingTheConnectionAndGoingOn()
    {
        const Outcome outcome = outcomeOf(spec("close"));
        QVERIFY(!outcome.status);
        QCOMPARE(QString::fromStdString(outcome.status.error().text), QStringLiteral("The worker closed its connection and went on."));
    }

    void memoryIsCountedOverTheWholeTree_data() { aWorkerThatWorks_data(); }
    void memoryIsCountedOverTheWholeTree()
    {
        QFETCH(int, level);
        if (level > probeSandbox().level)
            QSKIP(probeSandbox().reason.c_str());
        ChildSpec what = spec("swell", level);
        what.limits.memoryBytes = 200e6;
        const Outcome outcome = outcomeOf(what);
        QVERIFY(!outcome.status);
        QVERIFY(QString::fromStdString(outcome.status.error().text).contains(QLatin1String("more than its limit of 200 MB")));
        QVERIFY(outcome.peak > 200e6);
    }

    void beforeTheFirstWord_data()
    {
        QTest::addColumn<QString>("role");
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* role, Code code, const QString& sentence) {
            QTest::addRow("%s", role) << QString::fromLatin1(role) << int(code) << sentence;
        };
        row("old", Code::Environment, QStringLiteral("ratchet-learner is version 0.0.1, this is " RATCHET_VERSION "."));
        row("silent", Code::Failed, QStringLiteral("The silent said nothing for 0.3 s."));
        row("leaving", Code::Failed, QStringLiteral("The leaving ended before it said a word."));
        row("impostor", Code::Failed, QStringLiteral("The impostor said twice or wrongly who it is."));
        row("rude", Code::Failed, QStringLiteral("The rude spoke before it said who it is."));
        row("weak", Code::Environment, QStringLiteral("The weak reached only sandbox level 0, but 1 is required."));
    }
    void beforeTheFirstWord()
    {
        QFETCH(QString, role);
        QFETCH(int, code);
        QFETCH(QString, sentence);
        ChildSpec what = spec("hang");
        what.role = role.toStdString();
        what.limits.silence = role == QLatin1String("silent") ? milliseconds(300) : milliseconds(20000);
        const Outcome outcome = outcomeOf(what);
        QVERIFY(!outcome.status);
        QCOMPARE(int(outcome.status.error().code), code);
        QCOMPARE(QString::fromStdString(outcome.status.error().text), sentence);
        QVERIFY(outcome.messages.empty());
        QCOMPARE(outcome.ends, 1);
    }

    void killingIsToldAsCancelled()
    {
        Outcome outcome;
        auto started = m_supervisor->start(spec("hang", 2), into(outcome));
        QVERIFY(started);
        while (outcome.messages.empty())
            m_supervisor->runFor(seconds(1));
        const pid_t inner = std::get<Hello>(outcome.messages[0]).pid;
        QVERIFY(inner > 0);
        (*started)->kill();
        runUntilEnd({&outcome});
        QCOMPARE(outcome.status.error().code, Code::Cancelled);
        QVERIFY(!isThere((*started)->pid()));
    }

    void aStoppedWorkerEndsWell()
    {
        Outcome outcome;
        auto started = m_supervisor->start(spec("until stop"), into(outcome));
        QVERIFY(started);
        (*started)->send(Stop{});
        while (outcome.messages.empty())
            m_supervisor->runFor(seconds(1));
        (*started)->send(Stop{});
        runUntilEnd({&outcome});
        QVERIFY2(outcome.status, outcome.status ? "" : outcome.status.error().text.c_str());
    }

    void lettingGoOfTheHandleKillsWithoutAWord()
    {
        Outcome outcome;
        auto started = m_supervisor->start(spec("hang", 2), into(outcome));
        QVERIFY(started);
        const pid_t pid = (*started)->pid();
        started->reset();
        for (int i = 0; i < 1000 && isThere(pid); ++i)
            m_supervisor->runFor(milliseconds(10));
        QVERIFY(!isThere(pid));
        QCOMPARE(outcome.ends, 0);
    }

    void theSupervisorTakesItsChildrenAlong()
    {
        Outcome outcome;
        auto started = m_supervisor->start(spec("hang"), into(outcome));
        QVERIFY(started);
        const pid_t pid = (*started)->pid();
        m_supervisor.reset();
        QVERIFY(!isThere(pid));
        QCOMPARE(outcome.ends, 0);
    }

    void anEngineThatIsKilledTakesItsChildrenAlong_data() { aWorkerThatWorks_data(); }
    void anEngineThatIsKilledTakesItsChildrenAlong()
    {
        QFETCH(int, level);
        if (level > probeSandbox().level)
            QSKIP(probeSandbox().reason.c_str());
        QProcess process;
        process.start(QCoreApplication::applicationFilePath(), {QStringLiteral("engine"), QString::number(level)});
        QVERIFY(process.waitForReadyRead());
        const auto pids = process.readLine().simplified().split(' ');
        QVERIFY(pids.size() >= (level == 1 ? 1 : 2));
        process.kill();   // SIGKILL
        QVERIFY(process.waitForFinished());
        for (const QByteArray& pid : pids)
            QTRY_VERIFY_WITH_TIMEOUT(isGone(pid.toInt()), 30000);
    }

    void manyAtOnceDoNotDisturbEachOther()
    {
        Outcome good[3], bad[3];
        std::vector<std::unique_ptr<Child>> children;
        std::vector<const Outcome*> all;
        for (int i = 0; i < 3; ++i) {
            for (auto& [how, outcome] : {std::pair{"work", &good[i]}, std::pair{i == 0 ? "crash" : i == 1 ? "nonsense" : "exit 3", &bad[i]}}) {
                auto started = m_supervisor->start(spec(how), into(*outcome));
                QVERIFY(started);
                children.push_back(std::move(*started));
                all.push_back(outcome);
            }
        }
        runUntilEnd(all);
        for (int i = 0; i < 3; ++i) {
            QVERIFY(good[i].status);
            QVERIFY(!bad[i].status);
        }
    }

    void anotherThreadWakes()
    {
        std::jthread waker([&] { m_supervisor->wake(); });
        QVERIFY(m_supervisor->runFor(std::chrono::hours(1)));
        QVERIFY(!m_supervisor->runFor(milliseconds(1)));
    }

    void aMissingLearnerIsNamed()
    {
        const auto made = Supervisor::create("/nowhere/ratchet-learner");
        QVERIFY(!made);
        QCOMPARE(made.error().code, Code::Environment);
        QCOMPARE(QString::fromStdString(made.error().text), QStringLiteral("There is no program /nowhere/ratchet-learner."));
        QVERIFY(!made.error().hint.empty());
    }

    void aMissingFolderIsNotStarted()
    {
        ChildSpec what = spec("work");
        what.sandbox.readable = {"/nowhere/parent.safetensors"};
        const Outcome outcome = outcomeOf(what);
        QVERIFY(!outcome.status);
        QCOMPARE(outcome.status.error().code, Code::Environment);
        QCOMPARE(outcome.ends, 0);
    }
};

int main(int argc, char** argv)
{
    if (argc == 2 && std::getenv("RATCHET_PROBE_PORT"))
        return child(argv[1]);
    if (argc == 3 && std::string(argv[1]) == "engine")
        return engine(std::atoi(argv[2]));
    QCoreApplication application(argc, argv);
    TestChild test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_child.moc"
