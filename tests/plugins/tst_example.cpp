// SPDX-License-Identifier: GPL-3.0-or-later
// The example of docs/domains.md: that it works, that the document quotes it, and that no lab is offered it.
#include <QTest>

#include <map>

#include "core/base/file.h"
#include "core/genome/search_space.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

using namespace ratchet;

class TestExample : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theDocumentQuotesTheFile();
    void labsAreNotOfferedIt();
    void rightAnswersAreRightAndWrongOnesNamed();
    void splitsAreDisjoint();
    void aMalformedMixtureIsNamed();
    void theLongestExampleIsLongest();
    void theSeedFitsItsSpaceAndAlphabet();

private:
    static std::unique_ptr<Domain> load()
    {
        qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR "/../examples");
        return std::move(loadDomain("counting").value());
    }
};

void TestExample::theDocumentQuotesTheFile()
{
    const std::string root = RATCHET_SOURCE_DIR "/docs/";
    const auto document = readFile(root + "domains.md"), code = readFile(root + "examples/counting/counting.cpp");
    QVERIFY(document && code);
    QVERIFY2(document->find("```cpp\n" + *code + "```\n") != std::string::npos,
             "docs/domains.md quotes another counting.cpp");
}

void TestExample::labsAreNotOfferedIt()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    const auto names = domainNames();
    QVERIFY(std::find(names.begin(), names.end(), "counting") == names.end());
    QVERIFY(!loadDomain("counting"));
}

void TestExample::rightAnswersAreRightAndWrongOnesNamed()
{
    const auto domain = load();
    Rng rng(1);
    for (int i = 0; i < 500; ++i) {
        const auto drawn = domain->drawTraining(domain->seedGenome().data, rng);
        const auto example = domain->example(drawn, {});
        QCOMPARE(domain->grade(drawn, example.completion, {}).score, 1.0);
        QCOMPARE(domain->parse(example.prompt).value().id, drawn.id);
        QCOMPARE(domain->exampleWith(drawn, example.completion, {}).value().completion, example.completion);
    }
    const auto item = domain->parse("abbaba:b=").value();
    for (const auto& [completion, failure] :
         {std::pair("3", ""), {"4", "count"}, {"33", "format"}, {"b", "format"}, {"", "empty"}})
        QCOMPARE(domain->grade(item, completion, {}).failureClass, std::string(failure));
    for (const char* prompt : {"", "abba:b=", "abbabac:b=", "abbaba:c=", "abbaba", "abbabaabba:a="})
        QVERIFY2(!domain->parse(prompt), prompt);
}

void TestExample::splitsAreDisjoint()
{
    const auto domain = load();
    std::map<std::string, Split> where;
    Rng rng(2);
    for (const auto& suite : domain->suites())
        for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 100; ++i) {
                const auto drawn = domain->draw(suite.name, split, rng);
                QCOMPARE(int(domain->splitOf(drawn)), int(split));
                where.emplace(drawn.id, split);
            }
    for (int i = 0; i < 2000; ++i)
        QVERIFY(!where.contains(domain->drawTraining(domain->seedGenome().data, rng).id));
    QVERIFY(!guarded("counting", [&] { return domain->draw("counting-7", Split::Gate, rng); }));
}

void TestExample::aMalformedMixtureIsNamed()
{
    const auto domain = load();
    Rng rng(1);
    for (const char* mixture :
         {"{}", R"({"longest": 5})", R"({"longest": 10})", R"({"longest": "9"})", R"({"longest": 9, "x": 1})"}) {
        Data data;
        data.mixture = Json::parse(mixture);
        const auto drawn = guarded("counting", [&] { return domain->drawTraining(data, rng); });
        QVERIFY2(!drawn && drawn.error().text.find("mixture") != std::string::npos, mixture);
    }
}

void TestExample::theLongestExampleIsLongest()
{
    const auto domain = load();
    const auto data = domain->seedGenome().data;
    Rng rng(4);
    std::size_t seen = 0;
    for (int i = 0; i < 300; ++i) {
        const auto example = domain->example(domain->drawTraining(data, rng), {});
        seen = std::max(seen, example.prompt.size() + example.completion.size());
    }
    QCOMPARE(int(seen), domain->longestExample(data, {}));
}

void TestExample::theSeedFitsItsSpaceAndAlphabet()
{
    const auto domain = load();
    const auto genome = domain->seedGenome();
    QVERIFY(Genome::fromJson(genome.toJson()) && SearchSpace::fromJson(domain->searchSpace()));
    QVERIFY(domain->longestExample(genome.data, {}) < genome.architecture.context);
    Rng rng(6);
    const auto example = domain->example(domain->drawTraining(genome.data, rng), {});
    QVERIFY(Tokenizer(domain->info().alphabet).encode(example.prompt + example.completion));
}

QTEST_GUILESS_MAIN(TestExample)
#include "tst_example.moc"
