// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/launch/spawn.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ratchet {
namespace {

tl::unexpected<Error> failed(const std::string& what, int number)
{
    return fail(Code::Environment, fmt::format("{}: {}.", what, std::strerror(number)),
                number == EMFILE || number == EAGAIN ? "Raise the limits of this session (ulimit) or run fewer workers." : "");
}

std::vector<char*> pointersTo(const std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

// Moves a descriptor above those the child gets, so that none of the duplications overwrites a source.
UniqueFd lifted(UniqueFd fd)
{
    return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 10));
}

// Own session (so that the whole group can be killed), default signal handling, nothing blocked.
class Attributes {
public:
    Attributes()
    {
        ::posix_spawnattr_init(&m_attributes);
        sigset_t all, none;
        ::sigfillset(&all);
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigdefault(&m_attributes, &all);
        ::posix_spawnattr_setsigmask(&m_attributes, &none);
        ::posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&m_attributes); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    const posix_spawnattr_t* get() const { return &m_attributes; }

private:
    posix_spawnattr_t m_attributes;
};

class Descriptors {
public:
    Descriptors(int log, int channel)
    {
        ::posix_spawn_file_actions_init(&m_actions);
        ::posix_spawn_file_actions_addopen(&m_actions, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&m_actions, log, 1);
        ::posix_spawn_file_actions_adddup2(&m_actions, log, 2);
        ::posix_spawn_file_actions_adddup2(&m_actions, channel, 3);
        ::posix_spawn_file_actions_addclosefrom_np(&m_actions, 4);
    }
    ~Descriptors() { ::posix_spawn_file_actions_destroy(&m_actions); }
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    const posix_spawn_file_actions_t* get() const { return &m_actions; }

private:
    posix_spawn_file_actions_t m_actions;
};

} // namespace

Result<Spawned> spawn(const SandboxCommand& command, const std::filesystem::path& log)
{
    const std::string logFile = log.empty() ? "/dev/null" : log.string();
    const UniqueFd output = lifted(UniqueFd(::open(logFile.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)));
    if (!output.isOpen())
        return failed("The log " + logFile + " cannot be opened", errno);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return failed("A child cannot be connected", errno);
    Spawned spawned;
    spawned.channel = UniqueFd(ends[0]);
    const UniqueFd theirs = lifted(UniqueFd(ends[1]));
    if (!theirs.isOpen())
        return failed("A child cannot be connected", errno);

    const auto arguments = pointersTo(command.arguments), environment = pointersTo(command.environment);
    const int error = ::posix_spawn(&spawned.pid, arguments[0], Descriptors(output.get(), theirs.get()).get(), Attributes().get(),
                                    arguments.data(), environment.data());
    if (error != 0)
        return failed(command.arguments.front() + " cannot be started", error);
    spawned.process = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
    if (!spawned.process.isOpen()) {
        const int number = errno;
        ::kill(spawned.pid, SIGKILL);
        ::waitpid(spawned.pid, nullptr, 0);
        return failed("A child cannot be watched", number);
    }
    return spawned;
}

} // namespace ratchet
