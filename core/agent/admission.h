// SPDX-License-Identifier: GPL-3.0-or-later
// What is asked of a genome before any compute, whoever proposes it: the versions it names, the price of a step, the
// memory. The engine's thread.
#pragma once

#include "core/agent/context.h"

namespace ratchet {

// What a training reads besides its parent, in the genome's order.
struct Sources {
    std::vector<Artifact> teachers, members;
    std::vector<Architecture> taught;        // of whatever teaches: the teachers, or the parent that a genome distils from
    std::vector<Architecture> frozen;        // of what a worker loads beside the model: those, or the parent of a preference loss
};

// Refused when a name is no version of this lab; when the candidate or a teacher of its reads fewer tokens than it trains on
// (fitsContext); when a teacher has another tokenizer or answer format than the student; when a member has another tokenizer,
// format or architecture than what is made of it, or is an ensemble; when a candidate that learns preferences answers in another
// format than its parent; when a trial does not pay for what it does at least; and when a worker would need more memory than
// there is. Failed when the plugin throws.
[[nodiscard]] Result<Sources> admit(const Context& context, const Genome& parent, const Genome& child);

// What a genome takes, counted before anything is built.
struct Estimate {
    std::int64_t parameters = 0;             // of all its models
    Flops step;                              // teachers included
    double steps = 0;                        // that a trial's budget pays for, about; 0 when nothing is trained
    double memoryBytes = 0;                  // of a worker
};
// What admit() refuses is refused here.
[[nodiscard]] Result<Estimate> estimate(const Context& context, const Genome& parent, const Genome& child);

// Refused, with both figures, when a model reads fewer tokens than the longest example has that it trains on or is judged by, as
// the worker would; a text measured in bits per byte is cut. `begins`: a token stands in front of every text.
[[nodiscard]] Status fitsContext(const Domain& domain, const DomainInfo& info, const Genome& genome, bool begins);

} // namespace ratchet
