// SPDX-License-Identifier: GPL-3.0-or-later
// Facts as aligned columns for a terminal. Used by every command that prints a table. Plain values; any thread.
#pragma once

#include <string>
#include <vector>

namespace ratchet {

struct Column {
    enum class Align { Left, Right };
    std::string title;
    Align align = Align::Left;
};

// Columns as wide as their longest cell (counted in characters), two spaces between, no trailing spaces.
[[nodiscard]] std::string textTable(const std::vector<Column>& columns,
                                    const std::vector<std::vector<std::string>>& rows);

} // namespace ratchet
