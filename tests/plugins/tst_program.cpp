// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <map>

#include "core/genome/search_space.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace {

Data mixture(Json tasks, int longest, int cases = 3)
{
    Data data;
    data.mixture = {{"tasks", std::move(tasks)}, {"longest", longest}, {"cases", cases}};
    return data;
}

const Json bothTasks{{"run", 1}, {"write", 1}};

Reasoning in(const char* format)
{
    Reasoning reasoning;
    reasoning.format = format;
    return reasoning;
}

std::size_t lengthOf(const Item& item)
{
    return item.question["program"].get<std::string>().size();
}

} // namespace

class TestProgram : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void grades_data();
    void grades();
    void gradesCalls_data();
    void gradesCalls();
    void aCallIsNoAnswerInPlain();
    void anUnknownFormatIsNamed();
    void anAnswerIsWhatTheRunnerSaid();
    void everyRightAnswerIsGradedRight();
    void everyDrawnExerciseAsksSomething();
    void garbageIsGradedWithoutThrowing();
    void equalSeedsDrawEqualItems();
    void splitsAreDisjoint();
    void reorderedCasesStayInTheirSplit();
    void suitesOfAnyLengthAreDrawn();
    void unknownSuitesAreRefused_data();
    void unknownSuitesAreRefused();
    void harderItemsAreExactlyThatMuchLonger();
    void aMalformedMixtureIsNamed_data();
    void aMalformedMixtureIsNamed();
    void aMalformedQuestionIsNamed();
    void labelsMustBeAnswers();
    void aLabelIsNotExplainedByAnotherNumber();
    void parses_data();
    void parses();
    void theLongestExampleIsNeverExceeded();
    void theSeedFitsItsSpaceAndAlphabet();
    void runningAsksForNoPrograms();

private:
    [[nodiscard]] Item item(const char* prompt) const { return m_domain->parse(prompt).value(); }
    std::unique_ptr<Domain> m_domain;
};

void TestProgram::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    auto domain = loadDomain("program");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
}

void TestProgram::grades_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("completion");
    QTest::addColumn<QByteArray>("failure");
    const auto row = [](const char* name, const char* prompt, const QByteArray& completion, const char* failure) {
        QTest::addRow("%s", name) << QByteArray(prompt) << completion << QByteArray(failure);
    };
    row("the right output", "r:3*2+;5=", "17", "");
    row("a negative output", "r:9-;5=", "-4", "");
    row("another number", "r:3*2+;5=", "16", "wrong output");
    row("a leading zero", "r:3*2+;5=", "017", "syntax");
    row("a program where a number is asked", "r:3*2+;5=", "3*", "syntax");
    row("more digits than a number has", "r:3*2+;5=", "171717", "too long");
    row("no output", "r:3*2+;5=", "", "empty");
    row("the shortest program", "w:5>17;0>2;1>5=", "3*2+", "");
    row("another right program", "w:5>17;0>2;1>5=", "dd++2+", "");
    row("a right program with a loop", "w:3>0;9>0;4>0=", "[1-]", "");
    row("a program that is right for some cases", "w:5>17;0>2;1>5=", "9+8+x17", "wrong output");
    row("a character that is no instruction", "w:5>17;0>2;1>5=", "3*2;", "syntax");
    row("a bracket without its partner", "w:5>17;0>2;1>5=", "[3*2+", "syntax");
    row("an empty stack", "w:5>17;0>2;1>5=", "3*+", "runtime");
    row("division by zero", "w:5>17;0>2;1>5=", "0/", "runtime");
    row("a number too large", "w:5>17;0>2;1>5=", "99*9*9*9*9*", "runtime");
    row("a loop without end", "w:5>17;0>2;1>5=", "1[]", "too long");
    row("an endless program", "w:5>17;0>2;1>5=", QByteArray("11x").repeated(20), "too long");
    row("no program", "w:5>17;0>2;1>5=", "", "empty");
    row("two inputs", "w:2,3>5;4,1>5;0,7>7=", "+", "");
    row("two inputs in the wrong order", "w:2,3>1;4,9>5=", "-", "wrong output");
}

