// SPDX-License-Identifier: GPL-3.0-or-later
// What the files trainer*.cpp share: a trial between its first and its last step. One thread.
#pragma once

#include <chrono>
#include <optional>

#include "core/model/ensemble.h"
#include "core/surgery/adapter.h"
#include "core/trainer/batches.h"
#include "core/trainer/checkpoint.h"
#include "core/trainer/loss.h"
#include "core/trainer/kept_moments.h"
#include "core/trainer/optimizer.h"
#include "core/trainer/teachers.h"
#include "core/trainer/trainer.h"

namespace ratchet
{

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double secondsSince(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

inline constexpr std::int64_t smokeSteps = 10;

// The trial a checkpoint belongs to.
[[nodiscard]] std::string trialKey(const TrainSpec& spec);
// Whether there is memory for it (spec.memoryBytes). Asked before anything is loaded or labelled: a worker may be started
// by hand.
[[nodiscard]] Status fits(const TrainSpec& spec, const Genome& genome, const Domain& domain, int vocabulary, int threads);

// Says that a trial starts over, because its state was made at another placement than here.
void tellForeign(const TrainEvents& events, const Placement& here, const std::string& made);

// {"right": share above zero, "margin": mean in nats} of these margins.
[[nodiscard]] Json reportOf(const at::Tensor& margins);

// What a step showed. Its losses and norm stay where they were computed until they are read.
struct Step {
    std::int64_t number = 0; // from 1
    at::Tensor labels, pairs, norm; // [], [3], [] float64
    double loss = 0, gradientNorm = 0, rate = 0, droppedShare = 0;
    std::optional<PreferenceLoss> preference;
    std::int64_t tokens = 0; // padding included
    double flops = 0;
};

struct Trainer::Private {
    Private(const TrainSpec& itsSpec, Genome itsGenome, const Domain& itsDomain, TrainEvents itsEvents,
            Batches itsBatches, const Tokenizer& itsTokenizer);
    // Parameters from scratch, the parent or the checkpoint; everything after the data is known.
    [[nodiscard]] Status begin();
    // The parent's weights and, where the recipe carries them, its moments.
    [[nodiscard]] Status takeOver();
    [[nodiscard]] Status takeMembers();
    [[nodiscard]] Status adapt();
    [[nodiscard]] Status plan();
    void planFor(std::int64_t steps);
    // Gradient of what trains, from the model's.
    [[nodiscard]] at::Tensor ownGradient() const;
    void update(const at::Tensor& gradient, double rate);
    // Steps that the moments are made of.
    [[nodiscard]] std::int64_t momentSteps() const { return state.step + (carried ? carried->steps : 0); }
    [[nodiscard]] bool isDone() const;
    [[nodiscard]] Status takeStep();
    [[nodiscard]] Result<bool> advance(std::int64_t steps);
    // Waits for the steps not read yet and judges and reports each, in order.
    [[nodiscard]] Status readSteps();
    [[nodiscard]] Status judge(const Step& step);
    [[nodiscard]] Status addLabels(Step& step);
    [[nodiscard]] Status addPairs(Step& step);
    // The parent's margins of all pairs; charges this look at them and the one at the end.
    [[nodiscard]] Status compare();
    // Margins [N] of all pairs, in their order. Tells `meanwhile` about once a second.
    [[nodiscard]] Result<at::Tensor> look(const Transformer& at, const Progress& meanwhile) const;
    [[nodiscard]] Status divergence(const Step& step) const;
    [[nodiscard]] Status finish(Trained& trained);
    // Compute of a token in rows of `length`, and of such rows; teachers included.
    [[nodiscard]] double tokenPrice(std::int64_t length) const;
    [[nodiscard]] double priceOf(std::int64_t rows, std::int64_t length) const;
    [[nodiscard]] Result<double> sampledPrice(std::int64_t step);
    [[nodiscard]] bool isProbed() const { return events.onObservation && state.step % probeEvery == 0; }
    // What is left for steps when everything before the first is paid.
    [[nodiscard]] double budgetOfSteps() const;
    [[nodiscard]] double rateNow() const;
    void observe(const Batch& batch);
    void report(const Step& step);
    [[nodiscard]] Progress progressNow() const;
    [[nodiscard]] std::string stage() const;
    // Of what it may spend before the last step, what asking costs left out.
    [[nodiscard]] double shareSpent() const;
    [[nodiscard]] bool asksProxy() const { return spec.proxy > 0 && events.onProxy && genome.recipe.trains(); }
    // The share of the budget is spent (the last step is done at the latest), and nobody has seen it yet.
    [[nodiscard]] bool isProxyDue() const;
    [[nodiscard]] Result<AfterProxy> showProxy();
    // Mean score of greedy answers (of likelihoods, where the domain measures bits per byte) of the weights as they would
    // be written now.
    [[nodiscard]] Result<Proxy> measureProxy() const;
    // Compute of labels, of pairs and looks at them, of tasting averages, of the steps so far and of the proxy.
    [[nodiscard]] double spent() const;
    [[nodiscard]] std::string checkpointFile() const;

    TrainSpec spec;
    Placement placement;
    Genome genome;
    const Domain& domain;
    TrainEvents events;
    Batches batches;
    Tokenizer tokenizer;
    Transformer model;
    std::optional<Shards> shards;       // of the model, once it requires its gradient
    std::optional<Ensemble> ensemble;   // of start "ensemble", which does not train
    std::optional<Adapters> adapters;   // of method "lora": they train and the model holds the sum
    std::optional<Optimizer> optimizer; // of the adapters or of what is not frozen
    std::optional<KeptMoments> carried; // from the parent; its tensors only until there is an optimizer
    std::optional<Teachers> teachers;
    TrainState state;
    std::vector<Step> unread;
    Json selfTraining = nullptr, data = nullptr, preference = nullptr, population = nullptr, surgery = nullptr; // reports
    at::Tensor reference;                     // the parent's margins of the pairs [N]; undefined without any
    std::vector<Architecture> taught;         // of the teachers
    std::vector<std::string> members;         // that it is made of
    double startFlops = 0, withheldFlops = 0; // spent before the first step; not to be spent at all
    double flopsPerStep = 0;                  // of the longest rows
    std::int64_t total = 1, probeEvery = 1;
    bool isLost = false;           // its loss left for good
    double observationSeconds = 0; // CPU time
    Clock::time_point started = Clock::now(), lastProgress{}, lastCheckpoint = Clock::now(), trainingSince{};
    std::int64_t lastProgressTokens = 0, firstStep = 0;
    std::string lastStage;
};

} // namespace ratchet
