// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/compat.h"

#include <malloc.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#ifdef RATCHET_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/csrc/api/include/torch/version.h>
#if TORCH_VERSION_MAJOR >= 2
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

namespace ratchet
{

void prepareProcess(int threads)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
    at::set_num_threads(threads);
    at::globalContext().setFlushDenormal(true);
    at::globalContext().setDeterministicAlgorithms(true, true);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    at::globalContext().setDeterministicFillUninitializedMemory(false); // costs time and hides nothing here
#endif
}

OneThread::OneThread() : m_before(at::get_num_threads())
{
    at::set_num_threads(1);
}

OneThread::~OneThread()
{
    at::set_num_threads(m_before);
}

std::int64_t threadsHere()
{
    return at::in_parallel_region() ? 1 : at::get_num_threads();
}

std::string computePlatform(const Placement& placement)
{
    const std::string config = at::show_config(), key = "CPU capability usage: ";
    const std::size_t at = config.find(key);
    const std::string capability = at == std::string::npos ? "unknown" : firstLine(config.substr(at + key.size()));
    std::string text = fmt::format("libtorch {}, {}, {} thread{}", TORCH_VERSION, capability, at::get_num_threads(),
                                   at::get_num_threads() == 1 ? "" : "s");
    if (placement.device.is_cuda())
        text += fmt::format(", {} ({})", placement.device.str(), cudaFacts(placement.device.index()).model);
    if (placement.precision == Precision::BFloat16)
        text += ", bf16";
    return text;
}

std::string firstLine(const std::string& text)
{
    return text.substr(0, text.find('\n'));
}

std::string reasonOf(const std::exception& error)
{
    if (dynamic_cast<const c10::OutOfMemoryError*>(&error))
        return "the device has no memory left; a smaller batch, or more accumulation, needs less";
    return firstLine(error.what());
}

bool hasCuda()
{
    return at::hasCUDA();
}

int cudaDevices()
{
    return hasCuda() ? static_cast<int>(at::getNumGPUs()) : 0;
}

CudaFacts cudaFacts([[maybe_unused]] int device)
{
#ifdef RATCHET_CUDA
    const auto* const properties = at::cuda::getDeviceProperties(static_cast<at::DeviceIndex>(device));
    return {properties->name, properties->major >= 8, static_cast<double>(properties->totalGlobalMem)};
#else
    return {};
#endif
}

at::Tensor libraryAttention([[maybe_unused]] const at::Tensor& query, [[maybe_unused]] const at::Tensor& key,
                            [[maybe_unused]] const at::Tensor& value)
{
#if TORCH_VERSION_MAJOR >= 2
    return at::scaled_dot_product_attention(query, key, value, {}, 0.0, /*is_causal=*/true);
#else
    return {};
#endif
}

} // namespace ratchet
