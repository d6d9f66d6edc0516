// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/compat.h"

#include <malloc.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/csrc/api/include/torch/version.h>

namespace ratchet
{

void prepareProcess()
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
    at::set_num_threads(1);
    at::globalContext().setFlushDenormal(true);
    at::globalContext().setDeterministicAlgorithms(true, true);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    at::globalContext().setDeterministicFillUninitializedMemory(false); // costs time and hides nothing here
#endif
}

std::string computePlatform()
{
    const std::string config = at::show_config(), key = "CPU capability usage: ";
    const std::size_t at = config.find(key);
    const std::string capability = at == std::string::npos ? "unknown" : firstLine(config.substr(at + key.size()));
    return fmt::format("libtorch {}, {}, {} thread{}", TORCH_VERSION, capability, at::get_num_threads(),
                       at::get_num_threads() == 1 ? "" : "s");
}

std::string firstLine(const std::string& text)
{
    return text.substr(0, text.find('\n'));
}

} // namespace ratchet
