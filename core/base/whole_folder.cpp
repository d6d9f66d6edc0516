// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/whole_folder.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/base/file.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;
using Fill = std::function<Status(const fs::path& place)>;

tl::unexpected<Error> cannotMake(const fs::path& folder, const std::string& reason)
{
    return fail(Code::Environment, fmt::format("Cannot make {}: {}.", folder.string(), reason), "Choose a folder that you may write to.");
}

Status refuseTaken(const fs::path& folder)
{
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return fail(Code::Environment, fmt::format("{} is a file, not a folder.", folder.string()), "Choose another name.");
    const bool isEmpty = fs::is_empty(folder, error);
    if (error)
        return fail(Code::Environment, fmt::format("{} cannot be read: {}.", folder.string(), error.message()), "Choose another folder.");
    if (!isEmpty)
        return fail(Code::Conflict, fmt::format("{} exists and is not an empty folder.", folder.string()), "Choose another folder.");
    return {};
}

// An own hidden folder there, filled.
Result<fs::path> filledPlace(const fs::path& there, const std::string& name, const Fill& fill)
{
    std::string place = (there / fmt::format(".{}.new-XXXXXX", name)).string();
    if (!::mkdtemp(place.data()))
        return cannotMake(there / name, std::strerror(errno));
    if (const Status filled = fill(place); !filled) {
        std::error_code ignored;
        fs::remove_all(place, ignored);
        return passOn(filled);
    }
    return fs::path(place);
}

Status moveUp(const fs::path& place, const fs::path& folder, const std::string& last)
{
    std::error_code error;
    std::vector<fs::path> names;
    for (const auto& entry : fs::directory_iterator(place, error))
        if (entry.path().filename() != last)
            names.push_back(entry.path().filename());
    names.emplace_back(last);
    for (const fs::path& name : names)
        if (!error)
            fs::rename(place / name, folder / name, error);
    if (!error)
        fs::remove(place, error);
    return error ? Status(cannotMake(folder, error.message())) : syncFolder(folder);
}

Status fillInPlace(const fs::path& folder, const std::string& last, const Fill& fill)
{
    RATCHET_TRY(place, filledPlace(folder, folder.filename().string(), fill));
    Status moved = moveUp(place, folder, last);
    std::error_code ignored;
    if (!moved)
        for (const auto& entry : fs::directory_iterator(folder, ignored))
            fs::remove_all(entry.path(), ignored);
    return moved;
}

Status fillAndRename(const fs::path& folder, const Fill& fill)
{
    RATCHET_TRY(place, filledPlace(folder.parent_path(), folder.filename().string(), fill));
    if (::chmod(place.c_str(), 0755) == 0 && ::rename(place.c_str(), folder.c_str()) == 0)
        return syncFolder(folder.parent_path());
    const std::string reason = std::strerror(errno);
    std::error_code ignored;
    fs::remove_all(place, ignored);
    return cannotMake(folder, reason);
}

// The outermost folder that has to be made for `folder` to exist; empty when it exists.
fs::path firstMissing(fs::path folder)
{
    fs::path missing;
    std::error_code error;
    for (; !folder.empty() && !fs::exists(folder, error); folder = folder.parent_path())
        missing = folder;
    return missing;
}

} // namespace

Status checkReach(const fs::path& folder)
{
    std::error_code error;
    static_cast<void>(fs::status(folder, error));
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
        return fail(Code::Environment, fmt::format("{} cannot be reached: {}.", folder.string(), error.message()), "Check the permissions of the folders above it.");
    return {};
}

Status makeWhole(const fs::path& folder, const std::string& last, const Fill& fill)
{
    std::error_code error;
    fs::path root = fs::absolute(folder, error).lexically_normal();
    if (!root.has_filename())
        root = root.parent_path();   // "lab/"
    RATCHET_CHECK(checkReach(root));
    if (fs::symlink_status(root, error).type() != fs::file_type::not_found) {
        RATCHET_CHECK(refuseTaken(root));
        return fillInPlace(root, last, fill);
    }
    const fs::path made = firstMissing(root.parent_path());
    fs::create_directories(root.parent_path(), error);
    Status filled = error ? Status(cannotMake(root.parent_path(), error.message())) : fillAndRename(root, fill);
    if (!filled && !made.empty())
        fs::remove_all(made, error);
    return filled;
}

} // namespace ratchet
