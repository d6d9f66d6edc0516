// SPDX-License-Identifier: GPL-3.0-or-later
// Generation by a model of random weights: what holds whatever a model has learnt.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/genome/tokenizer.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/model/transformer.h"
#include "tests/learn/toy_domain.h"

using namespace ratchet;

namespace {

// Offers a tool whose signs are chosen by the test.
class Tooled : public toy::Copy {
public:
    std::vector<Tool> tools() const override { return {tool}; }
    Tool tool{"calculator", '[', ':', ']', [](std::string_view) { return std::string("gg"); }};
};

// Texts of byte pairs by a model of random weights.
class Pairs {
public:
    Pairs() : m_tokenizer(Tokenizer::learn({readFile(RATCHET_SOURCE_DIR "/core/README.md").value()}, 700))
    {
        m_genome = m_world.seedGenome();
        m_genome.architecture.context = 32;
        const std::string file = m_folder.path().toStdString() + "/weights.safetensors";
        Transformer model(m_genome.architecture, m_tokenizer.vocabulary());
        model.initialise(7);
        if (!model.save(file, model.flat(), {}))
            qFatal("the weights cannot be written");
        m_answerer = Answerer::load(m_genome, file, m_world, m_tokenizer.toJson()).value();
    }
    [[nodiscard]] Answer answer(AnswerOptions options) const
    {
        options.maxTokens = 24;
        options.temperature = 1;
        options.seed = 3;
        return m_answerer->answer({"the"}, options).value().front();
    }

private:
    QTemporaryDir m_folder;
    toy::Copy m_world;
    Genome m_genome;
    Tokenizer m_tokenizer;
    std::unique_ptr<Answerer> m_answerer;
};

// Any bytes.
class Bytes : public Tooled {
public:
    DomainInfo info() const override
    {
        DomainInfo info = Tooled::info();
        info.alphabet.clear();
        return info;
    }
};

const std::vector<std::string> prompts{"a=", "abc=", "hgfedcb=", "bb=", "cde=", "=", "ffffff=", "d="};

AnswerOptions atMost(int tokens, double temperature = 0)
{
    AnswerOptions options;
    options.maxTokens = tokens;
    options.temperature = temperature;
    return options;
}

} // namespace

