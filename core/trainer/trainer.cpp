// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/trainer.h"

#include <algorithm>

#include "core/genome/cost.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/trainer/preferences.h"
#include "core/trainer/self_training.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{
namespace
{

constexpr double labellingShare = 0.1; // of the budget that self-training may spend on labels, and preferences on pairs
constexpr double readings = 16;        // how often an item of the newest level is drawn, about, at most
constexpr double pairReadings = 4;     // and a pair, where there are as many

// Rows that the budget trains, about.
double rowsIn(const TrainSpec& spec, const Genome& genome, const Domain& domain, int vocabulary)
{
    const int length = std::max(1, domain.longestExample(genome.data, genome.reasoning));
    return spec.budgetFlops / (length * trainingFlops(genome.architecture, vocabulary, length).value);
}

// Tells what was spent, beside `before`, even when there is nothing to learn from.
Result<Preferences> preferencesOf(const TrainSpec& spec, const Genome& genome, const Domain& domain,
                                  const Tokenizer& tokenizer, double before, const TrainEvents& events,
                                  const Placement& placement)
{
    const OneThread alone;
    const auto tell = [&](double flops) {
        if (events.onProgress)
            events.onProgress({0, 0, before + flops, 0, 0, "preferences"});
    };
    tell(0);
    if (spec.parentWeights.empty())
        return fail(Code::BadInput, "The recipe learns preferences, but there is no parent to compare with.",
                    "Set /recipe/preference to 0 for a seed model.");
    RATCHET_TRY(parent, Genome::fromJson(spec.parentGenome));
    if (parent.recipe.isEnsemble())
        return fail(Code::BadInput, "The recipe learns preferences, but the parent is an ensemble.", "Set /recipe/preference to 0.");
    if (parent.reasoning.format != genome.reasoning.format)
        return fail(Code::BadInput,
                    fmt::format("The recipe learns preferences in the format \"{}\", but the parent answers in \"{}\".",
                                genome.reasoning.format, parent.reasoning.format),
                    "Keep /reasoning/format, or set /recipe/preference to 0.");
    RATCHET_TRY(model, Answerer::load(parent, spec.parentWeights, domain, spec.tokenizer, placement));
    PreferenceOptions options;
    options.seed = Rng::stream(spec.seed, "preferences").next();
    options.flops = spec.budgetFlops * labellingShare;
    options.onAsked = tell;
    const double rows = rowsIn(spec, genome, domain, tokenizer.vocabulary());
    const double drawn = rows / genome.recipe.batch * pairsOfStep(genome.recipe);
    options.pairs = static_cast<std::size_t>(std::clamp(drawn / pairReadings, 1.0, 1e5));
    auto collected = collectPreferences({model.get(), parent}, spec, genome, domain, tokenizer, options);
    tell(model->flopsUsed());
    return collected;
}

// Labels of self-training; nothing where the genome wants none or there is no parent.
Result<SelfTrainingResult> labelsOf(const TrainSpec& spec, const Genome& genome, const Domain& domain, int vocabulary,
                                    const Placement& placement)
{
    const OneThread alone;
    std::vector<Artifact> artifacts{{"the parent", spec.parentGenome, spec.parentWeights}};
    if (genome.recipe.teachers.empty()) // those that a genome names teach by their probabilities only
        artifacts.insert(artifacts.end(), spec.teachers.begin(), spec.teachers.end());
    std::vector<std::unique_ptr<Answerer>> models;
    std::vector<Voter> voters;
    for (const Artifact& artifact : artifacts) {
        RATCHET_TRY(itsGenome, Genome::fromJson(artifact.genome));
        RATCHET_TRY(model, Answerer::load(itsGenome, artifact.weights, domain, spec.tokenizer, placement));
        models.push_back(std::move(model));
        voters.push_back({models.back().get(), std::move(itsGenome)});
    }
    SelfTrainingOptions options;
    options.seed = Rng::stream(spec.seed, "labels").next();
    options.flops = spec.budgetFlops * labellingShare;
    options.vocabulary = vocabulary;
    const double rows = rowsIn(spec, genome, domain, vocabulary);
    options.items =
        std::max(options.items, static_cast<std::size_t>(std::min(1e6, rows * genome.data.selfTraining / readings)));
    return selfTrain(voters, genome, domain, options);
}

// The domain's position ids are needed by the model itself, or by a frozen one that reads its batches.
Coupling couplingOf(const TrainSpec& spec, const Genome& genome, const std::optional<Teachers>& teachers)
{
    const bool isCompared = genome.recipe.preference > 0;
    const bool byParent = isCompared && spec.parentGenome.at("architecture").at("positions") == "coupled";
    return byParent || (teachers && teachers->areCoupled()) ? Coupling::Always : Coupling::AsGenome;
}

Json reportOf(const Pools& pools)
{
    if (pools.pairs.empty() && pools.replay.empty() && pools.feedback.empty() && pools.selfTraining.empty() && pools.older.empty() &&
        pools.contaminated == 0)
        return nullptr;
    return {{"duplicates", pools.duplicates}, {"contaminated", pools.contaminated}};
}

} // namespace

Status fits(const TrainSpec& spec, const Genome& genome, const Domain& domain, int vocabulary, int threads)
{
    if (spec.memoryBytes <= 0)
        return {};
    std::vector<Json> genomes;
    for (const Artifact& teacher : spec.teachers)
        genomes.push_back(teacher.genome);
    if (genomes.empty() && !spec.parentGenome.is_null())
        genomes.push_back(spec.parentGenome);
    std::vector<Architecture> teachers;
    for (const Json& json : genomes) {
        RATCHET_TRY(its, Genome::fromJson(json));
        for (const Architecture& model : its.models())
            teachers.push_back(model);
    }
    const int length = std::clamp(domain.longestExample(genome.data, genome.reasoning), 1, genome.architecture.context);
    return fitsMemory(genome, vocabulary, length, spec.memoryBytes, teachers, threads);
}

