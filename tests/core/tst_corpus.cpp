// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/base/json.h"
#include "core/plugin/corpus.h"
#include "tests/core/passage.h"

using namespace ratchet;
namespace fs = std::filesystem;

namespace {

// `paragraphs` of about 1.4 KiB, all different.
std::string book(int paragraphs)
{
    std::string text;
    for (int i = 0; i < paragraphs; ++i)
        text += passage(static_cast<std::uint64_t>(i), 30) + "\n";
    return text;
}

// What `folder` keeps of a split, as one text.
std::string textOf(const fs::path& folder, Split split)
{
    const auto corpus = Corpus::open(folder);
    std::string text;
    for (const auto document : corpus ? corpus->documents(split) : std::vector<std::string_view>())
        text += std::string(document) + "\n";
    return text;
}

void write(const fs::path& file, const std::string& text)
{
    std::ofstream(file, std::ios::binary) << text;
}

} // namespace

class TestCorpus : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }
    void aFileBecomesDisjointSplits();
    void aFolderOfFilesKeepsThemWhole();
    void whatIsTrainedOnIsNotJudged();
    void aQuestionThatIsTrainedOnIsNotJudged_data();
    void aQuestionThatIsTrainedOnIsNotJudged();
    void aTextOfCopiesIsRefused();
    void theSameTextGivesTheSameSplits();
    void refuses_data();
    void refuses();
    void aMissingFileIsNotFound();
    void aChangedCorpusIsDamaged();

private:
    [[nodiscard]] fs::path path(const char* name) const { return fs::path(m_folder->path().toStdString()) / name; }
    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestCorpus::aFileBecomesDisjointSplits()
{
    const auto text = book(200) + book(3);   // the last three are duplicates
    write(path("book.txt"), text);
    const auto summary = importCorpus(path("book.txt"), path("corpus"));
    QVERIFY2(summary, summary ? "" : summary.error().text.c_str());
    QCOMPARE(summary->documents, std::size_t(200));
    const auto corpus = Corpus::open(path("corpus"));
    QVERIFY2(corpus, corpus ? "" : corpus.error().text.c_str());
    std::set<std::string_view> seen;
    std::size_t bytes = 0, count = 0;
    for (const auto split : {Split::Train, Split::Guide, Split::Gate, Split::Vault}) {
        QVERIFY(!corpus->documents(split).empty());
        for (const auto document : corpus->documents(split)) {
            QVERIFY2(seen.insert(document).second, "a document is in two splits");
            QVERIFY(text.find(document) != std::string::npos);
            QVERIFY(document.size() <= 8192);
            bytes += document.size();
            ++count;
        }
    }
    QCOMPARE(count, std::size_t(200));
    QCOMPARE(bytes, book(200).size());
    QVERIFY(corpus->documents(Split::Train).size() >= 145);
}

void TestCorpus::aFolderOfFilesKeepsThemWhole()
{
    fs::create_directories(path("tree/sub"));
    for (int i = 0; i < 70; ++i)
        write(path("tree/sub") / (std::to_string(i) + ".txt"), passage(static_cast<std::uint64_t>(i), 30));
    write(path("tree/tiny.txt"), "See there.\n");      // says too little to be told from others
    write(path("tree/picture.png"), std::string("\x89PNG\0\0", 6));
    write(path("tree/.hidden"), "secret\n");
    const auto summary = importCorpus(path("tree"), path("corpus"));
    QVERIFY2(summary, summary ? "" : summary.error().text.c_str());
    QCOMPARE(summary->documents, std::size_t(70));
    QCOMPARE(summary->skippedFiles, std::size_t(1));
}

// Every file says the same at its head, and some quote a saying that others quote as well.
void TestCorpus::whatIsTrainedOnIsNotJudged()
{
    const std::string head = passage(1000, 6), saying = passage(1001, 2);
    fs::create_directories(path("tree"));
    for (int i = 0; i < 80; ++i) {
        const auto own = static_cast<std::uint64_t>(i);
        write(path("tree") / (std::to_string(i) + ".txt"), head + passage(own, 20) + (i % 2 ? saying : "") + passage(own + 100, 20));
    }
    const auto summary = importCorpus(path("tree"), path("corpus"));
    QVERIFY2(summary, summary ? "" : summary.error().text.c_str());
    QVERIFY(textOf(path("corpus"), Split::Train).find(saying) != std::string::npos);
    std::size_t judged = 0;
    for (const auto split : {Split::Guide, Split::Gate, Split::Vault}) {
        const std::string text = textOf(path("corpus"), split);
        judged += text.size();
        QVERIFY(text.find(head.substr(0, 48)) == std::string::npos && text.find(saying.substr(0, 48)) == std::string::npos);
        for (int i = 0; i < 80; ++i) {                       // nothing of its own is lost, but for words at the cuts
            const std::string own = passage(static_cast<std::uint64_t>(i), 20);
            QCOMPARE(text.find(own.substr(20, 200)) == std::string::npos, text.find(own.substr(own.size() - 220, 200)) == std::string::npos);
        }
    }
    QVERIFY2(summary->leftOut >= 20 * (head.size() - 20) + 5 * saying.size() && judged > 20 * 1700, qPrintable(QString::number(summary->leftOut)));
}

