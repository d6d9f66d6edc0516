// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/curriculum.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ratchet
{

Curriculum::Curriculum(const Genome& genome, const Domain& domain, std::uint64_t seed) : m_phase(genome.data.curriculum)
{
    constexpr int sampled = 512;
    if (m_phase <= 0)
        return;
    Rng rng = Rng::stream(seed, "curriculum");
    for (int i = 0; i < sampled; ++i) {
        const Example example = domain.example(domain.drawTraining(genome.data, rng), genome.reasoning);
        m_lengths.push_back(example.prompt.size() + example.completion.size());
    }
    std::sort(m_lengths.begin(), m_lengths.end());
}

std::size_t Curriculum::longest(double share) const
{
    constexpr double atFirst = 0.1 * 0.1; // c0 squared
    if (isOver(share))
        return std::numeric_limits<std::size_t>::max();
    const double competence = std::sqrt(share / m_phase * (1 - atFirst) + atFirst);
    const auto count = static_cast<std::size_t>(std::ceil(competence * static_cast<double>(m_lengths.size())));
    return m_lengths[std::clamp<std::size_t>(count, 1, m_lengths.size()) - 1];
}

} // namespace ratchet
