// SPDX-License-Identifier: GPL-3.0-or-later
// A lab's report as one HTML file that needs nothing else: inline SVG, light and dark. Read from a Store and its
// objects only; the caller's thread (the Store's).
#pragma once

#include <string>

#include "core/store/lab.h"
#include "core/store/object_store.h"
#include "core/store/store.h"

namespace ratchet {

[[nodiscard]] Result<std::string> htmlReport(const Store& store, const ObjectStore& objects, const LabConfig& config);

} // namespace ratchet
