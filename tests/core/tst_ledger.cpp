// SPDX-License-Identifier: GPL-3.0-or-later
#include <fstream>

#include <fmt/format.h>

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/sign.h"
#include "core/guard/ledger.h"
#include "core/store/lab.h"

using namespace ratchet;

namespace {

std::vector<LedgerEntry> example(int count)
{
    std::vector<LedgerEntry> entries;
    for (int i = 1; i <= count; ++i)
        entries.push_back(nextLedgerEntry(entries.empty() ? std::nullopt : std::optional(entries.back()),
                                          Time(std::chrono::seconds(1'700'000'000 + i)), "person:änä", "decision",
                                          Json{{"version", hashOf(std::to_string(i)).hex}, {"reason", "two\nlines, \"quoted\""}}));
    return entries;
}

void replaceIn(LedgerEntry& entry, const std::string& from, const std::string& to)
{
    entry.line.replace(entry.line.find(from), from.size(), to);
}

} // namespace

class TestLedger : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void lineIsWhatIsHashed();
    void wholeChainsHold();
    void tamperingIsFound_data();
    void tamperingIsFound();
    void theEndIsWatched_data();
    void theEndIsWatched();
    void exportIsVerifiedByHand();
    void exportShowsTampering();
    void brokenLedgersAreNotExported();
};

void TestLedger::lineIsWhatIsHashed()
{
    const auto entries = example(2);
    QCOMPARE(entries[0].hash, hashOf(entries[0].line));
    QCOMPARE(entries[0].line.find('\n'), std::string::npos);
    const Json first = parseJson(entries[0].line, "it").value(), second = parseJson(entries[1].line, "it").value();
    QCOMPARE(first["prev"], std::string(64, '0'));
    QCOMPARE(first["time"], "2023-11-14T22:13:21.000Z");
    QCOMPARE(second["prev"], entries[0].hash.hex);
    QCOMPARE(second["seq"], 2);
    const auto again = nextLedgerEntry(entries[0], Time(std::chrono::seconds(1'700'000'002)), "person:änä", "decision", second["refs"]);
    QCOMPARE(again.line, entries[1].line);   // pure
}

void TestLedger::wholeChainsHold()
{
    for (const int count : {0, 1, 50}) {
        const auto entries = example(count);
        const LedgerCheck check = verifyLedger(entries);
        QVERIFY2(check.ok, check.fault.c_str());
        QCOMPARE(check.entries, std::int64_t(count));
        QCOMPARE(check.head, count ? entries.back().hash : Hash());
    }
    const auto odd = nextLedgerEntry({}, {}, "person:\xff", "decision", Json::object());   // not UTF-8, still an entry
    QVERIFY(verifyLedger({odd}).ok);
}

void TestLedger::tamperingIsFound_data()
{
    QTest::addColumn<QString>("how");
    QTest::addColumn<int>("at");
    QTest::addRow("a changed reason") << "reason" << 3;
    QTest::addRow("a changed reason with its hash made right") << "rehashed" << 4;   // the next one no longer follows
    QTest::addRow("a removed entry") << "removed" << 3;
    QTest::addRow("a removed entry with the numbers closed up") << "renumbered" << 3;
    QTest::addRow("two entries exchanged") << "exchanged" << 3;
    QTest::addRow("an entry twice") << "doubled" << 4;
    QTest::addRow("an entry of another ledger") << "foreign" << 3;
    QTest::addRow("the first entry removed") << "beheaded" << 1;
    QTest::addRow("spaces added and hashed again") << "spaced" << 3;
    QTest::addRow("a line that is no JSON") << "nonsense" << 3;
}

void TestLedger::tamperingIsFound()
{
    QFETCH(QString, how);
    QFETCH(int, at);
    auto entries = example(6);
    LedgerEntry& third = entries[2];
    if (how == "reason" || how == "rehashed") {
        replaceIn(third, "two", "six");
        if (how == "rehashed")
            third.hash = hashOf(third.line);
    } else if (how == "removed") {
        entries.erase(entries.begin() + 2);
    } else if (how == "renumbered") {
        entries.erase(entries.begin() + 2);
        for (std::size_t i = 2; i < entries.size(); ++i) {
            replaceIn(entries[i], "\"seq\":" + std::to_string(i + 2), "\"seq\":" + std::to_string(i + 1));
            entries[i].seq = std::int64_t(i) + 1;
            entries[i].hash = hashOf(entries[i].line);
        }
    } else if (how == "exchanged") {
        std::swap(entries[2], entries[3]);
    } else if (how == "doubled") {
        entries.insert(entries.begin() + 3, entries[2]);
    } else if (how == "foreign") {
        third = nextLedgerEntry(LedgerEntry{2, "x", hashOf("x")}, {}, "person:eve", "decision", Json::object());
    } else if (how == "beheaded") {
        entries.erase(entries.begin());
    } else {
        third.line = how == "spaced" ? third.line + " " : "no JSON";
        third.hash = hashOf(third.line);
    }
    const LedgerCheck check = verifyLedger(entries);
    QVERIFY(!check.ok);
    QCOMPARE(check.entries, std::int64_t(at) - 1);
    QVERIFY2(check.fault.find("Entry " + std::to_string(at)) != std::string::npos, check.fault.c_str());
}

// What the store knows of the ledger's end, what LAB/ledger.head knows, and what is there.
void TestLedger::theEndIsWatched_data()
{
    QTest::addColumn<QString>("how");
    QTest::addColumn<QString>("fault");      // empty: none
    QTest::addRow("nothing happened") << "" << "";
    QTest::addRow("an engine was killed before it wrote the file anew") << "behind" << "";
    QTest::addRow("it was killed before it ever wrote the file") << "no file" << "";
    QTest::addRow("the last entry was deleted") << "DELETE FROM ledger WHERE seq = 5" << "Entry 5 is missing at the end.";
    QTest::addRow("the last three were deleted") << "DELETE FROM ledger WHERE seq > 2" << "Entries 3 to 5 are missing at the end.";
    QTest::addRow("all were deleted") << "DELETE FROM ledger" << "Entries 1 to 5 are missing at the end.";
    QTest::addRow("the last was deleted, and the store's count with it")
        << "DELETE FROM ledger WHERE seq = 5; UPDATE meta SET value = (SELECT json_object('entries', seq, 'hash', hash) FROM ledger WHERE seq = 4)"
           " WHERE key = 'ledger-head'"
        << "Entry 5 is missing at the end.";
    QTest::addRow("an entry was added by hand") << "added" << "Entry 6 was added by another program.";
    QTest::addRow("an older copy of the database was put back") << "older copy" << "Entries 4 to 5 are missing at the end.";
}

void TestLedger::theEndIsWatched()
{
    QFETCH(QString, how);
    QFETCH(QString, fault);
    QTemporaryDir folder;
    const LabPaths lab{std::filesystem::path(folder.path().toStdString())};
    auto entries = example(6);
    const auto sql = [&](const std::string& text) { return std::system(fmt::format("sqlite3 '{}' \"{}\"", lab.database().string(), text).c_str()) == 0; };
    {
        auto store = std::move(Store::create(lab.database()).value());
        for (int i = 0; i < 3; ++i)
            QVERIFY(store->addLedger(entries[static_cast<std::size_t>(i)]));
        QVERIFY(how == "no file" || writeLedgerHead(*store, lab));
    }
    std::filesystem::copy_file(lab.database(), lab.root / "older.db");
    {
        auto store = std::move(Store::open(lab.database(), Store::Mode::ReadWrite).value());
        QVERIFY(store->addLedger(entries[3]));
        QVERIFY(store->addLedger(entries[4]));
        QVERIFY(how == "no file" || how == "behind" || writeLedgerHead(*store, lab));
    }
    bool done = true;
    if (how == "older copy") {
        std::filesystem::remove(lab.database().string() + "-wal");
        std::filesystem::copy_file(lab.root / "older.db", lab.database(), std::filesystem::copy_options::overwrite_existing);
    } else if (how == "added") {
        std::ofstream(lab.root / "add.sql") << "INSERT INTO ledger VALUES (6, '" << entries[5].line << "', '" << entries[5].hash.hex << "');";
        done = std::system(fmt::format("sqlite3 '{}' < '{}'", lab.database().string(), (lab.root / "add.sql").string()).c_str()) == 0;
    } else if (how.contains(' ') && how != "no file") {
        done = sql(how.toStdString());
    }
    if (!done)
        QSKIP("sqlite3 is not installed");
    const auto store = std::move(Store::open(lab.database(), Store::Mode::ReadOnly).value());
    const LedgerCheck check = verifyLedger(*store, lab).value();
    QCOMPARE(QString::fromStdString(check.fault), fault);
    QCOMPARE(check.ok, fault.isEmpty());
    if (!check.ok)
        return;
    QVERIFY(writeLedgerHead(*store, lab));                            // healed
    QCOMPARE(readFile(lab.ledgerHead()).value(), "5 " + entries[4].hash.hex + "\n");
    for (const char* nonsense : {"", "5", "five " "x\n", "99999999999999999999 x\n", "5  \n\n"}) {
        QVERIFY(writeFile(lab.ledgerHead(), nonsense));
        const auto read = verifyLedger(*store, lab);
        QVERIFY2(!read ? read.error().code == Code::Damaged : !read->ok, nonsense);
    }
}

void TestLedger::exportIsVerifiedByHand()
{
    QTemporaryDir folder;
    const std::filesystem::path root(folder.path().toStdString());
    QVERIFY(createKeys(root));
    QVERIFY(exportLedger(example(20), root, root / "export"));
    const std::string guide = readFile(root / "export" / "VERIFY.txt").value();
    if (QStandardPaths::findExecutable("openssl").isEmpty() || QStandardPaths::findExecutable("python3").isEmpty())
        QSKIP("openssl or python3 is not installed");
    // Exactly what the guide says, command by command.
    const auto shell = [&](const std::string& command) {
        QProcess process;
        process.setWorkingDirectory(QString::fromStdString((root / "export").string()));
        process.start("bash", {"-c", QString::fromStdString(command)});
        process.waitForFinished();
        return std::pair(process.exitCode(), process.readAllStandardOutput().toStdString());
    };
    const auto command = [&](const std::string& from, const std::string& to) {
        const auto begin = guide.find(from);
        return guide.substr(begin, guide.find(to, begin) + to.size() - begin);
    };
    const auto head = shell(command("tail -n", "sha256sum"));
    QCOMPARE(head.second.substr(0, 64) + "\n", shell("cat head.txt").second);
    QCOMPARE(shell(command("openssl pkeyutl", "head.sig")).first, 0);
    const auto chain = shell(command("python3 -c", "prev)'"));
    QCOMPARE(chain.first, 0);
    QVERIFY(chain.second.starts_with("20 entries"));
}

void TestLedger::exportShowsTampering()
{
    if (QStandardPaths::findExecutable("openssl").isEmpty())
        QSKIP("the command openssl is not installed");
    QTemporaryDir folder;
    const std::filesystem::path root(folder.path().toStdString());
    QVERIFY(createKeys(root));
    QVERIFY(exportLedger(example(3), root, root / "export"));
    QVERIFY(writeFile(root / "export" / "head.txt", hashOf("another").hex + "\n"));
    QProcess process;
    process.setWorkingDirectory(QString::fromStdString((root / "export").string()));
    process.start("openssl", {"pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-in", "head.txt", "-sigfile", "head.sig"});
    QVERIFY(process.waitForFinished());
    QVERIFY(process.exitCode() != 0);
}

void TestLedger::brokenLedgersAreNotExported()
{
    QTemporaryDir folder;
    const std::filesystem::path root(folder.path().toStdString());
    QVERIFY(createKeys(root));
    auto entries = example(3);
    entries.erase(entries.begin() + 1);
    QCOMPARE(exportLedger(entries, root, root / "export").error().code, Code::Damaged);
    QVERIFY(!std::filesystem::exists(root / "export"));
    QVERIFY(exportLedger({}, root, root / "export"));
}

QTEST_GUILESS_MAIN(TestLedger)
#include "tst_ledger.moc"
