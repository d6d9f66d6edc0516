// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/context.h"

#include <map>

#include "core/agent/gate_record.h"
#include "core/agent/limits.h"
#include "core/agent/requests.h"
#include "core/base/hash.h"
#include "core/plugin/overlap.h"
#include "core/critic/probes.h"
#include "core/genome/tokenizer.h"
#include "core/guard/ledger.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

Status checkLedger(const Store& store, const LabPaths& paths)
{
    RATCHET_TRY(check, verifyLedger(store, paths));
    if (!check.ok)
        return fail(Code::Damaged, fmt::format("The ledger is broken: {}", check.fault),
                    fmt::format("Nothing was changed. Compare with an exported ledger, or restore the lab from a backup; when an older copy was put "
                                "back on purpose, remove {}.", paths.ledgerHead().string()));
    return writeLedgerHead(store, paths);        // an engine may have been killed before it did
}

} // namespace

Result<std::string> Context::describe()
{
    RATCHET_TRY(loaded, loadDomain(config.domain, paths.corpus().string()));
    domain = std::move(loaded);
    const auto described = guarded(config.domain, [&] {
        info = domain->info();
        suites = decidingSuites(*domain);
        return true;
    });
    RATCHET_CHECK(described);
    memoryBytes = memoryOfMachine();
    RATCHET_TRY(read, readSearchSpace(paths));
    space = std::move(read);
    RATCHET_TRY(kept, labTokenizer(*store, objects));
    tokenizerJson = std::move(kept);
    RATCHET_TRY(made, tokenizerOf(tokenizerJson, info.alphabet));
    vocabulary = made.vocabulary();
    std::string text = made.toJson().dump();
    tokenizer = hashOf(text);
    // A plugin that throws here is told about when a suite that decides is asked for.
    probes = guarded(config.domain, [&] { return probesOf(*domain); }).value_or(std::vector<SuiteSpec>());
    return text;
}

Result<std::unique_ptr<Context>> Context::open(const LabPaths& paths)
{
    auto context = std::make_unique<Context>(paths);
    RATCHET_TRY(config, readLabConfig(paths));
    context->config = std::move(config);
    RATCHET_TRY(store, Store::open(paths.database(), Store::Mode::ReadWrite));
    context->store = std::move(store);
    RATCHET_CHECK(checkLedger(*context->store, paths));
    RATCHET_CHECK(finishSpace(*context->store, paths));
    RATCHET_TRY(text, context->describe());
    RATCHET_CHECK(context->objects.put(text));
    RATCHET_CHECK(recordGate(*context));
    return context;
}

Result<std::unique_ptr<Context>> Context::look(const LabPaths& paths)
{
    auto context = std::make_unique<Context>(paths);
    RATCHET_TRY(config, readLabConfig(paths));
    context->config = std::move(config);
    RATCHET_TRY(store, Store::open(paths.database(), Store::Mode::ReadOnly));
    context->store = std::move(store);
    RATCHET_CHECK(context->describe());
    return context;
}

Result<SearchSpace> readSearchSpace(const LabPaths& paths)
{
    RATCHET_TRY(text, readFile(paths.searchSpace()));
    RATCHET_TRY(json, parseJson(text, paths.searchSpace().string()));
    return SearchSpace::fromJson(json);
}

Hash versionHash(const VersionRecord& version)
{
    return hashOfJson(Json{{"genome", version.genome.hex}, {"weights", version.weights.hex}, {"tokenizer", version.tokenizer.hex}});
}

Status checkName(const VersionRecord& version)
{
    if (versionHash(version) == version.hash)
        return {};
    return fail(Code::Damaged, fmt::format("Version {} is not what its name says: its genome, weights or tokenizer was exchanged in the database.", version.hash.brief()),
                "Restore the lab from a backup.");
}

Result<Json> labTokenizer(const Store& store, const ObjectStore& objects)
{
    RATCHET_TRY(named, store.meta("tokenizer"));
    if (!named)
        return Json(nullptr);
    Hash object;
    RATCHET_CHECK(Fields(*named, "the lab's tokenizer").read("object", object.hex).status());
    RATCHET_TRY(text, objects.get(object));
    return parseJson(text, "tokenizer " + object.brief());
}

Status Context::record(const std::string& actor, const std::string& type, const Json& refs)
{
    RATCHET_TRY(head, store->ledgerHead());
    return store->addLedger(nextLedgerEntry(head, now(), actor, type, refs));
}

Result<Genome> Context::genome(const Hash& object) const
{
    RATCHET_TRY(text, objects.get(object));
    RATCHET_TRY(json, parseJson(text, "genome " + object.brief()));
    return Genome::fromJson(json);
}

Result<Artifact> Context::artifact(const Hash& hash) const
{
    RATCHET_TRY(version, store->version(hash));
    if (!version)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", hash.brief()), "`ratchet versions` lists them.");
    RATCHET_CHECK(checkName(*version));
    if (version->tokenizer != tokenizer)
        return fail(Code::Damaged, fmt::format("Version {} reads with another tokenizer than the lab.", hash.brief()), "Restore the lab from a backup.");
    RATCHET_TRY(text, objects.get(version->genome));
    RATCHET_TRY(json, parseJson(text, "genome " + version->genome.brief()));
    RATCHET_CHECK(objects.verify(version->weights));
    return Artifact{hash.hex, json, objects.path(version->weights).string()};
}

Result<std::string> Context::moments(const Hash& hash) const
{
    RATCHET_TRY(version, store->version(hash));
    if (!version || !version->moments)
        return std::string();
    RATCHET_CHECK(objects.verify(*version->moments));
    return objects.path(*version->moments).string();
}

