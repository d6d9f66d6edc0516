// SPDX-License-Identifier: GPL-3.0-or-later
// The domains of arithmetic beside addition: subtraction, multiplication, mixed-arithmetic.
#include <QTest>

#include <map>
#include <set>

#include "core/genome/search_space.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace {

const std::vector<std::string> domainNamesHere{"subtraction", "multiplication", "mixed-arithmetic"};
const std::vector<const char*> formats{"plain", "padded", "reversed"};

Reasoning in(const char* format)
{
    Reasoning reasoning;
    reasoning.format = format;
    return reasoning;
}

} // namespace

class TestOperations : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void writesAnswers_data();
    void writesAnswers();
    void grades_data();
    void grades();
    void everyRightAnswerIsGradedRight();
    void garbageIsGradedWithoutThrowing();
    void splitsAreDisjoint();
    void theSameNumbersStayInTheirSplit();
    void tablesAreAllForTraining();
    void theMixtureWeighsTheOperations();
    void shorterOperandsAreNotFilled();
    void suitesOfAnyWidthAreDrawn();
    void suitesOfOthersAreRefused_data();
    void suitesOfOthersAreRefused();
    void harderItemsAreWider();
    void aMalformedMixtureIsNamed();
    void onlySumsHaveAScratchpad();
    void aModelsLabelIsKeptAsItIs();
    void coupledPositionsAlign_data();
    void coupledPositionsAlign();
    void coupledPositionsOfAPrefixStay();
    void parses_data();
    void parses();
    void theLongestExampleIsNeverExceeded();
    void seedsFitTheirSpacesAndAlphabets();

private:
    [[nodiscard]] const Domain& mixed() const { return *m_domains.at("mixed-arithmetic"); }
    [[nodiscard]] Item item(const char* prompt) const { return mixed().parse(prompt).value(); }
    std::map<std::string, std::unique_ptr<Domain>> m_domains;
};

void TestOperations::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    for (const auto& name : domainNamesHere) {
        auto domain = loadDomain(name);
        QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
        m_domains[name] = std::move(*domain);
    }
}

void TestOperations::writesAnswers_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("format");
    QTest::addColumn<QByteArray>("completion");
    const auto row = [](const char* name, const char* prompt, const char* format, const char* completion) {
        QTest::addRow("%s", name) << QByteArray(prompt) << QByteArray(format) << QByteArray(completion);
    };
    row("a difference", "523-148=", "plain", "375");
    row("a negative difference", "148-523=", "plain", "-375");
    row("nothing left", "523-523=", "plain", "0");
    row("a padded difference is as wide as its operands", "523-521=", "padded", "002");
    row("a padded negative difference", "521-523=", "padded", "-002");
    row("a reversed difference", "523-148=", "reversed", "573");
    row("the sign comes last when reversed", "148-523=", "reversed", "573-");
    row("a product", "12*34=", "plain", "408");
    row("a padded product is as wide as both operands", "12*34=", "padded", "0408");
    row("a reversed product", "12*34=", "reversed", "8040");
    row("a product of unequal widths", "123*4=", "reversed", "2940");
    row("a product with nothing", "12*0=", "padded", "000");
    row("the largest product", "999999999*999999999=", "plain", "999999998000000001");
    row("a sum as ever", "123+456=", "reversed", "9750");
}

void TestOperations::writesAnswers()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, format);
    QFETCH(QByteArray, completion);
    const auto example = mixed().example(item(prompt), in(format));
    QCOMPARE(QByteArray::fromStdString(example.prompt), prompt);
    QCOMPARE(QByteArray::fromStdString(example.completion), completion);
}

