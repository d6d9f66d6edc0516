// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

#include "core/selector/boundary.h"

namespace ratchet {
namespace {

double meanOf(const std::vector<double>& values)
{
    return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

} // namespace

Spread spreadOf(const std::vector<double>& values)
{
    constexpr double unknown = std::numeric_limits<double>::max();
    Spread spread{static_cast<int>(values.size()), meanOf(values), 0, -unknown, unknown};
    if (values.size() < 2)
        return spread;
    double squares = 0;
    for (const double value : values)
        squares += (value - spread.mean) * (value - spread.mean);
    const double n = static_cast<double>(values.size());
    spread.sigma = std::sqrt(squares / (n - 1));
    const double half = boost::math::quantile(boost::math::students_t(n - 1), 0.975) * spread.sigma / std::sqrt(n);
    spread.low = spread.mean - half;
    spread.high = spread.mean + half;
    return spread;
}

double correlationOf(const std::vector<double>& a, const std::vector<double>& b)
{
    const double meanA = meanOf(a), meanB = meanOf(b);
    double both = 0, squaresA = 0, squaresB = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        both += (a[i] - meanA) * (b[i] - meanB);
        squaresA += (a[i] - meanA) * (a[i] - meanA);
        squaresB += (b[i] - meanB) * (b[i] - meanB);
    }
    return squaresA > 0 && squaresB > 0 ? both / std::sqrt(squaresA * squaresB) : 0;
}

Detectable smallestDetectable(double discordant, int pairs, double alpha, double power)
{
    const int differing = static_cast<int>(std::lround(discordant * pairs));
    const Boundary boundary = Boundary::exact(alpha, pairs);
    if (boundary.passage(1, differing).chance < power)
        return {};
    double low = 0.5, high = 1;
    for (int i = 0; i < 20; ++i) {
        const double middle = (low + high) / 2;
        (boundary.passage(middle, differing).chance >= power ? high : low) = middle;
    }
    return {discordant * (2 * high - 1), high, boundary.passage(high, differing).meanPairs / discordant};
}

} // namespace ratchet
