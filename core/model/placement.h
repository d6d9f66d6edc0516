// SPDX-License-Identifier: GPL-3.0-or-later
// Where a learner computes, in which numbers and with whose kernels: one value, chosen when the process starts and handed to
// the models it makes. Plain values; any thread.
#pragma once

#include <string>

#include <c10/core/Device.h>

#include "core/base/error.h"
#include "core/base/json.h"

namespace ratchet {

// Of a training's matrix products and attention. Parameters, gradients, moments, norms and losses are float32 either way, and so
// is everything that answers (Answerer).
enum class Precision { Float32, BFloat16 };

// Own: this project's, which know the CPU only. Library: compositions of libtorch's operators, as on any other device; slower, for
// whoever doubts a result of the others.
enum class Kernels { Own, Library };

struct Placement {
    at::Device device = at::kCPU;
    Precision precision = Precision::Float32;
    Kernels kernels = Kernels::Own;
    int threads = 1; // that a step of training is shared between (core/trainer/shards.h)
    [[nodiscard]] bool usesOwnKernels() const { return kernels == Kernels::Own && device.is_cpu(); }
    // The same device and kernels for what answers.
    [[nodiscard]] Placement forAnswers() const { return {device, Precision::Float32, kernels}; }
    // "cpu", "cpu, 4 threads", "cuda, bf16": results are promised to be bit-identical between equal ones, on equal devices.
    [[nodiscard]] std::string text() const;
};

// device: "auto" (CUDA where libtorch has it and a device answers), "cpu", "cuda" or "cuda:1"; precision: "auto" (bf16 where the
// device computes with it), "fp32" or "bf16". BadInput for other words, Environment for a device that is not there.
[[nodiscard]] Result<Placement> placementOf(const std::string& device, const std::string& precision);

// "own" or "library"; BadInput for another word.
[[nodiscard]] Result<Kernels> kernelsOf(const std::string& word);

// {"cuda": whether libtorch was built with it, "devices": [{"name": "cuda:0", "model", "bf16", "memory": bytes}]}
[[nodiscard]] Json describeDevices();

} // namespace ratchet
