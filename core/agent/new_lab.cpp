// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a new lab: the domain's defaults, the person's choices, keys, the judge's secret, a tokenizer of its own, an
// imported model and the first ledger entries.
#include <charconv>
#include <random>

#include "core/agent/admission.h"
#include "core/agent/engine.h"
#include "core/agent/gate_record.h"
#include "core/agent/goal.h"
#include "core/agent/limits.h"
#include "core/agent/promotion.h"
#include "core/base/hash.h"
#include "core/base/whole_folder.h"
#include "core/critic/exam.h"
#include "core/critic/probes.h"
#include "core/genome/cost.h"
#include "core/genome/hugging_face.h"
#include "core/genome/tokenizer.h"
#include "core/guard/ledger.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"
#include "core/selector/archive.h"
#include "core/selector/gate.h"

namespace ratchet {
namespace {

std::uint64_t drawSeed()
{
    std::random_device device;
    return (std::uint64_t(device()) << 32 | device()) >> 1;      // fits JSON readers that know signed numbers only
}

// Fresh for a drawn seed; a function of the seed when the person gave one, so that the lab can be repeated.
std::string secretOf(const std::optional<std::uint64_t>& seed)
{
    if (seed)
        return hashOf(fmt::format("judge of seed {}", *seed)).hex;
    return hashOf(fmt::format("{} {} {} {}", drawSeed(), drawSeed(), drawSeed(), drawSeed())).hex;
}

// What the lab starts from: the domain's seed, or an imported model with the domain's way of training.
struct Start {
    Genome genome;
    int vocabulary = 0;
    std::optional<Tokenizer> tokenizer;      // empty: the domain's alphabet
    std::optional<ImportedModel> imported;
};

// "bytes", or "bpe:N" with N tokens in all.
Result<std::optional<int>> learntVocabulary(const std::string& text)
{
    if (text.empty() || text == "bytes")
        return std::nullopt;
    int tokens = 0;
    const char* const begin = text.data() + 4;
    const char* const end = text.data() + text.size();
    const bool isNumber = text.starts_with("bpe:") && std::from_chars(begin, end, tokens).ptr == end && begin < end;
    if (!isNumber || tokens < 259 || tokens > 65536)
        return fail(Code::Usage, fmt::format("\"{}\" is no tokenizer.", text), "Give bytes, or bpe:N with N tokens, 259 to 65536: bpe:1024.");
    return tokens;
}

// A model that knows something goes on from there, in small steps.
Result<Start> startOf(const NewLab& wanted, const Domain& domain, const DomainInfo& info)
{
    constexpr double gentle = 3e-4;
    Start start;
    RATCHET_TRY(seed, guarded(info.name, [&] { return domain.seedGenome(); }));
    start.genome = std::move(seed);
    RATCHET_TRY(learnt, learntVocabulary(wanted.tokenizer));
    if (learnt && info.corpus != CorpusUse::Text)
        return fail(Code::Usage, fmt::format("The domain {} has no corpus to learn a tokenizer from.", info.name), "Leave out --tokenizer.");
    start.vocabulary = learnt.value_or(vocabularyOf(info.alphabet));
    if (wanted.importFrom.empty())
        return start;
    if (!wanted.tokenizer.empty())
        return fail(Code::Usage, "An imported model brings its tokenizer along.", "Leave out --tokenizer.");
    RATCHET_TRY(imported, importHuggingFace(wanted.importFrom));
    start.genome.architecture = imported.architecture;
    start.genome.recipe.start = "continue";
    start.genome.recipe.learningRate = std::min(start.genome.recipe.learningRate, gentle);
    start.tokenizer = imported.tokenizer;
    start.vocabulary = imported.tokenizer.vocabulary();
    start.imported = std::move(imported);
    return start;
}

// A trial that cannot pay for a single batch would overrun its budget, and one that does not fit the machine's memory would be
// ended by it.
Status canBeTrained(const NewLab& wanted, Flops trialBudget, const Domain& domain, const DomainInfo& info, const Start& start)
{
    RATCHET_CHECK(fitsContext(domain, info, start.genome, start.tokenizer && start.tokenizer->bytePairs() && start.tokenizer->bytePairs()->alwaysBegins));
    RATCHET_TRY(length, rowLength(domain, info.name, start.genome));
    const Flops step = stepPrice(start.genome, start.vocabulary, length);
    if (trialBudget < step)
        return fail(Code::Usage, fmt::format("A trial budget of {} does not pay for one training step of {}.", toText(trialBudget), toText(step)),
                    start.imported ? "Give a larger --trial-budget and --budget." : fmt::format("The domain's own is {}.", toText(info.defaultTrialBudget)));
    Status fits = fitsMemory(start.genome, start.vocabulary, length, wanted.memoryBytes.value_or(memoryOfMachine()));
    if (!fits)
        fits.error().hint = start.imported ? "Import a smaller model, or use a machine with more memory." : "Use a machine with more memory.";
    return fits;
}

// The space has room for the imported model and for some growth.
Result<Json> spaceOf(const Json& domains, const Start& start)
{
    RATCHET_TRY(space, SearchSpace::fromJson(domains));
    Json json = space.toJson();
    if (start.imported)
        json["maxParameters"] = std::max(json["maxParameters"].get<std::int64_t>(),
                                         2 * parameterCount(start.genome.architecture, start.vocabulary));
    return json;
}

// The domain's seed may follow its corpus, so what was asked of the first model is asked again. What the domain cannot read is told now.
Status importInto(const LabPaths& paths, const LabConfig& config, const NewLab& wanted, const DomainInfo& info, Start& start)
{
    if (wanted.corpus.empty())
        return {};
    RATCHET_CHECK(importCorpus(wanted.corpus, paths.corpus(), info.corpus));
    RATCHET_TRY(opened, loadDomain(wanted.domain, paths.corpus().string()));
    if (!start.imported) {
        RATCHET_TRY(seed, guarded(info.name, [&] { return opened->seedGenome(); }));
        start.genome = std::move(seed);
    }
    return canBeTrained(wanted, config.trialBudget, *opened, info, start);
}

// What no judge would judge by is told now, too.
Status canBeJudged(const LabPaths& paths, const NewLab& wanted, const Genome& genome)
{
    if (wanted.corpus.empty())
        return {};
    JudgeSpec spec;
    spec.domain = wanted.domain;
    spec.corpus = paths.corpus().string();
    spec.closedFolder = paths.judge().string();
    RATCHET_TRY(domain, loadDomain(spec.domain, spec.corpus));
    RATCHET_TRY(exam, Exam::open(spec, *domain));
    const Check leak = exam.checkLeak(genome);
    return leak.ok ? Status{} : Status(fail(Code::BadInput, fmt::format("The corpus {} cannot be judged by: {}.", wanted.corpus, leak.detail), corpusOverlapHint));
}

// Before the lab is opened: an opened one knows its tokenizer. Returns the tokenizer's hash, empty for the domain's alphabet.
Result<std::string> keepTokenizer(const LabPaths& paths, const NewLab& wanted, Start& start)
{
    RATCHET_TRY(learnt, learntVocabulary(wanted.tokenizer));
    if (learnt) {
        RATCHET_TRY(corpus, Corpus::open(paths.corpus()));
        start.tokenizer = Tokenizer::learn(corpus.documents(Split::Train), *learnt);
    }
    if (!start.tokenizer)
        return std::string();
    RATCHET_TRY(object, ObjectStore(paths.objects()).put(start.tokenizer->toJson().dump()));
    RATCHET_TRY(store, Store::open(paths.database(), Store::Mode::ReadWrite));
    RATCHET_CHECK(store->transaction(Store::Durable::Yes, [&] { return store->setMeta("tokenizer", {{"object", object.hex}}); }));
    return object.hex;
}

// Genome and weights of the imported model as a version; its record is written by the caller.
Result<VersionRecord> keepImported(const Context& context, const Start& start)
{
    const auto file = context.paths.work() / "imported.safetensors";
    RATCHET_CHECK(writeWeights(file, start.imported->weights));
    VersionRecord version;
    RATCHET_TRY(weights, context.objects.putFile(file));
    RATCHET_TRY(genome, context.objects.put(start.genome.toJson().dump()));
    version.weights = weights;
    version.genome = genome;
    version.tokenizer = context.tokenizer;
    version.hash = versionHash(version);
    version.created = now();
    version.parameters = parameterCount(start.genome.architecture, start.vocabulary);
    version.origin = "import";
    return version;
}

// Corpus, tokenizer, imported model and the first ledger entries of a lab that nobody sees yet.
Status fillLab(const LabPaths& paths, const LabConfig& config, const NewLab& wanted, const DomainInfo& info, Start& start)
{
    RATCHET_CHECK(importInto(paths, config, wanted, info, start));
    RATCHET_CHECK(canBeJudged(paths, wanted, start.genome));
    RATCHET_TRY(tokenizer, keepTokenizer(paths, wanted, start));
    RATCHET_TRY(lock, LabLock::take(paths));
    RATCHET_TRY(context, Context::open(paths));
    std::optional<VersionRecord> version;
    if (start.imported) {
        RATCHET_TRY(kept, keepImported(*context, start));
        version = std::move(kept);
    }
    RATCHET_CHECK(context->store->transaction(Store::Durable::Yes, [&]() -> Status {
        Json refs{{"domain", config.domain}, {"goal", config.goal}, {"budget", config.budget.value}, {"seed", config.seed},
                  {"ratchet", config.ratchet}, {"gate", gateFigures(config)}};
        if (!tokenizer.empty())
            refs["tokenizer"] = tokenizer;
        RATCHET_CHECK(context->record("person", "lab", refs));
        if (!version)
            return {};
        RATCHET_CHECK(context->store->add(*version));
        RATCHET_CHECK(context->record("person", "import", {{"version", version->hash.hex}, {"from", wanted.importFrom.string()}}));
        return deploySeed(*context, version->hash);
    }));
    return writeLedgerHead(*context->store, paths);
}

} // namespace

Status newLab(const NewLab& wanted)
{
    std::error_code ignored;
    if (std::filesystem::exists(LabPaths{wanted.root}.config(), ignored))
        return fail(Code::Conflict, fmt::format("{} is a lab already.", wanted.root.string()), "Open it, or choose another name for the new one.");
    RATCHET_TRY(domain, loadDomain(wanted.domain));
    DomainInfo info;
    std::vector<SuiteSpec> suites;
    Json space;
    const auto described = guarded(wanted.domain, [&] {
        info = domain->info();
        suites = decidingSuites(*domain);
        space = domain->searchSpace();
        return true;
    });
    RATCHET_CHECK(described);
    if (info.corpus == CorpusUse::Text && wanted.corpus.empty())
        return fail(Code::Usage, fmt::format("The domain {} needs a text to learn from.", info.name), "Name a file or folder with --corpus.");
    if (info.corpus == CorpusUse::None && !wanted.corpus.empty())
        return fail(Code::Usage, fmt::format("The domain {} makes its own items and takes no corpus.", info.name), "Leave out --corpus.");
    if (wanted.vaultLooks && wanted.corpus.empty())
        return fail(Code::Usage, "The vault of a lab without a corpus has new items for every look, and no number of looks wears it out.",
                    "Leave out --vault-looks.");

    LabConfig config;
    config.domain = wanted.domain;
    config.goal = wanted.goal.empty() ? info.defaultGoal : wanted.goal;
    RATCHET_CHECK(parseGoal(config.goal, info, suites));
    config.budget = wanted.budget.value_or(info.defaultBudget);
    config.trialBudget = wanted.trialBudget.value_or(info.defaultTrialBudget);
    if (config.trialBudget > config.budget)
        return fail(Code::Usage, fmt::format("A budget of {} does not pay for one trial of {}.", toText(config.budget), toText(config.trialBudget)),
                    "Give a larger --budget or a smaller --trial-budget.");
    RATCHET_TRY(start, startOf(wanted, *domain, info));
    RATCHET_CHECK(canBeTrained(wanted, config.trialBudget, *domain, info, start));
    config.seed = wanted.seed.value_or(drawSeed());
    config.candidates = wanted.candidates.value_or(config.candidates);
    config.alphaDecay = alphaDecay;
    config.placebos = wanted.placebos.value_or(config.placebos);
    config.proxy = wanted.proxy.value_or(config.proxy);
    config.audit = wanted.audit.value_or(config.audit);
    config.reward = wanted.reward.value_or(config.reward);
    config.alpha = wanted.alpha.value_or(config.alpha);
    config.gateItems = wanted.gateItems.value_or(config.gateItems);
    config.minEffect = wanted.minEffect.value_or(config.minEffect);
    config.retainedAlpha = wanted.retainedAlpha.value_or(config.retainedAlpha);
    config.vaultLooks = wanted.vaultLooks.value_or(config.vaultLooks);
    if (config.reward > 0 && info.measure == Measure::BitsPerByte)
        return fail(Code::Usage, fmt::format("The domain {} is measured in bits per byte: no answer is right or wrong, and a reward model has nothing to learn.", info.name),
                    "Leave out --reward.");
    RATCHET_TRY(parents, parentPolicyFromText(wanted.parents.empty() ? config.parents : wanted.parents));
    config.parents = toText(parents);
    config.corpusSource = wanted.corpus;
    config.created = toIso(now());
    RATCHET_CHECK(LabConfig::fromJson(config.toJson()));        // what could not be read again
    RATCHET_TRY(checked, spaceOf(space, start));

    const std::string secret = secretOf(wanted.seed);
    return makeWhole(wanted.root, LabPaths{wanted.root}.config().filename().string(), [&](const std::filesystem::path& place) -> Status {
        RATCHET_CHECK(createLab({place}, config, checked, secret));
        return fillLab({place}, config, wanted, info, start);
    });
}

} // namespace ratchet
