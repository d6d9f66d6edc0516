// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <map>

#include <fmt/format.h>

#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"
#include "tests/core/passage.h"

using namespace ratchet;

namespace {

Reasoning in(const char* format)
{
    Reasoning reasoning;
    reasoning.format = format;
    return reasoning;
}

Data stories(Json steps, int largest = 99)
{
    Data data;
    data.mixture = {{"steps", std::move(steps)}, {"largest", largest}};
    return data;
}

// 4 boxes of 12 pens, then 30 more: 78.
Item boxes()
{
    return {"4*12+30", Json{{"story", {{"start", 4}, {"steps", Json::array({Json::array({"*", 12}), Json::array({"+", 30})})}, {"name", 0}, {"thing", 0}}}}};
}

} // namespace

class TestWordProblem : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void tellsStories();
    void grades_data();
    void grades();
    void everyRightAnswerIsGradedRight();
    void theSameNumbersInOtherWordsStayInTheirSplit();
    void splitsAreDrawnFrom();
    void harderStoriesAreLonger();
    void theLongestExampleIsLongest();
    void aModelsLabelIsNotExplainedByAnotherNumber();
    void aMalformedMixtureIsNamed_data();
    void aMalformedMixtureIsNamed();
    void aStoryThatIsTypedIsTheDomainsOwn();
    void readsLines();
    void longLinesGetALongContext();
    void refusesLines_data();
    void refusesLines();

private:
    [[nodiscard]] Result<std::unique_ptr<Domain>> opened(const std::string& lines) const;
    std::unique_ptr<Domain> m_domain;
};

void TestWordProblem::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    auto domain = loadDomain("wordproblem");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
}

void TestWordProblem::tellsStories()
{
    const Example plain = m_domain->example(boxes(), in("plain"));
    QCOMPARE(plain.prompt, std::string("tim has 4 boxes of 12 pens and gets 30. = "));
    QCOMPARE(plain.completion, std::string("78"));
    QCOMPARE(m_domain->example(boxes(), in("calculator")).completion, std::string("[4*12+30=78]78"));
    QCOMPARE(m_domain->tools().size(), 1U);
}

void TestWordProblem::grades_data()
{
    QTest::addColumn<QString>("completion");
    QTest::addColumn<QString>("failureClass");      // empty: right
    QTest::addRow("the answer alone") << "78" << "";
    QTest::addRow("the answer after a call") << "[4*12+30=78]78" << "";
    QTest::addRow("the answer after another way") << "[30+48=78]78" << "";
    QTest::addRow("blanks around the answer") << " 78 " << "";
    QTest::addRow("another number") << "77" << "number";
    QTest::addRow("the right call, another number") << "[4*12+30=78]77" << "number";
    QTest::addRow("another calculation") << "[4+12+30=46]46" << "expression";
    QTest::addRow("a call that is no expression") << "[4 boxes=?]?" << "expression";
    QTest::addRow("a call that never ends") << "[4*12+30" << "tool";
    QTest::addRow("no number") << "many" << "format";
    QTest::addRow("nothing") << "" << "empty";
}
void TestWordProblem::grades()
{
    QFETCH(QString, completion);
    QFETCH(QString, failureClass);
    const Grade grade = m_domain->grade(boxes(), completion.toStdString(), in("calculator"));
    QCOMPARE(QString::fromStdString(grade.failureClass), failureClass);
    QCOMPARE(grade.score, failureClass.isEmpty() ? 1.0 : 0.0);
    QCOMPARE(grade.expected, std::string("78"));
}

void TestWordProblem::everyRightAnswerIsGradedRight()
{
    Rng rng(3);
    for (int i = 0; i < 500; ++i) {
        const Item item = m_domain->drawTraining(stories({{"1", 1}, {"4", 1}}), rng);
        for (const char* format : {"plain", "calculator"}) {
            const Example example = m_domain->example(item, in(format));
            const Grade grade = m_domain->grade(item, example.completion, in(format));
            QVERIFY2(grade.score == 1, (example.prompt + example.completion + " " + grade.failureClass).c_str());
            QVERIFY(!grade.expected.starts_with("-") && grade.expected != "?");
        }
    }
}

void TestWordProblem::theSameNumbersInOtherWordsStayInTheirSplit()
{
    Rng rng(4);
    for (int i = 0; i < 200; ++i) {
        Item item = m_domain->draw("problems", Split::Gate, rng);
        item.question["story"]["name"] = 5;
        item.question["story"]["thing"] = 3;
        QVERIFY(m_domain->splitOf(item) == Split::Gate);
    }
}

