// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <map>
#include <set>

#include "core/genome/search_space.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace {

Data mixture(Json tasks, int longest, const char* balance = "none")
{
    Data data;
    data.mixture = {{"tasks", std::move(tasks)}, {"longest", longest}};
    data.balance = balance;
    return data;
}

const Json everyTask{{"copy", 1}, {"reverse", 1}, {"sort", 1}, {"brackets", 1}};

std::size_t lengthOf(const Item& item)
{
    return item.question["text"].get<std::string>().size();
}

} // namespace

class TestStrings : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void writesAnswers_data();
    void writesAnswers();
    void grades_data();
    void grades();
    void everyRightAnswerIsGradedRight();
    void garbageIsGradedWithoutThrowing();
    void equalSeedsDrawEqualItems();
    void splitsAreDisjoint();
    void theSameTextStaysInItsSplit();
    void shortTextsAreAllForTraining();
    void suitesOfAnyLengthAreDrawn();
    void unknownSuitesAreRefused_data();
    void unknownSuitesAreRefused();
    void trainingStaysWithinTheMixture();
    void balancedLengthsAreLonger();
    void harderItemsAreExactlyThatMuchLonger();
    void aMalformedMixtureIsNamed_data();
    void aMalformedMixtureIsNamed();
    void aModelsLabelIsKeptAsItIs();
    void coupledPositionsAlign_data();
    void coupledPositionsAlign();
    void coupledPositionsOfAPrefixStay();
    void parses_data();
    void parses();
    void theLongestExampleIsLongest();
    void theSeedFitsItsSpaceAndAlphabet();

private:
    [[nodiscard]] Item item(const char* prompt) const { return m_domain->parse(prompt).value(); }
    std::unique_ptr<Domain> m_domain;
};

void TestStrings::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    auto domain = loadDomain("strings");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
}

void TestStrings::writesAnswers_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("completion");
    QTest::addRow("copy") << QByteArray("c:abcde=") << QByteArray("abcde");
    QTest::addRow("reverse") << QByteArray("r:abcde=") << QByteArray("edcba");
    QTest::addRow("sort keeps what is there twice") << QByteArray("s:banana=") << QByteArray("aaabnn");
    QTest::addRow("one open bracket") << QByteArray("b:(=") << QByteArray(")");
    QTest::addRow("brackets are closed from the inside") << QByteArray("b:([{=") << QByteArray("}])");
    QTest::addRow("closed brackets need nothing more") << QByteArray("b:()[{}(=") << QByteArray(")]");
}

void TestStrings::writesAnswers()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, completion);
    const auto example = m_domain->example(item(prompt), {});
    QCOMPARE(QByteArray::fromStdString(example.prompt), prompt);
    QCOMPARE(QByteArray::fromStdString(example.completion), completion);
}

void TestStrings::grades_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("completion");
    QTest::addColumn<QByteArray>("failure");
    const auto row = [](const char* name, const char* prompt, const char* completion, const char* failure) {
        QTest::addRow("%s", name) << QByteArray(prompt) << QByteArray(completion) << QByteArray(failure);
    };
    row("right", "c:abcde=", "abcde", "");
    row("nothing written", "c:abcde=", "", "empty");
    row("two letters swapped", "c:abcde=", "abdce", "order");
    row("copied where it should be reversed", "r:abcde=", "abcde", "order");
    row("another letter", "c:abcde=", "abcdf", "substitution");
    row("a letter left out", "c:abcde=", "abde", "omission");
    row("a letter twice", "c:abcde=", "abccde", "repeat");
    row("too long and wrong", "c:abcde=", "abcfggg", "length");
    row("too short and wrong", "c:abcde=", "xyz", "length");
    row("the prompt's signs in the answer", "c:abcde=", "ab=de", "format");
    row("brackets in a copy", "c:abcde=", "(bcde", "format");
    row("unsorted", "s:cab=", "acb", "order");
    row("brackets in the wrong order", "b:([=", ")]", "order");
    row("one bracket too few", "b:([=", "]", "omission");
    row("a longer end that would balance too", "b:([=", "]())", "format");
    row("one bracket too many", "b:([=", "])]", "repeat");
    row("letters for brackets", "b:([=", "ab", "format");
}