void TestCorpus::aQuestionThatIsTrainedOnIsNotJudged_data()
{
    QTest::addColumn<QString>("before");      // what stands before so many characters of its own
    QTest::addColumn<int>("length");
    QTest::addRow("long") << "What says " << 60;
    QTest::addRow("shorter than an n-gram") << "Why " << 12;
    QTest::addRow("characters that are escaped in JSON") << QString::fromUtf8("Größe, Äußeres, süß: ") << 40;
    QTest::addRow("several lines") << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\n" << 12;
}

// Every other question comes again in other signs; JSON is written as most write it, with escapes for whatever is not ASCII.
void TestCorpus::aQuestionThatIsTrainedOnIsNotJudged()
{
    QFETCH(QString, before);
    QFETCH(int, length);
    std::string lines;
    for (int i = 0; i < 200; ++i) {
        const std::string asked = before.toStdString() + passage(static_cast<std::uint64_t>(i), 1).substr(0, static_cast<std::size_t>(length));
        for (const std::string& question : {asked, "  " + asked + "??"})
            if (question == asked || i % 2)
                lines += Json{{"question", question}, {"answer", "a"}}.dump(-1, ' ', true) + "\n";
    }
    write(path("lines.jsonl"), lines);
    const auto summary = importCorpus(path("lines.jsonl"), path("corpus"), CorpusUse::Lines);
    QVERIFY2(summary, summary ? "" : summary.error().text.c_str());
    const auto corpus = Corpus::open(path("corpus")).value();
    const auto asked = [](std::string_view line) {
        return QString::fromStdString(Json::parse(line)["question"].get<std::string>()).remove('?').simplified();
    };
    std::set<QString> trained;
    for (const auto line : corpus.documents(Split::Train))
        trained.insert(asked(line));
    int judged = 0;
    for (const auto split : {Split::Guide, Split::Gate, Split::Vault}) {
        for (const auto line : corpus.documents(split)) {
            ++judged;
            QVERIFY2(!trained.contains(asked(line)), qPrintable(asked(line)));
        }
        for (const auto line : corpus.documents(split == Split::Guide ? split : Split::Train))      // its failures are replayed
            trained.insert(asked(line));
    }
    QVERIFY2(judged >= 25 && judged <= 50 && summary->leftOut > 0, qPrintable(QString::number(judged)));
}

void TestCorpus::aTextOfCopiesIsRefused()
{
    fs::create_directories(path("tree"));
    for (int i = 0; i < 80; ++i)
        write(path("tree") / (std::to_string(i) + ".txt"), passage(1, 30) + std::to_string(i) + "\n");
    const auto summary = importCorpus(path("tree"), path("corpus"));
    QVERIFY(!summary && summary.error().code == Code::BadInput);
    QVERIFY2(summary.error().text.find("repeats itself") != std::string::npos, summary.error().text.c_str());
    QVERIFY(!fs::exists(path("corpus")));
}

void TestCorpus::theSameTextGivesTheSameSplits()
{
    write(path("book.txt"), book(120));
    QVERIFY(importCorpus(path("book.txt"), path("a")) && importCorpus(path("book.txt"), path("b")));
    const auto a = Corpus::open(path("a")), b = Corpus::open(path("b"));
    QVERIFY(a && b);
    QVERIFY(a->documents(Split::Vault) == b->documents(Split::Vault));
}

void TestCorpus::refuses_data()
{
    QTest::addColumn<QByteArray>("content");
    QTest::addColumn<QByteArray>("word");
    QTest::addRow("an empty file") << QByteArray() << QByteArray("empty");
    QTest::addRow("a file of blank lines") << QByteArray("\n\n \n") << QByteArray("empty");
    QTest::addRow("a file with a NUL byte") << QByteArray("text\0more\n", 10) << QByteArray("binary");
    QTest::addRow("Latin-1 text") << QByteArray("caf\xe9 au lait\nand more\n") << QByteArray("binary");
    QTest::addRow("an overlong UTF-8 sequence") << QByteArray("a\xc0\xaf\nb\n") << QByteArray("binary");
    QTest::addRow("a single line") << QByteArray(100000, 'a') << QByteArray("single line");
    QTest::addRow("a short text") << QByteArray("one\n\ntwo\n") << QByteArray("too small");
    QTest::addRow("the same line for ever") << QByteArray("all the same\n").repeated(20000) << QByteArray("too small");
}

void TestCorpus::refuses()
{
    QFETCH(QByteArray, content);
    QFETCH(QByteArray, word);
    write(path("input"), content.toStdString());
    const auto summary = importCorpus(path("input"), path("corpus"));
    QVERIFY(!summary);
    QCOMPARE(int(summary.error().code), int(Code::BadInput));
    QVERIFY2(summary.error().text.find(word.toStdString()) != std::string::npos, summary.error().text.c_str());
    QVERIFY(!fs::exists(path("corpus")));
}

void TestCorpus::aMissingFileIsNotFound()
{
    const auto summary = importCorpus(path("nowhere"), path("corpus"));
    QVERIFY(!summary);
    QCOMPARE(int(summary.error().code), int(Code::NotFound));
}

void TestCorpus::aChangedCorpusIsDamaged()
{
    write(path("book.txt"), book(100));
    QVERIFY(importCorpus(path("book.txt"), path("corpus")));
    std::fstream file(path("corpus/gate.txt"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10).put('#');
    file.close();
    const auto corpus = Corpus::open(path("corpus"));
    QVERIFY(!corpus);
    QCOMPARE(int(corpus.error().code), int(Code::Damaged));
}

QTEST_GUILESS_MAIN(TestCorpus)
#include "tst_corpus.moc"