void TestOperations::grades_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("format");
    QTest::addColumn<QByteArray>("completion");
    QTest::addColumn<QByteArray>("failure");
    const auto row = [](const char* name, const char* prompt, const char* format, const char* completion,
                        const char* failure) {
        QTest::addRow("%s", name) << QByteArray(prompt) << QByteArray(format) << QByteArray(completion)
                                  << QByteArray(failure);
    };
    row("right", "148-523=", "plain", "-375", "");
    row("nothing written", "148-523=", "plain", "", "empty");
    row("the sign forgotten", "148-523=", "plain", "375", "sign");
    row("a sign too many", "523-148=", "plain", "-375", "sign");
    row("a lost borrow", "523-148=", "plain", "385", "borrow");
    row("every borrow lost", "523-148=", "plain", "485", "borrow");
    row("a wrong digit", "523-148=", "plain", "675", "digit");
    row("too many digits", "523-148=", "plain", "3755", "length");
    row("a sign alone", "523-148=", "plain", "-", "format");
    row("a negative nothing", "523-523=", "plain", "-0", "format");
    row("the sign first where it comes last", "148-523=", "reversed", "-573", "format");
    row("reversed read back", "148-523=", "reversed", "573-", "");
    row("padded read back", "521-523=", "padded", "-002", "");
    row("a right product", "12*34=", "reversed", "8040", "");
    row("a wrong product", "12*34=", "plain", "418", "digit");
    row("a product too short", "12*34=", "plain", "48", "length");
    row("a product with a sign", "12*34=", "plain", "-408", "format");
    row("a leading zero in a plain product", "12*34=", "plain", "0408", "format");
    row("a lost carry of a sum", "155+156=", "plain", "301", "carry");
}

void TestOperations::grades()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, format);
    QFETCH(QByteArray, completion);
    QFETCH(QByteArray, failure);
    const auto grade = mixed().grade(item(prompt), completion.toStdString(), in(format));
    QCOMPARE(QByteArray::fromStdString(grade.failureClass), failure);
    QCOMPARE(grade.score, failure.isEmpty() ? 1.0 : 0.0);
    const auto classes = mixed().failureClasses();
    QVERIFY(failure.isEmpty() || std::find(classes.begin(), classes.end(), failure.toStdString()) != classes.end());
}

void TestOperations::everyRightAnswerIsGradedRight()
{
    Rng rng(7);
    for (const auto& [name, domain] : m_domains) {
        auto data = domain->seedGenome().data;
        data.mixture["digits"] = {{"1", 1}, {"3", 1}, {"9", 1}};
        data.mixture["padding"] = 0.3;
        for (const char* format : formats)
            for (int i = 0; i < 500; ++i) {
                const auto drawn = domain->drawTraining(data, rng);
                const auto example = domain->example(drawn, in(format));
                const auto grade = domain->grade(drawn, example.completion, in(format));
                QVERIFY2(grade.score == 1 && grade.answer == grade.expected,
                         (example.prompt + example.completion).c_str());
                QCOMPARE(domain->exampleWith(drawn, grade.expected, in(format)).value().completion, example.completion);
                QCOMPARE(domain->parse(example.prompt).value().id, drawn.id);
            }
    }
}

void TestOperations::garbageIsGradedWithoutThrowing()
{
    Rng rng(3);
    for (int i = 0; i < 2000; ++i) {
        std::string garbage;
        for (std::uint64_t n = rng.below(30); n > 0; --n)
            garbage += static_cast<char>(i % 2 ? rng.below(256) : "0123456789+-*="[rng.below(14)]);
        for (const char* prompt : {"5-12=", "12*34=", "99*99="})
            for (const char* format : formats) {
                const auto grade = mixed().grade(item(prompt), garbage, in(format));
                QVERIFY(grade.score == 1 ? grade.answer == grade.expected : !grade.failureClass.empty());
            }
    }
}

void TestOperations::splitsAreDisjoint()
{
    for (const auto& [name, domain] : m_domains) {
        std::map<std::string, Split> where;
        Rng rng(11);
        for (const auto& suite : domain->suites())
            for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
                for (int i = 0; i < 300; ++i) {
                    const auto drawn = domain->draw(suite.name, split, rng);
                    QCOMPARE(int(domain->splitOf(drawn)), int(split));
                    QVERIFY(where.emplace(drawn.id, split).first->second == split);
                }
        const auto data = domain->seedGenome().data;
        for (int i = 0; i < 3000; ++i) {
            const auto drawn = i % 5 ? domain->drawTraining(data, rng) : domain->drawHarder(data, 1, rng);
            QCOMPARE(int(domain->splitOf(drawn)), int(Split::Train));
            QVERIFY(!where.contains(drawn.id));
        }
    }
}

void TestOperations::theSameNumbersStayInTheirSplit()
{
    Rng rng(5);
    for (int i = 0; i < 200; ++i) {
        const auto drawn = mixed().draw("multiplication-2", Split::Gate, rng);
        const auto a = drawn.question["a"].get<std::string>(), b = drawn.question["b"].get<std::string>();
        for (const char* sign : {"+", "-", "*"}) {
            QCOMPARE(int(mixed().splitOf(item(std::string(b).append(sign).append(a).c_str()))), int(Split::Gate));
            QCOMPARE(int(mixed().splitOf(item(std::string("0").append(a).append(sign).append(b).c_str()))),
                     int(Split::Gate));
        }
    }
}

