// SPDX-License-Identifier: GPL-3.0-or-later
// Trains one model from a TrainSpec under its compute budget. The same spec gives the same weights, whether it ran at
// one go or was resumed, on the same machine, libtorch and placement. Used by workerMain and tests. One thread.
#pragma once

#include <functional>
#include <memory>

#include "core/base/error.h"
#include "core/launch/messages.h"
#include "core/model/placement.h"
#include "core/plugin/domain.h"

namespace ratchet
{

enum class AfterProxy { TrainOn, Stop };

// What a trial reports while it runs, and whether it shall stop; empty functions are not called. Stages, each dearer than
// the one before: "shape", the model is built and goes forward and back on one batch; "smoke", the first ten steps; "proxy",
// up to the share of the budget after which it is asked what it can (only where the spec has one); "full".
struct TrainEvents {
    std::function<void(const Progress&)> onProgress;       // about 4 a second
    std::function<void(const Points&)> onPoints;           // every step (every n-th of very many)
    std::function<void(const Observation&)> onObservation; // 12 times a trial; less often where it is short
    std::function<bool()> isStopped;
    std::function<Result<AfterProxy>(const Proxy&)> onProxy; // waits for the answer; without it no trial is asked
};

class Trainer
{
public:
    // Reads genome, parent and teachers, labels items for self-training, collects preferences, checks the pools, builds the model and
    // takes up a checkpoint of this very trial, made on such a device. `domain` must outlive it. BadInput for a population
    // (core/trainer/population.h).
    [[nodiscard]] static Result<std::unique_ptr<Trainer>> create(const TrainSpec& spec, const Domain& domain,
                                                                 TrainEvents events = {},
                                                                 const Placement& placement = {});
    ~Trainer();

    // Steps until the budget is spent, then writes weights.safetensors. Cancelled (with a checkpoint kept) when
    // stopped, also in answer to its proxy; Failed when the loss is not finite, explodes in the first steps or stays far
    // above its best (DivergenceWatch). A trial that is let go on after its proxy ends with the weights it would have
    // had without: asking costs compute on top of the budget and nothing else.
    [[nodiscard]] Result<Trained> run();
    // At most `steps` more, and nothing written; for tests and benches. False when the budget is spent.
    [[nodiscard]] Result<bool> advance(std::int64_t steps);
    [[nodiscard]] Status keepCheckpoint() const;
    [[nodiscard]] std::int64_t step() const;
    [[nodiscard]] std::int64_t totalSteps() const; // with data.bucketing an estimate
    [[nodiscard]] double loss() const;             // running mean over about 20 steps, nats a token

private:
    friend class Population; // whose members are trainers
    Trainer();
    [[nodiscard]] Status stopped() const; // Cancelled, once the state is kept
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
