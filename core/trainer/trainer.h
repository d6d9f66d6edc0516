// SPDX-License-Identifier: GPL-3.0-or-later
// Trains one model from a TrainSpec under its compute budget. The same spec gives the same weights, whether it ran at
// one go or was resumed, on the same machine and libtorch. Used by workerMain and tests. One thread.
#pragma once

#include <functional>
#include <memory>

#include "core/base/error.h"
#include "core/launch/messages.h"
#include "core/plugin/domain.h"

namespace ratchet
{

// What a trial reports while it runs, and whether it shall stop; empty functions are not called.
struct TrainEvents {
    std::function<void(const Progress&)> onProgress;       // about 4 a second
    std::function<void(const Points&)> onPoints;           // every step (every n-th of very many)
    std::function<void(const Observation&)> onObservation; // 12 times a trial; less often where it is short
    std::function<bool()> isStopped;
};

class Trainer
{
public:
    // Reads genome, parent and teachers, labels items for self-training, collects preferences, checks the pools, builds the model and takes
    // up a checkpoint of this very trial. `domain` must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Trainer>> create(const TrainSpec& spec, const Domain& domain,
                                                                 TrainEvents events = {});
    ~Trainer();

    // Steps until the budget is spent, then writes weights.safetensors. Cancelled (with a checkpoint kept) when
    // stopped, Failed when the loss is not finite or stays far above its best (DivergenceWatch).
    [[nodiscard]] Result<Trained> run();
    // At most `steps` more, and nothing written; for tests and benches. False when the budget is spent.
    [[nodiscard]] Result<bool> advance(std::int64_t steps);
    [[nodiscard]] Status keepCheckpoint() const;
    [[nodiscard]] std::int64_t step() const;
    [[nodiscard]] std::int64_t totalSteps() const; // with data.bucketing an estimate
    [[nodiscard]] double loss() const;             // running mean over about 20 steps, nats a token

private:
    Trainer();
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
