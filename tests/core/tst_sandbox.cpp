// SPDX-License-Identifier: GPL-3.0-or-later
// The sandbox from inside: this program starts itself as a child that tries what is forbidden.
#include <QtTest>

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/guard/runpath.h"
#include "core/guard/sandbox.h"
#include "core/launch/frame.h"
#include "core/launch/spawn.h"

using namespace ratchet;

namespace {

bool canOpen(const std::string& path, int flags)
{
    return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, 0600)).isOpen();
}

// What the child is asked travels as arguments, what it found as the "sandbox" of a Hello.
int child(const std::vector<std::string>& arguments)
{
    const bool inherited = ::fcntl(4, F_GETFD) >= 0 || ::fcntl(20, F_GETFD) >= 0;
    if (!enterSandbox())
        return 9;
    FrameChannel channel;
    Json found = measureSandbox();
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    found["inherited"] = inherited;
    found["coreLimit"] = core.rlim_cur;
    found["readsGiven"] = canOpen(arguments[1], O_RDONLY);
    found["writesGiven"] = canOpen(arguments[1], O_WRONLY);
    found["writesScratch"] = canOpen(arguments[2] + "/made", O_WRONLY | O_CREAT);
    found["secret"] = std::getenv("RATCHET_TEST_SECRET") != nullptr;
    found["threads"] = std::getenv("OMP_NUM_THREADS") ? std::getenv("OMP_NUM_THREADS") : "";
    found["processor"] = canOpen("/sys/devices/system/cpu/possible", O_RDONLY);
    return channel.send(Hello{protocolVersion, RATCHET_VERSION, "probe", ::getpid(), found, Json::object()}) ? 0 : 8;
}

} // namespace