void TestWordProblem::splitsAreDrawnFrom()
{
    Rng rng(5);
    for (const auto& suite : m_domain->suites())
        for (const Split split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 100; ++i)
                QVERIFY(m_domain->splitOf(m_domain->draw(suite.name, split, rng)) == split);
    for (int i = 0; i < 300; ++i)
        QVERIFY(m_domain->splitOf(m_domain->drawTraining(stories({{"1", 1}, {"2", 1}}), rng)) == Split::Train);
    QVERIFY(!guarded("wordproblem", [&] { return m_domain->draw("sums", Split::Gate, rng); }));
}

void TestWordProblem::harderStoriesAreLonger()
{
    Rng rng(6);
    for (int steps = 1; steps <= 3; ++steps)
        QCOMPARE(m_domain->drawHarder(stories({{"1", 1}, {"2", 0.5}, {"3", 0}}), steps, rng).question["story"]["steps"].size(),
                 static_cast<std::size_t>(2 + steps));
}

void TestWordProblem::theLongestExampleIsLongest()
{
    Rng rng(7);
    for (const char* format : {"plain", "calculator"}) {
        Data data = stories({{"1", 1}, {"2", 1}, {"3", 1}});
        data.selfTraining = 0.5;
        data.level = 1;
        const auto longest = static_cast<std::size_t>(m_domain->longestExample(data, in(format)));
        for (int i = 0; i < 3000; ++i) {
            const Item item = i % 3 == 0 ? m_domain->drawHarder(data, 1 + i % 2, rng) : i % 3 == 1 ? m_domain->drawTraining(data, rng)
                                                                                             : m_domain->draw("problems", Split::Gate, rng);
            const Example example = m_domain->example(item, in(format));
            QVERIFY2(example.prompt.size() + example.completion.size() <= longest, (example.prompt + example.completion).c_str());
        }
    }
    const Genome seed = m_domain->seedGenome();
    QVERIFY(m_domain->longestExample(seed.data, in("calculator")) <= seed.architecture.context);
}

void TestWordProblem::aModelsLabelIsNotExplainedByAnotherNumber()
{
    QCOMPARE(m_domain->exampleWith(boxes(), "78", in("calculator"))->completion, std::string("[4*12+30=78]78"));
    QCOMPARE(m_domain->exampleWith(boxes(), "80", in("calculator"))->completion, std::string("80"));
    QVERIFY(!m_domain->exampleWith(boxes(), " ", in("plain")));
    const auto typed = m_domain->parse("how many legs has a cat? =");
    QVERIFY(typed);
    QCOMPARE(m_domain->exampleWith(*typed, "4", in("plain"))->prompt, std::string("how many legs has a cat? = "));
}

// Else a correction of a judged story would be trained on.
void TestWordProblem::aStoryThatIsTypedIsTheDomainsOwn()
{
    Rng rng(9);
    for (const Split split : {Split::Guide, Split::Gate, Split::Vault})
        for (int i = 0; i < 200; ++i) {
            const Item item = m_domain->draw("problems", split, rng);
            const auto typed = m_domain->parse(m_domain->example(item, in("plain")).prompt);
            QVERIFY(typed && typed->id == item.id && typed->question == item.question);
            QVERIFY(m_domain->splitOf(*typed) == split);
        }
    for (const char* other : {"tim has 4 pens and gets 30", "tim has 04 pens and gets 30.", "tim has 4 pens and gets 30, loses 2.", "tom has 4 pens and gets 30.",
                              "tim has 4 pens and gets 99999999999.", "tim has 4 boxes of pens and gets 30.", "tim has "}) {
        const auto typed = m_domain->parse(other);
        QVERIFY2(typed && typed->id.starts_with("typed:"), other);
    }
}

void TestWordProblem::aMalformedMixtureIsNamed_data()
{
    QTest::addColumn<QString>("mixture");
    QTest::addColumn<QString>("named");
    QTest::addRow("a field that is unknown") << R"({"digits": {"1": 1}})" << "digits";
    QTest::addRow("seven steps") << R"({"steps": {"7": 1}})" << "\"7\"";
    QTest::addRow("a negative weight") << R"({"steps": {"1": -1}})" << "\"1\"";
    QTest::addRow("no weight") << R"({"steps": {"1": 0}})" << "positive weight";
    QTest::addRow("numbers beyond bounds") << R"({"steps": {"1": 1}, "largest": 100000})" << "largest";
}
void TestWordProblem::aMalformedMixtureIsNamed()
{
    QFETCH(QString, mixture);
    QFETCH(QString, named);
    Data data;
    data.mixture = Json::parse(mixture.toStdString());
    Rng rng(1);
    const auto drawn = guarded("wordproblem", [&] { return m_domain->drawTraining(data, rng); });
    QVERIFY(!drawn);
    QVERIFY2(drawn.error().text.find(named.toStdString()) != std::string::npos, drawn.error().text.c_str());
}

