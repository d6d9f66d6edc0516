// SPDX-License-Identifier: GPL-3.0-or-later
// Text for tests that says nothing twice.
#pragma once

#include <string>

#include "core/base/rng.h"

namespace ratchet {

// `lines` lines of eight words of three to seven letters; another seed, other words.
inline std::string passage(std::uint64_t seed, int lines)
{
    Rng rng(seed);
    std::string text;
    for (int line = 0; line < lines; ++line)
        for (int word = 0; word < 8; ++word) {
            for (std::uint64_t left = 3 + rng.below(5); left > 0; --left)
                text += static_cast<char>('a' + rng.below(26));
            text += word == 7 ? ".\n" : " ";
        }
    return text;
}

} // namespace ratchet