class TestSandbox : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::string m_given, m_scratch, m_forbidden;
    UniqueFd m_listener, m_leak;
    int m_port = 0;

    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }

    // What a child of this program finds in a sandbox of this kind.
    Json foundAt(SandboxSpec spec) const
    {
        spec.readable = {m_given};
        spec.writable = {m_scratch};
        spec.forbidden = {m_forbidden};
        auto command = wrapCommand(spec, std::filesystem::read_symlink("/proc/self/exe"), {"probe", m_given, m_scratch});
        if (!command)
            return Json{{"error", command.error().text}};
        command->environment.push_back("RATCHET_PROBE_PORT=" + std::to_string(m_port));
        auto spawned = spawn(*command, path("log"));
        if (!spawned)
            return Json{{"error", spawned.error().text}};
        FrameChannel channel(spawned->channel.release());
        const auto hello = channel.receive();
        return hello ? std::get<Hello>(*hello).sandbox : Json{{"error", hello.error().text}};
    }
    static SandboxSpec level(int wanted, bool network = false)
    {
        SandboxSpec spec;
        spec.wanted = wanted;
        spec.required = wanted;
        spec.network = network;
        return spec;
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_given = path("given");
        m_scratch = path("scratch");
        m_forbidden = path("ratchet.db");
        QVERIFY(writeFile(m_given, "parent"));
        QVERIFY(writeFile(m_forbidden, "lab"));
        QVERIFY(makeFolder(m_scratch));
        qputenv("RATCHET_TEST_SECRET", "key");
        m_listener = UniqueFd(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        QCOMPARE(::bind(m_listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        QCOMPARE(::listen(m_listener.get(), 1024), 0);
        ::getsockname(m_listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
        m_port = ntohs(address.sin_port);
        m_leak = UniqueFd(::fcntl(m_listener.get(), F_DUPFD, 20));   // inheritable on purpose
        QVERIFY(m_leak.isOpen());
    }

    void levelOneShutsDescriptorsAndEnvironment()
    {
        const Json found = foundAt(level(1));
        QVERIFY2(!found.contains("error"), found.dump().c_str());
        QVERIFY(!found["inherited"].get<bool>());
        QCOMPARE(found["descriptors"].get<int>(), 0);
        QVERIFY(found["noNewPrivileges"].get<bool>());
        QCOMPARE(found["coreLimit"].get<int>(), 0);
        QVERIFY(!found["secret"].get<bool>());
        QCOMPARE(found["threads"].get<std::string>(), std::string("1"));
        // The measurement must be able to say no: at this level all of it is possible.
        QVERIFY(found["network"].get<bool>());
        QVERIFY(found["readLab"].get<bool>());
        QCOMPARE(found["level"].get<int>(), 1);
    }

    void levelTwoShutsTheRest()
    {
        if (probeSandbox().level < 2)
            QSKIP(probeSandbox().reason.c_str());
        const Json found = foundAt(level(2));
        QVERIFY2(!found.contains("error"), found.dump().c_str());
        QVERIFY(!found["network"].get<bool>());
        QVERIFY(!found["readLab"].get<bool>());
        QVERIFY(!found["writeOutside"].get<bool>());
        QVERIFY(!found["ptrace"].get<bool>());
        QVERIFY(!found["inherited"].get<bool>());
        QVERIFY(!found["secret"].get<bool>());
        QCOMPARE(found["level"].get<int>(), 2);
    }

    void levelTwoLeavesWhatAWorkerNeeds()
    {
        if (probeSandbox().level < 2)
            QSKIP(probeSandbox().reason.c_str());
        const Json found = foundAt(level(2));
        QVERIFY2(!found.contains("error"), found.dump().c_str());
        QVERIFY(found["readsGiven"].get<bool>());
        QVERIFY(!found["writesGiven"].get<bool>());
        QVERIFY(found["writesScratch"].get<bool>());
        QVERIFY(found["processor"].get<bool>());
        QVERIFY(QFile::exists(m_folder.filePath(QStringLiteral("scratch/made"))));
    }

    void theServerKeepsItsNetwork()
    {
        if (probeSandbox().level < 2)
            QSKIP(probeSandbox().reason.c_str());
        const Json found = foundAt(level(2, true));
        QVERIFY2(!found.contains("error"), found.dump().c_str());
        QVERIFY(found["network"].get<bool>());
        QVERIFY(!found["readLab"].get<bool>());
        QCOMPARE(found["level"].get<int>(), 2);
    }

    void aDeviceOpensNoOtherWall()
    {
        SandboxSpec spec = level(2);
        const auto shows = [&](const std::string& path) {
            const auto command = wrapCommand(spec, "/usr/bin/true", {});
            return command && std::find(command->arguments.begin(), command->arguments.end(), path) != command->arguments.end();
        };
        if (probeSandbox().level < 2)
            QSKIP(probeSandbox().reason.c_str());
        QVERIFY(!shows("/dev/nvidiactl") && !shows("/sys"));
        spec.cuda = true;
        QVERIFY(shows("/dev/nvidiactl") && shows("/dev/nvidia0") && shows("/dev/nvidia-uvm") && shows("/sys"));
        const Json found = foundAt(spec);
        QVERIFY(!found.contains("error"));
        for (const char* what : {"network", "writeOutside", "readLab", "ptrace"})
            QVERIFY2(!found[what].get<bool>(), what);
        QCOMPARE(found["level"].get<int>(), 2);
    }

    void neverWeakerThanRequired()
    {
        SandboxSpec spec;
        spec.wanted = 1;
        spec.required = 2;
        const auto command = wrapCommand(spec, "/usr/bin/true", {});
        QVERIFY(!command);
        QCOMPARE(command.error().code, Code::Environment);
    }

    void whatIsNamedMustBeThere()
    {
        SandboxSpec spec;
        spec.readable = {"/nowhere/at/all"};
        const auto command = wrapCommand(spec, "/usr/bin/true", {});
        QVERIFY(!command);
        QVERIFY(command.error().text.find("/nowhere/at/all") != std::string::npos);
    }

    void librariesAreFoundInTheProgramItself()
    {
        const auto folders = runpathOf(std::filesystem::read_symlink("/proc/self/exe"));
        const auto holds = [](const std::filesystem::path& folder) { return std::filesystem::exists(folder / "libratchet_core.so"); };
        QVERIFY(std::any_of(folders.begin(), folders.end(), holds));
        QVERIFY(runpathOf(m_given).empty());
        QVERIFY(runpathOf("/nowhere").empty());
    }

    void starting_data()
    {
        QTest::addColumn<int>("wanted");
        QTest::addRow("level 1") << 1;
        QTest::addRow("level 2") << 2;
    }
    void starting()
    {
        QFETCH(int, wanted);
        if (probeSandbox().level < wanted)
            QSKIP(probeSandbox().reason.c_str());
        QBENCHMARK { QVERIFY(!foundAt(level(wanted)).contains("error")); }
    }
};

int main(int argc, char** argv)
{
    if (argc > 3 && std::getenv("RATCHET_PROBE_PORT"))
        return child({argv + 1, argv + argc});
    QCoreApplication application(argc, argv);
    TestSandbox test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_sandbox.moc"
