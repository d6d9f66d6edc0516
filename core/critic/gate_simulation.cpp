// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/gate_simulation.h"

#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "core/base/rng.h"
#include "core/critic/scorecard.h"
#include "core/selector/boundary.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

struct Proposal { double winShare = 0.5; bool better = false; };

std::vector<Proposal> drawStream(const StreamOptions& options, Rng& rng)
{
    std::vector<Proposal> stream(static_cast<std::size_t>(options.proposals));
    const int harmful = (options.proposals - options.better) / 4;
    for (int i = 0; i < options.proposals; ++i) {
        auto& one = stream[static_cast<std::size_t>(i)];
        one.better = i < options.better;
        if (one.better)
            one.winShare = options.winShare;
        else if (i < options.better + harmful)
            one.winShare = 1 - options.winShare;
    }
    for (std::size_t i = stream.size(); i > 1; --i)
        std::swap(stream[i - 1], stream[rng.below(i)]);
    return stream;
}

// Right or wrong on one item: champion's and challenger's score. Ties are right answers of both.
std::pair<double, double> drawPair(double winShare, double discordant, Rng& rng)
{
    if (rng.uniform() >= discordant)
        return {1, 1};
    return rng.uniform() < winShare ? std::pair{0.0, 1.0} : std::pair{1.0, 0.0};
}

struct Answered { bool accepted = false; int pairs = 0; };

// Rules that look once, when every pair was drawn.
Answered lookOnce(const Proposal& proposal, const StreamOptions& options, Rng& rng,
                  const std::function<bool(int wins, int losses)>& accepts)
{
    int wins = 0, losses = 0;
    for (int i = 0; i < options.pairs; ++i) {
        const auto [champion, challenger] = drawPair(proposal.winShare, options.discordant, rng);
        wins += challenger > champion ? 1 : 0;
        losses += challenger < champion ? 1 : 0;
    }
    return {accepts(wins, losses), options.pairs};
}

Answered askTheGate(const Proposal& proposal, const Comparison::Options& asked, const StreamOptions& options, Rng& rng)
{
    Comparison comparison({{"target", "target", SuiteRole::Target, 0}, {"retained", "retained", SuiteRole::Retained, 0.02}}, asked);
    Answered answered;
    if (!comparison.addIntegrity({{{"simulated", true, ""}}, Json::object()}))
        return answered;
    while (const auto ask = comparison.next()) {
        Scores scores;
        scores.suite = ask->suite;
        scores.split = ask->split;
        for (int i = 0; i < ask->count; ++i) {
            // Nothing changes on the retained suite: it is nearly mastered, and the few discordant pairs are fair.
            const auto [champion, challenger] = ask->suite == "target" ? drawPair(proposal.winShare, options.discordant, rng)
                                                                       : drawPair(0.5, 0.02, rng);
            scores.champion.push_back(champion);
            scores.challenger.push_back(challenger);
        }
        answered.pairs += ask->count;
        if (!comparison.add(scores))
            break;
    }
    answered.accepted = comparison.verdict().verdict == Verdict::Accept;
    return answered;
}

// A rule's answer to the k-th question after so many accepts.
using Rule = std::function<Answered(const Proposal&, int k, int accepts, Rng&)>;

RuleOutcome tryRule(const std::string& name, const StreamOptions& options, const Rule& rule)
{
    RuleOutcome outcome;
    outcome.rule = name;
    outcome.labs = options.labs;
    for (int lab = 0; lab < options.labs; ++lab) {
        Rng order = Rng::stream(options.seed, "gate stream", static_cast<std::uint64_t>(lab));
        Rng rng = Rng::stream(options.seed, "gate pairs of " + name, static_cast<std::uint64_t>(lab));
        int k = 0, accepts = 0, wrong = 0;
        for (const Proposal& proposal : drawStream(options, order)) {
            const Answered answered = rule(proposal, ++k, accepts, rng);
            accepts += answered.accepted ? 1 : 0;
            wrong += answered.accepted && !proposal.better ? 1 : 0;
            outcome.found += answered.accepted && proposal.better ? 1 : 0;
            outcome.better += proposal.better ? 1 : 0;
            outcome.pairs += answered.pairs;
        }
        outcome.falseAccepts += wrong;
        outcome.labsWithFalseAccept += wrong > 0 ? 1 : 0;
    }
    outcome.notBetter = static_cast<std::int64_t>(options.labs) * options.proposals - outcome.better;
    return outcome;
}

} // namespace