void TestProgram::grades()
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

void TestProgram::gradesCalls_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("completion");
    QTest::addColumn<QByteArray>("failure");
    const auto row = [](const char* name, const char* prompt, const char* completion, const char* failure) {
        QTest::addRow("%s", name) << QByteArray(prompt) << QByteArray(completion) << QByteArray(failure);
    };
    row("a call and what it put out", "r:3*2+;5=", "r3*2+;5=17>17", "");
    row("the output alone", "r:3*2+;5=", "17", "");
    row("the output after another call", "r:3*2+;5=", "r3*;5=15>17", "");
    row("two calls", "r:3*2+;5=", "r3*;5=15>r3*2+;5=17>17", "");
    row("the right call, another number", "r:3*2+;5=", "r3*2+;5=17>16", "wrong output");
    row("the right call, and no number", "r:3*2+;5=", "r3*2+;5=17>", "empty");
    row("the right call, and no tool that ran it", "r:3*2+;5=", "r3*2+;5=16>16", "wrong output");
    row("another program", "r:3*2+;5=", "r3*;5=15>15", "call");
    row("another input", "r:3*2+;5=", "r3*2+;4=14>14", "call");
    row("a program that fails", "r:3*2+;5=", "r3*+;5=>", "call");
    row("no input", "r:3*2+;5=", "r3*2+=>5", "call");
    row("a call that never ends", "r:3*2+;5=", "r3*2+;5", "tool");
    row("a result that never ends", "r:3*2+;5=", "r3*2+;5=17", "tool");
    row("a second call that never ends", "r:3*2+;5=", "r3*;5=15>r3*2", "tool");
    row("an opening sign after the number", "r:3*2+;5=", "17r", "tool");
    row("another number without a call", "r:3*2+;5=", "16", "wrong output");
    row("nothing", "r:3*2+;5=", "", "empty");
    row("a program", "w:5>17;0>2;1>5=", "3*2+", "");
    row("a program that was tried", "w:5>17;0>2;1>5=", "r3*2+;5=17>3*2+", "");
    row("another program than was tried", "w:5>17;0>2;1>5=", "r3*;5=15>3*2+", "");
    row("a wrong program that was tried", "w:5>17;0>2;1>5=", "r3*;5=15>3*", "wrong output");
    row("a trial that never ends", "w:5>17;0>2;1>5=", "r3*2+", "tool");
}

void TestProgram::gradesCalls()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, completion);
    QFETCH(QByteArray, failure);
    const auto grade = m_domain->grade(item(prompt), completion.toStdString(), in("runner"));
    QCOMPARE(QByteArray::fromStdString(grade.failureClass), failure);
    QCOMPARE(grade.score, failure.isEmpty() ? 1.0 : 0.0);
    const auto classes = m_domain->failureClasses();
    QVERIFY(failure.isEmpty() || std::find(classes.begin(), classes.end(), failure.toStdString()) != classes.end());
}

void TestProgram::aCallIsNoAnswerInPlain()
{
    QCOMPARE(m_domain->grade(item("r:3*2+;5="), "r3*2+;5=17>17", {}).failureClass, std::string("syntax"));
    QCOMPARE(m_domain->grade(item("w:5>17;0>2;1>5="), "r3*2+;5=17>3*2+", {}).failureClass, std::string("syntax"));
}

void TestProgram::anUnknownFormatIsNamed()
{
    const auto example = guarded("program", [&] { return m_domain->example(item("r:3*2+;5="), in("calculator")); });
    QVERIFY(!example);
    QVERIFY2(example.error().text.find("\"calculator\"") != std::string::npos, example.error().text.c_str());
}

void TestProgram::anAnswerIsWhatTheRunnerSaid()
{
    const auto passes = [this](const char* prompt, const char* completion) {
        return m_domain->passesCheck(item(prompt), completion, in("runner"));
    };
    QVERIFY(passes("r:3*2+;5=", "r3*2+;5=17>17"));
    QVERIFY(passes("r:3*2+;5=", "r3*;5=15>15")); // wrong, but who does not know the answer cannot see it
    QVERIFY(passes("r:3*2+;5=", "16"));
    for (const char* completion : {"r3*2+;5=17>16", "r3*2+;5=17>", "r3*+;5=>", "r3*+;5=>5", "r3*2+;5=17", "r3*2+;5", ""})
        QVERIFY2(!passes("r:3*2+;5=", completion), completion);
    QVERIFY(passes("w:5>17;0>2;1>5=", "r3*2+;5=17>3*2+"));
}