Result<std::unique_ptr<Domain>> TestWordProblem::opened(const std::string& lines) const
{
    const QTemporaryDir folder;
    const auto file = folder.path().toStdString() + "/questions.jsonl", corpus = folder.path().toStdString() + "/corpus";
    std::ofstream(file) << lines;
    RATCHET_TRY(summary, importCorpus(file, corpus, CorpusUse::Lines));
    (void)summary;
    return loadDomain("wordproblem", corpus);
}

void TestWordProblem::readsLines()
{
    std::string lines;
    for (int i = 0; i < 100; ++i)
        lines += fmt::format(R"({{"question": "{} Möwen und {}?", "answer": "{}", "expression": "{}+{}"}})", i, i, 2 * i, i, i) + "\n\n";
    const auto domain = opened(lines);
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    Rng rng(8);
    std::map<std::string, Split> seen;
    for (const Split split : {Split::Guide, Split::Gate, Split::Vault, Split::Train})
        for (int i = 0; i < 200; ++i) {
            const Item item = split == Split::Train ? (*domain)->drawTraining(stories({{"1", 1}}), rng) : (*domain)->draw("problems", split, rng);
            const Example example = (*domain)->example(item, in("calculator"));
            QVERIFY((*domain)->splitOf(item) == split);
            QVERIFY(seen.emplace(example.prompt, split).first->second == split);
            QCOMPARE((*domain)->grade(item, example.completion, in("calculator")).score, 1.0);
            QVERIFY(static_cast<int>(example.prompt.size() + example.completion.size()) <= (*domain)->longestExample(stories({{"1", 1}}), in("calculator")));
        }
    QVERIFY(seen.size() > 90);
}

void TestWordProblem::longLinesGetALongContext()
{
    const auto contextOf = [&](std::size_t length) {
        std::string lines;
        for (int i = 0; i < 100; ++i) {
            std::string words = passage(static_cast<std::uint64_t>(i), 200).substr(0, length);
            std::replace(words.begin(), words.end(), '\n', ' ');
            lines += fmt::format(R"({{"question": "{}{}?", "answer": "{}"}})", i, words, i) + "\n";
        }
        const auto domain = opened(lines);
        return domain ? (*domain)->seedGenome().architecture.context : 0;
    };
    QCOMPARE(m_domain->seedGenome().architecture.context, 128);
    QCOMPARE(contextOf(60), 128);
    QCOMPARE(contextOf(128), 192);
    QCOMPARE(contextOf(5000), 1024);
}

void TestWordProblem::refusesLines_data()
{
    QTest::addColumn<QString>("line");
    QTest::addColumn<QString>("named");
    QTest::addRow("what is no JSON") << "one and one is two" << "line 101";
    QTest::addRow("a list") << "[1, 2]" << "Line 101";
    QTest::addRow("no answer") << R"({"question": "9+9?"})" << "answer";
    QTest::addRow("a number as answer") << R"({"question": "9+9?", "answer": 2})" << "answer";
    QTest::addRow("an empty answer") << R"({"question": "9+9?", "answer": " "})" << "empty";
    QTest::addRow("an unknown field") << R"({"question": "9+9?", "answer": "2", "hint": "easy"})" << "hint";
    QTest::addRow("an expression that is none") << R"({"question": "9+9?", "answer": "2", "expression": "one+one"})" << "one+one";
}
void TestWordProblem::refusesLines()
{
    QFETCH(QString, line);
    QFETCH(QString, named);
    std::string lines;
    for (int i = 0; i < 100; ++i)
        lines += fmt::format(R"({{"question": "{}+1?", "answer": "{}"}})", i, i + 1) + "\n";
    const auto domain = opened(lines + line.toStdString() + "\n");
    QVERIFY(!domain);
    QVERIFY2((domain.error().text + domain.error().hint).find(named.toStdString()) != std::string::npos, domain.error().text.c_str());
}

QTEST_APPLESS_MAIN(TestWordProblem)
#include "tst_wordproblem.moc"
