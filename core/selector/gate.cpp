// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/gate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <boost/math/special_functions/zeta.hpp>

namespace ratchet {
namespace {

constexpr double boldestBet = 0.75;   // c of Waudby-Smith and Ramdas 2024

bool isScore(double value)
{
    return value >= 0 && value <= 1;   // false for NaN
}

// Sum over j >= 0 of C(m, k - j) / C(m, k), for k <= m / 2: every term is smaller than the one before.
double lowerTailRatio(std::int64_t m, std::int64_t k)
{
    double sum = 1, term = 1;
    for (std::int64_t j = k; j > 0; --j) {
        term *= static_cast<double>(j) / static_cast<double>(m - j + 1);
        sum += term;
        if (term < sum * 1e-18)
            break;
    }
    return sum;
}

// Number of successes in `trials` tosses of a coin whose share of successes is Beta(a, b): ln P(count).
double logBetaBinomial(int count, int trials, double a, double b)
{
    const auto logBeta = [](double x, double y) { return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y); };
    return -std::log(trials + 1.0) - logBeta(trials - count + 1.0, count + 1.0) + logBeta(count + a, trials - count + b) - logBeta(a, b);
}

// P(at least `least` successes), from the term at `least` upwards by the ratio of neighbours.
double betaBinomialTail(int least, int trials, double a, double b)
{
    if (least <= 0)
        return 1;
    double sum = 0, term = least <= trials ? std::exp(logBetaBinomial(least, trials, a, b)) : 0;
    for (int k = least; k <= trials; ++k) {
        sum += term;
        term *= (trials - k) * (a + k) / ((k + 1.0) * (b + trials - k - 1));
    }
    return std::min(sum, 1.0);
}

// The fewest wins of `more` further discordant pairs that bring the evidence to the threshold; more + 1 when none do. It is
// known to lie in [low, high].
int winsNeeded(int wins, int losses, int more, double threshold, int low, int high)
{
    while (low < high) {
        const int middle = (low + high) / 2;
        if (logMixtureEValue(wins + middle, losses + more - middle) >= threshold)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

long double logFactorial(std::int64_t n)
{
    return std::lgamma(static_cast<long double>(n) + 1);   // double would lose the ninth digit at 1e6
}

// ln of 2^(w+l+1) times the integral of p^w (1-p)^l over [1/2, 1]. With m = w + l + 1 it is w! l! / m! * sum over j <= w of
// C(m, j), because 1 - I_{1/2}(w+1, l+1) is the probability of at most w heads in m fair tosses; the powers of two cancel. Up to
// the middle the sum is taken over C(m, w), beyond it as 2^m less the other tail, so that nothing cancels.
double logUpperHalf(std::int64_t wins, std::int64_t losses)
{
    const std::int64_t tosses = wins + losses + 1;
    if (2 * wins <= tosses)
        return std::log(lowerTailRatio(tosses, wins)) - std::log(static_cast<double>(losses + 1));
    const long double logTwo = std::numbers::ln2_v<long double>;
    const long double most = logFactorial(wins) + logFactorial(losses) - logFactorial(tosses) + static_cast<long double>(tosses) * logTwo;
    if (losses == 0)
        return static_cast<double>(most + std::log1p(-std::exp2(static_cast<long double>(-tosses))));
    // The other tail: at most `losses` heads. C(m, losses) = m! / (losses! (wins + 1)!).
    const long double logTail = logFactorial(tosses) - logFactorial(losses) - logFactorial(wins + 1)
        - static_cast<long double>(tosses) * logTwo + std::log(static_cast<long double>(lowerTailRatio(tosses, losses)));
    return static_cast<double>(most + std::log1p(-std::exp(logTail)));
}

} // namespace

// The prior counts as pairs seen before: 4 won and 4 lost.
double logMixtureEValue(std::int64_t wins, std::int64_t losses)
{
    constexpr std::int64_t before = 4;
    static const double prior = logUpperHalf(before, before);
    return logUpperHalf(wins + before, losses + before) - prior;
}

ConfidenceSequence::ConfidenceSequence(double alpha, double range) : m_logTwoOverAlpha(std::log(2 / alpha)), m_range(range) {}

void ConfidenceSequence::add(double value)
{
    const double x = (std::clamp(value / m_range, -1.0, 1.0) + 1) / 2;
    const double before = static_cast<double>(m_count);
    const double meanBefore = (0.5 + m_sum) / (before + 1);
    const double varianceBefore = (0.25 + m_varianceSum) / (before + 1);
    const double t = before + 1;
    const double lambda = std::min(std::sqrt(2 * m_logTwoOverAlpha / (varianceBefore * t * std::log(1 + t))), boldestBet);
    // v_i psi_E(lambda) = 4 (x - mean)^2 * (-ln(1 - lambda) - lambda) / 4
    m_penalty += (x - meanBefore) * (x - meanBefore) * (-std::log1p(-lambda) - lambda);
    m_weightedSum += lambda * x;
    m_weights += lambda;
    m_sum += x;
    ++m_count;
    const double meanAfter = (0.5 + m_sum) / (t + 1);
    m_varianceSum += (x - meanAfter) * (x - meanAfter);
    const double centre = m_weightedSum / m_weights;
    const double radius = (m_logTwoOverAlpha + m_penalty) / m_weights;
    m_low = std::max(m_low, centre - radius);
    m_high = std::min(m_high, centre + radius);
}

double ConfidenceSequence::mean() const
{
    return m_count == 0 ? 0 : m_range * (2 * m_sum / static_cast<double>(m_count) - 1);
}

double ConfidenceSequence::low() const
{
    return m_range * (2 * m_low - 1);
}

double ConfidenceSequence::high() const
{
    return m_range * (2 * m_high - 1);
}

std::int64_t ConfidenceSequence::count() const
{
    return m_count;
}

void BettingEProcess::add(double value)
{
    const double x = std::clamp(value, -1.0, 1.0);
    const double weight = static_cast<double>(m_count) + 1;
    const double mean = m_sum / weight;
    const double variance = (1 + m_squares) / weight;   // squares: of deviations from the running mean
    const double bet = std::clamp(mean / (variance + mean * mean), 0.0, boldestBet);
    m_log += std::log1p(bet * x);
    m_sum += x;
    ++m_count;
    const double deviation = x - m_sum / (weight + 1);
    m_squares += deviation * deviation;
}

double elondAlpha(double alpha, int k, int discoveriesBefore, double decay)
{
    const double gamma = std::pow(std::max(k, 1), -decay) / boost::math::zeta(decay);
    return std::min(alpha * gamma * (discoveriesBefore + 1), alpha);
}

double finiteDataAlpha(double alpha, int k, int discoveriesBefore, double decay)
{
    const double before = std::max(k, 1) - 1, found = std::clamp<double>(discoveriesBefore, 0, before);
    const double logLabs = std::lgamma(before + 1) - std::lgamma(found + 1) - std::lgamma(before - found + 1);
    return elondAlpha(alpha, k, 0, decay) * std::exp(-logLabs) / ((found + 1) * (found + 2));
}

Gate::Gate(Options options) : m_options(options), m_difference(0.05, options.range) {}

bool Gate::add(double champion, double challenger)
{
    if (!isScore(champion) || !isScore(challenger))
        return false;
    ++m_pairs;
    m_wins += challenger > champion ? 1 : 0;
    m_losses += challenger < champion ? 1 : 0;
    m_championSum += champion;
    m_challengerSum += challenger;
    m_difference.add(challenger - champion);
    m_betting.add((challenger - champion) / m_options.range);
    return true;
}

double Gate::logEValue() const
{
    return m_options.kind == Kind::ExactMatch ? logMixtureEValue(m_wins, m_losses) : m_betting.logEValue();
}

Gate::Answer Gate::answer() const
{
    if (logEValue() >= m_options.logThreshold)
        return Answer::Accept;
    if (m_difference.high() < std::max(0.0, m_options.minEffect))
        return Answer::Reject;
    const int left = m_options.maxPairs - m_pairs;
    if (left <= 0)
        return Answer::Inconclusive;
    const double best = m_options.kind == Kind::ExactMatch ? logMixtureEValue(m_wins + left, m_losses)
                                                           : m_betting.logEValue() + left * std::log1p(boldestBet);
    return best < m_options.logThreshold ? Answer::Inconclusive : Answer::NeedMore;
}

double Gate::chanceOfAccept() const
{
    constexpr double jeffreys = 0.5;
    constexpr int points = 300;           // at least, of the predictive distribution of how many discordant pairs are to come
    const int left = m_options.maxPairs - m_pairs;
    if (answer() != Answer::NeedMore)
        return answer() == Answer::Accept ? 1 : 0;
    if (m_options.kind != Kind::ExactMatch)
        return 1;
    const double a = m_wins + m_losses + jeffreys, b = m_pairs - m_wins - m_losses + jeffreys, n = a + b;
    const double mean = left * a / n, deviation = std::sqrt(left * a * b * (n + left) / (n * n * (n + 1)));
    const int first = std::max(0, static_cast<int>(mean - 6 * deviation)), last = std::min(left, static_cast<int>(mean + 6 * deviation) + 1);
    const int stride = std::max(1, (last - first) / points);
    double chance = 0, mass = 0;
    int needed = winsNeeded(m_wins, m_losses, first, m_options.logThreshold, 0, first + 1);
    for (int more = first; more <= last; more += stride) {
        if (more > first)                 // with more pairs it takes no fewer wins, and winning all that came is enough
            needed = winsNeeded(m_wins, m_losses, more, m_options.logThreshold, needed, needed + stride);
        const double weight = std::exp(logBetaBinomial(more, left, a, b));
        mass += weight;
        chance += weight * betaBinomialTail(needed, more, m_wins + jeffreys, m_losses + jeffreys);
    }
    return mass > 0 ? chance / mass : 0;
}

RetainedCheck::RetainedCheck(double margin, double alpha, int maxPairs, double range)
    : m_margin(margin), m_maxPairs(maxPairs), m_difference(2 * alpha, range)   // each side of the sequence errs with alpha
{
}

bool RetainedCheck::add(double champion, double challenger)
{
    if (!isScore(champion) || !isScore(challenger))
        return false;
    ++m_pairs;
    m_wins += challenger > champion ? 1 : 0;
    m_losses += challenger < champion ? 1 : 0;
    m_championSum += champion;
    m_challengerSum += challenger;
    m_difference.add(challenger - champion);
    return true;
}

RetainedCheck::Answer RetainedCheck::answer() const
{
    if (m_difference.low() > -m_margin)
        return Answer::Pass;
    return m_difference.high() < -m_margin || m_pairs >= m_maxPairs ? Answer::Fail : Answer::NeedMore;
}

} // namespace ratchet
