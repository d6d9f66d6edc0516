// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/launch/device.h"

#include <array>
#include <cstdio>

namespace ratchet {
namespace {

// The driver's; where it is missing no device can answer, and a libtorch need not be loaded to find out.
constexpr const char* driverFile = "/dev/nvidiactl";

std::string quoted(const std::string& word)
{
    std::string text = "'";
    for (const char c : word)
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

Result<std::string> outputOf(const std::string& command)
{
    std::FILE* const pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr)
        return fail(Code::Environment, "A program cannot be started to ask it for its devices.");
    std::string text;
    std::array<char, 512> bytes{};
    while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), pipe))
        text.append(bytes.data(), got);
    ::pclose(pipe);
    return text;
}

Result<LearnerDevice> chosenBy(const std::filesystem::path& learner, const std::string& device, const std::string& precision)
{
    RATCHET_TRY(answer, askLearner(learner, device, precision));
    Json devices;
    bool cuda = false;
    LearnerDevice chosen;
    Fields in(answer, "the learner's devices");
    in.read("device", chosen.device).read("precision", chosen.precision).read("devices", devices).read("cuda", cuda).onlyKnown();
    RATCHET_CHECK(in.status());
    for (const Json& one : devices)
        if (one.value("name", "") == chosen.device)
            chosen.memoryBytes = one.value("memory", 0.0);
    return chosen;
}

} // namespace

std::vector<std::string> LearnerDevice::arguments() const
{
    std::vector<std::string> words;
    if (isCuda() || precision != "fp32")
        words = {"--device", device, "--precision", precision};
    if (threads > 1)
        words.insert(words.end(), {"--threads", std::to_string(threads)});
    if (kernels != "own")
        words.insert(words.end(), {"--kernels", kernels});
    return words;
}

Result<Json> askLearner(const std::filesystem::path& learner, const std::string& device, const std::string& precision)
{
    RATCHET_TRY(text, outputOf(fmt::format("{} --device {} --precision {} devices 2>/dev/null", quoted(learner.string()),
                                           quoted(device), quoted(precision))));
    auto answer = parseJson(text, "what the learner says of its devices");
    if (!answer)
        return fail(Code::Environment, fmt::format("{} does not say what devices it has.", learner.string()),
                    "`ratchet doctor` says whether it starts.");
    if (answer->contains("error"))
        return fail(Code::Environment, answer->value("error", ""), answer->value("hint", ""));
    return *answer;
}

Result<LearnerDevice> chooseDevice(const std::filesystem::path& learner, const std::string& device, const std::string& precision)
{
    std::error_code error;
    const bool onCpu = device == "cpu" || (device == "auto" && !std::filesystem::exists(driverFile, error));
    if (onCpu && (precision == "auto" || precision == "fp32"))
        return LearnerDevice{};
    auto chosen = chosenBy(learner, onCpu ? "cpu" : device, precision);
    return !chosen && device == "auto" && precision == "auto" ? Result<LearnerDevice>(LearnerDevice{}) : chosen;
}

} // namespace ratchet
