// SPDX-License-Identifier: GPL-3.0-or-later
// What a learnt reward model is worth: a model that says of an answer how probably it is right (a verifier, Cobbe 2021, arXiv
// 2110.14168). It may rank and screen; whether it is asked at all is decided here, by answers that it has not learnt from. Used by
// the learner, the engine and whoever shows it. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/critic/calibration.h"
#include "core/critic/reliability.h"
#include "core/launch/messages.h"

namespace ratchet {

// --- items ---------------------------------------------------------------------------------------------------------
// What an item is used for, by its id, so that it is the same in every process and for every model that is ever learnt: two in
// ten are held out to measure and to score on, one decides when to stop and calibrates, the rest is learnt from.
enum class RewardPart { Learn, Calibrate, HeldOut };
[[nodiscard]] RewardPart rewardPartOf(const std::string& item);

// --- calibration ---------------------------------------------------------------------------------------------------
// P(right) = 1 / (1 + exp(-(slope logit + confidence log(c / (1 - c)) + offset))) of the model's logit and the confidence c that the
// version has in its own answer (Platt 1999, with a second feature; targets and Newton steps of Lin, Lin and Weng 2007). It undoes the
// balance of the classes in training too. A weight below 0 is 0: what orders answers the wrong way round is not listened to.
struct Platt {
    double slope = 1, confidence = 0, offset = 0;
    [[nodiscard]] double probability(double logit, double sure) const;
};
struct PlattPoint { double logit = 0, confidence = 0.5; bool right = false; };
[[nodiscard]] Platt plattOf(const std::vector<PlattPoint>& points);

// --- worth ---------------------------------------------------------------------------------------------------------
// Of a failure class: how many answers, how many of them it held for wrong, and how probable it held them on average.
struct RewardClass { std::string name; int answers = 0, caught = 0; double predicted = 0; };

struct RewardReport {
    int answers = 0, right = 0;
    // Share of answers held for what they are, at 1/2, with its exact interval (Clopper and Pearson); `majority` is the share of
    // whoever always says what is commoner.
    double accuracy = 0, accuracyLow = 0, accuracyHigh = 1, majority = 0;
    // Area under the receiver operating characteristic, the chance that a right answer is held for more probable than a wrong one,
    // with the score interval of Newcombe 2006 (Statistics in Medicine 25, 559, method 5). 1/2 in [0, 1] when all are of one kind.
    double area = 0.5, areaLow = 0, areaHigh = 1;
    // The same of the versions' own confidence in these answers: what is to be had without a reward model.
    double confidenceArea = 0.5, confidenceLow = 0, confidenceHigh = 1;
    Calibration calibration;
    double brierOfShare = 0;                 // Brier score of who says the share of right answers to every one
    std::vector<RewardClass> classes;        // by name

    [[nodiscard]] Json toJson() const;
    // BadInput when it is not what toJson() writes.
    [[nodiscard]] static Result<RewardReport> fromJson(const Json& json);
};
// The answers must be of different items: the intervals take them for independent.
[[nodiscard]] RewardReport rewardReportOf(const std::vector<Verified>& answers);

// --- trust ---------------------------------------------------------------------------------------------------------
// Whether it is asked. It is off when the newest answers it was held against do not show that it tells right from wrong
// (the area's interval reaches down to 1/2, or its accuracy lies wholly below the majority's), and when what it said of
// challengers misled or drifted (Reliability). That its accuracy beats the majority's is not asked for: where nineteen answers of
// twenty are right nearly nobody does, and yet their order may be known.
struct RewardTrust {
    bool on = false;
    std::string why;                         // one sentence
    static constexpr int fewest = 40;        // graded answers
    // Judged challengers before drift is heeded: of fewer than 12 in the first half the spread is known too badly. A signal that does not
    // drift is switched off in about one life of 40 pairs in seven; heeded from 10 on, in more than one of four.
    static constexpr int fewestToDrift = 24;
};
// `newest`: the last answers that were graded after it was learnt, or else held out; `signal`: of the challengers it scored.
[[nodiscard]] RewardTrust trustIn(const RewardReport& newest, const Reliability& signal);

} // namespace ratchet
