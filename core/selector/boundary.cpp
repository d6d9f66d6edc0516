// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/boundary.h"

#include <algorithm>
#include <cmath>

#include "core/selector/gate.h"

namespace ratchet {

Boundary::Boundary(double logLevel, int pairs) : m_logLevel(logLevel), m_wins(static_cast<std::size_t>(pairs) + 1)
{
    int wins = 1;
    for (int n = 0; n <= pairs; ++n) {       // one pair more never takes fewer wins
        while (wins <= n && logMixtureEValue(wins, n - wins) < logLevel)
            ++wins;
        m_wins[static_cast<std::size_t>(n)] = wins;
    }
}

Boundary Boundary::exact(double alpha, int pairs)
{
    constexpr double smallest = 1e-18;       // below it the recursion is not exact
    const double ville = -std::log(alpha);
    Boundary boundary(ville, pairs);
    double chance = alpha < smallest ? 0 : boundary.passage(0.5, pairs).chance;
    for (int step = 0; step < 4 && chance > 0; ++step) {       // the chance falls about as 1 / level
        boundary = Boundary(std::min(boundary.m_logLevel + std::log(chance / alpha), ville), pairs);
        chance = boundary.passage(0.5, pairs).chance;
    }
    while (chance > alpha) {                                   // it falls in steps: take the next one
        boundary = Boundary(boundary.m_logLevel + 1e-3, pairs);
        chance = boundary.passage(0.5, pairs).chance;
    }
    return boundary;
}

Boundary::Passage Boundary::passage(double winShare, int pairs) const
{
    constexpr double negligible = 1e-25;
    std::vector<double> at(static_cast<std::size_t>(pairs) + 2);   // chance of so many wins, not accepted yet
    at[0] = 1;
    Passage passage;
    double open = 1;
    std::size_t low = 0, high = 0;                                 // all others are 0
    for (int n = 1; n <= pairs && open > 0; ++n) {
        passage.meanPairs += open;
        for (std::size_t wins = ++high; wins > low; --wins)
            at[wins] = at[wins] * (1 - winShare) + at[wins - 1] * winShare;
        at[low] *= 1 - winShare;
        for (; high > low && high >= static_cast<std::size_t>(winsNeeded(n)); --high) {
            passage.chance += at[high];
            open -= at[high];
            at[high] = 0;
        }
        while (low < high && at[low] < negligible)
            at[low++] = 0;
        if (low == high && at[low] < negligible)
            break;
    }
    return passage;
}

} // namespace ratchet
