// SPDX-License-Identifier: GPL-3.0-or-later
// From a judge's scores to scorecards and a verdict. Comparison is the engine's side of one question to the judge: it says
// what to ask next and when enough was seen. Pure: no clock, store, process or thread; one Comparison per challenger.
//
//   Comparison comparison(domain->suites(), options);
//   comparison.addIntegrity(integrity);                  // the judge's first answer
//   while (auto ask = comparison.next()) { send(*ask); comparison.add(receivedScores); }
//   record(comparison.verdict(), comparison.scorecards());
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "core/critic/calibration.h"
#include "core/launch/messages.h"
#include "core/plugin/domain.h"
#include "core/selector/gate.h"
#include "core/store/records.h"

namespace ratchet {

// How far values lie apart, as they come.
class Deviation {
public:
    void add(double value)
    {
        const double before = value - m_mean;
        m_mean += before / static_cast<double>(++m_count);
        m_squares += before * (value - m_mean);      // Welford 1962
    }
    // The standard deviation, n - 1 below; empty of fewer than two.
    [[nodiscard]] std::optional<double> value() const
    {
        return m_count < 2 ? std::nullopt : std::optional(std::sqrt(m_squares / static_cast<double>(m_count - 1)));
    }

private:
    std::int64_t m_count = 0;
    double m_mean = 0, m_squares = 0;
};

// What was seen of one suite: scores folded into tests, classes and samples. Built by Comparison and scorecardOf.
class Tally {
public:
    // `gate` holds the kind and range of the scores; `retained` is set for a suite that must not get worse.
    Tally(SuiteSpec suite, std::string split, const Gate::Options& gate, std::optional<RetainedCheck> retained = {});
    // BadInput, changing nothing, when suite, split, lengths, a score, the classes or samples are not what they must be.
    // Without a challenger the `challenger` list is empty.
    [[nodiscard]] Status add(const Scores& scores);
    [[nodiscard]] const SuiteSpec& suite() const { return m_suite; }
    [[nodiscard]] const Gate& gate() const { return m_gate; }
    [[nodiscard]] const std::optional<RetainedCheck>& retained() const { return m_retained; }
    // Without proposal, versions and time, which the caller knows. eValue is capped at 1e300.
    [[nodiscard]] ScorecardRecord record() const;

private:
    [[nodiscard]] Status check(const Scores& scores) const;
    [[nodiscard]] Json calibration() const;
    SuiteSpec m_suite;
    std::string m_split;
    double m_range;                   // of differences, as the gate's
    Gate m_gate;
    Deviation m_challengerScores, m_differences;
    std::optional<RetainedCheck> m_retained;
    int m_alone = 0;                  // items only the champion answered
    double m_aloneSum = 0;
    std::vector<double> m_path;       // log10 E after each pair
    Json m_classes = Json{{"champion", Json::object()}, {"challenger", Json::object()}};
    Json m_samples = Json::array();
    std::vector<SureAnswer> m_champion, m_challenger;   // of answers that are right or wrong
};

// A guide, vault or feedback answer as a scorecard: no verdict, but means, interval, classes, samples and calibration. Errors as
// Tally::add.
[[nodiscard]] Result<ScorecardRecord> scorecardOf(const Scores& scores, const SuiteSpec& suite, Measure measure);

class Comparison {
public:
    struct Options {
        Measure measure = Measure::ExactMatch;
        double alpha = 0.05;          // alpha_k of this question: elondAlpha()
        double minEffect = 0.005;     // of the mean score
        int maxPairs = 600;           // most items of the target suite
        int firstBatch = 50;          // then as many as were seen so far,
        int largestBatch = 400;       // but no more than this, so that it can end soon after it is decided
        double leastChance = 0.01;    // of an accept by the pairs left (Gate::chanceOfAccept); below it no more are drawn
        std::optional<double> logThreshold = {};   // logThresholdOf() these options when known already: it takes some 10 ms
        double retainedAlpha = 0.05;  // bound on passing a suite that got worse by more than its margin, per suite
        int retainedPairs = 2400;     // most items of each retained suite
        int retainedBatch = 100;
    };
    // `suites` as Domain::suites(): the target first; probes are left out.
    Comparison(const std::vector<SuiteSpec>& suites, const Options& options);

    // Must come before any score. A check that failed ends the comparison: Reject, naming it.
    [[nodiscard]] Status addIntegrity(const Integrity& integrity);
    // The next question, of split gate; empty when finished. The retained suites follow only an accepted target, in order.
    [[nodiscard]] std::optional<Ask> next() const;
    // The answer to next(). BadInput when it is not: wrong suite or count, NaN, scores outside 0 .. 1, samples of gate
    // items. The comparison is then finished with NoResult; nonsense is never a pass.
    [[nodiscard]] Status add(const Scores& scores);
    // Ends it without a verdict: the judge died, ran out of time, was stopped. Does nothing when it is finished already.
    void abandon(const std::string& reason);

    [[nodiscard]] bool isFinished() const { return !next().has_value(); }
    [[nodiscard]] std::vector<ScorecardRecord> scorecards() const;   // of the suites that were asked
    // NoResult while unfinished. Without proposal, versions, k and time; eValue is capped at 1e300.
    [[nodiscard]] VerdictRecord verdict() const;
    [[nodiscard]] double logEValue() const;        // of the target suite so far
    [[nodiscard]] double logThreshold() const { return m_logThreshold; }

private:
    [[nodiscard]] std::optional<std::size_t> current() const;   // index of the suite that is being asked; empty when finished
    void end(const std::string& reason);           // NoResult, whatever came before
    [[nodiscard]] std::pair<Verdict, std::string> decide() const;
    [[nodiscard]] std::string figures(const Tally& tally) const;
    Options m_options;
    double m_logThreshold;
    std::vector<Tally> m_tallies;                  // target first
    int m_looks = 0;                               // batches of the target
    bool m_checked = false;                        // integrity was seen and holds
    bool m_futile = false;                         // the target's pairs that are left would hardly lead to an accept
    std::optional<std::pair<Verdict, std::string>> m_ended;   // before the tests could decide
    Json m_integrity = Json::array();
};

// Natural log of the evidence that accepts: the exact level for at most options.maxPairs pairs that are right or wrong, 1 / alpha for
// bounded scores, of which no exact one is known.
[[nodiscard]] double logThresholdOf(const Comparison::Options& options);

} // namespace ratchet
