// SPDX-License-Identifier: GPL-3.0-or-later
// Which device learners compute on. The engine has no libtorch, so it asks a learner once, before anything is computed, and
// starts all others with the answer. Plain values; asking blocks for about a second.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"

namespace ratchet {

struct LearnerDevice {
    std::string device = "cpu";      // cpu | cuda:N
    std::string precision = "fp32";  // of training: fp32 | bf16
    double memoryBytes = 0;          // the device's; 0 on the CPU
    int threads = 1;                 // that a trial on the CPU shares a step between
    std::string kernels = "own";     // of the CPU: own | library, as core/model/placement.h has them
    [[nodiscard]] bool isCuda() const { return device != "cpu"; }
    // Before a learner's role; none for one thread of the CPU in fp32 with own kernels, which is what it does unasked.
    [[nodiscard]] std::vector<std::string> arguments() const;
};

// `device`: auto | cpu | cuda | cuda:N, `precision`: auto | fp32 | bf16, as core/model/placement.h has them. "auto" asks only where
// the driver's device files are, and is the CPU where no learner answers. Environment when a device asked for is not there.
[[nodiscard]] Result<LearnerDevice> chooseDevice(const std::filesystem::path& learner, const std::string& device,
                                                 const std::string& precision);

// What `ratchet-learner devices` prints: {"cuda", "devices": [..], "device", "precision": what the words come to}.
[[nodiscard]] Result<Json> askLearner(const std::filesystem::path& learner, const std::string& device, const std::string& precision);

} // namespace ratchet
