// SPDX-License-Identifier: GPL-3.0-or-later
// Ed25519 signatures (RFC 8032) with keys in PEM files, as `openssl pkeyutl -sign -rawin` makes them. Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace ratchet {

// Ed25519 key pair in a folder (private.pem mode 0600, public.pem).
[[nodiscard]] Status createKeys(const std::filesystem::path& folder);
[[nodiscard]] Result<std::string> signText(const std::filesystem::path& folder, std::string_view text);          // base64
[[nodiscard]] Result<bool> verifyText(const std::filesystem::path& folder, std::string_view text, const std::string& signature);

} // namespace ratchet
