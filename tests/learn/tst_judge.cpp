// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include <sys/socket.h>

#include "core/base/hash.h"
#include "core/critic/scorecard.h"
#include "core/critic/tensor/judge.h"
#include "core/genome/tokenizer.h"
#include "core/genome/weights_file.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"
#include "tests/core/passage.h"

using namespace ratchet;
namespace fs = std::filesystem;

namespace
{

Genome smallGenome(const Domain& domain)
{
    Genome genome = domain.seedGenome();
    genome.architecture.layers = 1;
    genome.architecture.width = 16;
    genome.architecture.heads = genome.architecture.kvHeads = 2;
    genome.architecture.feedForwardWidth = 32;
    return genome;
}

// A model that knows nothing: normal weights of the right names and shapes.
void writeRandomWeights(const fs::path& file, const Genome& genome, const Domain& domain, std::uint64_t seed)
{
    Rng rng(seed);
    WeightsFile content;
    const Tokenizer tokenizer(domain.info().alphabet);
    for (const auto& [name, shape] : expectedTensors(genome.architecture, tokenizer.vocabulary())) {
        std::size_t count = 1;
        for (const auto extent : shape)
            count *= static_cast<std::size_t>(extent);
        content.tensors[name] = {name, "F32", shape, content.data.size(), count * sizeof(float)};
        for (std::size_t i = 0; i < count; ++i) {
            const float value = static_cast<float>(0.3 * rng.normal());
            content.data.append(reinterpret_cast<const char*>(&value), sizeof value);
        }
    }
    const auto written = writeWeights(file, content);
    QVERIFY2(written, written ? "" : written.error().text.c_str());
}

// A judge in a thread of this process, with the engine's end of its socket.
class RunningJudge
{
public:
    RunningJudge()
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
            qFatal("no socket pair");
        m_engine = std::make_unique<FrameChannel>(ends[0]);
        m_thread = std::thread([this, fd = ends[1]] {
            FrameChannel channel(fd);
            m_exit = judgeMain(channel);
        });
    }
    ~RunningJudge()
    {
        m_engine.reset();
        if (m_thread.joinable())
            m_thread.join();
    }
    Message ask(const Message& message)
    {
        tell(message);
        auto answer = m_engine->receive();
        return answer ? std::move(*answer) : Message(Failure{"closed", answer.error().text});
    }
    void tell(const Message& message) { [[maybe_unused]] const auto sent = m_engine->send(message); }
    int exitStatus()
    {
        m_thread.join();
        return m_exit;
    }

private:
    std::unique_ptr<FrameChannel> m_engine;
    std::thread m_thread;
    int m_exit = -1;
};

std::vector<std::string> questionsOf(const Scores& scores)
{
    std::vector<std::string> questions;
    for (const auto& sample : scores.samples)
        questions.push_back(sample.question.dump());
    return questions;
}

} // namespace

class TestJudge : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void reportsIntegrityThenScores();
    void gateItemsStayHidden();
    void itemsContinueAndRepeatBySecretAndQuestion();
    void theFormatIsEachModelsOwn();
    void aChampionAloneIsMeasured();
    void votesOverSamples();
    void correctionsOfUsersAreJudged();
    void probesAreAskedOnTheGuideSplit();
    void theFixedItemsStayTheSame();
    void aModelAgreesWithItself();
    void whatDoesNotFitTheContextIsWrong();
    void bitsPerByteOfAText();
    void aBrokenStartIsAFailure_data();
    void aBrokenStartIsAFailure();
    void aQuestionItCannotAnswerIsAFailure_data();
    void aQuestionItCannotAnswerIsAFailure();
    void weightsChangedUnderWayAreNoticed();
    void aComparisonRunsToItsVerdict();

private:
    [[nodiscard]] JudgeSpec spec(std::int64_t question = 1) const;
    [[nodiscard]] Scores scoresOf(RunningJudge& judge, const Ask& ask) const;
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_root;
    std::unique_ptr<Domain> m_domain;
    Genome m_genome;
};

