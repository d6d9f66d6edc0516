// SPDX-License-Identifier: GPL-3.0-or-later
// Short items first: how long an item may be that the domain draws for training, as the budget is spent. Works for any
// domain whose harder items are longer ones. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/plugin/domain.h"

namespace ratchet
{

// Competence-based curriculum (Platanios 2019, arXiv 1903.09848, eq. 8): at share t of the phase-in the shortest part
// c(t) = sqrt(t (1 - c0^2) + c0^2) of the items is drawn, c0 = 0.1. Lengths are those of 512 items of the domain.
class Curriculum
{
public:
    // Draws from the domain only when data.curriculum is above zero.
    Curriculum(const Genome& genome, const Domain& domain, std::uint64_t seed);
    // Characters of the longest item that may be drawn when `share` (0 .. 1) of the budget is spent.
    [[nodiscard]] std::size_t longest(double share) const;
    // All items may be drawn from here on.
    [[nodiscard]] bool isOver(double share) const { return share >= m_phase; }

private:
    double m_phase;
    std::vector<std::size_t> m_lengths; // ascending
};

} // namespace ratchet
