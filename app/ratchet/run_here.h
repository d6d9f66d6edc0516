// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a lab's engine in this program: signals, live view, limits. Shared by `run` and `demo`. Main thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "app/ratchet/command.h"
#include "core/agent/engine.h"

namespace ratchet {

struct RunHere {
    LabPaths lab;
    RunLimits limits;
    std::optional<Policy> policy;
    int workers = 0, threads = 1;
    std::optional<double> memoryBytes; // EngineOptions::memoryBytes
    bool quiet = false; // no live view
    std::string device = "auto", precision = "auto", kernels = "own"; // core/launch/device.h
};

// Returns when a limit is met or after SIGINT or SIGTERM (Stopped).
[[nodiscard]] Result<RunEnd> runHere(const RunHere& wanted);
// "Stopped after the time given.", and what a person can do next.
[[nodiscard]] std::string endSentence(RunEnd end, const std::string& folder);
[[nodiscard]] std::chrono::milliseconds minutesToTime(double minutes);

enum class PolicyFile { Required, Optional }; // Optional: absent is no error
[[nodiscard]] Result<std::optional<Policy>> readPolicy(const std::filesystem::path& file, PolicyFile kind);

// --workers and --threads.
void addWorkers(CLI::App* command, int& workers, int& threads);
// --kernels.
void addKernels(CLI::App* command, std::string& kernels);
// --device and --precision.
void addDevice(CLI::App* command, std::string& device, std::string& precision);
void addDemoCommand(Commands& commands);

} // namespace ratchet
