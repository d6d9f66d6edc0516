// SPDX-License-Identifier: GPL-3.0-or-later
// Files that survive a power cut: whole or absent, never half. Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace ratchet {

// Owns a file descriptor.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : m_fd(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : m_fd(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    ~UniqueFd();
    [[nodiscard]] int get() const { return m_fd; }
    [[nodiscard]] bool isOpen() const { return m_fd >= 0; }
    int release() { const int fd = m_fd; m_fd = -1; return fd; }
    void reset();

private:
    int m_fd = -1;
};

// Whole content; NotFound when absent, Environment when unreadable or larger than `limit` bytes.
[[nodiscard]] Result<std::string> readFile(const std::filesystem::path& file, std::size_t limit = std::size_t(1) << 32);
// temp -> fsync -> rename -> fsync folder. Environment with the system's reason (disk full, read-only) on failure.
[[nodiscard]] Status writeFile(const std::filesystem::path& file, std::string_view content, unsigned mode = 0644);
[[nodiscard]] Status makeFolder(const std::filesystem::path& folder, unsigned mode = 0755);
// Makes renames inside `folder` durable.
[[nodiscard]] Status syncFolder(const std::filesystem::path& folder);
// Folder of the running program, for finding its siblings and plugins.
[[nodiscard]] std::filesystem::path programFolder();

} // namespace ratchet
