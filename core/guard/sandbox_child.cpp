// SPDX-License-Identifier: GPL-3.0-or-later
// The child's side of the sandbox: shutting the doors that only it can shut, and trying the others.
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/guard/sandbox.h"

namespace ratchet {
namespace {

constexpr rlim_t largestFile = rlim_t(8) << 30;
constexpr rlim_t mostDescriptors = 256;

bool limit(__rlimit_resource resource, rlim_t value)
{
    rlimit current{};
    if (::getrlimit(resource, &current) != 0)
        return false;
    value = std::min(value, current.rlim_max);
    const rlimit wanted{value, value};
    return ::setrlimit(resource, &wanted) == 0;
}

long numberFrom(const char* variable)
{
    const char* text = std::getenv(variable);
    return text ? std::strtol(text, nullptr, 10) : 0;
}

// Whether a TCP connection to the port that the engine listens on for this purpose comes about.
bool canConnect()
{
    const long port = numberFrom("RATCHET_PROBE_PORT");
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.isOpen())
        return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return port > 0 && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool canWriteIn(const std::filesystem::path& folder)
{
    std::string name = (folder / ".ratchet-probe-XXXXXX").string();
    const UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd.isOpen())
        ::unlink(name.c_str());
    return fd.isOpen();
}

bool canWriteOutside()
{
    for (const std::filesystem::path& folder : {std::filesystem::path("/"), std::filesystem::path("/usr"), std::filesystem::path("/etc"),
                                                std::filesystem::path("/var/tmp"), programFolder()})
        if (canWriteIn(folder))
            return true;
    return false;
}

bool canReadForbidden()
{
    const char* list = std::getenv("RATCHET_PROBE_PATHS");
    for (std::string rest = list ? list : ""; !rest.empty();) {
        const std::string path = rest.substr(0, rest.find(':'));
        rest.erase(0, path.size() + 1);
        if (UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).isOpen())
            return true;
    }
    return false;
}

// Reading an address that holds nothing: EFAULT says the kernel would have allowed it, without any effect on the engine.
bool canReadEngineMemory()
{
    const long pid = numberFrom("RATCHET_PROBE_PID");
    const char* processes = std::getenv("RATCHET_PROBE_PROCESSES");
    std::error_code error;
    if (pid <= 0 || !processes || std::filesystem::read_symlink("/proc/self/ns/pid", error) != processes)
        return false;   // in another process namespace the number names someone else
    char byte = 0;
    iovec here{&byte, 1}, there{nullptr, 1};
    return ::process_vm_readv(static_cast<pid_t>(pid), &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
}

int openDescriptors()
{
    DIR* folder = ::opendir("/proc/self/fd");
    if (!folder)
        return 0;
    int count = 0;
    while (const dirent* entry = ::readdir(folder))
        if (const int fd = std::atoi(entry->d_name); fd > 3 && fd != ::dirfd(folder))
            ++count;
    ::closedir(folder);
    return count;
}

} // namespace

Status enterSandbox()
{
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(Code::Environment, fmt::format("The kernel refused the sandbox: {}.", std::strerror(errno)));
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, mostDescriptors) || !limit(RLIMIT_FSIZE, largestFile))
        return fail(Code::Environment, fmt::format("The kernel refused a limit: {}.", std::strerror(errno)));
    if (::close_range(4, ~0U, 0) != 0)
        return fail(Code::Environment, fmt::format("Inherited descriptors cannot be closed: {}.", std::strerror(errno)));
    // The parent may have died before the first line: then nobody would send the signal.
    pollfd engine{3, 0, 0};
    if (::poll(&engine, 1, 0) > 0 && (engine.revents & POLLHUP))
        return fail(Code::Cancelled, "The engine is gone.");
    return {};
}

Json measureSandbox()
{
    const bool network = canConnect(), write = canWriteOutside(), read = canReadForbidden(), memory = canReadEngineMemory();
    const bool locked = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    const int descriptors = openDescriptors();
    const char* wanted = std::getenv("RATCHET_PROBE_NETWORK");
    const bool networkAllowed = wanted && std::strcmp(wanted, "allowed") == 0;
    const bool walled = !write && !read && !memory && (!network || networkAllowed);
    return {{"level", !locked || descriptors > 0 ? 0 : walled ? 2 : 1}, {"network", network}, {"writeOutside", write},
            {"readLab", read}, {"ptrace", memory}, {"noNewPrivileges", locked}, {"descriptors", descriptors}};
}

} // namespace ratchet