std::string trialKey(const TrainSpec& spec)
{
    Json key{{"trial", spec.trial},         {"seed", spec.seed},          {"genome", spec.genome},
             {"parent", spec.parentGenome}, {"budget", spec.budgetFlops}, {"replay", spec.replay},
             {"feedback", spec.feedback}};
    if (!spec.preferences.empty())
        key["preferences"] = spec.preferences;
    key["tokenizer"] = hashOfJson(spec.tokenizer).hex;
    for (const Artifact& teacher : spec.teachers)
        key["teachers"].push_back({{"version", teacher.version}, {"genome", teacher.genome}});
    for (const Artifact& member : spec.members)
        key["members"].push_back({{"version", member.version}, {"genome", member.genome}});
    return hashOfJson(key).hex;
}

Trainer::Trainer() = default;
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(const TrainSpec& spec, const Domain& domain, TrainEvents events,
                                                 const Placement& placement)
{
    try {
        RATCHET_TRY(genome, Genome::fromJson(spec.genome));
        if (genome.recipe.isPopulation())
            return fail(Code::BadInput, "The genome has a population, which is more than one training.");
        RATCHET_TRY(tokenizer, tokenizerOf(spec.tokenizer, domain.info().alphabet));
        const int vocabulary = tokenizer.vocabulary();
        RATCHET_CHECK(fits(spec, genome, domain, vocabulary, placement.threads));
        std::optional<Teachers> teachers;
        if (genome.recipe.distillation > 0 && genome.recipe.trains()) {
            RATCHET_TRY(loaded, Teachers::load(spec, genome, vocabulary, placement));
            teachers = std::move(loaded);
        }
        Pools pools = poolsOf(spec, genome, domain);
        SelfTrainingResult labelled;
        if (genome.data.selfTraining > 0 && genome.recipe.trains() && !spec.parentWeights.empty()) {
            if (events.onProgress)
                events.onProgress({0, 0, 0, 0, 0, "self-training"});
            RATCHET_TRY(result, labelsOf(spec, genome, domain, vocabulary, placement));
            labelled = std::move(result);
            pools.selfTraining = std::move(labelled.newest);
            pools.older = std::move(labelled.older);
        }
        Preferences preferences;
        if (genome.recipe.preference > 0) {
            RATCHET_TRY(collected, preferencesOf(spec, genome, domain, tokenizer, labelled.flops, events, placement));
            preferences = std::move(collected);
            pools.pairs = std::move(preferences.pairs);
        }
        if (genome.data.deduplicate)
            removeDuplicates(pools);
        Json report = reportOf(pools);
        RATCHET_TRY(batches, Batches::create(genome, domain, spec.seed, std::move(pools), tokenizer,
                                             couplingOf(spec, genome, teachers)));
        auto trainer = std::unique_ptr<Trainer>(new Trainer);
        trainer->d = std::make_unique<Private>(spec, genome, domain, std::move(events), std::move(batches), tokenizer);
        trainer->d->placement = placement;
        trainer->d->teachers = std::move(teachers);
        trainer->d->startFlops = labelled.flops + preferences.flops;
        trainer->d->withheldFlops = labelled.withheld;
        trainer->d->selfTraining = std::move(labelled.report);
        trainer->d->preference = std::move(preferences.report);
        trainer->d->data = std::move(report);
        RATCHET_CHECK(trainer->d->begin());
        return trainer;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The training could not be prepared: {}.", reasonOf(error)));
    }
}

Result<bool> Trainer::Private::advance(std::int64_t steps)
{
    try {
        for (; steps > 0 && !isDone(); --steps)
            RATCHET_CHECK(takeStep());
        return !isDone();
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The training failed at step {}: {}.", state.step + 1, reasonOf(error)));
    }
}

Result<bool> Trainer::advance(std::int64_t steps)
{
    RATCHET_TRY(more, d->advance(steps));
    RATCHET_CHECK(d->readSteps());
    return more;
}

Result<Trained> Trainer::run()
{
    for (;;) {
        if (d->isProxyDue()) {
            RATCHET_TRY(answer, d->showProxy());
            if (answer == AfterProxy::Stop)
                return passOn(stopped());
        }
        if (d->isDone())
            break;
        if (d->events.isStopped && d->events.isStopped())
            return passOn(stopped());
        RATCHET_TRY(more, d->advance(1));
        if (more && d->spec.checkpointSeconds > 0 && secondsSince(d->lastCheckpoint) >= d->spec.checkpointSeconds) {
            RATCHET_CHECK(keepCheckpoint());
            d->lastCheckpoint = Clock::now();
        }
    }
    try {
        Trained trained;
        RATCHET_CHECK(d->finish(trained));
        return trained;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The training could not be finished: {}.", reasonOf(error)));
    }
}

Status Trainer::stopped() const
{
    RATCHET_CHECK(keepCheckpoint());
    return fail(Code::Cancelled,
                fmt::format("The training was stopped after step {}; its state is kept.", d->state.step));
}

Status Trainer::keepCheckpoint() const
{
    RATCHET_CHECK(d->readSteps());
    TrainState state = d->state;
    state.seconds += secondsSince(d->started);
    return writeCheckpoint(d->checkpointFile(), trialKey(d->spec), state);
}

std::int64_t Trainer::step() const
{
    return d->state.step;
}
std::int64_t Trainer::totalSteps() const
{
    return d->total;
}
double Trainer::loss() const
{
    return d->state.loss;
}

} // namespace ratchet
