// SPDX-License-Identifier: GPL-3.0-or-later
// Population-based training (Jaderberg 2017, arXiv 1711.09846): several models of one genome trained side by side, each with
// hyperparameters and data of its own. After each generation all are compared on the same fresh training items; the worst
// quarter goes on from the weights and moments of the best, with hyperparameters moved. Used by workerMain. One thread.
#pragma once

#include <memory>

#include "core/genome/population_log.h"
#include "core/trainer/trainer.h"

namespace ratchet
{

class Population
{
public:
    // A spec whose genome has a population; takes up a checkpoint of this very trial, made on such a device. Curves and
    // observations are those of each generation's best and are sent when it is known. `domain` must outlive it. BadInput when
    // the budget does not pay for a step of every member in every generation.
    [[nodiscard]] static Result<std::unique_ptr<Population>> create(const TrainSpec& spec, const Domain& domain,
                                                                    TrainEvents events = {},
                                                                    const Placement& placement = {});
    ~Population();

    // As Trainer's. The result is the best of the last generation; steps, tokens and FLOPs are those of all members, the
    // comparisons' included. A member whose loss leaves for good is replaced; Failed when all do.
    [[nodiscard]] Result<Trained> run();
    [[nodiscard]] Result<bool> advance(std::int64_t steps); // of any member
    [[nodiscard]] Status keepCheckpoint() const;
    [[nodiscard]] const PopulationLog& log() const;

    // Trains the winner again on the CPU from the log alone, without the others, and writes it to spec.scratch: the same bytes
    // where the population was trained there. `spec` is the population's; Trained counts the winner's line only.
    [[nodiscard]] static Result<Trained> replay(const TrainSpec& spec, const PopulationLog& log, const Domain& domain,
                                                const Placement& placement = {});

private:
    Population();
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
