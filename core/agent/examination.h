// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that was measured of one version, suite by suite, as `ratchet scorecard` and the report show it. Read from a Store
// only; the caller's thread (the Store's).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/critic/calibration.h"
#include "core/store/store.h"

namespace ratchet {

struct FailureShare {
    std::string name;                // failure class
    int items = 0;                   // of the version that failed so
    double low = 0, high = 0;        // exact 95 % interval of their share (Clopper and Pearson 1934)
    std::optional<int> champions;    // of the champion on the same items
    double championsLow = 0, championsHigh = 1;
};

// No class of a domain but a count beside them: wrong answers that the version was sure of (Calibration::sureWrong).
inline constexpr const char* sureAndWrong = "confident and wrong";

// A version on one suite and split.
struct SuiteResult {
    std::string suite, split;
    bool retained = false, probe = false;   // neither: the target suite
    int items = 0;
    double score = 0, low = 0, high = 0;    // mean, and its interval as of items that are right or wrong
    // The champion on the same items, and the difference with its confidence sequence.
    struct Paired { Hash champion; double score = 0, difference = 0, low = 0, high = 0; };
    std::optional<Paired> against;
    std::vector<FailureShare> failures;     // failuresIn()
    std::optional<Calibration> calibration, championCalibration;
};

// Failure classes of a scorecard, most frequent first: of the challenger beside the champion, or of a champion alone. At the end, of
// whatever class, sureAndWrong.
enum class Beside { Champion, Nobody };
[[nodiscard]] std::vector<FailureShare> failuresIn(const ScorecardRecord& card, Beside beside);

// Of these scorecards, in the order of their writing, those of this version: of each suite and split the newest comparison with
// another champion, or where there was none what it scored as champion alone. Target first, then retained ones, then probes; gate
// before guide before vault.
[[nodiscard]] std::vector<SuiteResult> examination(const std::vector<ScorecardRecord>& cards, const Hash& version);
// NotFound for a version that the lab does not know.
[[nodiscard]] Result<std::vector<SuiteResult>> examinationOf(const Store& store, const Hash& version);
[[nodiscard]] Json toJson(const std::vector<SuiteResult>& results);

// One time that the gate was asked about a version: the verdict, and what its judge had measured by then.
struct Judging { VerdictRecord verdict; std::vector<SuiteResult> suites; };
[[nodiscard]] Result<std::vector<Judging>> judgingsOf(const Store& store, const Hash& version);     // by k
[[nodiscard]] Json toJson(const VerdictRecord& verdict);
// "question 3: no-result after 400 pairs, 12 discordant, 2 looks"
[[nodiscard]] std::string judgingText(const VerdictRecord& verdict);

} // namespace ratchet
