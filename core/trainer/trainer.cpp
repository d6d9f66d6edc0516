// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/trainer.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/model/transformer.h"
#include "core/observe/tensor/layer_recorder.h"
#include "core/surgery/transplant.h"
#include "core/trainer/batches.h"
#include "core/trainer/checkpoint.h"
#include "core/trainer/optimizer.h"
#include "core/trainer/schedule.h"
#include "core/trainer/self_training.h"

namespace ratchet
{
namespace
{

using Clock = std::chrono::steady_clock;
constexpr int observations = 12;
constexpr std::int64_t probeRows = 32;
constexpr double labellingShare = 0.1; // of the budget that self-training may spend on labels

double secondsSince(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double peakBytes()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

std::string trialKey(const TrainSpec& spec)
{
    return hashOfJson({{"trial", spec.trial},
                       {"seed", spec.seed},
                       {"genome", spec.genome},
                       {"parent", spec.parentGenome},
                       {"budget", spec.budgetFlops},
                       {"replay", spec.replay},
                       {"feedback", spec.feedback},
                       {"tokenizer", hashOfJson(spec.tokenizer).hex}})
        .hex;
}

Result<std::unique_ptr<Answerer>> parentOf(const TrainSpec& spec, const Domain& domain)
{
    if (spec.parentWeights.empty())
        return std::unique_ptr<Answerer>();
    RATCHET_TRY(genome, Genome::fromJson(spec.parentGenome));
    return Answerer::load(genome, spec.parentWeights, domain, spec.tokenizer);
}

Status takeOver(const TrainSpec& spec, Transformer& model)
{
    RATCHET_TRY(genome, Genome::fromJson(spec.parentGenome));
    RATCHET_TRY(file, readWeights(spec.parentWeights));
    Transformer parent(genome.architecture, model.vocabulary());
    RATCHET_CHECK(parent.load(file));
    transplant(parent, model);
    return {};
}

} // namespace

struct Trainer::Private {
    Private(const TrainSpec& itsSpec, Genome itsGenome, const Domain& itsDomain, TrainEvents itsEvents,
            Batches itsBatches, const Tokenizer& itsTokenizer)
        : spec(itsSpec), genome(std::move(itsGenome)), domain(itsDomain), events(std::move(itsEvents)),
          batches(std::move(itsBatches)), tokenizer(itsTokenizer), model(genome.architecture, tokenizer.vocabulary()),
          optimizer(genome.recipe, genome.architecture, model.layout())
    {
        const int vocabulary = tokenizer.vocabulary();
        tokensPerStep = std::int64_t(genome.recipe.batch) * batches.length();
        flopsPerStep =
            static_cast<double>(tokensPerStep) * trainingFlops(genome.architecture, vocabulary, batches.length()).value;
    }
    [[nodiscard]] Status begin();
    [[nodiscard]] Status takeStep();
    [[nodiscard]] Status finish(Trained& trained) const;
    [[nodiscard]] at::Tensor lossOf(const Batch& batch, const ForwardOptions& options) const;
    void observe(const Batch& batch);
    void report(double stepLoss, double gradientNorm, double rate);
    [[nodiscard]] double spent() const { return labelFlops + static_cast<double>(state.step) * flopsPerStep; }
    [[nodiscard]] std::string checkpointFile() const
    {
        return (std::filesystem::path(spec.scratch) / "checkpoint.safetensors").string();
    }

