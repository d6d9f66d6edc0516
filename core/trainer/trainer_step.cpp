// SPDX-License-Identifier: GPL-3.0-or-later
// A trial's steps, from the first parameters to the written weights.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include <ATen/Context.h>

#include "core/genome/cost.h"
#include "core/model/compat.h"
#include "core/surgery/freeze.h"
#include "core/trainer/averaging.h"
#include "core/trainer/schedule.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t mostObservations = 12, fewestStepsBetween = 10;
constexpr std::size_t stepsAhead = 16; // of a device, before its losses are read

double peakBytes()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

} // namespace

Status Trainer::Private::takeOver()
{
    RATCHET_TRY(parentGenome, Genome::fromJson(spec.parentGenome));
    RATCHET_TRY(file, readWeights(spec.parentWeights));
    Ensemble whole(parentGenome, model.vocabulary());
    RATCHET_CHECK(whole.load(file));
    const Transformer& parent = whole.member(0); // of an ensemble the one that its genome names first
    RATCHET_TRY(done, transplant(parent, model));
    surgery = {{"keepsFunction", done.keepsFunction}, {"note", done.note}, {"moments", ""}};
    if (genome.recipe.moments == "reset")
        return {};
    RATCHET_TRY(moments, carryMoments(spec, parentGenome, parent, genome, model));
    surgery["moments"] = moments.note;
    carried = std::move(moments.kept);
    return {};
}

Trainer::Private::Private(const TrainSpec& itsSpec, Genome itsGenome, const Domain& itsDomain, TrainEvents itsEvents,
                          Batches itsBatches, const Tokenizer& itsTokenizer)
    : spec(itsSpec), genome(std::move(itsGenome)), domain(itsDomain), events(std::move(itsEvents)),
      batches(std::move(itsBatches)), tokenizer(itsTokenizer), model(genome.architecture, tokenizer.vocabulary())
{
}

std::string Trainer::Private::checkpointFile() const
{
    return (std::filesystem::path(spec.scratch) / "checkpoint.safetensors").string();
}

double Trainer::Private::tokenPrice(std::int64_t length) const
{
    return trainingFlops(genome.architecture, model.vocabulary(), static_cast<int>(length), taught).value;
}

double Trainer::Private::priceOf(std::int64_t rows, std::int64_t length) const
{
    return static_cast<double>(rows * length) * tokenPrice(length);
}

double Trainer::Private::budgetOfSteps() const
{
    const double left = spec.budgetFlops - startFlops - withheldFlops;
    return genome.recipe.isAverage() ? std::min(left, genome.recipe.fineTuning * spec.budgetFlops) : left;
}

double Trainer::Private::spent() const
{
    // Where all steps cost the same, a product has no rounding to grow.
    return startFlops + state.proxyFlops +
           (genome.data.bucketing ? state.flops : static_cast<double>(state.step) * flopsPerStep);
}

// Of a step whose rows are as long as the longest of them.
Result<double> Trainer::Private::sampledPrice(std::int64_t step)
{
    double price = 0;
    if (genome.recipe.preference < 1) {
        RATCHET_TRY(batch, batches.draw(step, 1));
        price += priceOf(batch.inputs.size(0), batch.inputs.size(1));
    }
    if (genome.recipe.preference > 0) {
        RATCHET_TRY(rows, batches.pairRows(batches.drawPairs(step), Padding::AsTrained));
        price += priceOf(rows.inputs.size(0), rows.inputs.size(1));
    }
    return price;
}

// How many steps the budget pays for. Batches of buckets differ: there the mean of some is taken, drawn without a
// curriculum, and isDone() looks at what was really spent.
Status Trainer::Private::plan()
{
    constexpr std::int64_t sampled = 32;
    flopsPerStep = priceOf(genome.recipe.batch, batches.length());
    total = 0;
    if (!genome.recipe.trains())
        return {};
    double price = flopsPerStep;
    if (genome.data.bucketing) {
        price = 0;
        for (std::int64_t step = sampled; step < 2 * sampled; ++step) {
            RATCHET_TRY(itsPrice, sampledPrice(step));
            price += itsPrice / sampled;
        }
    }
    planFor(std::max<std::int64_t>(1, static_cast<std::int64_t>(budgetOfSteps() / price)));
    return {};
}

double Trainer::Private::shareSpent() const
{
    return (spent() - state.proxyFlops) / std::max(1.0, startFlops + budgetOfSteps());
}

void Trainer::Private::planFor(std::int64_t steps)
{
    total = steps;
    probeEvery = std::max(fewestStepsBetween, total / mostObservations);
}

bool Trainer::Private::isDone() const
{
    if (!genome.data.bucketing || !genome.recipe.trains())
        return state.step >= total;
    return state.step > 0 && state.flops + flopsPerStep > budgetOfSteps();
}

