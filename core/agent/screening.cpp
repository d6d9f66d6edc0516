// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/screening.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/agent/context.h"
#include "core/agent/controls.h"
#include "core/agent/signals.h"

namespace ratchet {
namespace {

// Whether the gate accepted; empty when it was not asked, or has not answered. Who could not be trained to the end was not accepted.
Result<std::optional<bool>> acceptedBy(const Store& store, const ProposalRecord& proposal)
{
    RATCHET_TRY(verdict, store.verdict(proposal.id));
    if (verdict && verdict->verdict != Verdict::NoResult)
        return std::optional(verdict->verdict == Verdict::Accept);
    return !verdict && proposal.state == ProposalState::Failed ? std::optional(false) : std::optional<bool>();
}

Result<std::string> familyOf(const Context& context, const ProposalRecord& proposal)
{
    if (proposal.family != placeboFamily)
        return proposal.family;
    RATCHET_TRY(champion, context.champion());
    if (!champion.trial)
        return proposal.family;
    RATCHET_TRY(trial, context.store->trial(*champion.trial));
    RATCHET_TRY(original, context.store->proposal(trial ? trial->proposal : Id<ProposalRecord>{}));
    return original ? original->family : proposal.family;
}

// The champion's mean on the guide items of the target suite.
Result<std::optional<double>> championScore(const Context& context)
{
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(cards, context.store->scorecardsOf(champion.hash));
    for (const ScorecardRecord& card : cards)
        if (card.split == "guide" && !card.proposal.isSet() && card.suite == context.target().name)
            return std::optional(card.championMean);
    return std::optional<double>();
}

const char* wordFor(Screened decision)
{
    return decision == Screened::GiveUp ? givenUp : decision == Screened::Audit ? audited : trainedOn;
}

Json toJson(const PassRate& rate)
{
    return {{"looked", rate.looked}, {"judged", rate.judged}, {"accepted", rate.accepted}, {"weight", rate.weight},
            {"chance", rate.chance}, {"low", rate.low}, {"high", rate.high}};
}

} // namespace

std::string screeningDecision(const TrialRecord& trial)
{
    return trial.proxy.is_object() ? trial.proxy.value("decision", "") : std::string();
}

double propensityOf(const TrialRecord& trial)
{
    return trial.proxy.is_object() && screeningDecision(trial) != asWished ? trial.proxy.value("propensity", 1.0) : 1.0;
}

Result<std::vector<Looked>> lookedAt(const Store& store, int beforeTooth)
{
    std::vector<Looked> list;
    RATCHET_TRY(proposals, store.proposals());
    for (const ProposalRecord& proposal : proposals) {
        if (proposal.tooth >= beforeTooth || isControl(proposal))
            continue;
        RATCHET_TRY(trial, store.trialOf(proposal.id));
        if (!trial || screeningDecision(*trial).empty() || screeningDecision(*trial) == asWished)
            continue;
        Looked one;
        one.family = proposal.family;
        one.score = trial->proxy.value("score", 0.0);
        one.side = trial->proxy.value("side", "") == "fail" ? Side::Fail : Side::Pass;
        one.propensity = propensityOf(*trial);
        if (screeningDecision(*trial) != givenUp) {
            RATCHET_TRY(accepted, acceptedBy(store, proposal));
            one.accepted = accepted;
        }
        list.push_back(std::move(one));
    }
    return list;
}

Status screenTrial(Context& context, const ProposalRecord& proposal, const Proxy& proxy, TrialRecord& trial)
{
    if (!screeningDecision(trial).empty())
        return {};
    RATCHET_TRY(champion, championScore(context));
    RATCHET_TRY(past, lookedAt(*context.store, proposal.tooth));
    RATCHET_TRY(family, familyOf(context, proposal));
    ScreenOptions options;
    RATCHET_TRY(misleads, proxyMisleads(*context.store, proposal.tooth));
    options.audit = misleads && !context.config.isDataFinite() ? 1 : context.config.audit;      // of finite data scores stay with the gate
    Rng rng = Rng::stream(context.config.seed, "audit", static_cast<std::uint64_t>(proposal.id.value));
    const Screening made = screen(past, family, proxy.score, rng.uniform(), options);
    Json seen{{"step", proxy.step}, {"score", proxy.score}, {"loss", proxy.loss}, {"flops", proxy.flops}, {"items", proxy.items},
              {"champion", champion ? Json(*champion) : Json()}, {"family", family}, {"side", made.side == Side::Pass ? "pass" : "fail"},
              {"decision", wordFor(made.decision)}, {"propensity", made.propensity}};
    seen.update(toJson(made.rate));
    if (!trial.proxy.is_object())
        trial.proxy = Json::object();
    trial.proxy.update(seen);
    return {};
}

std::string reasonToGiveUp(const Context& context, const TrialRecord& trial)
{
    const auto score = [&](const char* key) {
        const Json known = trial.proxy.value(key, Json());
        if (!known.is_number())
            return std::string("no score yet");
        const double value = known.get<double>();
        return context.info.measure == Measure::ExactMatch ? toTextPercent(value) : fmt::format("{:.3f} bits per byte", context.metric(value));
    };
    return fmt::format("Given up after {} of its budget: {} where the champion has {}. The gate accepted {} of {} like it (family {}, the worse half by "
                       "then), and the chance of another is below {}.",
                       toTextPercent(trial.spent.value / trial.budget.value), score("score"), score("champion"), trial.proxy.value("accepted", 0),
                       trial.proxy.value("judged", 0), trial.proxy.value("family", ""), toTextPercent(trial.proxy.value("high", 1.0)));
}

Result<ScreeningReport> screeningOf(const Store& store)
{
    ScreeningReport report;
    RATCHET_TRY(trials, store.trials());
    for (const TrialRecord& trial : trials) {
        const std::string decision = screeningDecision(trial);
        report.looked += !decision.empty() && decision != asWished;
        report.audited += decision == audited;
        if (decision == givenUp) {
            ++report.givenUp;
            report.saved = report.saved + (trial.budget - trial.spent);
        }
    }
    RATCHET_TRY(looked, lookedAt(store));
    std::set<std::string> families;
    for (const Looked& one : looked)
        families.insert(one.family);
    for (const std::string& family : families)
        report.families.push_back({family, passRate(looked, family, Side::Pass), passRate(looked, family, Side::Fail)});
    return report;
}

Json toJson(const ScreeningReport& report)
{
    Json families = Json::array();
    for (const auto& family : report.families)
        families.push_back({{"family", family.name}, {"pass", toJson(family.pass)}, {"fail", toJson(family.fail)}});
    return {{"looked", report.looked}, {"givenUp", report.givenUp}, {"audited", report.audited}, {"savedFlops", report.saved.value},
            {"families", families}};
}

std::string screeningText(const ScreeningReport& report)
{
    if (report.looked == 0)
        return {};
    return fmt::format("{} trials looked at before their end, {} given up, {} audited, {} saved", report.looked, report.givenUp, report.audited,
                       toText(report.saved));
}

std::string passRateText(const PassRate& rate)
{
    return fmt::format("{} of {}, {} [{}, {}]", rate.accepted, rate.judged, toTextPercent(rate.chance), toTextPercent(rate.low), toTextPercent(rate.high));
}

} // namespace ratchet
