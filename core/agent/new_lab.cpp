// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a new lab: the domain's defaults, the person's choices, keys, the judge's secret and the first ledger entry.
#include <random>

#include "core/agent/context.h"
#include "core/agent/engine.h"
#include "core/agent/goal.h"
#include "core/base/hash.h"
#include "core/genome/tokenizer.h"
#include "core/guard/ledger.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"

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

// A trial that cannot pay for a single batch would overrun its budget.
Status paysForOneStep(Flops trialBudget, const Domain& domain, const DomainInfo& info)
{
    const auto step = guarded(info.name, [&] {
        const Genome seed = domain.seedGenome();
        const int length = std::min(seed.architecture.context, domain.longestExample(seed.data, seed.reasoning));
        return Flops{trainingFlops(seed.architecture, vocabularyOf(info.alphabet), length).value * length * seed.recipe.batch};
    });
    RATCHET_CHECK(step);
    if (trialBudget < *step)
        return fail(Code::Usage, fmt::format("A trial budget of {} does not pay for one training step of {}.", toText(trialBudget), toText(*step)),
                    fmt::format("The domain's own is {}.", toText(info.defaultTrialBudget)));
    return {};
}

Status importInto(const LabPaths& paths, const NewLab& wanted, const DomainInfo& info)
{
    if (wanted.corpus.empty())
        return {};
    RATCHET_TRY(summary, importCorpus(wanted.corpus, paths.corpus(), info.corpus));
    (void)summary;
    RATCHET_TRY(opened, loadDomain(wanted.domain, paths.corpus().string()));      // what it cannot read is told now
    (void)opened;
    return {};
}

} // namespace

Status newLab(const NewLab& wanted)
{
    RATCHET_TRY(domain, loadDomain(wanted.domain));
    DomainInfo info;
    std::vector<SuiteSpec> suites;
    Json space;
    const auto described = guarded(wanted.domain, [&] {
        info = domain->info();
        suites = domain->suites();
        space = domain->searchSpace();
        return true;
    });
    RATCHET_CHECK(described);
    if (info.corpus == CorpusUse::Text && wanted.corpus.empty())
        return fail(Code::Usage, fmt::format("The domain {} needs a text to learn from.", info.name), "Name a file or folder with --corpus.");
    if (info.corpus == CorpusUse::None && !wanted.corpus.empty())
        return fail(Code::Usage, fmt::format("The domain {} makes its own items and takes no corpus.", info.name), "Leave out --corpus.");

    LabConfig config;
    config.domain = wanted.domain;
    config.goal = wanted.goal.empty() ? info.defaultGoal : wanted.goal;
    RATCHET_CHECK(parseGoal(config.goal, info, suites));
    config.budget = wanted.budget.value_or(info.defaultBudget);
    config.trialBudget = wanted.trialBudget.value_or(info.defaultTrialBudget);
    if (config.trialBudget > config.budget)
        return fail(Code::Usage, fmt::format("A budget of {} does not pay for one trial of {}.", toText(config.budget), toText(config.trialBudget)),
                    "Give a larger --budget or a smaller --trial-budget.");
    RATCHET_CHECK(paysForOneStep(config.trialBudget, *domain, info));
    config.seed = wanted.seed.value_or(drawSeed());
    config.candidates = wanted.candidates.value_or(config.candidates);
    config.corpusSource = wanted.corpus;
    config.created = toIso(now());
    RATCHET_TRY(checked, SearchSpace::fromJson(space));

    const LabPaths paths{wanted.root};
    RATCHET_CHECK(createLab(paths, config, checked.toJson(), secretOf(wanted.seed)));
    if (const Status imported = importInto(paths, wanted, info); !imported) {
        std::error_code ignored;
        std::filesystem::remove_all(paths.root, ignored);
        return imported;
    }
    RATCHET_TRY(lock, LabLock::take(paths));
    RATCHET_TRY(context, Context::open(paths));
    RATCHET_CHECK(context->store->transaction(Store::Durable::Yes, [&] {
        return context->record("person", "lab", {{"domain", config.domain}, {"goal", config.goal}, {"budget", config.budget.value},
                                                 {"seed", config.seed}, {"ratchet", config.ratchet}});
    }));
    return writeLedgerHead(*context->store, paths);
}

} // namespace ratchet
