// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/rounds.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/model/answerer.h"
#include "core/plugin/loader.h"
#include "core/trainer/rounds_record.h"
#include "core/trainer/trainer.h"

namespace ratchet {
namespace {

struct Measured {
    double accuracy = 0, length = 0;
};

class Experiment {
public:
    Experiment(const Domain& domain, const RoundsOptions& options, const RoundsEvents& events)
        : m_domain(domain), m_options(options), m_events(events)
    {
    }
    [[nodiscard]] Result<std::vector<RoundRow>> run();

private:
    [[nodiscard]] Status check() const;
    [[nodiscard]] Genome genomeOf(const std::string& arm, int level) const;
    [[nodiscard]] std::string keyOf(int round, const Genome& genome, const RoundModel* parent) const;
    [[nodiscard]] std::filesystem::path folderOf(const std::string& arm, int round) const;
    [[nodiscard]] Result<Trained> train(const std::string& arm, int round, const Genome& genome,
                                        const RoundModel* parent);
    [[nodiscard]] Result<RoundRecord> runRound(const std::string& arm, int round, const RoundModel* parent);
    [[nodiscard]] Result<Measured> measure(const Answerer& model, const Genome& genome, int level,
                                           std::string_view stream, int round) const;
    [[nodiscard]] Result<std::vector<RoundRow>> rowsOf(const RoundModel& model, int round) const;
    [[nodiscard]] Result<int> levelAfter(const RoundModel& model, int round) const;
    void add(RoundRow row);

