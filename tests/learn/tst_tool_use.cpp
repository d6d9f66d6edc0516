// SPDX-License-Identifier: GPL-3.0-or-later
// A model learns from traces to call a tool and to go on from its result: the domain program with the program runner.
#include <QTemporaryDir>
#include <QTest>

#include <fmt/format.h>

#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/plugin/loader.h"
#include "core/plugin/program_runner.h"
#include "core/trainer/trainer.h"

using namespace ratchet;

namespace {

constexpr int items = 200;
constexpr double budgetFlops = 4e10;

} // namespace

class TestToolUse : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void aModelLearnsToCallTheRunner();

private:
    struct Exam { int right = 0, called = 0, tokens = 0; };
    [[nodiscard]] Genome genomeOf(const char* format, std::vector<std::string> tools) const;
    // Of the `items` judged, by a model of this genome, trained here.
    [[nodiscard]] Exam examined(const Genome& genome) const;
    std::unique_ptr<Domain> m_domain;
};

void TestToolUse::initTestCase()
{
    prepareProcess();
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
    auto domain = loadDomain("program");
    QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
    m_domain = std::move(*domain);
}

Genome TestToolUse::genomeOf(const char* format, std::vector<std::string> tools) const
{
    Genome genome = m_domain->seedGenome();
    genome.recipe.optimizer = "muon";
    genome.recipe.learningRate = 1e-2;
    genome.data.mixture = {{"tasks", {{"run", 1}}}, {"longest", 2}};
    genome.reasoning.format = format;
    genome.tools.allowed = std::move(tools);
    return genome;
}

TestToolUse::Exam TestToolUse::examined(const Genome& genome) const
{
    const QTemporaryDir folder;
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 11;
    spec.genome = genome.toJson();
    spec.budgetFlops = budgetFlops;
    spec.scratch = folder.path().toStdString();
    auto trainer = Trainer::create(spec, *m_domain);
    if (!trainer || !(*trainer)->run())
        qFatal("training failed");
    Rng rng(5);
    std::vector<Item> asked;
    std::vector<std::string> prompts;
    for (int i = 0; i < items; ++i) {
        asked.push_back(m_domain->draw("run-2", Split::Gate, rng));
        prompts.push_back(m_domain->example(asked.back(), genome.reasoning).prompt);
    }
    const auto answerer = Answerer::load(genome, spec.scratch + "/weights.safetensors", *m_domain);
    const auto answers = answerer ? (*answerer)->answer(prompts, {}) : Result<std::vector<Answer>>(fail(Code::Failed, "no model"));
    if (!answers)
        qFatal("%s", answers.error().text.c_str());
    Exam exam;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const Answer& answer = (*answers)[i];
        exam.right += m_domain->grade(asked[i], answer.completion, genome.reasoning).score == 1 ? 1 : 0;
        exam.called += toolSpans(answer.completion, program::programRunner()).empty() ? 0 : 1;
        exam.tokens += answer.tokens;
    }
    return exam;
}

void TestToolUse::aModelLearnsToCallTheRunner()
{
    const Exam plain = examined(genomeOf("plain", {})), alone = examined(genomeOf("runner", {})),
               helped = examined(genomeOf("runner", {"program"}));
    const auto seen = [](const Exam& exam) { return fmt::format("right {}, called {}, tokens {}", exam.right, exam.called, exam.tokens); };
    qInfo("plain: %s; without the tool: %s; with it: %s", seen(plain).c_str(), seen(alone).c_str(), seen(helped).c_str());
    QVERIFY2(helped.right >= 0.95 * items && helped.called == items, seen(helped).c_str());
    QVERIFY2(plain.right < 0.4 * items && plain.called == 0, seen(plain).c_str());
    QVERIFY2(alone.right < 0.4 * items, seen(alone).c_str()); // it is the tool that knows, not the longer answer
    QVERIFY2(helped.tokens > 3 * plain.tokens, seen(helped).c_str()); // and its price
}

QTEST_GUILESS_MAIN(TestToolUse)
#include "tst_tool_use.moc"