void TestOperations::tablesAreAllForTraining()
{
    for (int a = 0; a < 10; ++a)
        for (int b = 0; b < 10; ++b)
            QCOMPARE(int(mixed().splitOf(item(std::to_string(a).append("*").append(std::to_string(b)).c_str()))),
                     int(Split::Train));
    Rng rng(1);
    QVERIFY(!guarded("mixed", [&] { return mixed().draw("multiplication-1", Split::Gate, rng); }));
    QCOMPARE(int(mixed().splitOf(mixed().draw("addition-1", Split::Gate, rng))), int(Split::Gate));
}

void TestOperations::theMixtureWeighsTheOperations()
{
    Rng rng(2);
    Data data = mixed().seedGenome().data;
    data.mixture["operations"] = {{"+", 1}, {"-", 0}, {"*", 3}};
    std::map<std::string, int> counts;
    for (int i = 0; i < 2000; ++i)
        ++counts[mixed().drawTraining(data, rng).question.value("op", "+")];
    QCOMPARE(counts.size(), std::size_t(2));
    QVERIFY2(counts["*"] > 1400 && counts["*"] < 1600, std::to_string(counts["*"]).c_str()); // 1500 +- 5 sigma
    data.mixture.erase("operations");
    for (int i = 0; i < 100; ++i)
        QVERIFY(mixed().drawTraining(data, rng).id.find('+') != std::string::npos);
    Data own = m_domains.at("subtraction")->seedGenome().data;
    QVERIFY(m_domains.at("subtraction")->drawTraining(own, rng).id.find('-') != std::string::npos);
}

void TestOperations::shorterOperandsAreNotFilled()
{
    Rng rng(2);
    Data data = m_domains.at("multiplication")->seedGenome().data;
    data.mixture = {{"digits", {{"3", 1}}}, {"shorter", 1}};
    for (int i = 0; i < 300; ++i) {
        const auto drawn = m_domains.at("multiplication")->drawTraining(data, rng);
        const auto a = drawn.question["a"].get<std::string>(), b = drawn.question["b"].get<std::string>();
        QCOMPARE(std::max(a.size(), b.size()), std::size_t(3));
        QVERIFY(std::min(a.size(), b.size()) < 3);
        QVERIFY2((a.size() == 1 || a[0] != '0') && (b.size() == 1 || b[0] != '0'), drawn.id.c_str());
    }
}

void TestOperations::suitesOfAnyWidthAreDrawn()
{
    Rng rng(2);
    for (const auto& [suite, sign, wide, narrow] : {std::tuple("addition-5", '+', 5U, 5U),
                                                    {"subtraction-9", '-', 9U, 9U},
                                                    {"multiplication-4", '*', 4U, 4U},
                                                    {"multiplication-4x2", '*', 4U, 2U},
                                                    {"multiplication-9x8", '*', 9U, 8U}}) {
        const auto drawn = mixed().draw(suite, Split::Vault, rng);
        const auto a = drawn.question["a"].get<std::string>(), b = drawn.question["b"].get<std::string>();
        QCOMPARE(std::max(a.size(), b.size()), std::size_t(wide));
        QCOMPARE(std::min(a.size(), b.size()), std::size_t(narrow));
        QVERIFY(drawn.id.find(sign) != std::string::npos);
    }
    std::set<std::string> operations;
    for (int i = 0; i < 100; ++i)
        operations.insert(mixed().draw("mixed-3", Split::Gate, rng).question.value("op", "+"));
    QCOMPARE(operations.size(), std::size_t(3));
}

void TestOperations::suitesOfOthersAreRefused_data()
{
    QTest::addColumn<QByteArray>("domain");
    QTest::addColumn<QByteArray>("suite");
    for (const auto& [domain, suite] : {std::pair("subtraction", "addition-3"),
                                        {"subtraction", "mixed-3"},
                                        {"multiplication", "subtraction-2"},
                                        {"mixed-arithmetic", "multiplication-2x2"},
                                        {"mixed-arithmetic", "multiplication-2x0"},
                                        {"mixed-arithmetic", "addition-2x1"},
                                        {"mixed-arithmetic", "addition-10"},
                                        {"mixed-arithmetic", "addition-0"},
                                        {"mixed-arithmetic", "mixed"},
                                        {"mixed-arithmetic", "division-2"},
                                        {"mixed-arithmetic", ""}})
        QTest::addRow("%s of %s", suite, domain) << QByteArray(domain) << QByteArray(suite);
}

