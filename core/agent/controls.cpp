// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/controls.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/agent/context.h"
#include "core/genome/weights_file.h"
#include "core/selector/gate.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

ProposalRecord placebo(const VersionRecord& champion, const char* kind)
{
    ProposalRecord record;
    record.family = placeboFamily;
    record.operatorName = kind;
    record.parent = champion.hash;
    record.genome = champion.genome;
    record.patch = Json::array();
    record.author = "engine";
    record.reason = "The champion again, to see whether the gate accepts what is not better.";
    return record;
}

// The same tensors, each value moved by this share of its tensor's root mean square.
void addJitter(WeightsFile& weights, double share, Rng& rng)
{
    for (const auto& [name, entry] : weights.tensors) {
        if (entry.dtype != "F32")
            continue;
        std::vector<float> values(entry.bytes / sizeof(float));
        std::memcpy(values.data(), weights.data.data() + entry.offset, entry.bytes);
        double squares = 0;
        for (const float value : values)
            squares += double(value) * value;
        const double scale = values.empty() ? 0 : share * std::sqrt(squares / static_cast<double>(values.size()));
        for (float& value : values)
            value = static_cast<float>(value + scale * rng.normal());
        std::memcpy(weights.data.data() + entry.offset, values.data(), entry.bytes);
    }
}

Result<VersionRecord> jittered(Context& context, const VersionRecord& champion, ProposalRecord& proposal, const TrialRecord& trial)
{
    RATCHET_TRY(weights, readWeights(context.objects.path(champion.weights)));
    Rng rng = Rng::stream(trial.seed, "jitter");
    const double share = leastJitter * std::pow(mostJitter / leastJitter, rng.uniform());
    addJitter(weights, share, rng);
    proposal.reason = fmt::format("The champion with every weight moved by {} of its tensor's root mean square, to see whether the gate accepts "
                                  "what is not better.", toTextPercent(share));
    const auto folder = context.paths.work() / fmt::format("placebo-{}", proposal.id.value);
    RATCHET_CHECK(makeFolder(folder, 0700));
    const auto file = folder / "weights.safetensors";
    RATCHET_CHECK(writeWeights(file, weights));
    VersionRecord version = champion;
    RATCHET_TRY(object, context.objects.putFile(file));
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    version.weights = object;
    version.hash = versionHash(version);
    version.parent = champion.hash;
    version.generation = champion.generation + 1;
    version.origin = fmt::format("proposal {}", proposal.id.value);
    version.created = now();
    return version;
}

// Whether the gate would have accepted had every answer that differed gone its way. (Of bounded scores as near as matters: bets on
// wins only grow by a factor of 7/4 a pair instead of about 2.)
bool couldBeAccepted(const VerdictRecord& verdict)
{
    return verdict.discordant > 0 && logMixtureEValue(verdict.discordant, 0) >= std::log(verdict.threshold);
}

// What both scored on the target's guide items, which are others than the gate's; empty when the judge failed there.
std::optional<double> differenceOnGuide(const VerdictRecord& verdict, const std::vector<ScorecardRecord>& cards)
{
    const auto guide = std::find_if(cards.begin(), cards.end(), [&](const ScorecardRecord& card) {
        return card.split == "guide" && !card.retained && !card.probe && card.challenger == verdict.challenger && card.champion == verdict.champion;
    });
    return guide == cards.end() ? std::nullopt : std::optional(guide->difference);
}

// `isFalse`: whether an accept of it is a false one; empty when that cannot be told.
void addTo(PlaceboKind& kind, const VerdictRecord& verdict, std::optional<bool> isFalse)
{
    const bool isAccepted = verdict.verdict == Verdict::Accept;
    ++kind.judged;
    kind.accepted += isAccepted;
    if (!couldBeAccepted(verdict) || (isAccepted && !isFalse))
        return;
    ++kind.able;
    kind.promised += verdict.alpha;
    kind.refuted += isAccepted && *isFalse;
}

} // namespace