void TestJudge::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    auto domain = loadDomain("arithmetic");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
    m_genome = smallGenome(*m_domain);
}

void TestJudge::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    m_root = m_folder->path().toStdString();
    fs::create_directories(m_root / "judge");
    std::ofstream(m_root / "judge/secret") << std::string(64, 'a');
    writeRandomWeights(m_root / "champion.safetensors", m_genome, *m_domain, 1);
    writeRandomWeights(m_root / "challenger.safetensors", m_genome, *m_domain, 2);
}

JudgeSpec TestJudge::spec(std::int64_t question) const
{
    JudgeSpec spec;
    spec.domain = "arithmetic";
    spec.closedFolder = (m_root / "judge").string();
    spec.question = question;
    spec.champion = {"v1", m_genome.toJson(), (m_root / "champion.safetensors").string()};
    spec.challenger = {"v2", m_genome.toJson(), (m_root / "challenger.safetensors").string()};
    return spec;
}

Scores TestJudge::scoresOf(RunningJudge& judge, const Ask& ask) const
{
    const auto answer = judge.ask(ask);
    if (const auto* failure = std::get_if<Failure>(&answer))
        qWarning("%s", failure->text.c_str());
    const auto* scores = std::get_if<Scores>(&answer);
    return scores ? *scores : Scores{};
}

void TestJudge::reportsIntegrityThenScores()
{
    RunningJudge judge;
    const auto first = judge.ask(spec());
    const auto* integrity = std::get_if<Integrity>(&first);
    QVERIFY(integrity);
    QCOMPARE(integrity->checks.size(), std::size_t(14));
    for (const auto& check : integrity->checks)
        QVERIFY2(check.ok, (check.name + ": " + check.detail).c_str());
    QCOMPARE(integrity->files["champion"].get<std::string>(), hashOfFile(m_root / "champion.safetensors")->hex);
    QVERIFY(integrity->files.contains("judge/secret"));
    const auto scores = scoresOf(judge, {"addition-3", "guide", 30});
    QCOMPARE(scores.champion.size(), std::size_t(30));
    QCOMPARE(scores.challenger.size(), std::size_t(30));
    QCOMPARE(scores.samples.size(), std::size_t(24));
    QVERIFY(scores.flops > 0);
    QVERIFY(!scores.samples[0].prompt.empty() && !scores.samples[0].expected.empty());
    judge.tell(Stop{});
    QCOMPARE(judge.exitStatus(), 0);
}

void TestJudge::gateItemsStayHidden()
{
    RunningJudge judge;
    judge.ask(spec());
    const auto scores = scoresOf(judge, {"addition-3", "gate", 40});
    QCOMPARE(scores.champion.size(), std::size_t(40));
    QVERIFY(scores.samples.empty());
    int failures = 0;
    for (const auto& entry : scores.championClasses.items()) {
        const auto classes = m_domain->failureClasses();
        QVERIFY(std::find(classes.begin(), classes.end(), entry.key()) != classes.end());
        failures += entry.value().get<int>();
    }
    QCOMPARE(failures, int(std::count(scores.champion.begin(), scores.champion.end(), 0.0)));
}

void TestJudge::itemsContinueAndRepeatBySecretAndQuestion()
{
    const auto questions = [&](const JudgeSpec& wanted, std::vector<int> counts) {
        RunningJudge judge;
        judge.ask(wanted);
        std::vector<std::string> all;
        for (const int count : counts)
            for (auto& question : questionsOf(scoresOf(judge, {"addition-3", "guide", count})))
                all.push_back(std::move(question));
        return all;
    };
    const auto once = questions(spec(1), {20});
    QCOMPARE(once.size(), std::size_t(20));
    QVERIFY(std::set<std::string>(once.begin(), once.end()).size() > 10);
    QVERIFY(questions(spec(1), {8, 12}) == once);
    QVERIFY(questions(spec(2), {20}) != once);
    std::ofstream(m_root / "judge/secret") << std::string(64, 'b');
    QVERIFY(questions(spec(1), {20}) != once);
}

