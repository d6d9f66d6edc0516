// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/platform.h"

#include <cstdlib>

#include <ATen/Parallel.h>
#include <torch/csrc/api/include/torch/version.h>

#include "core/model/compat.h"

namespace ratchet {

Json describePlatform(const Placement& placement)
{
    prepareProcess(placement.threads);
    const char* capability = std::getenv("ATEN_CPU_CAPABILITY");
    return {{"text", computePlatform(placement)}, {"libtorch", TORCH_VERSION}, {"capability", capability ? capability : "default"},
            {"threads", at::get_num_threads()}, {"device", placement.device.str()},
            {"precision", placement.precision == Precision::BFloat16 ? "bf16" : "fp32"}};
}

} // namespace ratchet
