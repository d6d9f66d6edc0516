// SPDX-License-Identifier: GPL-3.0-or-later
// The judge's checks of its own instrument: chance, leaks, the files it judges by. Drawing and scoring are in tst_judge.
#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/critic/exam.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace {

// Questions "0" to "9999" whose answer is the number's last digit, graded as the test says.
class Digits : public Domain {
public:
    enum class Grading { Strict, AnyAnswer, PromptToo };
    explicit Digits(Grading grading) : m_grading(grading) {}
    [[nodiscard]] DomainInfo info() const override
    {
        DomainInfo info;
        info.name = "digits";
        return info;
    }
    [[nodiscard]] Genome seedGenome() const override { return {}; }
    [[nodiscard]] Json searchSpace() const override { return Json::object(); }
    [[nodiscard]] std::vector<SuiteSpec> suites() const override { return {{"digits", "digits", SuiteRole::Target, 0}}; }
    [[nodiscard]] Item drawTraining(const Data&, Rng& rng) const override { return draw("digits", Split::Train, rng); }
    [[nodiscard]] Item draw(const std::string&, Split, Rng& rng) const override
    {
        const std::string text = std::to_string(rng.below(10'000));
        return {text, {{"text", text}}};
    }
    [[nodiscard]] Split splitOf(const Item&) const override { return Split::Train; }
    [[nodiscard]] Example example(const Item& item, const Reasoning&) const override { return {item.id + "=", item.id.substr(item.id.size() - 1)}; }
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning&) const override
    {
        return Example{item.id + "=", answer};
    }
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override
    {
        const Example example = this->example(item, reasoning);
        const bool right = completion == example.completion || (m_grading == Grading::AnyAnswer && completion.size() == 1)
                           || (m_grading == Grading::PromptToo && completion == example.prompt);
        return {right ? 1.0 : 0.0, right ? "" : "wrong", std::string(completion), example.completion};
    }
    [[nodiscard]] Result<Item> parse(std::string_view) const override { return fail(Code::BadInput, "No."); }
    [[nodiscard]] int longestExample(const Data&, const Reasoning&) const override { return 6; }
    [[nodiscard]] std::vector<std::string> failureClasses() const override { return {"wrong"}; }

private:
    Grading m_grading;
};

} // namespace

class TestExam : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void whatKnowsNothingScoresChance_data();
    void whatKnowsNothingScoresChance();
    void everyDomainPasses_data();
    void everyDomainPasses();
    void findsASingleJudgedQuestion_data();
    void findsASingleJudgedQuestion();
    void hashesWhatItJudgesBy();

private:
    [[nodiscard]] JudgeSpec spec(const std::string& domain, const std::string& corpus = {}) const;
    // A lab's corpus of a hundred questions; one that is judged may stand in the split `leak`, too, in other signs.
    [[nodiscard]] std::string corpusOf(const QString& leak) const;
    QTemporaryDir m_folder;
    std::filesystem::path m_root = m_folder.path().toStdString();
};

void TestExam::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    QVERIFY(makeFolder(m_root / "judge"));
    QVERIFY(writeFile(m_root / "judge" / "secret", std::string(64, 's')));
}

JudgeSpec TestExam::spec(const std::string& domain, const std::string& corpus) const
{
    JudgeSpec spec;
    spec.domain = domain;
    spec.corpus = corpus;
    spec.closedFolder = (m_root / "judge").string();
    spec.question = 1;
    return spec;
}

