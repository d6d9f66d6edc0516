// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/placement.h"

#include <charconv>

#include "core/model/compat.h"

namespace ratchet {
namespace {

// The number in "cuda:1"; of "cuda" 0. Empty when it is neither.
std::optional<int> cudaIndex(const std::string& device)
{
    const std::string prefix = "cuda:";
    if (device == "cuda")
        return 0;
    int index = -1;
    const char* const end = device.data() + device.size();
    if (!device.starts_with(prefix) || std::from_chars(device.data() + prefix.size(), end, index).ptr != end || index < 0)
        return std::nullopt;
    return index;
}

Result<at::Device> deviceOf(const std::string& name)
{
    const int count = name == "cpu" ? 0 : cudaDevices();
    if (name == "cpu" || (name == "auto" && count == 0))
        return at::Device(at::kCPU);
    const std::optional<int> index = name == "auto" ? 0 : cudaIndex(name);
    if (!index)
        return fail(Code::BadInput, fmt::format("There is no device \"{}\".", name), "Devices are auto, cpu, cuda and cuda:N.");
    if (!hasCuda())
        return fail(Code::Environment, "This libtorch was built without CUDA.",
                    "Build against a CUDA libtorch (README: installation), or use --device cpu.");
    if (*index >= count)
        return fail(Code::Environment,
                    count == 0 ? "No CUDA device answers." : fmt::format("There is no cuda:{}; {} answer.", *index, count),
                    "`ratchet doctor` shows the devices; --device cpu computes without one.");
    return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(*index));
}

} // namespace

std::string Placement::text() const
{
    std::string words = c10::DeviceTypeName(device.type(), /*lower_case=*/true);
    words += precision == Precision::BFloat16 ? ", bf16" : "";
    words += device.is_cpu() && !usesOwnKernels() ? ", library" : "";
    words += threads > 1 ? fmt::format(", {} threads", threads) : "";
    return words;
}

Result<Placement> placementOf(const std::string& device, const std::string& precision)
{
    if (precision != "auto" && precision != "fp32" && precision != "bf16")
        return fail(Code::BadInput, fmt::format("There is no precision \"{}\".", precision),
                    "Precisions are auto, fp32 and bf16.");
    RATCHET_TRY(chosen, deviceOf(device));
    const bool inHalf = precision == "bf16" || (precision == "auto" && chosen.is_cuda() && cudaFacts(chosen.index()).bf16);
    return Placement{chosen, inHalf ? Precision::BFloat16 : Precision::Float32, Kernels::Own};
}

Result<Kernels> kernelsOf(const std::string& word)
{
    if (word == "own")
        return Kernels::Own;
    if (word == "library")
        return Kernels::Library;
    return fail(Code::BadInput, fmt::format("There are no kernels \"{}\".", word), "Kernels are own and library.");
}

Json describeDevices()
{
    Json devices = Json::array();
    for (int i = 0; i < cudaDevices(); ++i) {
        const CudaFacts facts = cudaFacts(i);
        devices.push_back({{"name", fmt::format("cuda:{}", i)},
                           {"model", facts.model},
                           {"bf16", facts.bf16},
                           {"memory", facts.memoryBytes}});
    }
    return {{"cuda", hasCuda()}, {"devices", devices}};
}

} // namespace ratchet