Status Trainer::Private::takeMembers()
{
    if (events.onProgress)
        events.onProgress({0, 0, 0, 0, 0, "averaging"});
    if (genome.recipe.isEnsemble()) {
        ensemble.emplace(genome, tokenizer.vocabulary());
        ensemble->place(placement);
    }
    RATCHET_TRY(averaged, ensemble ? gatherInto(*ensemble, spec, domain, tokenizer)
                                   : averageInto(model, spec, genome, domain, tokenizer));
    state.loss = averaged.loss;
    members = std::move(averaged.members);
    startFlops += averaged.flops;
    return {};
}

// What trains: low-rank adapters on the model as it is now, or its tensors that are not frozen.
Status Trainer::Private::adapt()
{
    std::vector<TensorSlot> layout = trainableSlots(model.layout(), genome.adaptation);
    state.parameters = model.flat();
    if (genome.adaptation.method == "lora") {
        RATCHET_TRY(made, Adapters::create(model, genome.adaptation, Rng::stream(spec.seed, "adapters").next()));
        adapters = std::move(made);
        layout = adapters->layout();
        state.parameters = adapters->flat();
    }
    optimizer.emplace(genome.recipe, genome.architecture, std::move(layout), placement);
    state.first = optimizer->firstMoment();
    state.second = optimizer->secondMoment();
    if (!carried)
        return {};
    for (const auto& [own, kept] : {std::pair(&state.first, &carried->moments.first), std::pair(&state.second, &carried->moments.second)})
        if (own->defined()) {
            own->copy_(*kept);
            clearFrozen(*own, model.layout(), genome.adaptation);
        }
    carried->moments = {};
    return {};
}

at::Tensor Trainer::Private::ownGradient() const
{
    if (adapters) {
        adapters->pullBack(model);
        return adapters->gradient();
    }
    clearFrozen(model.gradient(), model.layout(), genome.adaptation);
    return model.gradient();
}

// One step of the optimizer and of the average, which is one of whole weights, adapters merged.
void Trainer::Private::update(const at::Tensor& gradient, double rate)
{
    optimizer->step(state.parameters, gradient, rate, momentSteps() + 1);
    if (adapters)
        adapters->compose(model);
    ++state.step;
    if (state.average.defined()) {
        const double warm = (1.0 + static_cast<double>(state.step)) / (10.0 + static_cast<double>(state.step));
        state.average.lerp_(model.flat(), 1 - std::min(genome.recipe.ema, warm));
    }
}

Status Trainer::Private::begin()
{
    if (teachers) {
        RATCHET_CHECK(teachers->fit(batches.length()));
        taught = teachers->architectures();
    }
    if (genome.recipe.isEnsemble()) {
        RATCHET_CHECK(takeMembers());
        return plan();
    }
    model.initialise(Rng::stream(spec.seed, "model").next());
    if (genome.recipe.start == "continue" && !spec.parentWeights.empty())
        RATCHET_CHECK(takeOver());
    model.place(placement);
    state.placement = placement.text();
    if (genome.recipe.isAverage())
        RATCHET_CHECK(takeMembers());
    if (genome.recipe.preference > 0)
        RATCHET_CHECK(compare());
    model.requireGradient();
    shards.emplace(model, shardsOf(genome, placement.threads));
    RATCHET_CHECK(adapt());
    RATCHET_CHECK(plan());
    if (genome.recipe.ema > 0)
        state.average = model.flat().clone();
    if (!spec.scratch.empty()) {
        RATCHET_TRY(resumed, readCheckpoint(checkpointFile(), trialKey(spec), state));
        if (resumed && adapters)
            adapters->compose(model);
        if (!state.foreign.empty())
            tellForeign(events, placement, state.foreign);
    }
    firstStep = state.step;
    lastProgressTokens = state.tokens;
    trainingSince = Clock::now();
    if (events.onProgress)
        events.onProgress(progressNow());
    return {};
}

double Trainer::Private::rateNow() const
{
    std::int64_t step = state.step;
    if (genome.data.bucketing) // the step that this share of the budget would be
        step = static_cast<std::int64_t>(state.flops / budgetOfSteps() * static_cast<double>(total));
    return learningRateAt(genome.recipe, step, total);
}

Status Trainer::Private::divergence(const Step& step) const
{
    return fail(
        Code::Failed,
        step.number <= smokeSteps
            ? fmt::format("The training diverged at step {}: its loss of {:.3g} is far above its best of {:.3g}.",
                          step.number, state.loss, state.divergence.best)
            : fmt::format("The training diverged: at step {} its loss of {:.3g} has been far above its best of {:.3g} "
                          "for {} steps.",
                          step.number, state.loss, state.divergence.best, state.divergence.above),
        "Lower the learning rate or lengthen the warm-up.");
}

