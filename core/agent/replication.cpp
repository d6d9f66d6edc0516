// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/replication.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/agent/context.h"
#include "core/agent/controls.h"
#include "core/agent/limits.h"
#include "core/agent/question.h"
#include "core/memory/lessons.h"
#include "core/selector/gate.h"

namespace ratchet {
namespace {

constexpr const char* askedKey = "replications";

bool isToTrain(const ProposalRecord& proposal)
{
    return proposal.state == ProposalState::Queued || proposal.state == ProposalState::Running;
}

// The proposal a version came from; none for the seed model.
Result<std::optional<ProposalRecord>> originalOf(const Store& store, const VersionRecord& version)
{
    if (!version.trial)
        return std::optional<ProposalRecord>{};
    RATCHET_TRY(trial, store.trial(*version.trial));
    if (!trial || !trial->proposal.isSet())
        return std::optional<ProposalRecord>{};
    return store.proposal(trial->proposal);
}

Hash parentOf(const VersionRecord& version)
{
    return version.parent.value_or(version.hash);        // the seed model starts from nothing
}

double shareDiscordant(const ScorecardRecord& card)
{
    return card.items > 0 ? static_cast<double>(card.wins + card.losses) / card.items : 0;
}

SuiteSpread spreadOn(const std::string& suite, const std::vector<ScorecardRecord>& cards)
{
    SuiteSpread spread;
    spread.suite = suite;
    const auto runs = static_cast<double>(cards.size());
    std::vector<double> differences;
    double variance = 0;
    for (const ScorecardRecord& card : cards) {
        spread.scores.push_back(card.challengerMean);
        differences.push_back(card.difference);
        spread.discordant += shareDiscordant(card) / runs;
        const double binomial = std::sqrt(card.challengerMean * (1 - card.challengerMean));       // of cards of format 4
        spread.itemSigma += card.challengerDeviation.value_or(binomial) / std::sqrt(std::max(card.items, 1)) / runs;
        variance += std::pow(card.differenceDeviation.value_or(std::numeric_limits<double>::quiet_NaN()), 2) / runs;
    }
    spread.score = spreadOf(spread.scores);
    spread.difference = spreadOf(differences);
    if (!std::isnan(variance))
        spread.differenceDeviation = std::sqrt(variance);
    return spread;
}

// About what it costs to have one item answered by two models like this one: a forward pass over a row of its training for every
// answer, and a training step of a row is three. 0 for a version that was not trained here.
Result<Flops> pricePerPair(const Store& store, const ObjectStore& objects, const Hash& hash)
{
    RATCHET_TRY(version, store.version(hash));
    if (!version || !version->trial)
        return Flops{};
    RATCHET_TRY(trial, store.trial(*version->trial));
    RATCHET_TRY(text, objects.get(version->genome));
    RATCHET_TRY(json, parseJson(text, "genome " + version->genome.brief()));
    RATCHET_TRY(genome, Genome::fromJson(json));
    const double rows = trial ? static_cast<double>(trial->steps) * genome.recipe.batch : 0;
    return rows > 0 ? Flops{2 * genome.reasoning.samples * trial->spent.value / (3 * rows)} : Flops{};
}

struct Owed { Flops own, others; };

// What trials that were begun or promised have still to spend: replications, here those of `version` apart, and an unfinished tooth.
Result<Owed> owedTo(const Store& store, const LabConfig& config, const VersionRecord& version)
{
    RATCHET_TRY(teeth, store.teeth());
    const int tooth = !teeth.empty() && teeth.back().ended == Time{} ? teeth.back().number : -1;
    RATCHET_TRY(all, store.proposals());
    Owed owed;
    for (const ProposalRecord& proposal : all) {
        if (!isToTrain(proposal) || isMadeHere(proposal) || (proposal.tooth != tooth && proposal.family != replicationFamily))
            continue;
        RATCHET_TRY(trial, store.trialOf(proposal.id));
        const bool isBegun = trial && (trial->state == TrialState::Pending || trial->state == TrialState::Running);
        const double rest = std::max(0.0, (trialPrice(config) - (isBegun ? trial->spent : Flops{})).value);
        (replicates(proposal, version) ? owed.own : owed.others).value += rest;
    }
    return owed;
}

} // namespace

bool isLost(const ProposalRecord& run)
{
    return run.state == ProposalState::Failed || run.state == ProposalState::Cancelled;
}

std::optional<Spread> Replication::share() const
{
    if (!nominal || *nominal <= 0 || suites.empty())
        return std::nullopt;
    Spread share = suites.front().difference;
    for (double* value : {&share.mean, &share.sigma, &share.low, &share.high})
        *value /= *nominal;
    return share;
}

Json toJson(const ReplicationWish& wish)
{
    return {{"version", wish.version.hex}, {"besideItself", wish.besideItself}, {"seeds", wish.seeds}, {"items", wish.items}};
}

Result<ReplicationWish> replicationWish(const Json& json)
{
    ReplicationWish wish;
    Fields in(json, "the replication that is asked for");
    in.read("version", wish.version.hex).read("besideItself", wish.besideItself).readIf("seeds", wish.seeds).readIf("items", wish.items);
    RATCHET_CHECK(in.status());
    if (wish.seeds < 1 || wish.seeds > 1000 || wish.items < 10 || wish.items > 100'000)
        return fail(Code::BadInput, "A replication takes 1 to 1000 seeds and 10 to 100000 items.");
    return wish;
}

Result<std::vector<ReplicationWish>> replicationsAsked(const Store& store)
{
    RATCHET_TRY(json, store.meta(askedKey));
    std::vector<ReplicationWish> wishes;
    for (const Json& one : json.value_or(Json::array())) {
        RATCHET_TRY(wish, replicationWish(one));
        wishes.push_back(std::move(wish));
    }
    return wishes;
}

Status putReplicationsAsked(Store& store, const std::vector<ReplicationWish>& wishes)
{
    Json list = Json::array();
    for (const ReplicationWish& wish : wishes)
        list.push_back(toJson(wish));
    return store.setMeta(askedKey, list);
}

bool replicates(const ProposalRecord& proposal, const VersionRecord& version)
{
    return proposal.family == replicationFamily && proposal.parent == parentOf(version) && proposal.genome == version.genome;
}

Result<std::vector<ProposalRecord>> replicationsOf(const Store& store, const VersionRecord& version)
{
    RATCHET_TRY(all, store.proposals());
    std::erase_if(all, [&](const ProposalRecord& proposal) { return !replicates(proposal, version); });
    return all;
}

bool measures(const ScorecardRecord& card, const Hash& reference, int items)
{
    return card.champion == reference && !card.retained && card.items >= items && card.differenceDeviation;
}

Result<int> measuredRuns(const Store& store, const ReplicationWish& wish)
{
    RATCHET_TRY(version, store.version(wish.version));
    if (!version)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", wish.version.brief()), "`ratchet versions` lists them.");
    RATCHET_TRY(reference, referenceOf(store, *version, wish.besideItself));
    RATCHET_TRY(runs, replicationsOf(store, *version));
    int measured = 0;
    for (const ProposalRecord& run : runs) {
        RATCHET_TRY(cards, store.scorecards(run.id));
        measured += std::any_of(cards.begin(), cards.end(), [&](const ScorecardRecord& card) { return measures(card, reference, wish.items); });
    }
    return measured;
}

Result<int> missingRuns(const Context& context, const VersionRecord& version, int seeds)
{
    if (!version.trial)
        return fail(Code::Refused, fmt::format("Version {} was imported: there is no recipe to train again.", version.hash.brief()));
    RATCHET_TRY(runs, replicationsOf(*context.store, version));
    const auto counts = std::count_if(runs.begin(), runs.end(), [](const ProposalRecord& run) { return !isLost(run); });
    const int missing = std::max(0, seeds - static_cast<int>(counts));
    const int open = static_cast<int>(std::count_if(runs.begin(), runs.end(), &isToTrain));
    RATCHET_TRY(spent, context.store->spent());
    RATCHET_TRY(owed, owedTo(*context.store, context.config, version));
    const Flops price = trialPrice(context.config);
    const double left = (context.config.budget - spent).value - owed.others.value;
    if (missing + open > 0 && owed.own.value + missing * price.value > left + 1e-9 * price.value) {
        const int room = affordableTrials(context.config, Flops{spent.value + owed.others.value}), needed = missing + open;
        return fail(Code::Refused, fmt::format("The lab's budget pays for {} more trials of {}, and this needs {}.", room,
                                               toText(context.config.trialBudget), needed),
                    room > open ? fmt::format("Ask for {} fewer --seeds.", needed - room) : "Make a lab with a larger --budget.");
    }
    return missing;
}

Result<Hash> referenceOf(const Store& store, const VersionRecord& version, bool besideItself)
{
    if (besideItself)
        return version.hash;
    RATCHET_TRY(original, originalOf(store, version));
    if (original) {
        RATCHET_TRY(verdict, store.verdict(original->id));
        if (verdict)
            return verdict->champion;
    }
    return parentOf(version);
}

Result<Replication> replicationResult(const Store& store, const Hash& hash, bool besideItself)
{
    RATCHET_TRY(version, store.version(hash));
    if (!version)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", hash.brief()), "`ratchet versions` lists them.");
    Replication result;
    result.version = hash;
    RATCHET_TRY(reference, referenceOf(store, *version, besideItself));
    result.reference = reference;
    RATCHET_TRY(original, originalOf(store, *version));
    if (original) {
        result.change = original->operatorName;
        RATCHET_TRY(cards, store.scorecards(original->id));
        for (const ScorecardRecord& card : cards)
            if (card.split == "gate" && !card.retained)
                result.nominal = card.difference;
    }
    RATCHET_TRY(runs, replicationsOf(store, *version));
    std::vector<std::pair<std::string, std::vector<ScorecardRecord>>> bySuite;
    for (const ProposalRecord& run : runs) {
        result.failed += run.state == ProposalState::Failed;
        RATCHET_TRY(cards, store.scorecards(run.id));
        bool measured = false;
        for (const ScorecardRecord& card : cards) {
            if (card.split != "gate" || card.champion != reference)
                continue;
            measured = true;
            auto place = std::find_if(bySuite.begin(), bySuite.end(), [&](const auto& one) { return one.first == card.suite; });
            if (place == bySuite.end())
                place = bySuite.insert(card.retained ? bySuite.end() : bySuite.begin(), {card.suite, {}});
            place->second.push_back(card);
        }
        if (measured)
            result.runs.push_back(run.id);
    }
    for (const auto& [suite, cards] : bySuite)
        result.suites.push_back(spreadOn(suite, cards));
    return result;
}

Result<std::vector<Sight>> sightOf(const Store& store, const ObjectStore& objects, const LabConfig& config, const Replication& result, const std::stop_token& stop)
{
    RATCHET_TRY(pair, pricePerPair(store, objects, result.version));
    RATCHET_TRY(asked, askedSoFar(store));
    std::vector<Sight> list;
    const SuiteSpread target = result.suites.empty() ? SuiteSpread() : result.suites.front();
    if (config.isBitsPerByte() && !target.differenceDeviation)
        return list;
    const auto add = [&](const AskedSoFar& before) -> Status {
        const int k = before.questions + 1;
        const Comparison::Options options = comparisonOptions(config, k, before.discoveries);
        const Detectable smallest = config.isBitsPerByte() ? smallestDetectable(*target.differenceDeviation, options, stop)
                                                           : smallestDetectable(target.discordant, options.maxPairs, options.alpha, options.minEffect);
        if (stop.stop_requested())
            return fail(Code::Cancelled, "What the gate can see is no longer asked for.");
        list.push_back({k, options.alpha, smallest, config.trialBudget, Flops{pair.value * smallest.meanPairs}});
        return {};
    };
    RATCHET_CHECK(add({}));
    if (asked.questions > 0)
        RATCHET_CHECK(add(asked));
    return list;
}

Result<std::optional<LessonRecord>> replicatedLesson(const Store& store, const Hash& hash)
{
    RATCHET_TRY(version, store.version(hash));
    RATCHET_TRY(original, version ? originalOf(store, *version) : Result<std::optional<ProposalRecord>>());
    if (!original || isControl(*original))
        return std::optional<LessonRecord>();
    RATCHET_TRY(lessons, store.lessons());
    LessonRecord lesson = lessonOn(lessons, original->family, original->operatorName);
    lesson.replicated = 0;
    lesson.nominalGain = lesson.replicatedGain = 0;
    RATCHET_TRY(versions, store.versions());
    for (const VersionRecord& other : versions) {
        RATCHET_TRY(made, originalOf(store, other));
        if (!made || made->family != lesson.family || made->operatorName != lesson.operatorName)
            continue;
        RATCHET_TRY(result, replicationResult(store, other.hash, false));
        if (!result.nominal || result.suites.empty())
            continue;
        ++lesson.replicated;
        lesson.nominalGain += (*result.nominal - lesson.nominalGain) / lesson.replicated;
        lesson.replicatedGain += (result.suites.front().difference.mean - lesson.replicatedGain) / lesson.replicated;
    }
    return std::optional(lesson);
}

Result<ProposalRecord> replicationProposal(Context& context, const VersionRecord& version, int number)
{
    RATCHET_TRY(original, originalOf(*context.store, version));
    RATCHET_TRY(parent, context.store->version(parentOf(version)));
    if (!parent)
        return fail(Code::Damaged, fmt::format("The parent of version {} is missing.", version.hash.brief()));
    RATCHET_TRY(before, context.genome(parent->genome));
    RATCHET_TRY(after, context.genome(version.genome));
    ProposalRecord proposal;
    proposal.created = now();
    proposal.family = replicationFamily;
    proposal.operatorName = fmt::format("seed {} of {}", number, version.hash.brief());
    proposal.parent = parent->hash;
    proposal.patch = patchBetween(before, after);
    proposal.genome = version.genome;
    proposal.reason = "The same recipe with another seed, to see what comes back.";
    proposal.author = "engine";
    proposal.price = context.config.trialBudget;
    if (original)
        proposal.duplicateOf = original->id;
    return proposal;
}

} // namespace ratchet