void TestJudge::theFormatIsEachModelsOwn()
{
    auto wanted = spec();
    auto reversed = m_genome;
    reversed.reasoning.format = "reversed";
    wanted.challenger.genome = reversed.toJson();
    RunningJudge judge;
    judge.ask(wanted);
    const auto scores = scoresOf(judge, {"addition-3", "guide", 24});
    QCOMPARE(scores.samples.size(), std::size_t(24));
    QCOMPARE(scores.challengerClasses.contains("empty") || scores.challengerClasses.contains("format") ||
                 scores.challengerClasses.contains("length") || scores.challengerClasses.contains("digit"),
             true);
}

void TestJudge::aChampionAloneIsMeasured()
{
    auto wanted = spec();
    wanted.challenger = {};
    wanted.challenger.genome = Json::object();
    RunningJudge judge;
    const auto first = judge.ask(wanted);
    QVERIFY(std::holds_alternative<Integrity>(first));
    const auto scores = scoresOf(judge, {"addition-2", "guide", 10});
    QCOMPARE(scores.champion.size(), std::size_t(10));
    QVERIFY(scores.challenger.empty());
    QVERIFY(scorecardOf(scores, m_domain->suites()[1], Measure::ExactMatch));
}

void TestJudge::votesOverSamples()
{
    auto wanted = spec();
    auto voting = m_genome;
    voting.reasoning.samples = 3;
    wanted.challenger.genome = voting.toJson();
    RunningJudge judge;
    judge.ask(wanted);
    const auto scores = scoresOf(judge, {"addition-2", "guide", 12});
    QCOMPARE(scores.challenger.size(), std::size_t(12));
}

void TestJudge::correctionsOfUsersAreJudged()
{
    auto wanted = spec();
    wanted.feedback = {Json{{"question", {{"a", "12"}, {"b", "34"}}}, {"answer", "46"}},
                       Json{{"question", {{"a", "5"}, {"b", "6"}}}, {"answer", "11"}}};
    RunningJudge judge;
    judge.ask(wanted);
    const auto scores = scoresOf(judge, {"feedback", "guide", 10});
    QCOMPARE(scores.champion.size(), std::size_t(2));
    QCOMPARE(scores.samples[0].expected, std::string("46"));
}

void TestJudge::probesAreAskedOnTheGuideSplit()
{
    RunningJudge judge;
    judge.ask(spec());
    for (const char* suite : {"fixed", "adversarial", "paraphrase", "sampling", "addition-3-chain"}) {
        const auto scores = scoresOf(judge, {suite, "guide", 60});
        QCOMPARE(scores.champion.size(), std::size_t(60));
        QCOMPARE(scores.challenger.size(), std::size_t(60));
        const bool isSure = std::string(suite) != "paraphrase" && std::string(suite) != "sampling";
        QCOMPARE(scores.championConfidence.size(), std::size_t(isSure ? 60 : 0));
        const auto card = scorecardOf(scores, {suite, suite, SuiteRole::Probe, 0}, Measure::ExactMatch);
        QVERIFY(card && card->probe && !card->retained);
        QCOMPARE(card->calibration.is_object(), isSure);
    }
    QVERIFY(std::holds_alternative<Failure>(judge.ask(Ask{"adversarial", "gate", 10})));
}

void TestJudge::theFixedItemsStayTheSame()
{
    const auto questions = [&](std::int64_t question) {
        RunningJudge judge;
        judge.ask(spec(question));
        return questionsOf(scoresOf(judge, {"fixed", "guide", 20}));
    };
    const auto once = questions(1);
    QCOMPARE(once.size(), std::size_t(20));
    QVERIFY(questions(2) == once);
}