bool Context::keepsMoments(const Genome& genome) const
{
    return genome.recipe.moments == "carry" || space.paths().contains("/recipe/moments");
}

Result<int> rowLength(const Domain& domain, const std::string& name, const Genome& genome)
{
    return guarded(name, [&] { return std::min(genome.architecture.context, domain.longestExample(genome.data, genome.reasoning)); });
}

Flops stepPrice(const Genome& genome, int vocabulary, int length, const std::vector<Architecture>& teachers)
{
    return {trainingFlops(genome.architecture, vocabulary, length, teachers).value * length * genome.recipe.batch};
}

Result<int> Context::rowLength(const Genome& genome) const
{
    return ratchet::rowLength(*domain, config.domain, genome);
}

Result<Flops> Context::stepPrice(const Genome& genome, const std::vector<Architecture>& teachers) const
{
    RATCHET_TRY(length, rowLength(genome));
    return ratchet::stepPrice(genome, vocabulary, length, teachers);
}

Result<VersionRecord> Context::champion() const
{
    RATCHET_TRY(live, store->live());
    if (!live)
        return fail(Code::NotFound, "This lab has no live version yet.", "`ratchet run` trains the seed model first.");
    RATCHET_TRY(version, store->version(live->version));
    if (!version)
        return fail(Code::Damaged, fmt::format("The live version {} is missing from the store.", live->version.brief()));
    return *version;
}

namespace {

// Which of these outcomes the gate or the vault may ask: by the item's split where the domain can name it, else by overlap
// with the corpus' judged documents.
Result<std::vector<bool>> areJudged(const Context& context, const std::vector<OutcomeRecord>& outcomes)
{
    std::vector<bool> judged(outcomes.size(), false);
    const auto named = guarded(context.config.domain, [&] {
        for (std::size_t i = 0; i < outcomes.size(); ++i)
            if (const auto item = context.domain->parse(outcomes[i].prompt)) {
                const Split split = context.domain->splitOf(*item);
                judged[i] = split == Split::Gate || split == Split::Vault;
            }
        return true;
    });
    RATCHET_CHECK(named);
    if (outcomes.empty() || context.corpusFolder().empty())
        return judged;
    RATCHET_TRY(corpus, Corpus::open(context.paths.corpus()));
    const bool lines = context.info.corpus == CorpusUse::Lines;
    Overlap overlap(lines ? Overlap::questions : Overlap::passages);
    for (const OutcomeRecord& outcome : outcomes)       // of a text whatever may be trained on, of a question what is asked
        for (const std::string& answer : {outcome.completion, outcome.correction})
            overlap.addJudged(lines ? outcome.prompt : outcome.prompt + answer);
    for (const Split split : {Split::Gate, Split::Vault})
        for (const auto document : corpus.documents(split))
            overlap.addTrained(lines ? questionIn(document) : document);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        judged[i] = judged[i] || overlap.isLeaked(2 * i) || overlap.isLeaked(2 * i + 1);
    return judged;
}

// Outcomes to questions of the half that is trained on, without what is judged, or of the other half, newest first.
Result<std::vector<OutcomeRecord>> outcomesOf(const Context& context, bool train)
{
    RATCHET_TRY(outcomes, context.store->outcomes(1000));
    std::erase_if(outcomes, [train](const OutcomeRecord& outcome) {
        return !outcome.question || (hashOfJson(*outcome.question).hex.back() % 2 == 0) != train;
    });
    if (!train)
        return outcomes;
    RATCHET_TRY(judged, areJudged(context, outcomes));
    std::vector<OutcomeRecord> open;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        if (!judged[i])
            open.push_back(std::move(outcomes[i]));
    return open;
}

// How a version answers; as the seed model where it is not known. May throw what the plugin throws.
Reasoning reasoningOf(const Context& context, const Hash& version)
{
    if (const auto record = context.store->version(version); record && *record)
        if (const auto genome = context.genome((*record)->genome))
            return genome->reasoning;
    return context.domain->seedGenome().reasoning;
}

// What a version meant by its completion, canonical.
std::string answerOf(const Context& context, const OutcomeRecord& outcome)
{
    const auto answer = guarded(context.config.domain, [&] {
        return context.domain->grade(Item{{}, *outcome.question}, outcome.completion, reasoningOf(context, outcome.version)).answer;
    });
    return answer && !answer->empty() ? *answer : outcome.completion;
}

} // namespace

Result<std::vector<Json>> Context::feedback(bool train) const
{
    RATCHET_TRY(outcomes, outcomesOf(*this, train));
    std::vector<Json> items;
    for (const OutcomeRecord& outcome : outcomes)
        if (!outcome.correction.empty())
            items.push_back({{"question", *outcome.question}, {"answer", outcome.correction}});
    return items;
}

Result<std::vector<Json>> Context::preferences() const
{
    RATCHET_TRY(outcomes, outcomesOf(*this, true));
    std::vector<Json> pairs;
    std::map<std::string, const OutcomeRecord*> best;       // by question
    for (const OutcomeRecord& outcome : outcomes) {
        if (!outcome.correction.empty())
            pairs.push_back({{"question", *outcome.question}, {"chosen", outcome.correction}, {"rejected", answerOf(*this, outcome)}});
        const OutcomeRecord*& highest = best[outcome.question->dump()];
        if (outcome.rating > (highest ? highest->rating : 0))
            highest = &outcome;
    }
    for (const OutcomeRecord& outcome : outcomes)
        if (const OutcomeRecord* const highest = best[outcome.question->dump()]; highest && outcome.rating < 0)
            pairs.push_back({{"question", *outcome.question}, {"chosen", answerOf(*this, *highest)}, {"rejected", answerOf(*this, outcome)}});
    return pairs;
}

} // namespace ratchet