void TestOperations::suitesOfOthersAreRefused()
{
    QFETCH(QByteArray, domain);
    QFETCH(QByteArray, suite);
    Rng rng(1);
    const auto& asked = *m_domains.at(domain.toStdString());
    const auto drawn = guarded("it", [&] { return asked.draw(suite.toStdString(), Split::Gate, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find('"' + suite.toStdString() + '"') != std::string::npos, drawn.error().text.c_str());
}

void TestOperations::harderItemsAreWider()
{
    Rng rng(2);
    for (const auto& [name, domain] : m_domains) {
        auto data = domain->seedGenome().data;
        data.mixture["digits"] = {{"2", 1}, {"3", 0}};
        const auto harder = domain->drawHarder(data, 2, rng);
        QCOMPARE(harder.question["a"].get<std::string>().size(), std::size_t(4));
        QCOMPARE(int(domain->splitOf(harder)), int(Split::Train));
    }
}

void TestOperations::aMalformedMixtureIsNamed()
{
    Rng rng(1);
    for (const char* mixture :
         {R"({"digits": {"2": 1}, "operations": {"+": 1}})", R"({"digits": {"2": 1}, "operations": {"-": -1}})",
          R"({"digits": {"2": 1}, "operations": {"-": "all"}})", R"({"digits": {"2": 1}, "operations": {}})",
          R"({"digits": {"2": 1}, "operations": {"%": 1}})", R"({"digits": {"2": 1}, "operations": 1})",
          R"({"digits": {"2": 1}, "shorter": -1})", R"({"operations": {"-": 1}})"}) {
        Data data;
        data.mixture = Json::parse(mixture);
        const auto drawn = guarded("it", [&] { return m_domains.at("subtraction")->drawTraining(data, rng); });
        QVERIFY2(!drawn, mixture);
        QVERIFY2(drawn.error().text.find("mixture") != std::string::npos, drawn.error().text.c_str());
    }
}

void TestOperations::onlySumsHaveAScratchpad()
{
    for (const auto& [name, domain] : m_domains) {
        const auto data = domain->seedGenome().data;
        Rng rng(1);
        const auto drawn = domain->drawTraining(data, rng);
        const auto example = guarded(name, [&] { return domain->example(drawn, in("scratchpad")); });
        QVERIFY(!example);
        QVERIFY2(example.error().text.find("plain, padded, reversed") != std::string::npos,
                 example.error().text.c_str());
    }
}

void TestOperations::aModelsLabelIsKeptAsItIs()
{
    QCOMPARE(mixed().exampleWith(item("148-523="), "-385", in("reversed")).value().completion, std::string("583-"));
    QCOMPARE(mixed().exampleWith(item("12*34="), "418", in("padded")).value().completion, std::string("0418"));
    for (const char* answer : {"-0", "046", "12345", "forty", "", "-", "--4"})
        QVERIFY2(!mixed().exampleWith(item("12-34="), answer, in("padded")), answer);
    QVERIFY(!mixed().exampleWith(item("12*34="), "-408", in("plain")));
}

void TestOperations::coupledPositionsAlign_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("format");
    QTest::addColumn<QByteArray>("ids");
    const auto row = [](const char* name, const char* text, const char* format, const char* ids) {
        QTest::addRow("%s", name) << QByteArray(text) << QByteArray(format) << QByteArray(ids);
    };
    row("a reversed difference", "148-523=573-", "reversed", "1 2 3 0 1 2 3 0 3 2 1 0");
    row("a padded negative difference", "521-523=-002", "padded", "1 2 3 0 1 2 3 0 0 1 2 3");
    row("a plain difference: from the left", "148-523=-375", "plain", "1 2 3 0 1 2 3 0 0 1 2 3");
    row("a reversed product: high digits have ids of their own", "12*34=8040", "reversed", "1 2 0 1 2 0 2 1 3 4");
    row("a padded product", "12*34=0408", "padded", "1 2 0 1 2 0 4 3 1 2");
    row("a sum as ever", "123+456=9750", "reversed", "1 2 3 0 1 2 3 0 3 2 1 0");
}

void TestOperations::coupledPositionsAlign()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, format);
    QFETCH(QByteArray, ids);
    QByteArray got;
    for (const int id : mixed().coupledPositions(text.toStdString(), in(format), 64))
        got += (got.isEmpty() ? "" : " ") + QByteArray::number(id);
    QCOMPARE(got, ids);
}

