// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/launch/process_tree.h"

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace ratchet {
namespace {

void addChildren(pid_t process, std::vector<pid_t>& tree)
{
    std::error_code error;
    for (std::filesystem::directory_iterator thread(fmt::format("/proc/{}/task", process), error), end; !error && thread != end;
         thread.increment(error)) {
        std::ifstream children(thread->path() / "children");
        for (pid_t child; children >> child;)
            tree.push_back(child);
    }
}

} // namespace

std::vector<pid_t> processTree(pid_t root)
{
    std::vector<pid_t> tree{root};
    for (std::size_t i = 0; i < tree.size() && i < 1000; ++i)
        addChildren(tree[i], tree);
    return tree;
}

ProcessMemory memoryOf(const std::vector<pid_t>& processes)
{
    ProcessMemory sum;
    for (const pid_t process : processes) {
        std::ifstream status(fmt::format("/proc/{}/status", process));
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmRSS:"))
                sum.resident += 1024 * std::strtod(line.c_str() + 6, nullptr);
            else if (line.starts_with("VmHWM:"))
                sum.peak = std::max(sum.peak, 1024 * std::strtod(line.c_str() + 6, nullptr));
    }
    return sum;
}

void killTree(pid_t root)
{
    const auto tree = processTree(root);
    ::kill(-root, SIGKILL);
    for (const pid_t process : tree)
        ::kill(process, SIGKILL);
}

} // namespace ratchet
