// SPDX-License-Identifier: GPL-3.0-or-later
// Ed25519 signatures (RFC 8032) with keys in PEM files, as `openssl pkeyutl -sign -rawin` makes them. Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace ratchet {

// Makes the folder's key pair: private.pem (mode 0600) and public.pem. Conflict when it has one already.
[[nodiscard]] Status createKeys(const std::filesystem::path& folder);
[[nodiscard]] Result<std::string> signBytes(const std::filesystem::path& folder, std::string_view text);   // 64 bytes
[[nodiscard]] Result<std::string> signText(const std::filesystem::path& folder, std::string_view text);    // in base64
// Needs public.pem only. False for a signature of anything else, also for one that is not base64; errors are about the key.
[[nodiscard]] Result<bool> verifyText(const std::filesystem::path& folder, std::string_view text, const std::string& signature);

} // namespace ratchet