void TestStrings::grades()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, completion);
    QFETCH(QByteArray, failure);
    const auto grade = m_domain->grade(item(prompt), completion.toStdString(), {});
    QCOMPARE(QByteArray::fromStdString(grade.failureClass), failure);
    QCOMPARE(grade.score, failure.isEmpty() ? 1.0 : 0.0);
    const auto classes = m_domain->failureClasses();
    QVERIFY(failure.isEmpty() || std::find(classes.begin(), classes.end(), failure.toStdString()) != classes.end());
}

void TestStrings::everyRightAnswerIsGradedRight()
{
    Rng rng(7);
    for (int i = 0; i < 2000; ++i) {
        const auto drawn = m_domain->drawTraining(mixture(everyTask, 20), rng);
        const auto example = m_domain->example(drawn, {});
        const auto grade = m_domain->grade(drawn, example.completion, {});
        QVERIFY2(grade.score == 1 && grade.answer == grade.expected, (example.prompt + example.completion).c_str());
        QVERIFY(!example.completion.empty());
        QCOMPARE(m_domain->exampleWith(drawn, grade.expected, {}).value().completion, example.completion);
        QCOMPARE(m_domain->parse(example.prompt).value().id, drawn.id);
    }
}

void TestStrings::garbageIsGradedWithoutThrowing()
{
    Rng rng(3);
    for (int i = 0; i < 2000; ++i) {
        std::string garbage;
        for (std::uint64_t n = rng.below(20); n > 0; --n)
            garbage += static_cast<char>(i % 2 ? rng.below(256) : "abc()[]{}:="[rng.below(11)]);
        for (const char* prompt : {"c:abc=", "s:cab=", "b:([=", "r:a="}) {
            const auto grade = m_domain->grade(item(prompt), garbage, {});
            QVERIFY(grade.score == 1 ? grade.answer == grade.expected : !grade.failureClass.empty());
        }
    }
}

void TestStrings::equalSeedsDrawEqualItems()
{
    const auto data = mixture(everyTask, 12);
    Rng first(5), second(5), other(6);
    int same = 0;
    for (int i = 0; i < 200; ++i) {
        const auto drawn = m_domain->drawTraining(data, first);
        QCOMPARE(m_domain->drawTraining(data, second).id, drawn.id);
        same += m_domain->drawTraining(data, other).id == drawn.id ? 1 : 0;
    }
    QVERIFY(same < 20);
}

void TestStrings::splitsAreDisjoint()
{
    std::map<std::string, Split> where;
    Rng rng(11);
    std::vector<std::string> suites{"copy-3", "reverse-3", "sort-3", "brackets-6", "copy-15"};
    for (const auto& suite : m_domain->suites())
        suites.push_back(suite.name);
    for (const auto& suite : suites)
        for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 400; ++i) {
                const auto drawn = m_domain->draw(suite, split, rng);
                QCOMPARE(int(m_domain->splitOf(drawn)), int(split));
                QVERIFY(where.emplace(drawn.id, split).first->second == split);
            }
    for (int i = 0; i < 5000; ++i) {
        const auto drawn = i % 5 == 0 ? m_domain->drawHarder(mixture(everyTask, 10), 1 + i % 7, rng)
                                      : m_domain->drawTraining(mixture(everyTask, 8), rng);
        QCOMPARE(int(m_domain->splitOf(drawn)), int(Split::Train));
        QVERIFY(!where.contains(drawn.id));
    }
}

void TestStrings::theSameTextStaysInItsSplit()
{
    Rng rng(5);
    for (int i = 0; i < 300; ++i) {
        const auto copy = m_domain->draw("copy-8", Split::Gate, rng);
        std::string prompt = "r:";
        prompt.append(copy.question["text"].get<std::string>());
        QCOMPARE(int(m_domain->splitOf(item(prompt.c_str()))), int(Split::Gate));
        const auto sort = m_domain->draw("sort-8", Split::Vault, rng);
        auto text = sort.question["text"].get<std::string>();
        std::rotate(text.begin(), text.begin() + 3, text.end());
        prompt = "s:";
        prompt.append(text);
        QCOMPARE(int(m_domain->splitOf(item(prompt.c_str()))), int(Split::Vault));
    }
}

