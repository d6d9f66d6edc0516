// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256 of bytes, files and JSON. Pure but for the file read; any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/base/error.h"
#include "core/base/id.h"

namespace ratchet {

[[nodiscard]] Hash hashOf(std::string_view bytes);
// Hash of the canonical text: keys sorted, no spaces, shortest round-trip numbers.
[[nodiscard]] Hash hashOfJson(const nlohmann::json& value);
// Reads the file in pieces; NotFound or Environment when it cannot.
[[nodiscard]] Result<Hash> hashOfFile(const std::filesystem::path& file);

} // namespace ratchet
