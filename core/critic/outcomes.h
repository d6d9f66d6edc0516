// SPDX-License-Identifier: GPL-3.0-or-later
// The gate on outcomes that were measured elsewhere: a file of paired outcomes becomes verdicts. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/store/records.h"

namespace ratchet {

// One question, in the order of the file.
struct OutcomeVerdict {
    std::string proposal;
    int k = 0;                          // number of the question
    Verdict verdict = Verdict::Inconclusive;
    int wins = 0, losses = 0, ties = 0; // of the pairs that were looked at: all given, or those up to an accept or a rejection
    int given = 0;                      // pairs that the file holds
    double logEValue = 0, alpha = 0;    // natural logarithm; alpha_k
    double difference = 0, low = 0, high = 0;   // mean of B - A and its 95 % confidence sequence
};

// Lines `proposal,win|loss|tie` (of the challenger) or `proposal,scoreA,scoreB` with scores in 0 .. 1, A the champion's; empty
// lines, lines that begin with #, a byte order mark and one header line that begins with "proposal," are passed over. The first proposal met is
// question 1; pairs are taken in the file's order and looked at one by one. alpha: of all questions together, spent by e-LOND.
// BadInput naming the line and the reason; nothing is judged then.
[[nodiscard]] Result<std::vector<OutcomeVerdict>> judgeOutcomes(std::string_view text, double alpha, double minEffect);

} // namespace ratchet