void TestProgram::everyRightAnswerIsGradedRight()
{
    Rng rng(7);
    for (int i = 0; i < 2000; ++i) {
        const auto reasoning = in(i % 2 ? "plain" : "runner");
        const auto drawn = m_domain->drawTraining(mixture(bothTasks, 8), rng);
        const auto example = m_domain->example(drawn, reasoning);
        const auto grade = m_domain->grade(drawn, example.completion, reasoning);
        QVERIFY2(grade.score == 1 && grade.answer == grade.expected, (example.prompt + example.completion).c_str());
        QVERIFY(m_domain->passesCheck(drawn, example.completion, reasoning));
        QVERIFY(lengthOf(drawn) >= 2 && lengthOf(drawn) <= 8);
        QCOMPARE(m_domain->exampleWith(drawn, grade.expected, reasoning).value().completion, example.completion);
        QCOMPARE(drawn.id + "=", example.prompt);
    }
}

void TestProgram::everyDrawnExerciseAsksSomething()
{
    Rng rng(8);
    for (int i = 0; i < 1000; ++i) {
        const auto drawn = m_domain->drawTraining(mixture({{"write", 1}}, 6), rng);
        const auto& cases = drawn.question["cases"];
        QCOMPARE(cases.size(), std::size_t(3));
        bool constant = true, identity = true;
        for (const auto& one : cases) {
            constant = constant && one["output"] == cases[0]["output"];
            identity = identity && one["output"] == one["input"][0];
            QVERIFY(std::abs(one["output"].get<int>()) <= 999);
        }
        QVERIFY2(!constant && !identity, drawn.id.c_str());
    }
}

void TestProgram::garbageIsGradedWithoutThrowing()
{
    Rng rng(3);
    const std::string alphabet = m_domain->info().alphabet;
    const Item run = item("r:3*2+;5="), write = item("w:5>17;0>2;1>5=");
    for (int i = 0; i < 3000; ++i) {
        std::string garbage;
        for (std::uint64_t n = rng.below(40); n > 0; --n)
            garbage += i % 2 ? static_cast<char>(rng.below(256)) : alphabet[rng.below(alphabet.size())];
        for (const auto* question : {&run, &write}) {
            const auto grade = m_domain->grade(*question, garbage, in(i % 3 ? "plain" : "runner"));
            QCOMPARE(grade.score == 1, grade.failureClass.empty());
        }
    }
}

void TestProgram::equalSeedsDrawEqualItems()
{
    const auto data = mixture(bothTasks, 4);
    Rng first(5), second(5), other(6);
    int same = 0;
    for (int i = 0; i < 200; ++i) {
        const auto drawn = m_domain->drawTraining(data, first);
        QCOMPARE(m_domain->drawTraining(data, second).id, drawn.id);
        same += m_domain->drawTraining(data, other).id == drawn.id ? 1 : 0;
    }
    QVERIFY(same < 20);
}

void TestProgram::splitsAreDisjoint()
{
    std::map<std::string, Split> where;
    Rng rng(11);
    for (const auto& suite : m_domain->suites())
        for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 300; ++i) {
                const auto drawn = m_domain->draw(suite.name, split, rng);
                QCOMPARE(int(m_domain->splitOf(drawn)), int(split));
                QVERIFY(where.emplace(drawn.id, split).first->second == split);
            }
    for (int i = 0; i < 4000; ++i) {
        const auto drawn = i % 5 == 0 ? m_domain->drawHarder(mixture(bothTasks, 3), 1, rng)
                                      : m_domain->drawTraining(mixture(bothTasks, 4), rng);
        QCOMPARE(int(m_domain->splitOf(drawn)), int(Split::Train));
        QVERIFY(!where.contains(drawn.id));
    }
}

