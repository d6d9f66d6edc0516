// SPDX-License-Identifier: GPL-3.0-or-later
// A folder that is there whole or not at all, whenever the program that makes it is killed: labs, exported models.
// Blocking; any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/base/error.h"

namespace ratchet {

// Makes `folder` with what `fill` writes into the place that it is given: a hidden folder beside, which is then renamed, or, where
// `folder` is there and empty, one inside, whose entries are then moved up, `last` after all others. Parents are made as needed.
// Conflict when it is there and not empty; Environment when it is a file or cannot be written. When it fails nothing is left.
[[nodiscard]] Status makeWhole(const std::filesystem::path& folder, const std::string& last,
                               const std::function<Status(const std::filesystem::path& place)>& fill);

// Environment when a folder above, which this user may not enter, hides whether it is there.
[[nodiscard]] Status checkReach(const std::filesystem::path& folder);

} // namespace ratchet
