// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/limits.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unistd.h>

#include "core/base/file.h"
#include "core/genome/cost.h"
#include "core/plugin/proxy.h"

namespace ratchet {

using namespace std::chrono_literals;

namespace {

// Of version 2 the line "0::/path"; version 1 has other lines, and no limit is read there.
std::string ownGroup()
{
    const auto text = readFile("/proc/self/cgroup");
    const std::size_t at = text ? text->find("0::") : std::string::npos;
    if (at == std::string::npos || (at > 0 && (*text)[at - 1] != '\n'))
        return {};
    return text->substr(at + 3, text->find('\n', at) - at - 3);
}

std::optional<double> numberIn(const std::filesystem::path& file)
{
    const auto text = readFile(file);
    double number = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc{})
        return std::nullopt; // "max": no limit
    return number;
}

} // namespace

std::optional<double> memoryOfGroup(const std::filesystem::path& root, const std::string& path)
{
    std::optional<double> lowest;
    std::filesystem::path folder = root;
    const auto look = [&] {
        if (const auto limit = numberIn(folder / "memory.max"); limit && (!lowest || *limit < *lowest))
            lowest = limit;
    };
    look();
    for (const auto& part : std::filesystem::path(path).relative_path()) {
        folder /= part;
        look();
    }
    return lowest;
}

double memoryOfMachine()
{
    const double physical = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    return std::min(physical, memoryOfGroup("/sys/fs/cgroup", ownGroup()).value_or(physical));
}

ChildLimits limitsFor(Flops budget, const Genome& genome, int vocabulary, double memory, const std::vector<Architecture>& teachers, int threads)
{
    ChildLimits limits;
    limits.wall = 120s + std::chrono::seconds(static_cast<std::int64_t>(budget.value / 1e9));
    const double estimate = trainingMemory(genome, vocabulary, genome.architecture.context, teachers, threads).bytes();
    limits.memoryBytes = std::min(memory, 1e9 + 3 * estimate);
    return limits;
}

Flops trialPrice(const LabConfig& config)
{
    return {config.trialBudget.value * (1 + (config.proxy > 0 ? proxyPrice : 0))};
}

int affordableTrials(const LabConfig& config, Flops spent)
{
    return std::max(0, static_cast<int>(std::floor((config.budget - spent).value / trialPrice(config).value + 1e-9)));
}

} // namespace ratchet