void TestOperations::coupledPositionsOfAPrefixStay()
{
    Rng rng(9);
    for (int i = 0; i < 1000; ++i) {
        std::string text = i % 3 == 0 ? "" : i % 3 == 1 ? "12-34=" : "12*34=";
        for (std::uint64_t n = rng.below(20); n > 0; --n)
            text += "0123456789+-*="[rng.below(14)];
        for (const char* format : formats) {
            const auto whole = mixed().coupledPositions(text, in(format), 8);
            QCOMPARE(whole.size(), text.size());
            for (std::size_t n = 0; n <= text.size(); ++n) {
                const auto part = mixed().coupledPositions(text.substr(0, n), in(format), 8);
                QVERIFY2(std::equal(part.begin(), part.end(), whole.begin()), text.c_str());
            }
            QVERIFY(std::all_of(whole.begin(), whole.end(), [](int id) { return id >= 0 && id < 8; }));
        }
    }
}

void TestOperations::parses_data()
{
    QTest::addColumn<QByteArray>("domain");
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("id");
    const auto row = [](const char* name, const char* domain, const char* prompt, const char* id) {
        QTest::addRow("%s", name) << QByteArray(domain) << QByteArray(prompt) << QByteArray(id);
    };
    row("a difference as people type it", "subtraction", " 12 - 34\n", "12-34");
    row("a product", "multiplication", "12*34=", "12*34");
    row("a sum among all", "mixed-arithmetic", "12+34=", "12+34");
    row("a sum where differences are asked", "subtraction", "12+34=", "");
    row("a negative operand", "subtraction", "-1-2=", "");
    row("three operands", "mixed-arithmetic", "1-2*3=", "");
    row("half a product", "multiplication", "12*", "");
    row("a product that fits no number", "multiplication", "1234567890*2=", "");
    row("nothing", "mixed-arithmetic", "", "");
}

void TestOperations::parses()
{
    QFETCH(QByteArray, domain);
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, id);
    const auto parsed = m_domains.at(domain.toStdString())->parse(prompt.toStdString());
    QCOMPARE(parsed.has_value(), !id.isEmpty());
    if (parsed)
        QCOMPARE(QByteArray::fromStdString(parsed->id), id);
    else
        QVERIFY(!parsed.error().hint.empty());
}

void TestOperations::theLongestExampleIsNeverExceeded()
{
    Rng rng(4);
    for (const auto& [name, domain] : m_domains) {
        auto data = domain->seedGenome().data;
        data.mixture["digits"] = {{"1", 1}, {"4", 1}};
        data.selfTraining = 0.5;
        for (const char* format : formats) {
            const auto longest = static_cast<std::size_t>(domain->longestExample(data, in(format)));
            for (int i = 0; i < 500; ++i) {
                const auto drawn = i % 3 == 0   ? domain->drawHarder(data, 1, rng)
                                   : i % 3 == 1 ? domain->drawTraining(data, rng)
                                                : domain->draw(domain->suites().front().name, Split::Gate, rng);
                const auto example = domain->example(drawn, in(format));
                QVERIFY2(example.prompt.size() + example.completion.size() <= longest, drawn.id.c_str());
            }
        }
    }
}

void TestOperations::seedsFitTheirSpacesAndAlphabets()
{
    Rng rng(6);
    for (const auto& [name, domain] : m_domains) {
        const auto genome = domain->seedGenome();
        const Json json = genome.toJson(), space = domain->searchSpace();
        QVERIFY(Genome::fromJson(json) && SearchSpace::fromJson(space));
        for (const auto& path : space["paths"].items())
            QVERIFY2(json.contains(Json::json_pointer(path.key())), path.key().c_str());
        QVERIFY(domain->longestExample(genome.data, genome.reasoning) < genome.architecture.context);
        const Tokenizer tokenizer(domain->info().alphabet);
        for (const char* format : formats)
            for (int i = 0; i < 300; ++i) {
                const auto example = domain->example(domain->drawTraining(genome.data, rng), in(format));
                QVERIFY2(tokenizer.encode(example.prompt + example.completion), example.prompt.c_str());
            }
    }
}

QTEST_GUILESS_MAIN(TestOperations)
#include "tst_operations.moc"
