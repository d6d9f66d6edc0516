// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8 at the border of a process: a byte-level model may answer with any bytes, the store and JSON take UTF-8 only.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace ratchet {

// Well-formed by the Unicode standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool isUtf8(std::string_view text);
// The text with every byte that is no UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string cleanUtf8(std::string_view text);

} // namespace ratchet
