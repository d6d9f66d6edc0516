// SPDX-License-Identifier: GPL-3.0-or-later
// The models a distilled one learns from: the parent, or several artifacts whose probabilities are averaged. They see
// the student's own batches, so they must read the same tokens and the same answer format. One thread.
#pragma once

#include <vector>

#include "core/model/ensemble.h"
#include "core/trainer/batches.h"

namespace ratchet
{

class Teachers
{
public:
    // Artifacts of `spec`, or its parent when there are none. BadInput when there is neither, when the recipe names others,
    // or when a teacher writes another answer format than the student.
    [[nodiscard]] static Result<Teachers> load(const TrainSpec& spec, const Genome& student, int vocabulary,
                                               const Placement& placement = {});
    // Mean over the teachers of softmax(logits / temperature) at the given places of the flattened batch: [M, V].
    [[nodiscard]] at::Tensor probabilities(const Batch& batch, const at::Tensor& places, double temperature) const;
    // Of an ensemble every member's.
    [[nodiscard]] std::vector<Architecture> architectures() const;
    // A teacher needs the domain's position ids.
    [[nodiscard]] bool areCoupled() const;
    // BadInput when a teacher reads fewer tokens than `length`.
    [[nodiscard]] Status fit(int length) const;

private:
    std::vector<Ensemble> m_models;
};

// BadInput unless these are the versions that the genome names, in its order. `role`: "teachers" or "members".
[[nodiscard]] Status areNamed(const std::vector<Artifact>& artifacts, const std::vector<std::string>& names,
                              const char* role);

} // namespace ratchet
