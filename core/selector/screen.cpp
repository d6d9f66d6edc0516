// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/selector/screen.h"

#include <algorithm>

#include <boost/math/special_functions/beta.hpp>

namespace ratchet {
namespace {

// Answers of the gate, weighted.
struct Weighed {
    double sum = 0, squares = 0, accepted = 0;
    void add(double weight, bool isAccepted)
    {
        sum += weight;
        squares += weight * weight;
        accepted += isAccepted ? weight : 0;
    }
    [[nodiscard]] double effective() const { return squares > 0 ? sum * sum / squares : 0; }
    [[nodiscard]] double rate() const { return sum > 0 ? accepted / sum : 0; }
};

} // namespace

PassRate passRate(const std::vector<Looked>& past, const std::string& family, Side side, const ScreenOptions& options)
{
    PassRate result;
    Weighed own, others;
    for (const Looked& one : past) {
        if (one.side != side)
            continue;
        const bool isOwn = one.family == family;
        result.looked += isOwn;
        if (!one.accepted)
            continue;
        (isOwn ? own : others).add(1 / one.propensity, *one.accepted);
        result.judged += isOwn;
        result.accepted += isOwn && *one.accepted;
    }
    result.weight = own.effective();
    result.borrowed = std::min(others.effective(), options.mostBorrowed);
    const double successes = 0.5 + result.weight * own.rate() + result.borrowed * others.rate();
    const double failures = 1 + result.weight + result.borrowed - successes;
    const double tail = (1 - options.confidence) / 2;
    result.chance = successes / (successes + failures);
    result.low = boost::math::ibeta_inv(successes, failures, tail);
    result.high = boost::math::ibetac_inv(successes, failures, tail);
    return result;
}

Side sideOf(double score, const std::vector<Looked>& past)
{
    const auto newest = past.end() - static_cast<std::ptrdiff_t>(std::min(past.size(), medianOf));
    const auto below = std::count_if(newest, past.end(), [&](const Looked& one) { return one.score < score; });
    const auto above = std::count_if(newest, past.end(), [&](const Looked& one) { return one.score > score; });
    return above > below ? Side::Fail : Side::Pass;
}

Screening screen(const std::vector<Looked>& past, const std::string& family, double score, double draw, const ScreenOptions& options)
{
    Screening result;
    result.side = sideOf(score, past);
    result.rate = passRate(past, family, result.side, options);
    const bool isKnown = result.rate.weight >= options.ownEvidence && result.rate.weight + result.rate.borrowed >= options.evidence;
    if (result.side == Side::Pass || !isKnown || result.rate.high >= options.threshold)
        return result;
    result.propensity = options.audit;
    result.decision = draw < options.audit ? Screened::Audit : Screened::GiveUp;
    return result;
}

} // namespace ratchet