void TestProgram::reorderedCasesStayInTheirSplit()
{
    for (const char* prompt : {"w:5>17;0>2;1>5", "w:2>4;3>9;7>49", "w:1>8;2>7;3>6", "w:0>5;9>14;4>9"}) {
        const Item known = item(prompt);
        const std::string text(prompt);
        const auto end = text.rfind(';');
        std::string reordered("w:");
        reordered.append(text, end + 1).append(";").append(text, 2, end - 2);
        const Item turned = item(reordered.c_str());
        QVERIFY(turned.id != known.id);
        QCOMPARE(int(m_domain->splitOf(turned)), int(m_domain->splitOf(known)));
    }
}

void TestProgram::suitesOfAnyLengthAreDrawn()
{
    Rng rng(2);
    for (int length = 2; length <= 16; ++length)
        for (const char* task : {"run-", "write-"})
            for (const auto split : {Split::Guide, Split::Gate, Split::Vault}) {
                const auto drawn = m_domain->draw(std::string(task).append(std::to_string(length)), split, rng);
                QCOMPARE(int(lengthOf(drawn)), length);
                QCOMPARE(int(m_domain->splitOf(drawn)), int(split));
            }
}

void TestProgram::unknownSuitesAreRefused_data()
{
    QTest::addColumn<QByteArray>("suite");
    for (const char* suite : {"run", "run-", "run-x", "run-1", "write-17", "write-4x", "write--4", "walk-4", ""})
        QTest::addRow("\"%s\"", suite) << QByteArray(suite);
}