bool isControl(const ProposalRecord& proposal)
{
    return proposal.family == placeboFamily || proposal.family == replicationFamily;
}

bool isMadeHere(const ProposalRecord& proposal)
{
    return proposal.family == placeboFamily && proposal.operatorName != reseedingPlacebo;
}

Result<std::vector<ProposalRecord>> withPlacebos(Context& context, std::vector<ProposalRecord> drawn, int tooth)
{
    if (context.config.placebos <= 0)
        return drawn;
    Rng rng = Rng::stream(context.config.seed, "placebo", static_cast<std::uint64_t>(tooth));
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(genome, context.genome(champion.genome));
    for (ProposalRecord& record : drawn) {
        if (record.state != ProposalState::Queued || rng.uniform() >= context.config.placebos)
            continue;
        std::vector<const char*> kinds{identityPlacebo, jitterPlacebo};
        if (champion.parent && genome.recipe.trains())
            kinds.push_back(reseedingPlacebo);
        const std::string kind = kinds[rng.below(kinds.size())];
        ProposalRecord control = placebo(champion, kind.c_str());
        if (kind == reseedingPlacebo) {
            RATCHET_TRY(parent, context.store->version(*champion.parent));
            if (!parent)
                return fail(Code::Damaged, fmt::format("The parent of version {} is missing.", champion.hash.brief()));
            RATCHET_TRY(before, context.genome(parent->genome));
            control.parent = parent->hash;
            control.patch = patchBetween(before, genome);
            control.price = context.config.trialBudget;
        }
        control.tooth = tooth;
        control.created = now();
        record = std::move(control);
    }
    return drawn;
}

Result<ProposalRecord> makePlacebo(Context& context, ProposalRecord proposal, TrialRecord trial)
{
    RATCHET_TRY(champion, context.store->version(proposal.parent));
    if (!champion)
        return fail(Code::Damaged, fmt::format("The version of placebo {} is missing.", proposal.id.value));
    VersionRecord version = *champion;
    if (proposal.operatorName == jitterPlacebo) {
        RATCHET_TRY(made, jittered(context, *champion, proposal, trial));
        version = std::move(made);
    }
    trial.budget = trial.spent = Flops{};
    trial.state = TrialState::Trained;
    trial.stage = "done";
    trial.started = trial.ended = now();
    trial.platform = Json::object();
    proposal.state = ProposalState::Trained;
    RATCHET_CHECK(context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        if (!trial.id.isSet()) {
            RATCHET_TRY(id, context.store->add(trial));
            trial.id = id;
        }
        if (version.hash != champion->hash) {
            version.trial = trial.id;
            RATCHET_CHECK(context.store->add(version));
        }
        trial.version = version.hash;
        RATCHET_CHECK(context.store->update(trial));
        return context.store->update(proposal);
    }));
    return proposal;
}

Result<PlaceboCount> countPlacebos(const Store& store)
{
    PlaceboCount count;
    RATCHET_TRY(proposals, store.proposals());
    for (const ProposalRecord& proposal : proposals) {
        if (proposal.family != placeboFamily)
            continue;
        RATCHET_TRY(verdict, store.verdict(proposal.id));
        if (!verdict || verdict->verdict == Verdict::NoResult)
            continue;
        if (proposal.operatorName == identityPlacebo) {
            ++count.identical;
            count.differing += verdict->discordant > 0;
            continue;
        }
        if (proposal.operatorName == jitterPlacebo) {
            addTo(count.jittered, *verdict, true);
            continue;
        }
        RATCHET_TRY(cards, store.scorecards(proposal.id));
        const auto onGuide = differenceOnGuide(*verdict, cards);
        addTo(count.reseeded, *verdict, onGuide ? std::optional(*onGuide <= 0) : std::nullopt);
    }
    for (PlaceboKind* kind : {&count.jittered, &count.reseeded})
        std::tie(kind->low, kind->high) = clopperPearson(kind->refuted, kind->able);
    return count;
}

} // namespace ratchet
