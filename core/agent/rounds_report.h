// SPDX-License-Identifier: GPL-3.0-or-later
// What came of rounds of self-training: accuracy by seed, arm, round and length as CSV, as a figure and as the length
// at which half is right. Used by `ratchet bench self-training`. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ratchet {

// What one arm of one seed could do at one length after one round; round 0 is the base model, the same in every arm.
struct LengthRow {
    std::uint64_t seed = 0;
    std::string arm;
    int round = 0;
    int length = 0;      // characters; the shortest stands for all lengths that the base was trained on
    int trained = 0;     // longest trained on so far
    double accuracy = 0; // share of right answers
    int items = 0;
    std::int64_t steps = 0; // of this round
    double flops = 0;       // of this arm so far
    double kept = 0, right = 0;
};

// Over the seeds.
struct HalfLength {
    std::string arm;
    int round = 0;
    double mean = 0, low = 0, high = 0; // characters
    int seeds = 0;
};

// Length at which accuracy first falls to one half, linear between the measured lengths; the shortest one where it is
// below already, the longest one where it never is. The curve is (length, accuracy), lengths ascending, not empty.
[[nodiscard]] double halfLengthOf(const std::vector<std::pair<double, double>>& curve);
// By arm in the order of their first row, then by round.
[[nodiscard]] std::vector<HalfLength> halfLengths(const std::vector<LengthRow>& rows);
// A line a row, with a head line; half_length is that of the row's seed, arm and round.
[[nodiscard]] std::string roundsCsv(const std::vector<LengthRow>& rows);
// An SVG file: for every arm accuracy over length by round, mean of the seeds; last, half lengths over rounds with the
// range of the seeds.
[[nodiscard]] std::string roundsFigure(const std::vector<LengthRow>& rows);

} // namespace ratchet
