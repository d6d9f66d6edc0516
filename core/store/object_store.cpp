// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/object_store.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"

namespace ratchet {
namespace {

constexpr const char* restore = "Restore the lab's folder \"objects\" from a backup.";

Status ensureFolder(const std::filesystem::path& folder)
{
    std::error_code error;
    if (std::filesystem::is_directory(folder, error))
        return {};
    RATCHET_CHECK(makeFolder(folder));
    return syncFolder(folder.parent_path());
}

// Makes the content of a finished file durable and the file read-only. A link is refused: it could point anywhere.
Status seal(const std::filesystem::path& file)
{
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info{};
    if (!fd.isOpen() || ::fstat(fd.get(), &info) != 0)
        return fail(errno == ENOENT ? Code::NotFound : Code::Environment,
                    fmt::format("{} cannot be read: {}.", file.string(), std::strerror(errno)));
    if (!S_ISREG(info.st_mode))
        return fail(Code::BadInput, fmt::format("{} is not a file.", file.string()));
    if (::fsync(fd.get()) != 0 || ::fchmod(fd.get(), 0444) != 0)
        return fail(Code::Environment, fmt::format("{} cannot be synced: {}.", file.string(), std::strerror(errno)));
    return {};
}

// A file of its own in the store's folder, so that it can be renamed into place from any file system.
Result<std::filesystem::path> copyBeside(const std::filesystem::path& file, const std::filesystem::path& folder)
{
    const std::filesystem::path copy = folder / fmt::format("{}.{}.tmp", file.filename().string(), ::getpid());
    std::error_code error;
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing, error);
    if (error) {
        std::error_code ignored;
        std::filesystem::remove(copy, ignored);
        const bool full = error == std::errc::no_space_on_device;
        return fail(Code::Environment, fmt::format("Cannot copy {} into the lab: {}.", file.string(), error.message()),
                    full ? "Free some disk space and run the command again; nothing was lost." : "");
    }
    return copy;
}

} // namespace

ObjectStore::ObjectStore(std::filesystem::path folder) : m_folder(std::move(folder)) {}

std::filesystem::path ObjectStore::path(const Hash& hash) const
{
    return m_folder / hash.hex.substr(0, 2) / (hash.hex.size() > 2 ? hash.hex.substr(2) : "none");
}

bool ObjectStore::contains(const Hash& hash) const
{
    std::error_code error;
    return hash.isSet() && std::filesystem::is_regular_file(path(hash), error);
}

Result<Hash> ObjectStore::put(std::string_view content) const
{
    const Hash hash = hashOf(content);
    if (verify(hash))
        return hash;
    RATCHET_CHECK(ensureFolder(path(hash).parent_path()));
    RATCHET_CHECK(writeFile(path(hash), content, 0444));
    return hash;
}

Result<Hash> ObjectStore::putFile(const std::filesystem::path& file) const
{
    RATCHET_CHECK(seal(file));
    RATCHET_TRY(hash, hashOfFile(file));
    std::error_code error;
    if (verify(hash)) {
        std::filesystem::remove(file, error);
        return hash;
    }
    const std::filesystem::path target = path(hash);
    RATCHET_CHECK(ensureFolder(target.parent_path()));
    std::filesystem::rename(file, target, error);
    if (error == std::errc::cross_device_link) {
        RATCHET_TRY(copy, copyBeside(file, target.parent_path()));
        RATCHET_CHECK(seal(copy));
        std::filesystem::rename(copy, target, error);
        std::error_code ignored;
        std::filesystem::remove(error ? copy : file, ignored);
    }
    if (error)
        return fail(Code::Environment, fmt::format("Cannot move {} into the lab: {}.", file.string(), error.message()));
    RATCHET_CHECK(syncFolder(target.parent_path()));
    RATCHET_CHECK(verify(hash));   // whoever still had it open could have changed it between hash and rename
    return hash;
}

Result<std::string> ObjectStore::get(const Hash& hash) const
{
    if (!contains(hash))
        return fail(Code::NotFound, fmt::format("The object {} is missing from {}.", hash.brief(), m_folder.string()), restore);
    RATCHET_TRY(content, readFile(path(hash)));
    if (hashOf(content) != hash)
        return fail(Code::Damaged, fmt::format("The object {} is damaged: its content does not match its name.", path(hash).string()), restore);
    return content;
}

Status ObjectStore::verify(const Hash& hash) const
{
    if (!contains(hash))
        return fail(Code::NotFound, fmt::format("The object {} is missing from {}.", hash.brief(), m_folder.string()), restore);
    RATCHET_TRY(found, hashOfFile(path(hash)));
    if (found != hash)
        return fail(Code::Damaged, fmt::format("The object {} is damaged: its content does not match its name.", path(hash).string()), restore);
    return {};
}

} // namespace ratchet
