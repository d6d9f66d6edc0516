// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"

using namespace ratchet;

namespace {

struct Place {
    QTemporaryDir folder;
    std::filesystem::path root{folder.path().toStdString()};
    [[nodiscard]] std::size_t entries() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(root), std::filesystem::directory_iterator()));
    }
};

} // namespace

class TestFile : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void writesAndReads();
    void failedWriteLeavesTheOldFile();
    void killedWriterLeavesAWholeFile();
    void writersOfOneFileDoNotMix();
    void saysWhyItCannotRead();
    void descriptorsAreClosedOnce();
};

void TestFile::writesAndReads()
{
    const Place place;
    for (const std::string& content : {std::string(), std::string("a\0b", 3), std::string(200'000, 'x')}) {
        QVERIFY(writeFile(place.root / "file", content, 0600));
        QCOMPARE(readFile(place.root / "file").value(), content);
    }
    struct stat info{};
    QVERIFY(stat((place.root / "file").c_str(), &info) == 0);
    QCOMPARE(info.st_mode & 0777, 0600U);
    QCOMPARE(place.entries(), 1U);
}

void TestFile::failedWriteLeavesTheOldFile()
{
    const Place place;
    QVERIFY(writeFile(place.root / "file", "old"));
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1000, 1000};
        setrlimit(RLIMIT_FSIZE, &limit);
        const Status written = writeFile(place.root / "file", std::string(5000, 'x'));
        _exit(!written && written.error().code == Code::Environment ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    QCOMPARE(readFile(place.root / "file").value(), "old");
    QCOMPARE(place.entries(), 1U);
    QCOMPARE(writeFile(place.root / "no" / "file", "x").error().code, Code::NotFound);
    QCOMPARE(writeFile(place.root, "x").error().code, Code::Environment);
}

void TestFile::killedWriterLeavesAWholeFile()
{
    const Place place;
    const std::filesystem::path file = place.root / "file";
    QVERIFY(writeFile(file, std::string(300'000, 'a')));
    for (int round = 0; round < 10; ++round) {
        const pid_t child = fork();
        if (child == 0)
            for (char letter = 'a';; letter = letter == 'z' ? 'a' : char(letter + 1))
                (void)writeFile(file, std::string(300'000, letter));
        usleep(useconds_t(3000 + 1700 * round));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        const std::string content = readFile(file).value();
        QCOMPARE(content.size(), 300'000U);
        QCOMPARE(content.find_first_not_of(content[0]), std::string::npos);
    }
}

void TestFile::writersOfOneFileDoNotMix()
{
    const Place place;
    std::vector<std::thread> threads;
    std::atomic<int> failed = 0;
    for (const char letter : {'a', 'b', 'c', 'd'})
        threads.emplace_back([&, letter] {
            for (int i = 0; i < 25; ++i)
                failed += !writeFile(place.root / "file", std::string(100'000, letter));
        });
    for (auto& thread : threads)
        thread.join();
    QCOMPARE(failed.load(), 0);
    const std::string content = readFile(place.root / "file").value();
    QCOMPARE(content, std::string(100'000, content.at(0)));
    QCOMPARE(place.entries(), 1U);
}

void TestFile::saysWhyItCannotRead()
{
    const Place place;
    QVERIFY(writeFile(place.root / "file", "12345"));
    QCOMPARE(readFile(place.root / "nothing").error().code, Code::NotFound);
    QCOMPARE(readFile(place.root).error().code, Code::Environment);
    QCOMPARE(readFile(place.root / "file", 4).error().code, Code::Environment);
    QCOMPARE(readFile(place.root / "file", 5).value(), "12345");
    QVERIFY(readFile(place.root / "nothing").error().text.find("nothing") != std::string::npos);
}

void TestFile::descriptorsAreClosedOnce()
{
    UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = first.get();
    UniqueFd second = std::move(first);
    QVERIFY(!first.isOpen());
    QVERIFY(second.isOpen() && fcntl(number, F_GETFD) != -1);
    second = UniqueFd();
    QCOMPARE(fcntl(number, F_GETFD), -1);
}

QTEST_GUILESS_MAIN(TestFile)
#include "tst_file.moc"
