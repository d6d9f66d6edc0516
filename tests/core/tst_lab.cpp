// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/store/reader.h"
#include "core/store/schema.h"
#include "core/store/sqlite.h"

using namespace ratchet;

namespace {

const std::string secret(64, 'a');

struct Place {
    QTemporaryDir folder;
    LabPaths lab{std::filesystem::path(folder.path().toStdString()) / "lab"};
    [[nodiscard]] std::filesystem::path root() const { return folder.path().toStdString(); }
};

LabConfig example()
{
    LabConfig config;
    config.domain = "arithmetic";
    config.goal = "exact match >= 0.99 on addition-3";
    config.budget = Flops{1e13};
    config.trialBudget = Flops{4e11};
    config.seed = 0xfedcba9876543210U;
    config.vaultLooks = 7;
    config.created = "2026-01-31T12:00:00.123Z";
    return config;
}

Status make(const LabPaths& paths)
{
    return createLab(paths, example(), Json{{"bounds", 1}}, secret);
}

unsigned modeOf(const std::filesystem::path& path)
{
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::size_t entriesIn(const std::filesystem::path& folder)
{
    const auto begin = std::filesystem::directory_iterator(folder);
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

// Runs `work` in a child without privileges and gives its exit status.
int asNobody(const std::function<int()>& work)
{
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(work());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

} // namespace

class TestLab : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void newLabHoldsEverything();
    void newLabFillsAnEmptyFolder();
    void newLabMakesItsParents();
    void refusesATakenPlace_data();
    void refusesATakenPlace();
    void refusesAPlaceItCannotWrite();
    void leavesNothingBehindWhenTheDiskIsFull_data();
    void leavesNothingBehindWhenTheDiskIsFull();
    void configurationSurvivesTheTrip();
    void saysWhatIsWrongWithALab_data();
    void saysWhatIsWrongWithALab();
    void whoReadsAnOlderLabBringsItUpToDate();
    void oneEngineHoldsALab();
    void askingDoesNotDisturb();
    void lockGoesWithAKilledEngine();
    void aLockThatOnlyAStartingChildHoldsIsWaitedFor();
};

void TestLab::newLabHoldsEverything()
{
    Place place;
    QVERIFY(make(place.lab));
    QCOMPARE(modeOf(place.lab.judge()), 0700U);
    QCOMPARE(modeOf(place.lab.keys()), 0700U);
    QCOMPARE(modeOf(place.lab.judge() / "secret"), 0600U);
    QCOMPARE(modeOf(place.lab.keys() / "private.pem"), 0600U);
    QCOMPARE(readFile(place.lab.judge() / "secret").value(), secret + "\n");
    QCOMPARE(parseJson(readFile(place.lab.searchSpace()).value(), "it").value(), (Json{{"bounds", 1}}));
    QVERIFY(std::filesystem::is_directory(place.lab.objects()) && std::filesystem::is_directory(place.lab.requests()));
    QVERIFY(Store::open(place.lab.database(), Store::Mode::ReadWrite));
    QVERIFY(!readLabConfig(place.lab).value().ratchet.empty());
    QCOMPARE(entriesIn(place.root()), 1U);
    QVERIFY(!isEngineRunning(place.lab));
}

void TestLab::newLabFillsAnEmptyFolder()
{
    Place place;
    std::filesystem::create_directory(place.lab.root);
    QVERIFY(make(LabPaths{place.lab.root.string() + "/"}));
    QVERIFY(readLabConfig(place.lab));
}

void TestLab::newLabMakesItsParents()
{
    Place place;
    QVERIFY(make(LabPaths{place.root() / "a" / "b" / "lab"}));
    QVERIFY(readLabConfig(LabPaths{place.root() / "a" / "b" / "lab"}));
}

void TestLab::refusesATakenPlace_data()
{
    QTest::addColumn<QString>("what");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("sentence");
    QTest::addRow("a file") << "file" << int(Code::Environment) << "is a file";
    QTest::addRow("a folder with something in it") << "full" << int(Code::Conflict) << "is not an empty folder";
    QTest::addRow("a lab") << "lab" << int(Code::Conflict) << "is not an empty folder";
    QTest::addRow("a dangling link") << "link" << int(Code::Environment) << "is a file";
}

void TestLab::refusesATakenPlace()
{
    QFETCH(QString, what);
    QFETCH(int, code);
    QFETCH(QString, sentence);
    Place place;
    if (what == "file")
        QVERIFY(writeFile(place.lab.root, "mine"));
    else if (what == "link")
        std::filesystem::create_symlink("nowhere", place.lab.root);
    else if (what == "lab")
        QVERIFY(make(place.lab));
    else
        QVERIFY(makeFolder(place.lab.root) && writeFile(place.lab.root / "thesis.txt", "mine"));
    const Status made = make(place.lab);
    QVERIFY(!made);
    QCOMPARE(int(made.error().code), code);
    QVERIFY2(made.error().text.find(sentence.toStdString()) != std::string::npos, made.error().text.c_str());
    QVERIFY(!made.error().hint.empty());
    if (what == "full")
        QCOMPARE(readFile(place.lab.root / "thesis.txt").value(), "mine");
    QCOMPARE(entriesIn(place.root()), 1U);
}

void TestLab::refusesAPlaceItCannotWrite()
{
    Place place;
    QVERIFY(chmod(place.root().c_str(), 0555) == 0);
    const int status = asNobody([&] {
        for (const auto& root : {place.lab.root, place.root() / "a" / "b", place.root()}) {
            const Status made = make(LabPaths{root});
            if (made || made.error().code != Code::Environment || made.error().hint.empty())
                return 1;
        }
        return 0;
    });
    QVERIFY(chmod(place.root().c_str(), 0755) == 0);
    QCOMPARE(status, 0);
    QCOMPARE(entriesIn(place.root()), 0U);
}

void TestLab::leavesNothingBehindWhenTheDiskIsFull_data()
{
    QTest::addColumn<bool>("exists");
    QTest::addRow("when the folder is new") << false;
    QTest::addRow("when the folder was there") << true;
}

void TestLab::leavesNothingBehindWhenTheDiskIsFull()
{
    QFETCH(bool, exists);
    Place place;
    if (exists)
        std::filesystem::create_directory(place.lab.root);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{20'000, 20'000};   // enough for the small files, too little for the database
        setrlimit(RLIMIT_FSIZE, &limit);
        const Status made = make(place.lab);
        _exit(!made && made.error().code == Code::Environment && made.error().text.find("full") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    QCOMPARE(entriesIn(exists ? place.lab.root : place.root()), 0U);
    QVERIFY(make(place.lab));
}

void TestLab::configurationSurvivesTheTrip()
{
    const LabConfig config = example();
    const LabConfig back = LabConfig::fromJson(parseJson(config.toJson().dump(), "it").value()).value();
    QCOMPARE(back.toJson(), config.toJson());
    QCOMPARE(back.seed, config.seed);
    Json older = config.toJson();
    older.erase("minEffect");
    older.erase("retainedAlpha");
    QCOMPARE(LabConfig::fromJson(older).value().toJson(), config.toJson());      // what every lab had before they could be chosen
}

void TestLab::saysWhatIsWrongWithALab_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("code");
    const auto changed = [](const char* key, const Json& value) {
        Json json = example().toJson();
        json[key] = value;
        return QString::fromStdString(json.dump());
    };
    QTest::addRow("not JSON") << "{\"format\": 1," << int(Code::Damaged);
    QTest::addRow("cut to nothing") << "" << int(Code::Damaged);
    QTest::addRow("a list") << "[]" << int(Code::Damaged);
    QTest::addRow("a budget that is text") << changed("budget", "much") << int(Code::Damaged);
    QTest::addRow("a budget of nothing") << changed("budget", 0) << int(Code::Damaged);
    QTest::addRow("an error bound of one") << changed("alpha", 1) << int(Code::Damaged);
    QTest::addRow("an error bound of nearly nothing") << changed("alpha", 1e-300) << int(Code::Damaged);
    QTest::addRow("more items than a level can be made for") << changed("gateItems", 2'000'000'000) << int(Code::Damaged);
    QTest::addRow("a smallest effect that nothing has") << changed("minEffect", 0.5) << int(Code::Damaged);
    QTest::addRow("a retained bound of nothing") << changed("retainedAlpha", 0) << int(Code::Damaged);
    QTest::addRow("a look when everything is spent") << changed("proxy", 1) << int(Code::Damaged);
    QTest::addRow("a look before the start") << changed("proxy", -0.1) << int(Code::Damaged);
    QTest::addRow("giving up without any audit") << changed("audit", 0) << int(Code::Damaged);
    QTest::addRow("fewer than no looks at the vault") << changed("vaultLooks", -1) << int(Code::Damaged);
    QTest::addRow("a field nobody knows") << changed("colour", "red") << int(Code::Damaged);
    QTest::addRow("a newer format with fields nobody knows") << "{\"format\": 2, \"x\": 1}" << int(Code::Newer);
}

// "Run the lab once with ratchet run" was said by every command, that one included.
void TestLab::whoReadsAnOlderLabBringsItUpToDate()
{
    Place place;
    QVERIFY(make(place.lab));
    for (const char* ending : {"", "-wal", "-shm"})
        std::filesystem::remove(place.lab.database().string() + ending);
    {
        const auto old = sqlite::Database::open(place.lab.database(), sqlite::Database::Mode::Create).value();
        QVERIFY(old->execute(migrations().front().sql));
        QVERIFY(old->execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 1;", applicationId).c_str()));
    }
    const auto asItIs = Store::open(place.lab.database(), Store::Mode::ReadOnly);
    QVERIFY2(!asItIs && asItIs.error().hint.find("ratchet status") != std::string::npos, asItIs ? "" : asItIs.error().hint.c_str());
    {
        const auto engine = LabLock::take(place.lab);
        QVERIFY(engine);
        QCOMPARE(openForReading(place.lab).error().code, Code::Conflict);      // it is the engine's to write
    }
    const auto store = openForReading(place.lab);
    QVERIFY2(store, store ? "" : store.error().text.c_str());
    QVERIFY((*store)->verdicts().value().empty());
    QVERIFY(Store::open(place.lab.database(), Store::Mode::ReadOnly));
}

void TestLab::saysWhatIsWrongWithALab()
{
    QFETCH(QString, text);
    QFETCH(int, code);
    Place place;
    QCOMPARE(readLabConfig(place.lab).error().code, Code::NotFound);
    QVERIFY(makeFolder(place.lab.root));
    QCOMPARE(readLabConfig(place.lab).error().code, Code::NotFound);
    QVERIFY(readLabConfig(place.lab).error().text.find("is not a lab") != std::string::npos);
    QVERIFY(writeFile(place.lab.config(), text.toStdString()));
    const auto config = readLabConfig(place.lab);
    QVERIFY(!config);
    QCOMPARE(int(config.error().code), code);
    QVERIFY(!config.error().hint.empty());
    const auto file = readLabConfig(LabPaths{place.lab.config()});
    QCOMPARE(file.error().code, Code::Environment);
    QVERIFY(file.error().text.find("is a file") != std::string::npos);
}

void TestLab::oneEngineHoldsALab()
{
    Place place;
    QVERIFY(make(place.lab));
    {
        const auto first = LabLock::take(place.lab);
        QVERIFY(first);
        QVERIFY(isEngineRunning(place.lab));
        const auto second = LabLock::take(place.lab);
        QVERIFY(!second);
        QCOMPARE(second.error().code, Code::Conflict);
        QVERIFY(second.error().text.find(std::to_string(getpid())) != std::string::npos);
    }
    QVERIFY(!isEngineRunning(place.lab));
    QVERIFY(LabLock::take(place.lab));
    QCOMPARE(LabLock::take(LabPaths{place.root() / "nothing"}).error().code, Code::NotFound);
}

void TestLab::askingDoesNotDisturb()
{
    Place place;
    QVERIFY(make(place.lab));
    QVERIFY(!isEngineRunning(place.lab));
    QVERIFY(!std::filesystem::exists(place.lab.lock()));   // asking makes no file
    (void)LabLock::take(place.lab);
    // Another program that asks all the time never makes an engine's start fail.
    const pid_t child = fork();
    if (child == 0)
        for (;;)
            (void)isEngineRunning(place.lab);
    int failed = 0;
    for (int i = 0; i < 3000; ++i)
        failed += !LabLock::take(place.lab);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    QCOMPARE(failed, 0);
}

// posix_spawn in another thread: the child has a copy of the descriptor until it becomes another program.
void TestLab::aLockThatOnlyAStartingChildHoldsIsWaitedFor()
{
    Place place;
    QVERIFY(make(place.lab));
    int ends[2];
    QVERIFY(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = 0;
    {
        const auto lock = LabLock::take(place.lab);
        QVERIFY(lock);
        child = fork();
        if (child == 0) {
            (void)!write(ends[1], "y", 1);
            usleep(60'000);
            _exit(0);
        }
        char answer = 0;
        QCOMPARE(read(ends[0], &answer, 1), 1);
    }
    const auto again = LabLock::take(place.lab);
    QVERIFY2(again, again ? "" : again.error().text.c_str());
    waitpid(child, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
}

void TestLab::lockGoesWithAKilledEngine()
{
    Place place;
    QVERIFY(make(place.lab));
    int ends[2];
    QVERIFY(pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const auto lock = LabLock::take(place.lab);
        (void)!write(ends[1], lock ? "y" : "n", 1);
        for (;;)
            pause();
    }
    char answer = 0;
    QCOMPARE(read(ends[0], &answer, 1), 1);
    QCOMPARE(answer, 'y');
    QVERIFY(isEngineRunning(place.lab));
    QVERIFY(LabLock::take(place.lab).error().text.find(std::to_string(child)) != std::string::npos);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    QVERIFY(!isEngineRunning(place.lab));
    QVERIFY(LabLock::take(place.lab));
    close(ends[0]);
    close(ends[1]);
}

QTEST_GUILESS_MAIN(TestLab)
#include "tst_lab.moc"