class TestAnswerer : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        prepareProcess();
        m_genome = m_world.seedGenome();
        m_genome.architecture.context = 32;
        m_file = m_folder.path().toStdString() + "/weights.safetensors";
        Transformer model(m_genome.architecture, 11);
        model.initialise(7);
        model.flat().mul_(3);      // sharper answers
        QVERIFY(model.save(m_file, model.flat(), {}));
    }

    void oneByOneIsAsTogether()
    {
        const auto together = answers(prompts, atMost(12));
        for (std::size_t i = 0; i < prompts.size(); ++i)
            QCOMPARE(together[i].completion, answers({prompts[i]}, atMost(12))[0].completion);
    }

    void theTopTokenAloneIsGreedy()
    {
        const auto greedy = answers(prompts, atMost(8));
        AnswerOptions topK = atMost(8, 2), topP = topK;
        topK.topK = 1;
        topP.topP = 1e-9;
        const auto free = answers(prompts, atMost(8, 2));
        const auto byK = answers(prompts, topK), byP = answers(prompts, topP);
        bool differs = false;
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            QCOMPARE(byK[i].completion, greedy[i].completion);
            QCOMPARE(byP[i].completion, greedy[i].completion);
            differs = differs || free[i].completion != greedy[i].completion;
        }
        QVERIFY(differs);
    }

    void endsBeforeAStopText()
    {
        const auto [prompt, text] = talkative();
        AnswerOptions options = atMost(8);
        options.stop = {text.substr(1, 2)};
        const Answer stopped = answers({prompt}, options)[0];
        QCOMPARE(stopped.completion, text.substr(0, text.find(options.stop[0])));
        QVERIFY(stopped.ended);
    }

    // Of the k likeliest, and of those that the nucleus needs, as the model's own probabilities say.
    void samplesOnlyFromTheTop_data()
    {
        QTest::addColumn<int>("topK");
        QTest::addColumn<double>("topP");
        QTest::addRow("all") << 0 << 1.0;
        QTest::addRow("the three likeliest") << 3 << 1.0;
        QTest::addRow("half of the probability") << 0 << 0.5;
        QTest::addRow("both") << 2 << 0.9;
    }
    void samplesOnlyFromTheTop()
    {
        QFETCH(int, topK);
        QFETCH(double, topP);
        constexpr int draws = 2000;
        std::vector<Drawn> order = firstTokens(atMost(1, 2), draws);
        QCOMPARE(order.size(), 10U);
        std::sort(order.begin(), order.end(), [](const Drawn& a, const Drawn& b) { return a.weight > b.weight; });
        double all = 0, before = 0;
        for (const Drawn& token : order)
            all += token.weight;
        std::map<std::string, double> wanted;
        for (const Drawn& token : order)
            if ((topK == 0 || static_cast<int>(wanted.size()) < topK) && before < topP * all) {
                wanted[token.text] = token.weight;
                before += token.weight;
            }
        AnswerOptions options = atMost(1, 2);
        options.topK = topK;
        options.topP = topP;
        const std::vector<Drawn> drawn = firstTokens(options, draws);
        QCOMPARE(drawn.size(), wanted.size());
        for (const Drawn& token : drawn) {
            QVERIFY2(wanted.contains(token.text), token.text.c_str());
            const double share = wanted[token.text] / before;
            QVERIFY(std::abs(token.count / double(draws) - share) < 4 * std::sqrt(share * (1 - share) / draws) + 1e-9);
        }
    }

    // Pieces may hold a stop text inside, begin one that does not come, or end within a character.
    void pairsOfBytesStopAndStreamAsTheTextDoes()
    {
        const Pairs pairs;
        const Answer whole = pairs.answer({});
        QVERIFY2(whole.completion.size() > 24, whole.completion.c_str()); // some of its 24 tokens are pairs
        for (std::size_t from = 1; from + 3 < whole.completion.size(); ++from)
            for (std::size_t length = 1; length <= 3; ++length) {
                AnswerOptions options;
                options.stop = {whole.completion.substr(from, length), "\xff\xfe"};
                std::vector<std::string> pieces;
                options.onText = [&](const std::string& piece) { pieces.push_back(piece); };
                const Answer stopped = pairs.answer(options);
                QCOMPARE(stopped.completion, whole.completion.substr(0, whole.completion.find(options.stop[0])));
                QVERIFY(stopped.ended);
                std::string together;
                for (const std::string& piece : pieces)
                    together += piece;
                QCOMPARE(together, stopped.completion);
            }
    }

    void aStreamIsOfWholeCharacters()
    {
        QTemporaryDir folder;
        const std::string file = folder.path().toStdString() + "/weights.safetensors";
        Genome genome = m_genome;
        genome.tools = {{"calculator"}, 1};
        Transformer model(genome.architecture, 258);
        model.initialise(7);
        QVERIFY(model.save(file, model.flat(), {}));
        Bytes world;
        const auto answer = [&](const AnswerOptions& options) {
            return Answerer::load(genome, file, world).value()->answer({"a="}, options).value().front();
        };
        world.tool.open = world.tool.call = answer(atMost(1)).completion.at(0);
        const std::string written = "\u00e9\u65e5\U0001d11eo";
        world.tool.run = [&](std::string_view) { return written; };
        AnswerOptions options = atMost(16);
        std::vector<std::string> pieces;
        options.onText = [&](const std::string& piece) { pieces.push_back(piece); };
        const Answer whole = answer(options);
        QCOMPARE(whole.completion.substr(1, written.size()), written);
        std::string together;
        for (const std::string& piece : pieces)
            together += piece;
        QCOMPARE(together, whole.completion);
        for (const char* character : {"\u00e9", "\u65e5", "\U0001d11e", "o"})
            QVERIFY2(std::find(pieces.begin(), pieces.end(), character) != pieces.end(), character);
    }

    void aToolWritesItsResult()
    {
        const auto [prompt, text] = talkative();
        m_world.tool.open = m_world.tool.call = text[0];
        m_world.tool.close = 'h';
        QCOMPARE(answers({prompt}, atMost(8))[0].completion, text);      // not allowed: nothing is called
        m_genome.tools = {{"calculator"}, 1};
        const Answer called = answers({prompt}, atMost(8))[0];
        QCOMPARE(called.completion.substr(0, 4), text.substr(0, 1) + "ggh");
        QVERIFY(called.tokens >= 4 && called.tokens <= 8);
        m_genome.tools.calls = 0;
        QCOMPARE(answers({prompt}, atMost(8))[0].completion, text);
        m_genome.tools = {};
    }

    void aResultOutsideTheAlphabetIsLeftOut()
    {
        const auto [prompt, text] = talkative();
        m_world.tool.open = m_world.tool.call = text[0];
        m_world.tool.close = 'h';
        m_world.tool.run = [](std::string_view) { return std::string("?"); };
        m_genome.tools = {{"calculator"}, 1};
        QCOMPARE(answers({prompt}, atMost(8))[0].completion.substr(0, 2), text.substr(0, 1) + "h");
        m_genome.tools = {};
    }

private:
    [[nodiscard]] std::vector<Answer> answers(const std::vector<std::string>& asked, const AnswerOptions& options) const
    {
        const auto answerer = Answerer::load(m_genome, m_file, m_world);
        if (!answerer)
            qFatal("%s", answerer.error().text.c_str());
        auto given = (*answerer)->answer(asked, options);
        if (!given)
            qFatal("%s", given.error().text.c_str());
        return *given;
    }
    // A token that came first, how often, and what a temperature of 2 makes of its probability.
    struct Drawn {
        std::string text;
        int count = 0;
        double weight = 0;
    };
    [[nodiscard]] std::vector<Drawn> firstTokens(const AnswerOptions& options, int draws) const
    {
        std::map<std::string, Drawn> found;
        for (const Answer& one : answers(std::vector<std::string>(static_cast<std::size_t>(draws), "abc="), options)) {
            Drawn& drawn = found[one.completion];
            drawn = {one.completion, drawn.count + 1, std::sqrt(one.confidence)};
        }
        std::vector<Drawn> list;
        for (auto& [text, drawn] : found)
            list.push_back(std::move(drawn));
        return list;
    }
    // A prompt whose greedy answer has several letters.
    [[nodiscard]] std::pair<std::string, std::string> talkative() const
    {
        const auto given = answers(prompts, atMost(8));
        for (std::size_t i = 0; i < prompts.size(); ++i)
            if (given[i].completion.size() >= 4)
                return {prompts[i], given[i].completion};
        qFatal("no prompt has a long answer: choose another seed");
        return {};
    }
    QTemporaryDir m_folder;
    std::string m_file;
    Tooled m_world;
    Genome m_genome;
};

QTEST_GUILESS_MAIN(TestAnswerer)
#include "tst_answerer.moc"
