// SPDX-License-Identifier: GPL-3.0-or-later
// The level that the evidence of one question must reach, and the chance that it does. Pure; any thread.
#pragma once

#include <vector>

namespace ratchet {

// How many wins among n discordant pairs accept, for every n up to a number that is fixed before the first pair is drawn.
class Boundary {
public:
    // The lowest level of the mixture e-value that a challenger which is no better reaches, at any of the pairs 1 .. `pairs`, with
    // a chance of at most alpha: by recursion over the wins (Armitage, McPherson and Rowe 1969) for fair tosses, the worst of the
    // challengers that are no better. At most 1 / alpha, which is enough for any number of pairs (Ville). Some 10 ms at 2000 pairs.
    [[nodiscard]] static Boundary exact(double alpha, int pairs);

    [[nodiscard]] double logLevel() const { return m_logLevel; }
    [[nodiscard]] int pairs() const { return static_cast<int>(m_wins.size()) - 1; }
    // Of n discordant pairs; n + 1 when not even all of them suffice.
    [[nodiscard]] int winsNeeded(int n) const { return m_wins[static_cast<std::size_t>(n)]; }

    // Of a challenger that wins this share of discordant pairs. Exact; ended when accepted or after `pairs`.
    struct Passage {
        double chance = 0;      // of an accept
        double meanPairs = 0;   // drawn until it ended
    };
    [[nodiscard]] Passage passage(double winShare, int pairs) const;

private:
    Boundary(double logLevel, int pairs);
    double m_logLevel;
    std::vector<int> m_wins;
};

} // namespace ratchet
