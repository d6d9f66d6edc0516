// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/lab_window.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "app/ratchet/stop_signal.h"
#include "core/base/file.h"

namespace ratchet {
namespace {

using namespace std::chrono_literals;

enum class Output { Ours, Nowhere };

std::filesystem::path program()
{
    return programFolder() / "ratchet-lab";
}

Result<pid_t> start(const std::vector<std::string>& arguments, Output output)
{
    std::vector<std::string> words{program().string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (output == Output::Nowhere)
        for (const int fd : {1, 2})
            ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int error = ::posix_spawn(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return fail(Code::Environment, fmt::format("{} cannot be started: {}.", words[0], std::strerror(error)),
                    "ratchet demo --headless runs without a window.");
    return child;
}

bool isSuccess(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

std::string displayName()
{
    std::error_code error;
    if (!std::filesystem::exists(program(), error))
        return {};
    for (const char* name : {"WAYLAND_DISPLAY", "DISPLAY"})
        if (const char* value = std::getenv(name); value && *value)
            return value;
    return {};
}

bool canOpenWindow()
{
    const Result<pid_t> child = start({"--try-display"}, Output::Nowhere);
    if (!child)
        return false;
    int status = 0;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
        const pid_t ended = ::waitpid(*child, &status, WNOHANG);
        if (ended == *child)
            return isSuccess(status);
        if (ended < 0 && errno != EINTR)
            return false;
        std::this_thread::sleep_for(20ms);
    }
    ::kill(*child, SIGKILL);
    ::waitpid(*child, &status, 0);
    return false;
}

Status showWindow(const std::vector<std::string>& arguments)
{
    std::atomic<pid_t> window = 0;
    const StopOnSignal signal([&window] {
        if (const pid_t child = window)
            ::kill(child, SIGTERM);
    });
    RATCHET_TRY(child, start(arguments, Output::Ours));
    window = child;
    if (signal.token().stop_requested()) // it came while the window was being started
        ::kill(child, SIGTERM);
    // Not reaped before `window` is cleared: a signal sent meanwhile cannot reach another process of the same number.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        continue;
    window = 0;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!isSuccess(status))
        return fail(Code::Environment, "The window ended with an error.",
                    "ratchet demo --headless runs without a window.");
    if (signal.token().stop_requested())
        return fail(Code::Cancelled, "The demo was stopped.");
    return {};
}

} // namespace ratchet
