// SPDX-License-Identifier: GPL-3.0-or-later
// Content-addressed files: LAB/objects/ab/cdef..., written whole or not at all, verified when read. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/id.h"

namespace ratchet {

class ObjectStore {
public:
    explicit ObjectStore(std::filesystem::path folder);
    [[nodiscard]] Result<Hash> put(std::string_view content) const;
    // Copies or moves a file in (rename when on the same file system), after hashing and syncing it.
    [[nodiscard]] Result<Hash> putFile(const std::filesystem::path& file) const;
    // Damaged when the content does not match the name, NotFound when missing; both name the object.
    [[nodiscard]] Result<std::string> get(const Hash& hash) const;
    [[nodiscard]] Status verify(const Hash& hash) const;
    [[nodiscard]] bool contains(const Hash& hash) const;
    [[nodiscard]] std::filesystem::path path(const Hash& hash) const;
private:
    std::filesystem::path m_folder;
};

} // namespace ratchet