void TestStrings::shortTextsAreAllForTraining()
{
    for (char first = 'a'; first <= 'z'; ++first)
        for (char second = 'a'; second <= 'z'; ++second)
            for (const char* task : {"c:", "r:", "s:"})
                QCOMPARE(int(m_domain->splitOf(item((std::string(task) + first + second).c_str()))), int(Split::Train));
    Rng rng(2);
    for (const char* suite : {"copy-2", "brackets-5", "copy-0"})
        QVERIFY2(!guarded("strings", [&] { return m_domain->draw(suite, Split::Gate, rng); }), suite);
}

void TestStrings::suitesOfAnyLengthAreDrawn()
{
    Rng rng(2);
    for (const auto& [suite, length] :
         {std::pair("copy-20", 20U), std::pair("reverse-3", 3U), std::pair("sort-77", 77U),
          std::pair("brackets-300", 300U), std::pair("copy-1000", 1000U)}) {
        const auto drawn = m_domain->draw(suite, Split::Guide, rng);
        QCOMPARE(lengthOf(drawn), std::size_t(length));
        QCOMPARE(m_domain->grade(drawn, m_domain->example(drawn, {}).completion, {}).score, 1.0);
    }
}

void TestStrings::unknownSuitesAreRefused_data()
{
    QTest::addColumn<QByteArray>("suite");
    for (const char* suite :
         {"copy", "copy-", "copy-x", "copy-8x", "copy--8", "copy-1001", "copy-99999999999", "shout-8", ""})
        QTest::addRow("\"%s\"", suite) << QByteArray(suite);
}

