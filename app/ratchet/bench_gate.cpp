// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench gate: the gate's statistical promises on streams whose truth is known, beside other rules, and the gate on
// outcomes that somebody else measured.
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/bench.h"
#include "core/agent/text_table.h"
#include "core/base/file.h"
#include "core/critic/gate_simulation.h"
#include "core/critic/outcomes.h"
#include "core/selector/boundary.h"
#include "core/selector/gate.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

constexpr int discordantPairs = 400;      // most of one question, of the null labs and of the power
// Promised of one question at alpha = 0.05 with a true win share of 0.6: power, and discordant pairs per one of the test that knows the effect.
constexpr double promisedPower = 0.8, promisedPrice = 1.25;

std::string percent(double share)
{
    return fmt::format("{:.2f} %", 100 * share);
}

double share(std::int64_t count, std::int64_t trials)
{
    return trials > 0 ? static_cast<double>(count) / static_cast<double>(trials) : 0;
}

// What power and price are promised for.
bool isUsual(const StreamOptions& stream)
{
    const StreamOptions usual;
    return stream.alpha == usual.alpha && stream.winShare == usual.winShare;
}

// 95 % upper bound, one-sided.
double atMost(std::int64_t count, std::int64_t trials)
{
    return clopperPearson(count, trials, 0.9).second;
}

// Each returns what of a promise did not hold; empty when all did.
std::string showNull(const GateBench& bench, const BenchOptions& options)
{
    const int labs = options.quick ? 200 : bench.nullLabs;
    const int bad = nullLabsWithAccept(labs, bench.stream.proposals, discordantPairs, bench.stream.alpha, bench.stream.seed);
    if (options.json)
        fmt::print("{}\n", Json{{"name", "gate/null"}, {"value", share(bad, labs)}, {"unit", "share of labs that ever accept a null proposal"}, {"n", labs},
                                {"proposals", bench.stream.proposals}, {"labsWithFalseAccept", bad}, {"upper95", atMost(bad, labs)},
                                {"alpha", bench.stream.alpha}}.dump());
    else
        fmt::print("Null: {} labs of {} null proposals, {} discordant pairs each, looked at after every pair.\n"
                   "  {} labs accepted one: {}, with 95 % confidence at most {}; promised: at most {}\n\n",
                   labs, bench.stream.proposals, discordantPairs, bad, percent(share(bad, labs)), percent(atMost(bad, labs)), percent(bench.stream.alpha));
    if (clopperPearson(bad, labs, 0.9).first > bench.stream.alpha)
        return fmt::format("{} of {} labs accepted a null proposal, more than the {} that are promised.", bad, labs, percent(bench.stream.alpha));
    if (!options.quick && atMost(bad, labs) > bench.stream.alpha)
        return fmt::format("{} labs do not show that at most {} accept a null proposal: with 95 % confidence at most {} do.", labs, percent(bench.stream.alpha),
                           percent(atMost(bad, labs)));
    return {};
}

void showRules(const GateBench& bench, const BenchOptions& options)
{
    StreamOptions stream = bench.stream;
    if (options.quick)
        stream.labs = 2;
    const auto outcomes = compareRules(stream);
    std::vector<std::vector<std::string>> rows;
    for (const RuleOutcome& one : outcomes) {
        const double questions = static_cast<double>(one.labs) * stream.proposals;
        if (options.json)
            fmt::print("{}\n", Json{{"name", "gate/rule"}, {"value", share(one.falseAccepts, one.notBetter)}, {"unit", "share of proposals that are not better, accepted"},
                                    {"n", one.notBetter}, {"rule", one.rule}, {"labs", one.labs}, {"falseAccepts", one.falseAccepts}, {"falseUpper95", atMost(one.falseAccepts, one.notBetter)}, {"labsWithFalseAccept", one.labsWithFalseAccept},
                                    {"found", one.found}, {"better", one.better}, {"power", share(one.found, one.better)},
                                    {"pairsPerQuestion", static_cast<double>(one.pairs) / questions}}.dump());
        rows.push_back({one.rule, fmt::format("{} of {}", one.falseAccepts, one.notBetter), percent(atMost(one.falseAccepts, one.notBetter)),
                        fmt::format("{} of {}", one.labsWithFalseAccept, one.labs), percent(share(one.found, one.better)),
                        fmt::format("{:.0f}", static_cast<double>(one.pairs) / questions)});
    }
    if (options.json)
        return;
    const auto right = Column::Align::Right;
    fmt::print("Rules: {} labs of {} proposals, {} better (win share {}), a quarter of the others as harmful, the rest null;\n"
               "{} of pairs discordant, at most {} pairs a question.\n{}\n",
               stream.labs, stream.proposals, stream.better, stream.winShare, percent(stream.discordant), stream.pairs,
               textTable({{"rule", Column::Align::Left}, {"false accepts", right}, {"at most (95 %)", right}, {"labs with one", right},
                          {"power", right}, {"pairs a question", right}}, rows));
}