// A model that answers everything with one letter agrees with itself in other words, and when it is sure also when drawn.
void TestJudge::aModelAgreesWithItself()
{
    WeightsFile constant;
    const auto read = readWeights(m_root / "champion.safetensors");
    QVERIFY(read.has_value());
    constant = *read;
    std::fill(constant.data.begin(), constant.data.end(), '\0');        // logits are zero everywhere: the first token, again and again
    QVERIFY(writeWeights(m_root / "champion.safetensors", constant));
    RunningJudge judge;
    judge.ask(spec());
    const auto said = scoresOf(judge, {"paraphrase", "guide", 40});
    QCOMPARE(std::count(said.champion.begin(), said.champion.end(), 1.0), std::ptrdiff_t(40));
    const auto drawn = scoresOf(judge, {"sampling", "guide", 40});
    for (const double score : drawn.champion)
        QVERIFY(score >= 0 && score < 1);         // all tokens are equally likely
    QVERIFY(drawn.championClasses.value("disagreement", 0) == 40);
}

void TestJudge::whatDoesNotFitTheContextIsWrong()
{
    auto wanted = spec();
    auto narrow = m_genome;
    narrow.architecture.context = 8;              // "12+34=" and an answer, but no 3 digits
    writeRandomWeights(m_root / "challenger.safetensors", narrow, *m_domain, 2);
    wanted.challenger.genome = narrow.toJson();
    RunningJudge judge;
    judge.ask(wanted);
    const auto scores = scoresOf(judge, {"addition-3", "guide", 12});
    QCOMPARE(scores.challengerClasses.value("context", 0), 12);
    QCOMPARE(scores.championClasses.value("context", 0), 0);
    const auto shorter = scoresOf(judge, {"addition-2", "guide", 12});
    QCOMPARE(shorter.challengerClasses.value("context", 0), 0);
}

void TestJudge::bitsPerByteOfAText()
{
    std::string book;
    for (std::uint64_t i = 0; i < 200; ++i)
        book += passage(i, 25) + "\n";
    std::ofstream(m_root / "book.txt") << book;
    const auto imported = importCorpus(m_root / "book.txt", m_root / "corpus");
    QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
    const auto text = loadDomain("text", (m_root / "corpus").string());
    QVERIFY2(text, text ? "" : text.error().text.c_str());
    const auto genome = smallGenome(**text);
    writeRandomWeights(m_root / "champion.safetensors", genome, **text, 1);
    writeRandomWeights(m_root / "challenger.safetensors", genome, **text, 2);
    auto wanted = spec();
    wanted.domain = "text";
    wanted.corpus = (m_root / "corpus").string();
    wanted.champion.genome = wanted.challenger.genome = genome.toJson();
    RunningJudge judge;
    const auto first = judge.ask(wanted);
    const auto* integrity = std::get_if<Integrity>(&first);
    QVERIFY2(integrity, std::holds_alternative<Failure>(first) ? std::get<Failure>(first).text.c_str() : "");
    for (const auto& check : integrity->checks)
        QVERIFY2(check.ok, (check.name + ": " + check.detail).c_str());
    const auto scores = scoresOf(judge, {"text", "gate", 8});
    QCOMPARE(scores.champion.size(), std::size_t(8));
    QVERIFY(scores.championConfidence.empty());    // a likelihood is no answer
    QCOMPARE(scoresOf(judge, {"fixed", "guide", 8}).champion.size(), std::size_t(8));
    for (const double score : scores.champion)
        QVERIFY(score >= 0 && score < 0.3); // a random model needs about 8 bits or more a byte
}

void TestJudge::aBrokenStartIsAFailure_data()
{
    QTest::addColumn<int>("fault");
    QTest::addColumn<QByteArray>("word");
    QTest::addRow("weights are missing") << 0 << QByteArray("cannot be read");
    QTest::addRow("weights hold NaN") << 1 << QByteArray("challenger");
    QTest::addRow("weights belong to another genome") << 2 << QByteArray("challenger");
    QTest::addRow("the genome is nonsense") << 3 << QByteArray("champion");
    QTest::addRow("the secret is missing") << 4 << QByteArray("secret");
    QTest::addRow("the secret is short") << 5 << QByteArray("secret");
    QTest::addRow("the domain is unknown") << 6 << QByteArray("chess");
    QTest::addRow("another message comes first") << 7 << QByteArray("judge");
}