std::vector<RuleOutcome> compareRules(const StreamOptions& options)
{
    const auto once = [&options](auto accepts) {
        return [&options, accepts](const Proposal& proposal, int k, int found, Rng& rng) {
            return lookOnce(proposal, options, rng, [&](int wins, int losses) { return accepts(wins, losses, k, found); });
        };
    };
    const double alpha = options.alpha;
    std::map<double, std::optional<double>> levels;       // by alpha_k: labs ask the same ones
    return {
        tryRule("naive best", options, once([](int wins, int losses, int, int) { return wins > losses; })),
        tryRule("p < alpha", options, once([=](int wins, int losses, int, int) { return signTestP(wins, losses) < alpha; })),
        tryRule("Bonferroni", options,
                once([=, &options](int wins, int losses, int, int) { return signTestP(wins, losses) < alpha / options.proposals; })),
        tryRule("Ladder", options, once([&options](int wins, int losses, int, int) { return ladderAccepts(wins, losses, options.pairs); })),
        tryRule("e-LOND", options, once([=](int wins, int losses, int k, int found) {
                    return logMixtureEValue(wins, losses) >= -std::log(elondAlpha(alpha, k, found));
                })),
        tryRule("full gate", options, [&](const Proposal& proposal, int k, int found, Rng& rng) {
            Comparison::Options asked;
            asked.alpha = elondAlpha(alpha, k, found);
            asked.maxPairs = options.pairs;
            asked.firstBatch = 200;          // as the engine asks
            auto& level = levels[asked.alpha];
            asked.logThreshold = level = level ? level : logThresholdOf(asked);
            return askTheGate(proposal, asked, options, rng);
        })};
}

int nullLabsWithAccept(int labs, int proposals, int discordantPairs, double alpha, std::uint64_t seed)
{
    std::vector<Boundary> boundaries;
    for (int k = 1; k <= proposals; ++k)                          // only the first accept counts, so discoveries stay 0
        boundaries.push_back(Boundary::exact(elondAlpha(alpha, k, 0), discordantPairs));
    int count = 0;
    for (int lab = 0; lab < labs; ++lab) {
        Rng rng = Rng::stream(seed, "null lab", static_cast<std::uint64_t>(lab));
        bool accepted = false;
        for (auto boundary = boundaries.begin(); boundary != boundaries.end() && !accepted; ++boundary) {
            std::uint64_t tosses = 0;
            for (int pair = 0, wins = 0; pair < discordantPairs && !accepted; ++pair) {
                if (pair % 64 == 0)
                    tosses = rng.next();
                wins += static_cast<int>(tosses & 1);
                tosses >>= 1;
                accepted = wins >= boundary->winsNeeded(pair + 1);
            }
        }
        count += accepted ? 1 : 0;
    }
    return count;
}

Power powerOfSprt(double winShare, double alpha, double beta, int runs, std::uint64_t seed)
{
    Power power{0, runs, 0};
    for (int run = 0; run < runs; ++run) {
        Rng rng = Rng::stream(seed, "power", static_cast<std::uint64_t>(run));
        Sprt test(winShare, alpha, beta);
        int pairs = 0;
        for (; test.answer() == Sprt::Answer::NeedMore; ++pairs)
            test.add(rng.uniform() < winShare);
        power.accepted += test.answer() == Sprt::Answer::Accept ? 1 : 0;
        power.meanPairs += static_cast<double>(pairs) / runs;
    }
    return power;
}

} // namespace ratchet