    TrainSpec spec;
    Genome genome;
    const Domain& domain;
    TrainEvents events;
    Batches batches;
    Tokenizer tokenizer;
    Transformer model;
    Optimizer optimizer;
    TrainState state;
    Json selfTraining = nullptr;
    double labelFlops = 0, flopsPerStep = 0;
    std::int64_t tokensPerStep = 0, total = 1;
    Clock::time_point started = Clock::now(), lastProgress{}, lastCheckpoint = Clock::now();
    std::int64_t lastProgressStep = 0;
};

// Parameters from scratch, the parent or the checkpoint; everything after the data is known.
Status Trainer::Private::begin()
{
    model.initialise(Rng::stream(spec.seed, "model").next());
    if (genome.recipe.start == "continue" && !spec.parentWeights.empty())
        RATCHET_CHECK(takeOver(spec, model));
    model.requireGradient();
    total = std::max<std::int64_t>(1, static_cast<std::int64_t>((spec.budgetFlops - labelFlops) / flopsPerStep));
    state.parameters = model.flat();
    state.first = optimizer.firstMoment();
    state.second = optimizer.secondMoment();
    if (genome.recipe.ema > 0)
        state.average = model.flat().clone();
    if (spec.scratch.empty())
        return {};
    RATCHET_TRY(resumed, readCheckpoint(checkpointFile(), trialKey(spec), state));
    (void)resumed;
    return {};
}

at::Tensor Trainer::Private::lossOf(const Batch& batch, const ForwardOptions& options) const
{
    const at::Tensor logits = model.forward(batch.inputs, batch.positions, options);
    return at::cross_entropy_loss(logits.view({-1, model.vocabulary()}), batch.targets.view({-1}));
}

// A forward and backward pass of a few rows without dropout, which leaves no trace in the training.
void Trainer::Private::observe(const Batch& batch)
{
    const std::int64_t rows = std::min(probeRows, batch.inputs.size(0));
    const Batch probe{batch.inputs.narrow(0, 0, rows), batch.targets.narrow(0, 0, rows),
                      batch.positions.defined() ? batch.positions.narrow(0, 0, rows) : at::Tensor()};
    LayerRecorder recorder;
    ForwardOptions options;
    options.observer = &recorder;
    lossOf(probe, options).backward();
    Observation seen;
    seen.step = state.step;
    for (LayerSummary& summary : recorder.summaries(model))
        seen.layers.push_back({std::move(summary.layer), std::move(summary.values), std::move(summary.histogram)});
    Json tokens = Json::array();
    for (std::int64_t i = 0; i < std::min<std::int64_t>(24, probe.inputs.size(1)); ++i)
        tokens.push_back(tokenizer.label(probe.inputs.data_ptr<std::int64_t>()[i]));
    seen.attention = {{"tokens", std::move(tokens)}, {"blocks", recorder.attentionMaps()}};
    model.gradient().zero_();
    events.onObservation(seen);
}

Status Trainer::Private::takeStep()
{
    RATCHET_TRY(batch, batches.draw(state.step));
    if (events.onObservation && state.step % std::max<std::int64_t>(1, total / observations) == 0)
        observe(batch);
    ForwardOptions options;
    options.dropout = genome.recipe.dropout;
    if (options.dropout > 0)
        at::manual_seed(Rng::stream(spec.seed, "dropout", static_cast<std::uint64_t>(state.step)).next());
    model.gradient().zero_();
    const at::Tensor loss = lossOf(batch, options);
    loss.backward();
    const double value = loss.item<float>();
    const double norm = clipGradient(model.gradient(), genome.recipe.clip);
    if (!std::isfinite(value) || !std::isfinite(norm))
        return fail(Code::Failed,
                    fmt::format("The training diverged at step {}: its loss is not finite.", state.step + 1),
                    "Lower the learning rate or the initial scale.");
    const double rate = learningRateAt(genome.recipe, state.step, total);
    optimizer.step(model.flat(), model.gradient(), rate, state.step + 1);
    ++state.step;
    if (state.average.defined()) {
        const double warm = (1.0 + static_cast<double>(state.step)) / (10.0 + static_cast<double>(state.step));
        state.average.lerp_(model.flat(), 1 - std::min(genome.recipe.ema, warm));
    }
    state.loss = state.step == 1
                     ? value
                     : state.loss + (value - state.loss) / static_cast<double>(std::min<std::int64_t>(state.step, 20));
    report(value, norm, rate);
    return {};
}

void Trainer::Private::report(double stepLoss, double gradientNorm, double rate)
{
    const std::int64_t stride = std::max<std::int64_t>(1, total / 5000);
    const bool isTime = secondsSince(lastProgress) >= 0.25 || state.step == total;
    if (events.onPoints && (state.step % stride == 0 || state.step == total)) {
        Points points{state.step, {{"loss", stepLoss}, {"gradient-norm", gradientNorm}, {"learning-rate", rate}}};
        if (isTime && lastProgress != Clock::time_point{})
            points.values.emplace_back("tokens-per-second",
                                       static_cast<double>((state.step - lastProgressStep) * tokensPerStep) /
                                           std::max(1e-6, secondsSince(lastProgress)));
        events.onPoints(points);
    }
    if (!isTime)
        return;
    lastProgress = Clock::now();
    lastProgressStep = state.step;
    if (events.onProgress)
        events.onProgress({state.step, state.step * tokensPerStep, spent(), std::min(1.0, spent() / spec.budgetFlops),
                           state.loss, "training"});
}

Status Trainer::Private::finish(Trained& trained) const
{
    const std::string file = (std::filesystem::path(spec.scratch) / "weights.safetensors").string();
    RATCHET_CHECK(model.save(file, state.average.defined() ? state.average : model.flat(), {}));
    trained.weights = file;
    trained.steps = state.step;
    trained.tokens = state.step * tokensPerStep;
    trained.length = batches.length();
    trained.flops = spent();
    trained.seconds = state.seconds + secondsSince(started);
    trained.finalLoss = state.loss;
    trained.peakBytes = peakBytes();
    trained.selfTraining = selfTraining;
    return {};
}

Trainer::Trainer() = default;
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(const TrainSpec& spec, const Domain& domain, TrainEvents events)
{
    try {
        RATCHET_TRY(genome, Genome::fromJson(spec.genome));
        RATCHET_TRY(tokenizer, tokenizerOf(spec.tokenizer, domain.info().alphabet));
        Pools pools = poolsOf(spec, genome, domain);
        SelfTrainingResult labelled;
        if (genome.data.selfTraining > 0 && !spec.parentWeights.empty()) {
            if (events.onProgress)
                events.onProgress({0, 0, 0, 0, 0, "self-training"});
            RATCHET_TRY(parent, parentOf(spec, domain));
            RATCHET_TRY(parentGenome, Genome::fromJson(spec.parentGenome));
            RATCHET_TRY(result, selfTrain(*parent, parentGenome, genome, domain,
                                          {Rng::stream(spec.seed, "labels").next(), 4096,
                                           spec.budgetFlops * labellingShare, 0.5}));
            labelled = std::move(result);
            pools.selfTraining = std::move(labelled.examples);
        }
        RATCHET_TRY(batches, Batches::create(genome, domain, spec.seed, std::move(pools), tokenizer));
        auto trainer = std::unique_ptr<Trainer>(new Trainer);
        trainer->d = std::make_unique<Private>(spec, genome, domain, std::move(events), std::move(batches),
                                               tokenizer);
        trainer->d->labelFlops = labelled.flops;
        trainer->d->selfTraining = std::move(labelled.report);
        RATCHET_CHECK(trainer->d->begin());
        return trainer;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The training could not be prepared: {}.", firstLine(error.what())));
    }
}

Result<bool> Trainer::advance(std::int64_t steps)
{
    try {
        for (; steps > 0 && d->state.step < d->total; --steps)
            RATCHET_CHECK(d->takeStep());
        return d->state.step < d->total;
    } catch (const std::exception& error) {
        return fail(Code::Failed,
                    fmt::format("The training failed at step {}: {}.", d->state.step + 1, firstLine(error.what())));
    }
}

Result<Trained> Trainer::run()
{
    for (bool more = d->state.step < d->total; more;) {
        if (d->events.isStopped && d->events.isStopped()) {
            RATCHET_CHECK(keepCheckpoint());
            return fail(Code::Cancelled,
                        fmt::format("The training was stopped after step {}; its state is kept.", d->state.step));
        }
        RATCHET_TRY(left, advance(1));
        more = left;
        if (more && d->spec.checkpointSeconds > 0 && secondsSince(d->lastCheckpoint) >= d->spec.checkpointSeconds) {
            RATCHET_CHECK(keepCheckpoint());
            d->lastCheckpoint = Clock::now();
        }
    }
    Trained trained;
    RATCHET_CHECK(d->finish(trained));
    return trained;
}

Status Trainer::keepCheckpoint() const
{
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
