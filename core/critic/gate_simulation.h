// SPDX-License-Identifier: GPL-3.0-or-later
// The gate's promises tried on streams of proposals whose truth is known. Pure and seeded; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ratchet {

// A lab's stream: `better` proposals win the share `winShare` of discordant pairs, a quarter of the others lose as much, the
// rest are null, in random order. Of all pairs the share `discordant` is discordant.
struct StreamOptions {
    int labs = 20, proposals = 200, better = 20;
    double winShare = 0.6, discordant = 0.2;
    int pairs = 2000;               // most that one question may draw
    double alpha = 0.05;
    std::uint64_t seed = 1;
};

// What a rule made of all labs.
struct RuleOutcome {
    std::string rule;
    std::int64_t falseAccepts = 0;  // null or harmful, yet accepted
    std::int64_t notBetter = 0;     // proposals that were null or harmful
    std::int64_t found = 0, better = 0;
    int labsWithFalseAccept = 0, labs = 0;
    std::int64_t pairs = 0;         // drawn in all
};

// The same streams for every rule: "naive best" (mean difference above 0), "p < alpha" (sign test), "Bonferroni" (sign test at
// alpha / proposals), "Ladder", "e-LOND" (mixture e-value, looked at once, at the end) and "full gate" (Comparison as the
// engine runs it, with futility and one retained suite on which nothing changes).
[[nodiscard]] std::vector<RuleOutcome> compareRules(const StreamOptions& options);

// Labs of null proposals only, looked at after every one of `discordantPairs` pairs, without futility or retained suites, which
// can only lower it: how many labs ever accept one.
[[nodiscard]] int nullLabsWithAccept(int labs, int proposals, int discordantPairs, double alpha, std::uint64_t seed);

struct Power {
    int accepted = 0, runs = 0;
    double meanPairs = 0;           // discordant pairs drawn until it ended
};
// Questions with this true win share judged by Wald's test that knows it, errors alpha and beta.
[[nodiscard]] Power powerOfSprt(double winShare, double alpha, double beta, int runs, std::uint64_t seed);

} // namespace ratchet
