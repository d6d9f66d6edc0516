// SPDX-License-Identifier: GPL-3.0-or-later
// What an optimizer held at the end of a training, as a file beside the weights, and what a child goes on from when its
// recipe carries it. Used by the trainer. Blocking; one thread.
#pragma once

#include <optional>
#include <string>

#include "core/launch/messages.h"
#include "core/surgery/transplant.h"

namespace ratchet
{

struct KeptMoments {
    Moments moments; // flat as the model
    std::int64_t steps = 0; // after which they stood so, those of ancestors they were carried from included
};

// As checkMoments() wants the file.
[[nodiscard]] Status writeMoments(const std::string& file, const Transformer& model, const KeptMoments& kept);
// Of the model of this genome; Damaged when it is not exactly that.
[[nodiscard]] Result<KeptMoments> readMoments(const std::string& file, const Genome& genome, const Transformer& model);

struct CarriedMoments {
    std::optional<KeptMoments> kept; // of the child; none when its optimizer starts anew
    std::string note;                // a sentence
};
// What the child's optimizer starts from where its recipe carries (transplantMoments()): nothing when none were kept of the parent or
// when it has another optimizer. Damaged as readMoments().
[[nodiscard]] Result<CarriedMoments> carryMoments(const TrainSpec& spec, const Genome& parentGenome, const Transformer& parent,
                                                  const Genome& childGenome, const Transformer& child);

} // namespace ratchet