std::string showPower(const GateBench& bench, const BenchOptions& options)
{
    const int runs = options.quick ? 200 : 10'000;
    const double winShare = bench.stream.winShare, alpha = bench.stream.alpha;
    std::vector<std::vector<std::string>> rows;
    const auto add = [&](const std::string& what, double power, double pairs, int n) {
        if (options.json)
            fmt::print("{}\n", Json{{"name", "gate/power"}, {"value", power}, {"unit", "chance to find it"}, {"n", n}, {"test", what}, {"winShare", winShare},
                                    {"discordantPairs", pairs}}.dump());
        rows.push_back({what, percent(power), fmt::format("{:.0f}", pairs)});
    };
    const auto ask = [&](const std::string& what, double alphaK) {
        const auto passage = Boundary::exact(alphaK, discordantPairs).passage(winShare, discordantPairs);
        add(what, passage.chance, passage.meanPairs, 1);        // exact
        return passage;
    };
    const auto plain = ask(fmt::format("alpha = {}", alpha), alpha);
    for (const int k : {1, 10, 50, 200})
        ask(fmt::format("alpha of question {} ({:.1e})", k, elondAlpha(alpha, k, 0)), elondAlpha(alpha, k, 0));
    const Power sprt = powerOfSprt(winShare, alpha, std::clamp(1 - plain.chance, 1.0 / runs, 0.5), runs, bench.stream.seed);
    add(fmt::format("SPRT that knows the effect, same errors, {} runs", runs), share(sprt.accepted, sprt.runs), sprt.meanPairs, sprt.runs);
    const double ratio = plain.meanPairs / sprt.meanPairs;
    if (options.json)
        fmt::print("{}\n", Json{{"name", "gate/price"}, {"value", plain.meanPairs}, {"unit", "discordant pairs"}, {"n", sprt.runs}, {"peer", "SPRT that knows the effect"},
                                {"peerValue", sprt.meanPairs}, {"ratio", ratio}}.dump());
    else
        fmt::print("Power for a true win share of {} in at most {} discordant pairs\n{}"
                   "  The gate draws {:.2f} times the pairs of the SPRT, which is told the effect beforehand.\n\n",
                   winShare, discordantPairs,
                   textTable({{"test", Column::Align::Left}, {"power", Column::Align::Right}, {"discordant pairs", Column::Align::Right}}, rows), ratio);
    std::string broken;
    if (plain.chance < promisedPower && isUsual(bench.stream))
        broken = fmt::format("A power of {} is below the {} that are promised. ", percent(plain.chance), percent(promisedPower));
    if (ratio > promisedPrice && isUsual(bench.stream))
        broken += fmt::format("{:.2f} times the pairs of the test that knows the effect are more than the {} that are promised.", ratio, promisedPrice);
    return broken;
}

// Processor time of the evidence alone, for a comparison of 10,000 pairs looked at after each.
void showTime(const BenchOptions& options)
{
    std::vector<double> milliseconds;
    for (int round = 0; round < options.rounds(); ++round) {
        Gate::Options asked;
        asked.maxPairs = 10'000;
        asked.logThreshold = 690;        // never reached
        Gate gate(asked);
        const auto start = std::chrono::steady_clock::now();
        double seen = 0;
        for (int i = 0; i < asked.maxPairs; ++i)
            if (gate.add(i % 10 == 0 ? 1 : 0, i % 9 == 0 ? 1 : 0))
                seen += gate.logEValue();
        milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()
                               + (std::isfinite(seen) ? 0 : 1e9));
    }
    options.show(alone("gate/10000-pairs", milliseconds, "ms, looked at after every pair"));
}

} // namespace

Status benchOutcomes(const GateBench& bench, bool json)
{
    RATCHET_TRY(text, readFile(bench.outcomes));
    RATCHET_TRY(verdicts, judgeOutcomes(text, bench.stream.alpha, bench.minEffect));
    std::vector<std::vector<std::string>> rows;
    for (const OutcomeVerdict& one : verdicts) {
        if (json)
            fmt::print("{}\n", Json{{"proposal", one.proposal}, {"k", one.k}, {"verdict", toText(one.verdict)}, {"wins", one.wins},
                                    {"losses", one.losses}, {"ties", one.ties}, {"given", one.given}, {"log10E", one.logEValue / std::log(10.0)},
                                    {"needed", 1 / one.alpha}, {"difference", one.difference}, {"low", one.low}, {"high", one.high}}.dump());
        rows.push_back({one.proposal, toText(one.verdict), std::to_string(one.wins), std::to_string(one.losses), std::to_string(one.ties),
                        fmt::format("{} of {}", one.wins + one.losses + one.ties, one.given), fmt::format("10^{:.2f}", one.logEValue / std::log(10.0)),
                        fmt::format("10^{:.2f}", -std::log10(one.alpha)), fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", one.difference, one.low, one.high)});
    }
    const auto right = Column::Align::Right;
    if (!json)
        fmt::print("{}", textTable({{"proposal", Column::Align::Left}, {"verdict", Column::Align::Left}, {"wins", right}, {"losses", right},
                                    {"ties", right}, {"looked at", right}, {"E", right}, {"needed", right}, {"difference B - A", right}}, rows));
    return {};
}

Status benchGate(const GateBench& bench, const BenchOptions& options)
{
    if (!(bench.stream.alpha > 0 && bench.stream.alpha < 1))
        return fail(Code::BadInput, fmt::format("alpha {} is not between 0 and 1.", bench.stream.alpha));
    if (bench.stream.better > bench.stream.proposals)
        return fail(Code::BadInput, fmt::format("Of {} proposals {} cannot be better.", bench.stream.proposals, bench.stream.better));
    std::string broken = showNull(bench, options);
    showRules(bench, options);
    broken += showPower(bench, options);
    showTime(options);
    return broken.empty() ? Status{} : Status(fail(Code::Failed, broken));
}

} // namespace ratchet
