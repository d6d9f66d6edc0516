// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/signals.h"

#include <cmath>
#include <limits>

#include "core/agent/controls.h"
#include "core/agent/reward.h"

namespace ratchet {
namespace {

// A judged proposal: what the gate showed of it.
struct Judged { ProposalRecord proposal; VerdictRecord verdict; double shown = 0; std::optional<double> onGuide, halfWay; };

Result<std::vector<Judged>> judgedProposals(const Store& store)
{
    RATCHET_TRY(proposals, store.proposals());
    std::vector<Judged> list;
    for (ProposalRecord& proposal : proposals) {
        if (isControl(proposal))
            continue;
        RATCHET_TRY(verdict, store.verdict(proposal.id));
        if (!verdict || verdict->verdict == Verdict::NoResult)
            continue;
        RATCHET_TRY(cards, store.scorecards(proposal.id));
        RATCHET_TRY(trial, store.trialOf(proposal.id));
        Judged judged{std::move(proposal), *verdict, 0, {}, {}};
        if (const Json seen = trial ? trial->proxy : Json(); seen.is_object() && seen.contains("score") && seen.value("champion", Json()).is_number())
            judged.halfWay = seen["score"].get<double>() - seen["champion"].get<double>();
        bool seen = false;
        for (const ScorecardRecord& card : cards) {
            if (card.retained || card.probe || card.items == 0)
                continue;
            if (card.split == "gate") {
                judged.shown = card.difference;
                seen = true;
            } else if (card.split == "guide") {
                judged.onGuide = card.difference;
            }
        }
        if (seen)
            list.push_back(std::move(judged));
    }
    return list;
}

// The last loss of a trial's training; empty when it has none.
Result<std::optional<double>> lastLoss(const Store& store, Id<TrialRecord> trial)
{
    RATCHET_TRY(series, store.series(trial));
    for (const SeriesInfo& info : series) {
        if (info.name != "loss")
            continue;
        RATCHET_TRY(points, store.points(info.id, 0, std::numeric_limits<std::int64_t>::max() / 4, 1));
        if (!points.empty() && std::isfinite(points.back().last))
            return std::optional(points.back().last);
    }
    return std::optional<double>();
}

Result<std::optional<double>> lossFall(const Store& store, const Judged& judged)
{
    RATCHET_TRY(trial, store.trialOf(judged.proposal.id));
    RATCHET_TRY(champion, store.version(judged.verdict.champion));
    if (!trial || !champion || !champion->trial)
        return std::optional<double>();
    RATCHET_TRY(own, lastLoss(store, trial->id));
    RATCHET_TRY(before, lastLoss(store, *champion->trial));
    return own && before ? std::optional(*before - *own) : std::nullopt;
}

} // namespace

Result<std::vector<SignalReport>> signalsOf(const Store& store)
{
    RATCHET_TRY(judged, judgedProposals(store));
    std::vector<SignalReport> signals{
        {predictedGainSignal, "What the lessons made the proposer expect of the change.",
         "Candidates are drawn by it. When it misleads, lessons are not asked and the prior draws alone; a lab with a corpus only shows it.", true, {}, {}},
        {"training loss", "How far the loss at the end of training fell below the champion's.", "It is only shown: nothing is decided by it.", false, {}, {}},
        {"guide difference", "The difference on guide items, whose failures the proposer sees; of accepted ones only.",
         "It is only shown; in a lab with a corpus lessons learn from it.", true, {}, {}},
        {"proxy", "The score at the look before the end of training, less the champion's.",
         "Trials are given up by it. When it misleads, none is; a lab with a corpus only shows it.", true, {}, {}}};
    for (const Judged& one : judged) {
        signals[0].pairs.push_back({one.proposal.predictedGain, one.shown});
        RATCHET_TRY(fall, lossFall(store, one));
        if (fall)
            signals[1].pairs.push_back({*fall, one.shown});
        if (one.halfWay)
            signals[3].pairs.push_back({*one.halfWay, one.shown});
        if (one.onGuide)
            signals[2].pairs.push_back({*one.onGuide, one.shown});
    }
    std::erase_if(signals, [](const SignalReport& signal) { return signal.name == "proxy" && signal.pairs.empty(); });
    RATCHET_TRY(rewarded, rewardPairs(store));
    if (!rewarded.empty())
        signals.push_back({"reward model", "The probability of right answers that a learnt reward model gave it, beside the champion's.",
                           "It orders what is judged. When it misleads or drifts, it is off, and a new one is learnt.", true, std::move(rewarded), {}});
    for (SignalReport& signal : signals)
        signal.reliability = reliabilityOf(signal.pairs);
    return signals;
}

Result<std::vector<SignalPair>> rewardPairs(const Store& store, std::int64_t model)
{
    RATCHET_TRY(judged, judgedProposals(store));
    std::vector<SignalPair> pairs;
    for (const Judged& one : judged) {
        RATCHET_TRY(trial, store.trialOf(one.proposal.id));
        const auto score = trial ? rewardScoreOf(*trial) : std::nullopt;
        if (score && (model == 0 || score->model == model))
            pairs.push_back({score->difference(), one.shown});
    }
    return pairs;
}

Result<bool> lessonsMislead(const Store& store)
{
    RATCHET_TRY(judged, judgedProposals(store));
    std::vector<SignalPair> pairs;
    for (const Judged& one : judged)
        pairs.push_back({one.proposal.predictedGain, one.shown});
    return reliabilityOf(pairs).misleads;
}

Result<bool> proxyMisleads(const Store& store, int beforeTooth)
{
    RATCHET_TRY(judged, judgedProposals(store));
    std::vector<SignalPair> pairs;
    for (const Judged& one : judged)
        if (one.halfWay && one.proposal.tooth < beforeTooth)
            pairs.push_back({*one.halfWay, one.shown});
    return reliabilityOf(pairs).misleads;
}

Json toJson(const std::vector<SignalReport>& signals)
{
    Json list = Json::array();
    for (const SignalReport& signal : signals) {
        const Reliability& r = signal.reliability;
        list.push_back({{"name", signal.name}, {"pairs", r.pairs}, {"rankCorrelation", r.rank}, {"low", r.rankLow}, {"high", r.rankHigh},
                        {"slope", signal.sameUnit ? Json(r.slope) : Json()}, {"optimism", signal.sameUnit ? Json(r.optimism) : Json()},
                        {"drift", r.largestDrift}, {"judgement", judgementOn(r)}});
    }
    return list;
}

std::string judgementOn(const Reliability& reliability)
{
    if (reliability.misleads)
        return "misleads";
    if (reliability.drifted)
        return "drifted";
    return reliability.rankLow > 0 ? "useful" : "unproven";
}

} // namespace ratchet
