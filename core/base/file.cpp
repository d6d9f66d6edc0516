// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ratchet {
namespace {

Error systemError(const std::string& what, int number)
{
    Error error{Code::Environment, fmt::format("{}: {}.", what, std::strerror(number)), {}};
    if (number == ENOSPC || number == EDQUOT)
        error.hint = "Free some disk space and run the command again; nothing was lost.";
    else if (number == EACCES || number == EPERM || number == EROFS)
        error.hint = "Check the permissions of the folder.";
    else if (number == ENOENT)
        error.code = Code::NotFound;
    return error;
}

} // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept
{
    if (this != &other) {
        reset();
        m_fd = other.release();
    }
    return *this;
}

UniqueFd::~UniqueFd()
{
    reset();
}

void UniqueFd::reset()
{
    if (m_fd >= 0)
        ::close(m_fd);
    m_fd = -1;
}

Result<std::string> readFile(const std::filesystem::path& file, std::size_t limit)
{
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.isOpen())
        return tl::unexpected(systemError("Cannot read " + file.string(), errno));
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0 || S_ISDIR(info.st_mode))
        return fail(Code::Environment, fmt::format("{} is not a file.", file.string()));
    if (static_cast<std::size_t>(info.st_size) > limit)
        return fail(Code::Environment, fmt::format("{} is larger than {} bytes.", file.string(), limit));
    std::string content;
    char buffer[1 << 16];
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tl::unexpected(systemError("Cannot read " + file.string(), errno));
        if (got == 0)
            return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > limit)
            return fail(Code::Environment, fmt::format("{} is larger than {} bytes.", file.string(), limit));
    }
}

Status writeFile(const std::filesystem::path& file, std::string_view content, unsigned mode)
{
    static std::atomic<unsigned> number = 0;   // two threads may write the same file
    const std::string temporary = fmt::format("{}.{}-{}.tmp", file.string(), ::getpid(), ++number);
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    const auto failed = [&] {
        const int reason = errno;
        ::unlink(temporary.c_str());
        return tl::unexpected(systemError("Cannot write " + file.string(), reason));
    };
    if (!fd.isOpen())
        return failed();
    while (!content.empty()) {
        const ssize_t written = ::write(fd.get(), content.data(), content.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed();
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd.get()) != 0)
        return failed();
    fd.reset();
    if (::rename(temporary.c_str(), file.c_str()) != 0)
        return failed();
    return syncFolder(file.has_parent_path() ? file.parent_path() : ".");
}

Status makeFolder(const std::filesystem::path& folder, unsigned mode)
{
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return tl::unexpected(systemError("Cannot create the folder " + folder.string(), error.value()));
    if (::chmod(folder.c_str(), mode) != 0)
        return tl::unexpected(systemError("Cannot set the permissions of " + folder.string(), errno));
    return {};
}

Status syncFolder(const std::filesystem::path& folder)
{
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.isOpen() || ::fsync(fd.get()) != 0)
        return tl::unexpected(systemError("Cannot sync the folder " + folder.string(), errno));
    return {};
}

std::filesystem::path programFolder()
{
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

} // namespace ratchet
