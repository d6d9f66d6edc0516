// SPDX-License-Identifier: GPL-3.0-or-later
// The start of a trial whose genome is made of versions: the mean of their weights, the greedy soup of them
// (core/surgery/average.h), or the ensemble of them as they are, tasted on training items (core/trainer/taste.h). One
// thread.
#pragma once

#include <string>
#include <vector>

#include "core/launch/messages.h"
#include "core/trainer/batches.h"

namespace ratchet {

class Ensemble;
class Transformer;

struct Averaged {
    std::vector<std::string> members; // that are in it; of a soup in the order in which they joined
    double loss = 0;                  // on the items tasted, nats a token
    double flops = 0;                 // of the tasting: a tenth of the budget, or a batch a look
};

// Fills `model`, where it is. BadInput when the spec brings other members than the genome names, or they do not go together.
[[nodiscard]] Result<Averaged> averageInto(Transformer& model, const TrainSpec& spec, const Genome& genome,
                                           const Domain& domain, const Tokenizer& tokenizer);
// Fills every member of `ensemble`; likewise.
[[nodiscard]] Result<Averaged> gatherInto(Ensemble& ensemble, const TrainSpec& spec, const Domain& domain,
                                          const Tokenizer& tokenizer);

} // namespace ratchet
