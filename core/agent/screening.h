// SPDX-License-Identifier: GPL-3.0-or-later
// Trials that are looked at before their budget is spent: what the lab knows of such looks, what it makes of the next one, and what
// it tells people about it. The rule is core/selector/screen.h. The engine's thread; of a Store only, the caller's.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/launch/messages.h"
#include "core/selector/screen.h"
#include "core/store/store.h"

namespace ratchet {

struct Context;

// TrialRecord::proxy, beside what others keep there: {"step", "score", "loss", "flops", "items"} as the worker sent them, "champion":
// its score then or null, "family" that the trial counts to, "side", "decision", "propensity" and the PassRate that it was decided by.
inline constexpr const char* trainedOn = "trained on";
inline constexpr const char* audited = "audited";
inline constexpr const char* givenUp = "given up";
inline constexpr const char* asWished = "as wished";     // a person wants it whole although it was given up: nothing is asked
[[nodiscard]] std::string screeningDecision(const TrialRecord& trial);       // empty: none yet

// The chance with which a trial came to be trained whole: 1, or that of an audit.
[[nodiscard]] double propensityOf(const TrialRecord& trial);

// The candidates of teeth before this one that were looked at, controls left out, in the order of the proposals. What a tooth
// decides rests on earlier teeth only, so that it does not depend on the order in which trials end.
[[nodiscard]] Result<std::vector<Looked>> lookedAt(const Store& store, int beforeTooth = std::numeric_limits<int>::max());

// What is made of a trial that shows what it can: written into trial.proxy, unless it holds a decision already (whoever asks
// again is told the same). A placebo counts to the family of the champion that it repeats. The champion's score is that on the
// guide items of the target suite.
[[nodiscard]] Status screenTrial(Context& context, const ProposalRecord& proposal, const Proxy& proxy, TrialRecord& trial);
// Why a trial was given up, in a sentence with the figures.
[[nodiscard]] std::string reasonToGiveUp(const Context& context, const TrialRecord& trial);

struct ScreeningReport {
    int looked = 0, givenUp = 0, audited = 0;      // controls included
    Flops saved;                                   // of the budgets of those that were given up
    struct Family { std::string name; PassRate pass, fail; };
    std::vector<Family> families;                  // by name; without controls
};
[[nodiscard]] Result<ScreeningReport> screeningOf(const Store& store);
[[nodiscard]] Json toJson(const ScreeningReport& report);
// "41 looked at, 6 given up, 2 audited, 1.8 TFLOP saved"; empty when no trial was looked at.
[[nodiscard]] std::string screeningText(const ScreeningReport& report);
// "0 of 12, 4 % [0 %, 10 %]".
[[nodiscard]] std::string passRateText(const PassRate& rate);

} // namespace ratchet