void TestJudge::aBrokenStartIsAFailure()
{
    QFETCH(int, fault);
    QFETCH(QByteArray, word);
    auto wanted = spec();
    Message message;
    const std::vector<std::function<void()>> faults{
        [&] { fs::remove(m_root / "challenger.safetensors"); },
        [&] {
            std::fstream file(m_root / "challenger.safetensors", std::ios::in | std::ios::out | std::ios::binary);
            const char notANumber[] = {'\0', '\0', '\xc0', '\x7f'};
            file.seekp(-4, std::ios::end).write(notANumber, 4);
        },
        [&] {
            auto other = m_genome;
            other.architecture.layers = 2;
            wanted.challenger.genome = other.toJson();
        },
        [&] { wanted.champion.genome["architecture"]["layers"] = "many"; },
        [&] { fs::remove(m_root / "judge/secret"); },
        [&] { std::ofstream(m_root / "judge/secret") << "short"; },
        [&] { wanted.domain = "chess"; },
        [&] {
            message = Ask{"addition-3", "gate", 1};
        },
    };
    faults[static_cast<std::size_t>(fault)]();
    if (fault != 7)
        message = wanted;
    RunningJudge judge;
    const auto answer = judge.ask(message);
    const auto* failure = std::get_if<Failure>(&answer);
    QVERIFY(failure);
    QVERIFY2(failure->text.find(word.toStdString()) != std::string::npos, failure->text.c_str());
    QCOMPARE(judge.exitStatus(), 1);
}

void TestJudge::aQuestionItCannotAnswerIsAFailure_data()
{
    QTest::addColumn<QByteArray>("suite");
    QTest::addColumn<QByteArray>("split");
    QTest::addColumn<int>("count");
    QTest::addRow("an unknown suite") << QByteArray("division-3") << QByteArray("gate") << 5;
    QTest::addRow("the training split") << QByteArray("addition-3") << QByteArray("train") << 5;
    QTest::addRow("no items") << QByteArray("addition-3") << QByteArray("gate") << 0;
    QTest::addRow("far too many items") << QByteArray("addition-3") << QByteArray("gate") << 1'000'000;
}

void TestJudge::aQuestionItCannotAnswerIsAFailure()
{
    QFETCH(QByteArray, suite);
    QFETCH(QByteArray, split);
    QFETCH(int, count);
    RunningJudge judge;
    judge.ask(spec());
    const auto answer = judge.ask(Ask{suite.toStdString(), split.toStdString(), count});
    QVERIFY(std::holds_alternative<Failure>(answer));
}

void TestJudge::weightsChangedUnderWayAreNoticed()
{
    RunningJudge judge;
    judge.ask(spec());
    QCOMPARE(scoresOf(judge, {"addition-3", "gate", 5}).champion.size(), std::size_t(5));
    writeRandomWeights(m_root / "challenger.safetensors", m_genome, *m_domain, 3);
    const auto answer = judge.ask(Ask{"addition-3", "gate", 5});
    const auto* failure = std::get_if<Failure>(&answer);
    QVERIFY(failure);
    QVERIFY2(failure->text.find("changed") != std::string::npos, failure->text.c_str());
}

void TestJudge::aComparisonRunsToItsVerdict()
{
    RunningJudge judge;
    const auto first = judge.ask(spec());
    QVERIFY(std::holds_alternative<Integrity>(first));
    Comparison::Options options;
    options.maxPairs = 100;
    Comparison comparison(m_domain->suites(), options);
    QVERIFY(comparison.addIntegrity(std::get<Integrity>(first)));
    while (const auto ask = comparison.next())
        QVERIFY(comparison.add(scoresOf(judge, *ask)));
    // Two models that know nothing: nobody wins.
    QVERIFY2(comparison.verdict().verdict == Verdict::Inconclusive, comparison.verdict().reason.c_str());
    QVERIFY(comparison.verdict().pairs >= 50);      // given up early: what is left would hardly decide
}

QTEST_GUILESS_MAIN(TestJudge)
#include "tst_judge.moc"
