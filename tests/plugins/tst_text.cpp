// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <set>

#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"
#include "tests/core/passage.h"

using namespace ratchet;

namespace {

// 100 sections with letters beyond ASCII, so that pieces could break a character.
std::string book()
{
    std::string text;
    for (int i = 0; i < 100; ++i) {
        for (int line = 0; line < 20; ++line)
            text += "Für Gäste № " + std::to_string(i) + " — " + passage(static_cast<std::uint64_t>(100 * i + line), 1);
        text += "\n";
    }
    return text;
}

bool isUtf8(const std::string& text)
{
    try {
        return !Json(text).dump().empty();
    } catch (const Json::exception&) {
        return false;
    }
}

} // namespace

class TestText : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void piecesComeFromTheirSplitOnly();
    void piecesKeepCharactersWhole();
    void everyPartOfADocumentIsDrawn();
    void anItemFoundAgainIsTheSameText();
    void kindsOfText_data();
    void kindsOfText();
    void aPlaceOutsideTheCorpusGivesAnError();
    void aMalformedMixtureIsNamed();
    void withoutACorpusNothingIsDrawn();
    void theSeedFitsItsContextAndSpace();

private:
    QTemporaryDir m_folder;
    std::unique_ptr<Domain> m_domain;
    std::unique_ptr<Corpus> m_corpus;
};

void TestText::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    const std::string root = m_folder.path().toStdString();
    std::ofstream(root + "/book.txt") << book();
    const auto summary = importCorpus(root + "/book.txt", root + "/corpus");
    QVERIFY2(summary, summary ? "" : summary.error().text.c_str());
    auto domain = loadDomain("text", root + "/corpus");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
    m_corpus = std::make_unique<Corpus>(Corpus::open(root + "/corpus").value());
}

void TestText::piecesComeFromTheirSplitOnly()
{
    Rng rng(1);
    const auto contains = [&](Split split, const std::string& text) {
        const auto& documents = m_corpus->documents(split);
        return std::any_of(documents.begin(), documents.end(), [&](std::string_view d) { return d.find(text) != std::string_view::npos; });
    };
    for (const auto& suite : m_domain->suites())
        for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 50; ++i) {
                const auto item = m_domain->draw(suite.name, split, rng);
                QCOMPARE(int(m_domain->splitOf(item)), int(split));
                const auto text = m_domain->example(item, {}).completion;
                QVERIFY(contains(split, text));
                QVERIFY(suite.name == "text-short" || !contains(Split::Train, text));
            }
    const auto data = m_domain->seedGenome().data;
    for (int i = 0; i < 200; ++i)
        QCOMPARE(int(m_domain->splitOf(m_domain->drawTraining(data, rng))), int(Split::Train));
}

void TestText::piecesKeepCharactersWhole()
{
    Rng rng(2);
    for (int i = 0; i < 2000; ++i) {
        const auto text = m_domain->example(m_domain->draw("text-short", Split::Gate, rng), {}).completion;
        QVERIFY2(isUtf8(text), text.c_str());
        QVERIFY(text.size() >= 61 && text.size() <= 64 + 3);
    }
}

void TestText::everyPartOfADocumentIsDrawn()
{
    Rng rng(3);
    std::set<std::size_t> firstDocument;
    for (int i = 0; i < 20000; ++i) {
        const auto item = m_domain->draw("text-short", Split::Vault, rng);
        if (item.question["document"] == 0)
            firstDocument.insert(item.question["offset"].get<std::size_t>());
    }
    const std::size_t size = m_corpus->documents(Split::Vault)[0].size();
    QVERIFY(firstDocument.contains(0) && *firstDocument.rbegin() + 68 >= size);
}

void TestText::anItemFoundAgainIsTheSameText()
{
    Rng rng(4);
    const auto item = m_domain->draw("text", Split::Guide, rng);
    const Item again{{}, Json::parse(item.question.dump())};
    QCOMPARE(m_domain->example(again, {}).completion, m_domain->example(item, {}).completion);
}

void TestText::kindsOfText_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("kind");
    QTest::addRow("plain words") << QByteArray("and it came to pass that the rain fell on them all") << QByteArray("prose");
    QTest::addRow("a genealogy") << QByteArray("And Arphaxad begat Salah; and Salah begat Eber of Shem") << QByteArray("names");
    QTest::addRow("a table") << QByteArray("twelve 12, thirteen 13, fourteen 14") << QByteArray("numbers");
    QTest::addRow("code") << QByteArray("if (a[i] != b[i]) { return -1; }") << QByteArray("punctuation");
    QTest::addRow("another script") << QByteArray("в начале было слово") << QByteArray("foreign");
}

void TestText::kindsOfText()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, kind);
    const auto item = m_domain->parse(text.toStdString()).value();
    QCOMPARE(QByteArray::fromStdString(m_domain->grade(item, "", {}).failureClass), kind);
}

void TestText::aPlaceOutsideTheCorpusGivesAnError()
{
    for (const char* question : {R"({"split": "gate", "document": 9999, "offset": 0, "bytes": 9})",
                                 R"({"split": "gate", "document": 0, "offset": 99999999, "bytes": 9})",
                                 R"({"split": "moon", "document": 0, "offset": 0, "bytes": 9})", R"({"split": 3})", "[]", "null"}) {
        const Item item{{}, Json::parse(question)};
        QVERIFY2(!guarded("text", [&] { return m_domain->example(item, {}); }), question);
    }
}

void TestText::aMalformedMixtureIsNamed()
{
    Rng rng(1);
    for (const char* mixture : {R"({})", R"({"bytes": 0})", R"({"bytes": "many"})", R"({"bytes": 64, "digits": 1})", R"({"bytes": 1e9})"}) {
        Data data;
        data.mixture = Json::parse(mixture);
        QVERIFY2(!guarded("text", [&] { return m_domain->drawTraining(data, rng); }), mixture);
    }
}

void TestText::withoutACorpusNothingIsDrawn()
{
    const auto domain = loadDomain("text");
    QVERIFY(domain);
    Rng rng(1);
    QVERIFY(!guarded("text", [&] { return (*domain)->draw("text", Split::Gate, rng); }));
    QVERIFY(!loadDomain("text", "/nowhere"));
}

void TestText::theSeedFitsItsContextAndSpace()
{
    const auto genome = m_domain->seedGenome();
    QVERIFY(Genome::fromJson(genome.toJson()));
    QVERIFY(m_domain->longestExample(genome.data, genome.reasoning) >= genome.architecture.context);
    QVERIFY(m_domain->info().corpus == CorpusUse::Text && m_domain->info().alphabet.empty());
}

QTEST_GUILESS_MAIN(TestText)
#include "tst_text.moc"
