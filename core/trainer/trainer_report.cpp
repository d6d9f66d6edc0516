// SPDX-License-Identifier: GPL-3.0-or-later
// What a trial lets be seen of itself: curves, progress with the remaining time, and probes of its layers.
#include <ctime>

#include <algorithm>

#include "core/model/compat.h"
#include "core/observe/tensor/layer_recorder.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t mostProbeRows = 32;
constexpr std::int64_t shownTokens = 24;

double cpuSeconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Json tokensOf(const Batch& probe, const Tokenizer& tokenizer)
{
    Json tokens = Json::array();
    for (std::int64_t i = 0; i < std::min(shownTokens, probe.inputs.size(1)); ++i)
        tokens.push_back(tokenizer.label(probe.inputs.data_ptr<std::int64_t>()[i]));
    return tokens;
}

} // namespace

// A forward and backward pass of a few rows without dropout, which leaves no trace in the training.
void Trainer::Private::observe(const Batch& batch)
{
    const double before = cpuSeconds();
    // An eighth of a batch: with probeEvery, the probes stay under a thirtieth of the training.
    const std::int64_t rows = std::clamp<std::int64_t>(batch.inputs.size(0) / 8, 1, mostProbeRows);
    const Batch probe{batch.inputs.narrow(0, 0, rows), batch.targets.narrow(0, 0, rows),
                      batch.positions.defined() ? batch.positions.narrow(0, 0, rows) : at::Tensor()};
    LayerRecorder recorder;
    ForwardOptions options;
    options.observer = &recorder;
    (void)addGradient(model, probe, Recipe{}, options, nullptr);
    Observation seen;
    seen.step = state.step;
    for (LayerSummary& summary : recorder.summaries(model))
        seen.layers.push_back({std::move(summary.layer), std::move(summary.values), std::move(summary.histogram)});
    seen.attention = {{"tokens", tokensOf(probe, tokenizer)}, {"blocks", recorder.attentionMaps()}};
    model.gradient().zero_();
    events.onObservation(seen);
    observationSeconds += cpuSeconds() - before;
}

void tellForeign(const TrainEvents& events, const Placement& here, const std::string& made)
{
    if (events.onProgress)
        events.onProgress({0, 0, 0, 0, 0, fmt::format("starting over on {}: its state is of {}", here.text(), made)});
}

std::string Trainer::Private::stage() const
{
    if (state.step == 0)
        return "shape";
    if (state.step < smokeSteps)
        return "smoke";
    return asksProxy() && !state.lookedAt ? "proxy" : "full";
}

Progress Trainer::Private::progressNow() const
{
    Progress progress{state.step, state.tokens, spent(), std::min(1.0, shareSpent()), state.loss, stage()};
    if (state.step > firstStep)
        progress.secondsLeft = secondsSince(trainingSince) / static_cast<double>(state.step - firstStep) *
                               static_cast<double>(std::max<std::int64_t>(0, total - state.step));
    return progress;
}

void Trainer::Private::report(const Step& step)
{
    const std::int64_t stride = std::max<std::int64_t>(1, total / 5000);
    const bool isLast = isDone() && step.number == state.step,
               isTime = secondsSince(lastProgress) >= 0.25 || isLast || stage() != lastStage;
    if (events.onPoints && (step.number % stride == 0 || isLast)) {
        Points points{step.number,
                      {{"loss", step.loss}, {"gradient-norm", step.gradientNorm}, {"learning-rate", step.rate}}};
        if (genome.architecture.experts > 0)
            points.values.emplace_back("dropped-share", step.droppedShare);
        if (step.preference) {
            points.values.emplace_back("preference-right", step.preference->right);
            points.values.emplace_back("preference-margin", step.preference->margin);
        }
        if (isTime && lastProgress != Clock::time_point{})
            points.values.emplace_back("tokens-per-second", static_cast<double>(state.tokens - lastProgressTokens) /
                                                                std::max(1e-6, secondsSince(lastProgress)));
        events.onPoints(points);
    }
    if (!isTime)
        return;
    lastProgress = Clock::now();
    lastStage = stage();
    lastProgressTokens = state.tokens;
    if (events.onProgress)
        events.onProgress(progressNow());
}

} // namespace ratchet
