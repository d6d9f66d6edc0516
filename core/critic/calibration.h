// SPDX-License-Identifier: GPL-3.0-or-later
// Whether answers are as often right as the model is sure of them: reliability diagram, calibration error, Brier score and
// what it would gain by staying silent when unsure. Used by scorecards and everything that shows them. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include "core/base/json.h"

namespace ratchet {

// One answer: how probable the model held it (0 .. 1), and whether it was right.
struct SureAnswer { double confidence = 0; bool right = false; };

// Answers of about equal confidence. low, high: exact 95 % interval of the accuracy (Clopper and Pearson 1934).
struct ReliabilityBin { double confidence = 0, accuracy = 0, low = 0, high = 0; int items = 0; };

struct Calibration {
    int items = 0;
    double accuracy = 0, confidence = 0;      // means
    // Expected calibration error: sum over the bins of items' share times |accuracy - confidence| (Naeini 2015), with bins of
    // equal mass (Nixon 2019, arXiv 1904.01685). Bins of few items are never quite right: `byChance` is what a model that is
    // perfectly calibrated would show with these bins.
    double error = 0, byChance = 0;
    double brier = 0;                         // mean (confidence - right)^2 (Brier 1950)
    // Accuracy of the surest half, and area under the curve of risk over coverage, 0 is best (Geifman 2017, arXiv 1705.08500);
    // among equally sure answers the wrong ones count first.
    double surestHalf = 0, riskArea = 0;
    // Answers that are wrong though the model held them this probable or more; unknown of cards that were written without it.
    static constexpr double sure = 0.9;
    std::optional<int> sureWrong;
    std::vector<ReliabilityBin> bins;         // by rising confidence

    [[nodiscard]] Json toJson() const;
    // BadInput when it is not what toJson() writes.
    [[nodiscard]] static Result<Calibration> fromJson(const Json& json);
};

// Answers in any order; no bins without answers. Answers of one confidence are never split over two bins.
[[nodiscard]] Calibration calibrationOf(std::vector<SureAnswer> answers, int bins = 10);

} // namespace ratchet