std::string TestExam::corpusOf(const QString& leak) const
{
    Rng rng(1);
    std::string lines;
    for (int i = 0; i < 100; ++i) {
        const std::string question = fmt::format("How many of the {} crates that {} left are still {}?", rng.next() % 100'000, rng.next(), rng.next());
        lines += Json{{"question", question}, {"answer", "7"}}.dump() + "\n";
    }
    const auto source = m_root / "lines.jsonl", folder = m_root / ("corpus" + leak.toStdString());
    if (!writeFile(source, lines) || !importCorpus(source, folder, CorpusUse::Lines))
        qFatal("no corpus");
    if (!leak.isEmpty()) {
        const Json judged = Json::parse(Corpus::open(folder)->documents(Split::Gate).front());
        const auto file = folder / (leak.toStdString() + ".txt");
        const std::string open = readFile(file).value() + '\0' + Json{{"question", "  " + judged["question"].get<std::string>() + "!"}, {"answer", "7"}}.dump();
        Json about = Json::parse(readFile(folder / "corpus.json").value());
        about["files"][leak.toStdString()] = hashOf(open).hex;
        if (!writeFile(file, open) || !writeFile(folder / "corpus.json", about.dump()))
            qFatal("no leak");
    }
    return folder.string();
}

void TestExam::whatKnowsNothingScoresChance_data()
{
    QTest::addColumn<int>("grading");
    QTest::addColumn<bool>("ok");
    QTest::addRow("one answer in ten is another one's by chance") << int(Digits::Grading::Strict) << true;
    QTest::addRow("any answer is graded right") << int(Digits::Grading::AnyAnswer) << false;
    QTest::addRow("the prompt is graded right") << int(Digits::Grading::PromptToo) << false;
}

void TestExam::whatKnowsNothingScoresChance()
{
    QFETCH(int, grading);
    QFETCH(bool, ok);
    const Digits domain{static_cast<Digits::Grading>(grading)};
    const auto exam = Exam::open(spec("digits"), domain);
    QVERIFY(exam);
    const Check check = exam->checkChance({}, "challenger");
    QCOMPARE(check.name, std::string("challenger chance"));
    QVERIFY2(check.ok == ok, check.detail.c_str());
}

void TestExam::everyDomainPasses_data()
{
    QTest::addColumn<QString>("name");
    for (const std::string& name : domainNames())
        QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
}

void TestExam::everyDomainPasses()
{
    QFETCH(QString, name);
    const auto domain = loadDomain(name.toStdString());
    QVERIFY(domain);
    const auto exam = Exam::open(spec(name.toStdString()), **domain);
    QVERIFY(exam);
    const Check check = exam->checkChance((*domain)->seedGenome(), "champion");
    QVERIFY2(check.ok, check.detail.c_str());
    QVERIFY(exam->checkLeak((*domain)->seedGenome()).ok);      // there is no corpus
}

void TestExam::findsASingleJudgedQuestion_data()
{
    QTest::addColumn<QString>("leak");
    QTest::addRow("nothing that is judged") << "";
    QTest::addRow("one judged question in other signs") << "train";
    QTest::addRow("one among those whose failures are replayed") << "guide";
}

void TestExam::findsASingleJudgedQuestion()
{
    QFETCH(QString, leak);
    const std::string corpus = corpusOf(leak);
    const auto domain = loadDomain("wordproblem", corpus);
    QVERIFY(domain);
    const auto exam = Exam::open(spec("wordproblem", corpus), **domain);
    QVERIFY(exam);
    const Check check = exam->checkLeak((*domain)->seedGenome());
    QVERIFY2(check.ok == leak.isEmpty(), check.detail.c_str());
}

void TestExam::hashesWhatItJudgesBy()
{
    const JudgeSpec asked = spec("wordproblem", corpusOf({}));
    const auto before = evaluatorFiles(asked);
    QVERIFY(before);
    for (const char* name : {"domain", "judge/secret", "corpus/corpus.json", "corpus/gate.txt", "corpus/train.txt"})
        QVERIFY2(before->contains(name), name);
    QVERIFY(!before->contains("champion"));
    QVERIFY(writeFile(m_root / "corpus" / "vault.txt", "{}"));
    const auto after = evaluatorFiles(asked);
    QVERIFY(after && *after != *before);
}

QTEST_APPLESS_MAIN(TestExam)
#include "tst_exam.moc"
