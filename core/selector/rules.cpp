// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/rules.h"

#include <cmath>

#include <boost/math/special_functions/beta.hpp>

namespace ratchet {

double signTestP(std::int64_t wins, std::int64_t losses)
{
    return wins <= 0 ? 1 : boost::math::ibeta(static_cast<double>(wins), static_cast<double>(losses) + 1, 0.5);
}

std::pair<double, double> clopperPearson(std::int64_t count, std::int64_t trials, double confidence)
{
    const double tail = (1 - confidence) / 2, seen = static_cast<double>(count), others = static_cast<double>(trials - count);
    if (trials <= 0)
        return {0, 1};
    return {count <= 0 ? 0 : boost::math::ibeta_inv(seen, others + 1, tail),
            count >= trials ? 1 : boost::math::ibetac_inv(seen + 1, others, tail)};
}

bool ladderAccepts(std::int64_t wins, std::int64_t losses, std::int64_t pairs)
{
    if (pairs < 2)
        return false;
    const double n = static_cast<double>(pairs), mean = static_cast<double>(wins - losses) / n;
    const double variance = (static_cast<double>(wins + losses) / n - mean * mean) * n / (n - 1);
    return mean > std::sqrt(variance / n);
}

Sprt::Sprt(double alternative, double alpha, double beta)
    : m_win(std::log(2 * alternative)), m_loss(std::log(2 * (1 - alternative))), m_low(std::log(beta / (1 - alpha))),
      m_high(std::log((1 - beta) / alpha))
{
}

void Sprt::add(bool win)
{
    m_log += win ? m_win : m_loss;
}

Sprt::Answer Sprt::answer() const
{
    return m_log >= m_high ? Answer::Accept : m_log <= m_low ? Answer::Reject : Answer::NeedMore;
}

} // namespace ratchet
