// SPDX-License-Identifier: GPL-3.0-or-later
// Suites that show a person more of a model and decide nothing: those a domain brings (SuiteRole::Probe: longer, other, rarer
// items), and those the judge makes of any domain's target suite. All are asked on the guide split. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/domain.h"

namespace ratchet {

// The same items in every comparison, so that champions can be compared over time. Whoever tunes on what is seen of them gains
// here and not on the gate's fresh items: the gap between the two is the lab's optimism.
inline constexpr const char* fixedProbe = "fixed";
// Items that were searched for because a model fails on them (core/critic/hunt.h).
inline constexpr const char* adversarialProbe = "adversarial";
// Score: whether the question in other words gets the same answer, right or wrong.
inline constexpr const char* paraphraseProbe = "paraphrase";
// Score: the share of drawn answers (temperature 0.7) that are the answer that would be given.
inline constexpr const char* samplingProbe = "sampling";

[[nodiscard]] bool isMadeByJudge(const std::string& suite);

// The domain's suites that decide, target first.
[[nodiscard]] std::vector<SuiteSpec> decidingSuites(const Domain& domain);
// Its own probes, then those of the judge that it can serve: it is tried for a neighbour and a paraphrase of an item. Throws what
// the plugin throws.
[[nodiscard]] std::vector<SuiteSpec> probesOf(const Domain& domain);

} // namespace ratchet
