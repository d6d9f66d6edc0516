// SPDX-License-Identifier: GPL-3.0-or-later
// Scores and gains as the window writes them, in the measure of the lab. Of answers that are right or wrong: a share (0.943) and points
// of 100 (+6.1 pts). Of likelihoods: bits per byte (1.921), of which fewer are better, and bits saved (+0.310 bits). Pure; any thread.
#pragma once

#include <QString>

#include "core/plugin/domain.h"

namespace ratchet {

struct Snapshot;

class ScoreFormat {
public:
    explicit ScoreFormat(Measure measure) : m_measure(measure) {}
    explicit ScoreFormat(const Snapshot& snapshot);

    // Whether a score is a share of answers that are right, and so has percent and an exact interval.
    [[nodiscard]] bool countsAnswers() const { return m_measure == Measure::ExactMatch; }
    // A score s as an axis shows it: itself, or 8 (1 - s) bits per byte.
    [[nodiscard]] double value(double score) const;
    [[nodiscard]] QString title() const;                                  // of such an axis: "score", "bits per byte"
    [[nodiscard]] QString unit() const;                                   // of gains: "pts", "bits"
    [[nodiscard]] QString score(double score) const;                      // "0.943", "1.921"
    [[nodiscard]] QString gain(double difference) const;                  // "+6.1 pts", "+0.310 bits"
    [[nodiscard]] QString gain(double difference, double low, double high) const;   // "+6.1 pts [4.0, 8.3]"
    // Under a heading that names unit(): "+6.1", "[4.0, 8.3]", and of a standard deviation "0.5".
    [[nodiscard]] QString number(double difference) const;
    [[nodiscard]] QString interval(double low, double high) const;
    [[nodiscard]] QString deviation(double sigma) const;

private:
    [[nodiscard]] QString written(double difference) const;
    Measure m_measure;
};

} // namespace ratchet
