// SPDX-License-Identifier: GPL-3.0-or-later
// Text for tests that says nothing twice.
#pragma once

#include <string>

#include "core/base/rng.h"

namespace ratchet {

// `count` words of three to eight letters, nine a line; another seed, other words.
inline std::string words(std::uint64_t seed, int count)
{
    Rng rng(seed);
    std::string text;
    for (int i = 0; i < count; ++i) {
        for (std::uint64_t letters = 3 + rng.below(6); letters > 0; --letters)
            text += static_cast<char>('a' + rng.below(26));
        text += i % 9 == 8 ? ".\n" : " ";
    }
    return text;
}

inline std::string passage(std::uint64_t seed, int lines)
{
    return words(seed, 9 * lines);
}

} // namespace ratchet
