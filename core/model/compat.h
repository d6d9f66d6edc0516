// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that differs between libtorch 1.13 and 2.x, and the process-wide settings, in one place.
// Included by .cpp files of ratchet_learn only.
#pragma once

#include "core/model/placement.h"
#include "core/model/tensor_operations.h"

#include <exception>
#include <string>

namespace ratchet
{

// So many threads, only deterministic kernels, tiny numbers flushed to zero, freed memory kept for the next step. Called before
// the first tensor; the results of a trial depend on it.
void prepareProcess(int threads = 1);

// One thread while it lives: what labels, compares or measures shall not depend on how many there are to train.
class OneThread {
public:
    OneThread();
    ~OneThread();
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

private:
    int m_before;
};

// Threads among which at::parallel_for shares out what is called here: one inside of another's share. Each adds to a sum of its own.
[[nodiscard]] std::int64_t threadsHere();

// "libtorch 1.13.1, AVX2, 1 thread", and a GPU by its name: what a trial's last digits depend on.
[[nodiscard]] std::string computePlatform(const Placement& placement = {});

// The first line of a libtorch exception's text, without its stack trace.
[[nodiscard]] std::string firstLine(const std::string& text);
// The same as part of a sentence; says what helps where a device had no memory left.
[[nodiscard]] std::string reasonOf(const std::exception& error);

// Whether libtorch was built with CUDA, and how many devices answer: none when there is no driver.
[[nodiscard]] bool hasCuda();
[[nodiscard]] int cudaDevices();
struct CudaFacts {
    std::string model = "unknown";
    bool bf16 = false;          // has matrix units for it (compute capability 8.0 and later)
    double memoryBytes = 0;
};
[[nodiscard]] CudaFacts cudaFacts(int device);

// libtorch 2's scaled_dot_product_attention of [B, H, T, w], causal, without a mask tensor; undefined on 1.13, which has none.
[[nodiscard]] at::Tensor libraryAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);

} // namespace ratchet
