// SPDX-License-Identifier: GPL-3.0-or-later
// The exact state of a trial in the middle: a safetensors file that is whole or absent. Blocking; one thread.
#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/genome/weights_file.h"
#include "core/trainer/divergence.h"

namespace ratchet
{

// Everything a step depends on besides the spec; the batch and the dropout of a step follow from the seed and its
// number.
struct TrainState {
    std::int64_t step = 0;   // steps done
    double loss = 0;         // running mean
    double seconds = 0;      // spent in earlier processes
    std::int64_t tokens = 0; // padding included
    double flops = 0;        // of the steps, teachers included
    DivergenceWatch divergence;
    bool lookedAt = false;   // the engine has seen the proxy and let it go on
    double proxyFlops = 0;   // what asking cost
    at::Tensor parameters, first, second, average; // flat; second and average may be undefined
    std::string placement = "cpu"; // Placement::text(): a state is gone on with only where it was made
    std::string foreign = {};      // where the state was made that was not taken up for this reason
};

// `key` names the trial this state belongs to.
[[nodiscard]] Status writeCheckpoint(const std::string& file, const std::string& key, const TrainState& state);
// Fills the tensors of `state` in place, wherever they are; the file holds float32. False when there is no file, or it belongs
// to another trial or placement; Damaged when it is broken.
[[nodiscard]] Result<bool> readCheckpoint(const std::string& file, const std::string& key, TrainState& state);

// Where a checkpoint was made (Placement::text()): the CPU where it does not say.
[[nodiscard]] std::string madeAt(const WeightsFile& content);
// A state among others of one file: its tensors behind `prefix`, its numbers as returned.
[[nodiscard]] Json addState(WeightsFile& content, const std::string& prefix, const TrainState& state);
// Fills the tensors of `state` in place, wherever they are; Damaged when something does not fit.
[[nodiscard]] Status takeState(const WeightsFile& content, const std::string& prefix, const Json& numbers,
                               TrainState& state);

} // namespace ratchet
