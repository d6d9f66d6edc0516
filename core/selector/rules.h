// SPDX-License-Identifier: GPL-3.0-or-later
// Rules that other laboratories accept by, for comparison with the gate, and the exact interval of a share. Pure; any thread.
#pragma once

#include <cstdint>
#include <utility>

namespace ratchet {

// One-sided exact p-value of the sign test (McNemar's exact test for paired answers): P(at least `wins` of wins + losses fair
// tosses). 1 without discordant pairs.
[[nodiscard]] double signTestP(std::int64_t wins, std::int64_t losses);

// Exact interval of a share seen `count` times in `trials`, each bound missed with at most (1 - confidence) / 2
// (Clopper and Pearson 1934). {0, 1} without trials.
[[nodiscard]] std::pair<double, double> clopperPearson(std::int64_t count, std::int64_t trials, double confidence = 0.95);

// The parameter-free Ladder (Blum and Hardt 2015, arXiv 1502.04585, figure 2): a hold-out that is used again accepts only what
// beats the best by more than one standard error of the paired difference. `pairs` counts all pairs, ties included.
[[nodiscard]] bool ladderAccepts(std::int64_t wins, std::int64_t losses, std::int64_t pairs);

// Wald's sequential probability ratio test of win share `alternative` against 1/2 over discordant pairs (Wald 1945): the yardstick
// of what a test can cost that knows the true effect. Bounds ln((1 - beta) / alpha) and ln(beta / (1 - alpha)).
class Sprt {
public:
    enum class Answer { Accept, Reject, NeedMore };
    Sprt(double alternative, double alpha, double beta);
    void add(bool win);
    [[nodiscard]] Answer answer() const;

private:
    double m_win, m_loss, m_low, m_high, m_log = 0;
};

} // namespace ratchet
