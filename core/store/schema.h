// SPDX-License-Identifier: GPL-3.0-or-later
// The schema as SQL, one migration per version. Internal to core/store.
#pragma once

#include <span>

namespace ratchet {

inline constexpr int applicationId = 0x52544348;   // "RTCH"

struct Migration {
    int to;              // user_version after it
    const char* sql;
};
// In order, from an empty file to schemaVersion.
[[nodiscard]] std::span<const Migration> migrations();

} // namespace ratchet