void TestStrings::unknownSuitesAreRefused()
{
    QFETCH(QByteArray, suite);
    Rng rng(1);
    const auto drawn = guarded("strings", [&] { return m_domain->draw(suite.toStdString(), Split::Gate, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find('"' + suite.toStdString() + '"') != std::string::npos, drawn.error().text.c_str());
}

void TestStrings::trainingStaysWithinTheMixture()
{
    Rng rng(2);
    std::array<int, 11> lengths{};
    for (int i = 0; i < 5000; ++i) {
        const auto drawn = m_domain->drawTraining(mixture({{"copy", 1}, {"sort", 0}}, 10), rng);
        QCOMPARE(drawn.question["task"].get<std::string>(), std::string("copy"));
        ++lengths.at(lengthOf(drawn));
    }
    QCOMPARE(lengths[0], 0);
    for (std::size_t n = 1; n < lengths.size(); ++n)
        QVERIFY2(lengths[n] > 400 && lengths[n] < 600, std::to_string(lengths[n]).c_str()); // 500 +- 4.7 sigma
}

void TestStrings::balancedLengthsAreLonger()
{
    Rng rng(2);
    std::array<int, 11> lengths{};
    for (int i = 0; i < 5000; ++i)
        ++lengths.at(lengthOf(m_domain->drawTraining(mixture({{"copy", 1}}, 10, "length"), rng)));
    QVERIFY2(lengths[10] > 850 && lengths[10] < 1050, std::to_string(lengths[10]).c_str()); // 950 +- 3.6 sigma
    QVERIFY2(lengths[1] > 15 && lengths[1] < 90, std::to_string(lengths[1]).c_str());       // 50 +- 5 sigma
}

void TestStrings::harderItemsAreExactlyThatMuchLonger()
{
    Rng rng(2);
    for (int i = 0; i < 400; ++i)
        for (const int steps : {1, 2, 30}) {
            const auto harder = m_domain->drawHarder(mixture(everyTask, 10), steps, rng);
            QCOMPARE(int(lengthOf(harder)), 10 + steps);
            QCOMPARE(int(m_domain->splitOf(harder)), int(Split::Train));
        }
}

void TestStrings::aMalformedMixtureIsNamed_data()
{
    QTest::addColumn<QByteArray>("mixture");
    QTest::addRow("nothing") << QByteArray("{}");
    QTest::addRow("no weight at all") << QByteArray(R"({"tasks": {"copy": 0}, "longest": 10})");
    QTest::addRow("a negative weight") << QByteArray(R"({"tasks": {"copy": -1, "sort": 2}, "longest": 10})");
    QTest::addRow("a weight that is a word") << QByteArray(R"({"tasks": {"copy": "all"}, "longest": 10})");
    QTest::addRow("a task nobody knows") << QByteArray(R"({"tasks": {"shout": 1}, "longest": 10})");
    QTest::addRow("no length") << QByteArray(R"({"tasks": {"copy": 1}})");
    QTest::addRow("no room for a text") << QByteArray(R"({"tasks": {"copy": 1}, "longest": 0})");
    QTest::addRow("too long") << QByteArray(R"({"tasks": {"copy": 1}, "longest": 201})");
    QTest::addRow("a broken length") << QByteArray(R"({"tasks": {"copy": 1}, "longest": 2.5})");
    QTest::addRow("an unknown field") << QByteArray(R"({"tasks": {"copy": 1}, "longest": 10, "colour": 1})");
}

void TestStrings::aMalformedMixtureIsNamed()
{
    QFETCH(QByteArray, mixture);
    Data data;
    data.mixture = Json::parse(mixture.toStdString());
    Rng rng(1);
    const auto drawn = guarded("strings", [&] { return m_domain->drawTraining(data, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find("mixture") != std::string::npos, drawn.error().text.c_str());
    QVERIFY(!guarded("strings", [&] { return m_domain->longestExample(data, {}); }));
}

void TestStrings::aModelsLabelIsKeptAsItIs()
{
    QCOMPARE(m_domain->exampleWith(item("c:abc="), "abd", {}).value().completion, std::string("abd"));
    QVERIFY(!m_domain->exampleWith(item("c:abc="), "", {}));
    QVERIFY(!m_domain->exampleWith(item("c:abc="), "ab=", {}));
    QVERIFY(!m_domain->exampleWith(item("b:([="), "ab", {}));
    QVERIFY(!m_domain->exampleWith(item("c:abc="), std::string(1001, 'a'), {}));
}

void TestStrings::coupledPositionsAlign_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("ids");
    const auto row = [](const char* name, const char* text, const char* ids) {
        QTest::addRow("%s", name) << QByteArray(text) << QByteArray(ids);
    };
    row("copy: from the left", "c:abc=abc", "0 0 1 2 3 0 1 2 3");
    row("copy: the first letter gives the offset", "c:dbc=dbc", "0 0 4 5 6 3 4 5 6");
    row("reverse: from the right", "r:abc=cba", "0 0 1 2 3 4 3 2 1");
    row("an answer that is too long", "r:ab=baab", "0 0 1 2 3 2 1 0 0");
    row("sort: in order", "s:cab=abc", "0 0 3 4 5 2 3 4 5");
    row("brackets: what they close", "b:([]{=})", "0 0 1 2 3 4 5 4 1");
    row("brackets: the first one gives the offset", "b:[(=)]", "0 0 9 10 11 10 9");
}

void TestStrings::coupledPositionsAlign()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, ids);
    QByteArray got;
    for (const int id : m_domain->coupledPositions(text.toStdString(), {}, 64))
        got += (got.isEmpty() ? "" : " ") + QByteArray::number(id);
    QCOMPARE(got, ids);
}

void TestStrings::coupledPositionsOfAPrefixStay()
{
    Rng rng(9);
    for (int i = 0; i < 1000; ++i) {
        std::string text =
            i % 2 ? "" : m_domain->example(m_domain->drawTraining(mixture(everyTask, 8), rng), {}).prompt;
        for (std::uint64_t n = rng.below(20); n > 0; --n)
            text += "crsb()[]{}:="[rng.below(12)];
        const auto whole = m_domain->coupledPositions(text, {}, 8);
        QCOMPARE(whole.size(), text.size());
        for (std::size_t n = 0; n <= text.size(); ++n) {
            const auto part = m_domain->coupledPositions(text.substr(0, n), {}, 8);
            QVERIFY2(std::equal(part.begin(), part.end(), whole.begin()), text.c_str());
        }
        QVERIFY(std::all_of(whole.begin(), whole.end(), [](int id) { return id >= 0 && id < 8; }));
    }
}

void TestStrings::parses_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("id");
    QTest::addRow("a copy") << QByteArray("c:hello=") << QByteArray("c:hello");
    QTest::addRow("as people type it") << QByteArray(" r: hello\n") << QByteArray("r:hello");
    QTest::addRow("brackets") << QByteArray("b:([])[") << QByteArray("b:([])[");
    QTest::addRow("balanced brackets want nothing") << QByteArray("b:()=") << QByteArray();
    QTest::addRow("brackets past saving") << QByteArray("b:(]=") << QByteArray();
    QTest::addRow("capitals") << QByteArray("c:Hello=") << QByteArray();
    QTest::addRow("letters to close") << QByteArray("b:abc=") << QByteArray();
    QTest::addRow("an unknown task") << QByteArray("x:abc=") << QByteArray();
    QTest::addRow("no text") << QByteArray("c:=") << QByteArray();
    QTest::addRow("no task") << QByteArray("abc=") << QByteArray();
    QTest::addRow("an answer already") << QByteArray("c:ab=ab") << QByteArray();
    QTest::addRow("too long") << "c:" + QByteArray(1001, 'a') << QByteArray();
    QTest::addRow("nothing") << QByteArray() << QByteArray();
}