Status Trainer::Private::addLabels(Step& step)
{
    RATCHET_TRY(batch, batches.draw(state.step, total));
    if (isProbed())
        observe(batch);
    ForwardOptions options;
    options.dropout = genome.recipe.dropout;
    if (options.dropout > 0)
        at::manual_seed(Rng::stream(spec.seed, "dropout", static_cast<std::uint64_t>(state.step)).next());
    QueuedLoss loss = queueGradient(*shards, batch, genome.recipe, options, teachers ? &*teachers : nullptr);
    step.labels = std::move(loss.value);
    step.droppedShare = loss.droppedShare;
    step.tokens += batch.inputs.numel();
    step.flops += priceOf(batch.inputs.size(0), batch.inputs.size(1));
    return {};
}

Status Trainer::Private::takeStep()
{
    Step step;
    model.gradient().zero_();
    if (genome.recipe.preference < 1)
        RATCHET_CHECK(addLabels(step));
    if (genome.recipe.preference > 0)
        RATCHET_CHECK(addPairs(step));
    const at::Tensor gradient = ownGradient();
    step.norm = queueClip(gradient, genome.recipe.clip, placement);
    step.rate = rateNow();
    update(gradient, step.rate);
    step.number = state.step;
    state.tokens += step.tokens;
    state.flops += step.flops;
    unread.push_back(std::move(step));
    const bool endsStage = state.step == 1 || state.step == smokeSteps;
    const bool runsAhead = !placement.device.is_cpu() && unread.size() < stepsAhead && !endsStage && !isDone();
    return runsAhead ? Status() : readSteps();
}

Status Trainer::Private::readSteps()
{
    std::vector<at::Tensor> all;
    for (const Step& step : unread)
        for (const at::Tensor& numbers : {step.norm, step.labels, step.pairs})
            if (numbers.defined())
                all.push_back(numbers.reshape({-1}));
    if (all.empty())
        return {};
    at::Tensor here;
    try {
        here = at::cat(all).cpu();
    } catch (const std::exception& error) { // of anything that the device was asked to do since
        return fail(Code::Failed, fmt::format("The training failed at step {} or before: {}.", state.step, reasonOf(error)));
    }
    const double* value = here.data_ptr<double>();
    for (Step& step : std::exchange(unread, {})) {
        step.gradientNorm = *value++;
        if (step.labels.defined())
            step.loss += *value++;
        if (step.pairs.defined()) {
            step.preference = {value[0], value[1], value[2]};
            step.loss += step.preference->value;
            value += 3;
        }
        RATCHET_CHECK(judge(step));
    }
    return {};
}

Status Trainer::Private::judge(const Step& step)
{
    isLost = !std::isfinite(step.loss) || !std::isfinite(step.gradientNorm);
    if (isLost)
        return fail(Code::Failed, fmt::format("The training diverged at step {}: its loss is not finite.", step.number),
                    "Lower the learning rate or the initial scale.");
    state.loss = step.number == 1 ? step.loss
                                  : state.loss + (step.loss - state.loss) /
                                                     static_cast<double>(std::min<std::int64_t>(step.number, 20));
    const double share = static_cast<double>(step.number) / static_cast<double>(total);
    const bool exploded =
        step.number <= smokeSteps && state.divergence.hasExploded(state.loss, std::log(model.vocabulary()));
    isLost = exploded || state.divergence.add(state.loss, total, batches.curriculum().isOver(share));
    report(step);
    return isLost ? divergence(step) : Status();
}

Status Trainer::Private::finish(Trained& trained)
{
    const std::string file = (std::filesystem::path(spec.scratch) / "weights.safetensors").string();
    std::map<std::string, std::string> metadata;
    if (!members.empty())
        metadata["members"] = Json(members).dump();
    if (!population.is_null())
        metadata["population"] = population.dump();
    if (state.average.defined())
        model.flat().copy_(state.average); // what is kept
    RATCHET_CHECK(ensemble ? ensemble->save(file, metadata) : model.save(file, model.flat(), metadata));
    if (reference.defined()) {
        RATCHET_TRY(margins, look(model, progressNow()));
        preference["after"] = reportOf(margins);
    }
    trained.weights = file;
    if (spec.keepsMoments && state.step > 0 && !adapters) {
        trained.moments = (std::filesystem::path(spec.scratch) / "moments.safetensors").string();
        RATCHET_CHECK(writeMoments(trained.moments, model, {{state.first, state.second}, momentSteps()}));
    }
    trained.steps = state.step;
    trained.tokens = state.tokens;
    // Rows of different lengths: the length at which as many tokens would have cost as much, rounded down.
    trained.length = batches.length();
    const double perRow = static_cast<double>(state.tokens);
    while (genome.data.bucketing && trained.length > 1 &&
           perRow * tokenPrice(trained.length) > state.flops)
        --trained.length;
    trained.flops = spent();
    trained.seconds = state.seconds + secondsSince(started);
    trained.finalLoss = state.loss;
    trained.peakBytes = peakBytes();
    trained.selfTraining = selfTraining;
    trained.data = data;
    trained.preference = preference;
    trained.population = population;
    trained.surgery = surgery;
    trained.observationSeconds = observationSeconds;
    return {};
}

} // namespace ratchet
