// SPDX-License-Identifier: GPL-3.0-or-later
// Generation by a model of random weights: what holds whatever a model has learnt.
#include <QTemporaryDir>
#include <QTest>

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