void TestStrings::parses()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, id);
    const auto parsed = m_domain->parse(prompt.toStdString());
    QCOMPARE(parsed.has_value(), !id.isEmpty());
    if (parsed)
        QCOMPARE(QByteArray::fromStdString(parsed->id), id);
    else
        QVERIFY(!parsed.error().hint.empty());
}

void TestStrings::theLongestExampleIsLongest()
{
    Rng rng(4);
    for (const int longest : {2, 10, 25}) {
        auto data = mixture(everyTask, longest);
        data.selfTraining = 0.5;
        data.level = 7;
        const auto bound = static_cast<std::size_t>(m_domain->longestExample(data, {}));
        std::size_t seen = 0;
        const auto look = [&](const Item& drawn) {
            const auto example = m_domain->example(drawn, {});
            seen = std::max(seen, example.prompt.size() + example.completion.size());
        };
        for (int i = 0; i < 500; ++i) {
            look(m_domain->drawTraining(data, rng));
            look(m_domain->drawHarder(data, data.level + 1, rng));
            for (const auto& suite : m_domain->suites())
                if (suite.role != SuiteRole::Probe)
                    look(m_domain->draw(suite.name, Split::Gate, rng));
        }
        QCOMPARE(seen, bound);
    }
}

void TestStrings::theSeedFitsItsSpaceAndAlphabet()
{
    const auto genome = m_domain->seedGenome();
    QVERIFY(Genome::fromJson(genome.toJson()));
    QVERIFY(SearchSpace::fromJson(m_domain->searchSpace()));
    const Json json = genome.document();
    const Json paths = m_domain->searchSpace()["paths"];
    for (const auto& path : paths.items())
        QVERIFY2(json.contains(Json::json_pointer(path.key())), path.key().c_str());
    QVERIFY(m_domain->longestExample(genome.data, genome.reasoning) < genome.architecture.context);
    const Tokenizer tokenizer(m_domain->info().alphabet);
    Rng rng(6);
    for (int i = 0; i < 500; ++i) {
        const auto example = m_domain->example(m_domain->drawTraining(mixture(everyTask, 10), rng), {});
        QVERIFY(tokenizer.encode(example.prompt + example.completion));
    }
    const auto suites = m_domain->suites();
    QCOMPARE(int(suites.front().role), int(SuiteRole::Target));
    QVERIFY(std::all_of(suites.begin() + 1, suites.end(),
                        [](const SuiteSpec& suite) { return suite.role != SuiteRole::Target; }));
}

QTEST_GUILESS_MAIN(TestStrings)
#include "tst_strings.moc"
