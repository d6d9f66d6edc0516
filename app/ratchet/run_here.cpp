// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/run_here.h"

#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/live_view.h"
#include "app/ratchet/stop_signal.h"

namespace ratchet {

Result<RunEnd> runHere(const RunHere& wanted)
{
    EngineOptions options;
    options.workers = wanted.workers;
    options.threads = wanted.threads;
    options.policy = wanted.policy;
    options.memoryBytes = wanted.memoryBytes;
    options.device = wanted.device;
    options.precision = wanted.precision;
    options.kernels = wanted.kernels;
    RATCHET_TRY(engine, Engine::open(wanted.lab.root, options));
    RATCHET_TRY(config, readLabConfig(wanted.lab));
    const StopOnSignal signal;
    if (wanted.quiet)
        return engine->run(wanted.limits, signal.token());
    LiveView view(LiveView::Style::Automatic, config.isBitsPerByte());
    return engine->run(wanted.limits, signal.token(), [&view](const EngineStatus& status) { view.show(status); });
}

std::string endSentence(RunEnd end, const std::string& folder)
{
    switch (end) {
    case RunEnd::Teeth:
        return "All the turns asked for are done.";
    case RunEnd::Goal:
        return "The goal is reached.";
    case RunEnd::OutOfTime:
        return "The time given is over.";
    case RunEnd::Budget:
        return "The lab's budget is spent.";
    case RunEnd::Stopped:
        return fmt::format("Stopped on request; ratchet run {} goes on from here.", folder);
    case RunEnd::WaitingForPerson:
        return fmt::format("Only a person can go on: ratchet status {} lists what waits for a decision.", folder);
    }
    return {};
}

std::chrono::milliseconds minutesToTime(double minutes)
{
    return std::chrono::milliseconds(std::llround(minutes * 60'000));
}

void addWorkers(CLI::App* command, int& workers, int& threads)
{
    command->add_option("--workers", workers, "Trials side by side; as many as there are cores for, or one on a GPU, unless given")
        ->type_name("N")
        ->check(between(1, 1024));
    command->add_option("--threads", threads, "Of a trial on the CPU, for few large ones; one unless given. Weights depend on it")
        ->type_name("N")
        ->check(between(1, 1024));
}

void addKernels(CLI::App* command, std::string& kernels)
{
    command->add_option("--kernels", kernels, "On the CPU: own, or library to compute by libtorch's operators alone; own unless given")
        ->type_name("KERNELS")
        ->check(CLI::IsMember({"own", "library"}).description(""));
}

void addDevice(CLI::App* command, std::string& device, std::string& precision)
{
    const auto isDevice = [](const std::string& word) {
        const bool isNumbered = word.starts_with("cuda:") && word.size() > 5 && word.find_first_not_of("0123456789", 5) == std::string::npos;
        return word == "auto" || word == "cpu" || word == "cuda" || isNumbered ? std::string() : "must be auto, cpu, cuda or cuda:N";
    };
    command->add_option("--device", device, "Where models compute: cpu, cuda or cuda:N; a GPU that answers unless given")
        ->type_name("DEVICE")
        ->check(CLI::Validator(isDevice, ""));
    command->add_option("--precision", precision, "Of training: fp32 or bf16; bf16 on a GPU that has it unless given")
        ->type_name("PRECISION")
        ->check(CLI::IsMember({"auto", "fp32", "bf16"}).description(""));
}

Result<std::optional<Policy>> readPolicy(const std::filesystem::path& file, PolicyFile kind)
{
    std::error_code error;
    if (kind == PolicyFile::Optional && !std::filesystem::exists(file, error))
        return std::nullopt;
    RATCHET_TRY(text, readFile(file));
    RATCHET_TRY(json, parseJson(text, file.string()));
    RATCHET_TRY(policy, Policy::fromJson(json));
    return policy;
}

} // namespace ratchet
