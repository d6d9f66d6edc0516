// SPDX-License-Identifier: GPL-3.0-or-later
// Where a program looks for its libraries besides the system's folders; the sandbox has to show these. Blocking; any thread.
#pragma once

#include <filesystem>
#include <vector>

namespace ratchet {

// The folders of DT_RUNPATH or DT_RPATH of a 64-bit ELF file that exist, with $ORIGIN replaced; empty when there are none.
[[nodiscard]] std::vector<std::filesystem::path> runpathOf(const std::filesystem::path& program);

} // namespace ratchet
