// SPDX-License-Identifier: GPL-3.0-or-later
// Decides, pair by pair, whether a challenger beats the champion; may be asked at any time. Pure: no clock, store or threads.
// Evidence: mixture e-value over discordant pairs for exact match, betting e-process for bounded scores; both valid under
// optional stopping. The level it must reach is 1 / alpha (Ville's inequality) or, where the number of pairs is limited, the
// exact one (core/selector/boundary.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/records.h"

namespace ratchet {

// ln of E = the mean of (2p)^w (2 - 2p)^l over p of Beta(5, 5) given p > 1/2, against the null p <= 1/2; the prior holds small
// gains more likely than large ones (its mean is 0.62). Exact to 1e-9 relative for w + l up to 1e6.
[[nodiscard]] double logMixtureEValue(std::int64_t wins, std::int64_t losses);

// Confidence sequence for the mean of values in [-range, range], valid at all times at once (predictably mixed empirical
// Bernstein, Waudby-Smith and Ramdas 2024, arXiv 2010.09686, theorem 2, equations 13 to 15). Values outside are clipped:
// the sequence is then for the mean of the clipped values.
class ConfidenceSequence {
public:
    explicit ConfidenceSequence(double alpha = 0.05, double range = 1);
    void add(double value);
    [[nodiscard]] double mean() const;
    [[nodiscard]] double low() const;     // running intersection; -range before the first value
    [[nodiscard]] double high() const;
    [[nodiscard]] std::int64_t count() const;
private:
    double m_logTwoOverAlpha, m_range;
    std::int64_t m_count = 0;
    double m_sum = 0, m_weightedSum = 0, m_weights = 0, m_penalty = 0, m_varianceSum = 0, m_low = 0, m_high = 1;   // of [0, 1]
};

// Betting e-process for the null "mean of values in [-1, 1] is <= 0" with predictable bets (aGRAPA, Waudby-Smith and
// Ramdas 2024, section B.3, with bets truncated at 3/4).
class BettingEProcess {
public:
    void add(double value);   // clipped to [-1, 1]
    [[nodiscard]] double logEValue() const { return m_log; }
private:
    double m_log = 0, m_sum = 0, m_squares = 0;
    std::int64_t m_count = 0;
};

// e-LOND (Xu and Ramdas 2024, arXiv 2506.01452): alpha_k = alpha * gamma_k * (D_{k-1} + 1), gamma_k = k^-decay / zeta(decay), at
// most alpha. alpha_k is known before the question is asked, so that "accepted, then 1 / alpha_k, else 0" is an e-value too
// whatever test of level alpha_k decides.
inline constexpr double alphaDecay = 1.3;
[[nodiscard]] double elondAlpha(double alpha, int k, int discoveriesBefore, double decay = alphaDecay);

// The same where every question draws from the same finite data: what was accepted before says something about them. Of the
// labs that can have come here, a lab for each way in which D of the k - 1 questions before can have been accepted, none may be
// fooled (the count of Blum and Hardt 2015, arXiv 1502.04585, theorem 3.1): alpha_k = alpha * gamma_k / (C(k - 1, D) (D + 1) (D + 2)).
// Holds when nothing but accepts and rejections gets out.
[[nodiscard]] double finiteDataAlpha(double alpha, int k, int discoveriesBefore, double decay = alphaDecay);

class Gate {
public:
    enum class Kind { ExactMatch, Bounded };
    struct Options {
        Kind kind = Kind::ExactMatch;
        double logThreshold = 2.9957322735539909;   // natural log of the evidence that accepts: of 1 / alpha_k, or Boundary::logLevel()
        double minEffect = 0.005;     // smallest mean difference worth accepting; futility when excluded
        int maxPairs = 600;
        double range = 1;             // Bounded: differences beyond it count as it; the evidence is about their clipped mean
    };
    // Accept: the evidence has reached the threshold. Reject: the confidence sequence of the difference lies below 0 or below minEffect.
    // Inconclusive: the items are spent, or too few are left to be accepted even if all were won.
    // A function of the pairs so far: stop at the first answer that is not NeedMore.
    enum class Answer { Accept, Reject, Inconclusive, NeedMore };
    explicit Gate(Options options);
    // Scores in [0, 1]; anything else (NaN, out of range) is refused by add() and leaves the gate as it was.
    [[nodiscard]] bool add(double champion, double challenger);
    [[nodiscard]] Answer answer() const;
    [[nodiscard]] double logEValue() const;
    // Chance that the pairs that are left end in Accept, given those seen: the posterior predictive probability under Jeffreys
    // priors for the share of discordant pairs and for the share won of them (Lee and Liu 2008, Clinical Trials 5, equation 1).
    // Who stops when it is small gives up that much power and cannot accept more often. Looked at with the last pair only,
    // so a little low; 1 for bounded scores. Up to a millisecond or so: for the end of a batch, not for every pair.
    [[nodiscard]] double chanceOfAccept() const;
    [[nodiscard]] const ConfidenceSequence& difference() const { return m_difference; }
    [[nodiscard]] int wins() const { return m_wins; }
    [[nodiscard]] int losses() const { return m_losses; }
    [[nodiscard]] int pairs() const { return m_pairs; }
    [[nodiscard]] double championMean() const { return m_pairs ? m_championSum / m_pairs : 0; }
    [[nodiscard]] double challengerMean() const { return m_pairs ? m_challengerSum / m_pairs : 0; }
private:
    Options m_options;
    ConfidenceSequence m_difference;
    BettingEProcess m_betting;
    int m_wins = 0, m_losses = 0, m_pairs = 0;
    double m_championSum = 0, m_challengerSum = 0;
};

// Do no harm: a retained suite passes when the lower confidence bound of the difference is above minus the margin.
class RetainedCheck {
public:
    enum class Answer { Pass, Fail, NeedMore };
    // alpha: bound on passing something worse by more than the margin. range as in Gate::Options.
    RetainedCheck(double margin, double alpha, int maxPairs, double range = 1);
    // As Gate::add.
    [[nodiscard]] bool add(double champion, double challenger);
    [[nodiscard]] Answer answer() const;      // NeedMore turns to Fail when the items are spent
    [[nodiscard]] const ConfidenceSequence& difference() const { return m_difference; }
    [[nodiscard]] int wins() const { return m_wins; }
    [[nodiscard]] int losses() const { return m_losses; }
    [[nodiscard]] int pairs() const { return m_pairs; }
    [[nodiscard]] double championMean() const { return m_pairs ? m_championSum / m_pairs : 0; }
    [[nodiscard]] double challengerMean() const { return m_pairs ? m_challengerSum / m_pairs : 0; }
private:
    double m_margin; int m_maxPairs;
    ConfidenceSequence m_difference;
    int m_wins = 0, m_losses = 0, m_pairs = 0;
    double m_championSum = 0, m_challengerSum = 0;
};

} // namespace ratchet