void TestProgram::unknownSuitesAreRefused()
{
    QFETCH(QByteArray, suite);
    Rng rng(1);
    const auto drawn = guarded("program", [&] { return m_domain->draw(suite.toStdString(), Split::Gate, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find('"' + suite.toStdString() + '"') != std::string::npos, drawn.error().text.c_str());
}

void TestProgram::harderItemsAreExactlyThatMuchLonger()
{
    Rng rng(2);
    for (int i = 0; i < 200; ++i)
        for (const int steps : {1, 2, 5}) {
            const auto harder = m_domain->drawHarder(mixture(bothTasks, 4), steps, rng);
            QCOMPARE(int(lengthOf(harder)), 4 + steps);
            QCOMPARE(int(m_domain->splitOf(harder)), int(Split::Train));
        }
}

void TestProgram::aMalformedMixtureIsNamed_data()
{
    QTest::addColumn<QByteArray>("mixture");
    QTest::addRow("nothing") << QByteArray("{}");
    QTest::addRow("no weight at all") << QByteArray(R"({"tasks": {"run": 0}, "longest": 4})");
    QTest::addRow("a negative weight") << QByteArray(R"({"tasks": {"run": -1, "write": 2}, "longest": 4})");
    QTest::addRow("a weight that is a word") << QByteArray(R"({"tasks": {"run": "all"}, "longest": 4})");
    QTest::addRow("a task nobody knows") << QByteArray(R"({"tasks": {"walk": 1}, "longest": 4})");
    QTest::addRow("no length") << QByteArray(R"({"tasks": {"run": 1}})");
    QTest::addRow("too short") << QByteArray(R"({"tasks": {"run": 1}, "longest": 1})");
    QTest::addRow("too long") << QByteArray(R"({"tasks": {"run": 1}, "longest": 17})");
    QTest::addRow("no cases") << QByteArray(R"({"tasks": {"write": 1}, "longest": 4, "cases": 0})");
    QTest::addRow("too many cases") << QByteArray(R"({"tasks": {"write": 1}, "longest": 4, "cases": 7})");
    QTest::addRow("an unknown field") << QByteArray(R"({"tasks": {"run": 1}, "longest": 4, "colour": 1})");
}

void TestProgram::aMalformedMixtureIsNamed()
{
    QFETCH(QByteArray, mixture);
    Data data;
    data.mixture = Json::parse(mixture.toStdString());
    Rng rng(1);
    const auto drawn = guarded("program", [&] { return m_domain->drawTraining(data, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find("mixture") != std::string::npos, drawn.error().text.c_str());
    QVERIFY(!guarded("program", [&] { return m_domain->longestExample(data, {}); }));
}

void TestProgram::aMalformedQuestionIsNamed()
{
    const Json good = item("w:5>17;0>2;1>5=").question;
    for (const auto& [path, value] : {std::pair<const char*, Json>("/task", "walk"),
                                      {"/program", "3*"},
                                      {"/program", "[["},
                                      {"/cases", Json::array()},
                                      {"/cases/0/output", "x"},
                                      {"/cases/1/input", 3}}) {
        Json question = good;
        question[Json::json_pointer(path)] = value;
        QVERIFY2(!guarded("program", [&] { return m_domain->example({{}, question}, {}); }), question.dump().c_str());
    }
}

void TestProgram::labelsMustBeAnswers()
{
    const Item run = item("r:3*2+;5="), write = item("w:5>17;0>2;1>5=");
    QCOMPARE(m_domain->exampleWith(run, "16", {}).value().completion, std::string("16")); // wrong, and kept as it is
    QCOMPARE(m_domain->exampleWith(write, "3*1+", {}).value().completion, std::string("3*1+"));
    for (const char* answer : {"", "x", "1-", "01"})
        QVERIFY2(!m_domain->exampleWith(run, answer, {}), answer);
    for (const char* answer : {"", "3*2;", "[", "111111111111111111111111111111111"})
        QVERIFY2(!m_domain->exampleWith(write, answer, {}), answer);
}

void TestProgram::aLabelIsNotExplainedByAnotherNumber()
{
    const Item run = item("r:3*2+;5="), write = item("w:5>17;0>2;1>5=");
    QCOMPARE(m_domain->exampleWith(run, "17", in("runner")).value().completion, std::string("r3*2+;5=17>17"));
    QCOMPARE(m_domain->exampleWith(run, "16", in("runner")).value().completion, std::string("16"));
    QCOMPARE(m_domain->exampleWith(write, "3*1+", in("runner")).value().completion, std::string("3*1+"));
}

void TestProgram::parses_data()
{
    QTest::addColumn<QByteArray>("prompt");
    QTest::addColumn<QByteArray>("id");
    QTest::addColumn<QByteArray>("answer");
    const auto row = [](const char* name, const char* prompt, const char* id, const char* answer) {
        QTest::addRow("%s", name) << QByteArray(prompt) << QByteArray(id) << QByteArray(answer);
    };
    row("a program to run", "r:3*2+;5=", "r:3*2+;5", "17");
    row("a program with a loop", "r:[1-];9", "r:[1-];9", "0");
    row("as people type it", " r: 3*2+ ; 5\n", "r:3*2+;5", "17");
    row("several inputs", "r:-;3,10", "r:-;3,10", "-7");
    row("a program to write is found by search", "w:5>7;0>2=", "w:5>7;0>2", "2+");
    row("the shortest is found", "w:2>4;3>9;7>49=", "w:2>4;3>9;7>49", "d*");
    row("a program that fails", "r:0/;5=", "", "");
    row("a program that never ends", "r:1[];5=", "", "");
    row("a malformed program", "r:3*[;5=", "", "");
    row("no input", "r:3*2+=", "", "");
    row("an input that is no number", "r:3*2+;five=", "", "");
    row("too many inputs", "r:+;1,2,3,4,5=", "", "");
    row("nothing of four instructions does this", "w:1>371;2>44;3>908=", "", "");
    row("a case without output", "w:1>=", "", "");
    row("a case without input", "w:>1=", "", "");
    row("too many cases", "w:1>1;2>2;3>3;4>4;5>5;6>6;7>7=", "", "");
    row("an unknown task", "x:3;5=", "", "");
    row("nothing", "", "", "");
}

void TestProgram::parses()
{
    QFETCH(QByteArray, prompt);
    QFETCH(QByteArray, id);
    QFETCH(QByteArray, answer);
    const auto parsed = m_domain->parse(prompt.toStdString());
    QCOMPARE(parsed.has_value(), !id.isEmpty());
    if (!parsed) {
        QVERIFY(!parsed.error().hint.empty());
        return;
    }
    QCOMPARE(QByteArray::fromStdString(parsed->id), id);
    QCOMPARE(QByteArray::fromStdString(m_domain->example(*parsed, {}).completion), answer);
}

void TestProgram::theLongestExampleIsNeverExceeded()
{
    Rng rng(4);
    for (const int longest : {2, 4, 10})
        for (const int cases : {1, 3, 6}) {
            auto data = mixture(bothTasks, longest, cases);
            data.selfTraining = 0.5;
            data.level = 2;
            for (const char* format : {"plain", "runner"}) {
                const auto bound = static_cast<std::size_t>(m_domain->longestExample(data, in(format)));
                const auto look = [&](const Item& drawn) {
                    const auto example = m_domain->example(drawn, in(format));
                    QVERIFY2(example.prompt.size() + example.completion.size() <= bound, drawn.id.c_str());
                };
                for (int i = 0; i < 200; ++i) {
                    look(m_domain->drawTraining(data, rng));
                    look(m_domain->drawHarder(data, data.level + 1, rng));
                    for (const auto& suite : m_domain->suites())
                        look(m_domain->draw(suite.name, Split::Gate, rng));
                }
            }
        }
    const Item longest = item("r:d9*-;99=");
    for (const char* format : {"plain", "runner"}) {
        const auto example = m_domain->example(longest, in(format));
        QCOMPARE(m_domain->longestExample(mixture({{"run", 1}}, 4, 1), in(format)) - int(example.prompt.size() + example.completion.size()),
                 format == std::string_view("plain") ? 13 : 0); // of three judged cases of a Write
    }
    QVERIFY(m_domain->longestExample(mixture({{"run", 1}}, 16), in("runner")) < m_domain->seedGenome().architecture.context);
}

void TestProgram::theSeedFitsItsSpaceAndAlphabet()
{
    const auto genome = m_domain->seedGenome();
    QVERIFY(Genome::fromJson(genome.toJson()));
    QVERIFY(SearchSpace::fromJson(m_domain->searchSpace()));
    const Json json = genome.toJson();
    const Json paths = m_domain->searchSpace()["paths"];
    for (const auto& path : paths.items())
        QVERIFY2(json.contains(Json::json_pointer(path.key())), path.key().c_str());
    QVERIFY(m_domain->longestExample(genome.data, genome.reasoning) < genome.architecture.context);
    const Tokenizer tokenizer(m_domain->info().alphabet);
    Rng rng(6);
    for (int i = 0; i < 500; ++i) {
        const auto example = m_domain->example(m_domain->drawTraining(mixture(bothTasks, 10), rng), in("runner"));
        QVERIFY(tokenizer.encode(example.prompt + example.completion));
    }
}

void TestProgram::runningAsksForNoPrograms()
{
    const auto running = loadDomain("running");
    QVERIFY2(running, running ? "" : running.error().text.c_str());
    const auto genome = (*running)->seedGenome();
    const auto space = (*running)->searchSpace();
    QVERIFY(SearchSpace::fromJson(space));
    const Json json = genome.toJson();
    for (const auto& path : space["paths"].items())
        QVERIFY2(json.contains(Json::json_pointer(path.key())), path.key().c_str());
    Rng rng(9);
    for (int i = 0; i < 200; ++i)
        QVERIFY((*running)->drawTraining(genome.data, rng).id.starts_with("r:"));
    for (const auto& suite : (*running)->suites())
        QVERIFY((*running)->draw(suite.name, Split::Gate, rng).id.starts_with("r:"));
    QVERIFY(!(*running)->parse("w:5>17;0>2;1>5="));
    const Item longest = (*running)->parse("r:d9*-;99=").value();
    for (const char* format : {"plain", "runner"}) { // no room for questions that nobody asks
        const auto example = (*running)->example(longest, in(format));
        QCOMPARE((*running)->longestExample(genome.data, in(format)), int(example.prompt.size() + example.completion.size()));
    }
}

QTEST_GUILESS_MAIN(TestProgram)
#include "tst_program.moc"