    const Domain& m_domain;
    const RoundsOptions& m_options;
    const RoundsEvents& m_events;
    std::vector<RoundRow> m_rows;
    double m_spent = 0;
};

Item itemOf(const Domain& domain, const Data& data, int level, Rng& rng)
{
    return level > 0 ? domain.drawHarder(data, level, rng) : domain.drawTraining(data, rng);
}

Genome Experiment::genomeOf(const std::string& arm, int level) const
{
    Genome genome = m_options.genome;
    if (arm.empty()) {
        genome.recipe.start = "scratch";
        genome.adaptation = {};
        genome.data.selfTraining = 0;
        return genome;
    }
    if (m_options.roundRecipe)
        genome.recipe = *m_options.roundRecipe;
    genome.recipe.start = "continue";
    genome.data.selfTraining = m_options.newest;
    genome.data.labels = arm;
    genome.data.level = level;
    return genome;
}

// Everything that can be seen before the first step is.
Status Experiment::check() const
{
    if (m_options.scratch.empty() || m_options.items < 1 || m_options.rounds < 0 || m_options.baseFlops <= 0 ||
        m_options.roundFlops <= 0)
        return fail(Code::Usage, "The rounds need a folder, items to measure by and budgets above zero.");
    RATCHET_CHECK(Genome::fromJson(genomeOf({}, 0).toJson()));
    for (const std::string& arm : m_options.arms)
        RATCHET_CHECK(Genome::fromJson(genomeOf(arm, m_options.rounds).toJson()));
    const int context = m_options.genome.architecture.context;
    for (const int level : m_options.levels) {
        Rng rng = Rng::stream(m_options.seed, "check", static_cast<std::uint64_t>(level));
        const Example example =
            m_domain.example(itemOf(m_domain, m_options.genome.data, level, rng), m_options.genome.reasoning);
        const std::size_t length = example.prompt.size() + example.completion.size() + 1;
        if (length > static_cast<std::size_t>(context))
            return fail(
                Code::BadInput,
                fmt::format("An item of level {} has {} tokens, but the model reads {}.", level, length, context),
                "Raise /architecture/context or measure lower levels.");
    }
    return {};
}

std::filesystem::path Experiment::folderOf(const std::string& arm, int round) const
{
    return std::filesystem::path(m_options.scratch) / fmt::format("{}-{}", arm, round);
}

// Of everything that determines what the round gives.
std::string Experiment::keyOf(int round, const Genome& genome, const RoundModel* parent) const
{
    const Json key{{"domain", m_domain.info().name},
                   {"parent", parent ? parent->key : std::string()},
                   {"genome", genome.toJson()},
                   {"round", round},
                   {"seed", m_options.seed},
                   {"flops", parent ? m_options.roundFlops : m_options.baseFlops},
                   {"levels", m_options.levels},
                   {"items", m_options.items},
                   {"acceleration", m_options.acceleration},
                   {"mastered", m_options.mastered}};
    return hashOfJson(key).hex;
}

Result<Trained> Experiment::train(const std::string& arm, int round, const Genome& genome, const RoundModel* parent)
{
    if (genome.recipe.moments == "carry")
        return fail(Code::BadInput, "Rounds keep no moments of the optimizer that could be carried.", "Set /recipe/moments to \"reset\".");
    TrainSpec spec;
    spec.trial = round + 1;
    spec.seed = Rng::stream(m_options.seed, "round", static_cast<std::uint64_t>(round)).next();
    spec.genome = genome.toJson();
    spec.budgetFlops = parent ? m_options.roundFlops : m_options.baseFlops;
    spec.checkpointSeconds = 0;
    if (parent) {
        spec.parentGenome = parent->genome.toJson();
        spec.parentWeights = parent->weights;
    }
    spec.scratch = folderOf(arm, round).string();
    RATCHET_CHECK(makeFolder(spec.scratch, 0700));
    const double all =
        m_options.baseFlops + m_options.roundFlops * m_options.rounds * static_cast<double>(m_options.arms.size());
    TrainEvents events;
    events.isStopped = m_events.isStopped;
    if (m_events.onProgress)
        events.onProgress = [&](const Progress& progress) {
            m_events.onProgress(arm, round, std::min(1.0, (m_spent + progress.flops) / all), progress.loss);
        };
    RATCHET_TRY(trainer, Trainer::create(spec, m_domain, events));
    return trainer->run();
}

Result<Measured> Experiment::measure(const Answerer& model, const Genome& genome, int level, std::string_view stream,
                                     int round) const
{
    Rng rng = Rng::stream(m_options.seed, stream, static_cast<std::uint64_t>(round) * 100000 + std::uint64_t(level));
    std::vector<Item> items;
    std::vector<std::string> prompts;
    Measured measured;
    for (int i = 0; i < m_options.items; ++i) {
        items.push_back(itemOf(m_domain, m_options.genome.data, level, rng));
        const Example example = m_domain.example(items.back(), genome.reasoning);
        prompts.push_back(example.prompt);
        measured.length += static_cast<double>(example.prompt.size() + example.completion.size()) / m_options.items;
    }
    AnswerOptions ask;
    ask.maxTokens = genome.architecture.context;
    RATCHET_TRY(answers, model.answer(prompts, ask));
    for (std::size_t i = 0; i < items.size(); ++i)
        if (answers[i].ended)
            measured.accuracy +=
                m_domain.grade(items[i], answers[i].completion, genome.reasoning).score / m_options.items;
    return measured;
}

Result<std::vector<RoundRow>> Experiment::rowsOf(const RoundModel& model, int round) const
{
    RATCHET_TRY(answerer, Answerer::load(model.genome, model.weights, m_domain));
    std::vector<RoundRow> rows;
    for (const int level : m_options.levels) {
        RATCHET_TRY(measured, measure(*answerer, model.genome, level, "measure", round));
        RoundRow row;
        row.round = round;
        row.trainedLevel = model.trained;
        row.level = level;
        row.accuracy = measured.accuracy;
        row.items = m_options.items;
        row.length = measured.length;
        row.flops = model.flops;
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<int> Experiment::levelAfter(const RoundModel& model, int round) const
{
    if (m_options.acceleration <= 1)
        return model.level + 1;
    RATCHET_TRY(answerer, Answerer::load(model.genome, model.weights, m_domain));
    Status failed;
    const int level = nextLevel(model.level, m_options.acceleration, m_options.mastered, [&](int harder) {
        const auto measured = measure(*answerer, model.genome, harder, "mastered", round);
        if (!measured)
            failed = passOn(measured);
        return measured ? measured->accuracy : 0.0;
    });
    RATCHET_CHECK(failed);
    return level;
}

void Experiment::add(RoundRow row)
{
    if (m_events.onRow)
        m_events.onRow(row);
    m_rows.push_back(std::move(row));
}

// The base model where there is no parent. Taken from its folder when an earlier run has finished it there.
Result<RoundRecord> Experiment::runRound(const std::string& arm, int round, const RoundModel* parent)
{
    Genome genome = parent ? genomeOf(arm, parent->level) : genomeOf({}, 0);
    const std::string key = keyOf(round, genome, parent);
    const double budget = parent ? m_options.roundFlops : m_options.baseFlops;
    if (auto record = readRecord(folderOf(arm, round), key)) {
        m_spent += budget;
        return std::move(*record);
    }
    RATCHET_TRY(trained, train(arm, round, genome, parent));
    m_spent += budget;
    RoundRecord record;
    record.model = {std::move(genome), trained.weights, key, 0, 0, trained.flops};
    if (parent) {
        record.model.level = parent->level;
        record.model.trained = parent->level + 1;
        record.model.flops += parent->flops;
    }
    RATCHET_TRY(rows, rowsOf(record.model, round));
    record.rows = std::move(rows);
    const Json& labels = trained.selfTraining;
    const double asked = labels.is_object() ? labels.value("asked", 0.0) : 0;
    for (RoundRow& row : record.rows) {
        row.arm = arm;
        row.steps = trained.steps;
        row.kept = asked > 0 ? labels.value("kept", 0.0) / asked : 0;
        row.right = labels.is_object() ? labels.value("right", 0.0) : 0;
    }
    if (parent) {
        RATCHET_TRY(level, levelAfter(record.model, round));
        record.model.level = level;
    }
    RATCHET_CHECK(writeRecord(folderOf(arm, round), record));
    return record;
}

// Round by round through all arms, so that an experiment that is stopped has compared them.
Result<std::vector<RoundRow>> Experiment::run()
{
    RATCHET_CHECK(check());
    RATCHET_TRY(base, runRound("base", 0, nullptr));
    std::vector<RoundModel> models(m_options.arms.size(), base.model);
    for (const std::string& arm : m_options.arms)
        for (RoundRow row : base.rows) {
            row.arm = arm;
            add(std::move(row));
        }
    for (int round = 1; round <= m_options.rounds; ++round)
        for (std::size_t i = 0; i < models.size(); ++i) {
            RATCHET_TRY(record, runRound(m_options.arms[i], round, &models[i]));
            for (RoundRow& row : record.rows)
                add(std::move(row));
            models[i] = std::move(record.model);
        }
    return std::move(m_rows);
}

} // namespace

Json toJson(const RoundRow& row)
{
    return {{"arm", row.arm},       {"round", row.round},       {"trainedLevel", row.trainedLevel},
            {"level", row.level},   {"accuracy", row.accuracy}, {"items", row.items},
            {"length", row.length}, {"steps", row.steps},       {"flops", row.flops},
            {"kept", row.kept},     {"right", row.right}};
}

Result<RoundRow> roundRowFrom(const Json& json)
{
    RoundRow row;
    Fields in(json, "a row of the rounds");
    in.read("arm", row.arm).read("round", row.round).read("trainedLevel", row.trainedLevel).read("level", row.level);
    in.read("accuracy", row.accuracy).read("items", row.items).read("length", row.length).read("steps", row.steps);
    in.read("flops", row.flops).read("kept", row.kept).read("right", row.right);
    RATCHET_CHECK(in.onlyKnown().status());
    return row;
}

int nextLevel(int level, int acceleration, double mastered, const std::function<double(int)>& accuracyAt)
{
    int next = level + 1;
    while (next < level + acceleration && accuracyAt(next + 1) >= mastered)
        ++next;
    return next;
}

Result<std::vector<RoundRow>> selfTrainingRounds(const Domain& domain, const RoundsOptions& options,
                                                 const RoundsEvents& events)
{
    auto result = guarded(domain.info().name, [&] { return Experiment(domain, options, events).run(); });
    if (!result)
        return passOn(result);
    return std::move(*result);
}

} // namespace ratchet
