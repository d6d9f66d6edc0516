// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/vault.h"

#include "core/agent/crew.h"
#include "core/agent/judge_job.h"
#include "core/critic/scorecard.h"
#include "core/guard/ledger.h"

namespace ratchet {
namespace {

constexpr const char* entryType = "vault";

// What was stored of this question, by suite; empty when it was not asked yet.
Result<std::vector<ScorecardRecord>> storedAnswer(const Context& context, const VaultQuestion& question)
{
    RATCHET_TRY(stored, context.store->scorecards(question.proposal));
    std::vector<ScorecardRecord> cards;
    for (const SuiteSpec& suite : context.suites)
        for (const ScorecardRecord& card : stored)
            if (card.split == "vault" && card.suite == suite.name && card.champion == question.champion && card.challenger == question.challenger)
                cards.push_back(card);
    return cards;
}

} // namespace

Result<VaultUse> vaultUse(const Store& store, const LabConfig& config)
{
    VaultUse use;
    RATCHET_TRY(looks, countLedger(store, entryType));
    use.looks = looks;
    if (config.isDataFinite())
        use.budget = config.vaultLooks;
    return use;
}

std::string toText(const VaultUse& use)
{
    if (use.budget)
        return fmt::format("opened {} of {} times", use.looks, *use.budget);
    return use.looks == 1 ? "opened once" : fmt::format("opened {} times", use.looks);
}

Json toJson(const VaultUse& use)
{
    return {{"looks", use.looks}, {"budget", use.budget ? Json(*use.budget) : Json()}, {"left", use.left() ? Json(*use.left()) : Json()}};
}

// Nobody can cancel it as a job of its proposal: a proposal that waits for a decision runs no more.
Result<VaultAnswer> askVault(Context& context, Crew& crew, const VaultQuestion& question)
{
    RATCHET_TRY(stored, storedAnswer(context, question));
    if (!stored.empty())
        return VaultAnswer{std::move(stored), false};
    RATCHET_TRY(use, vaultUse(*context.store, context.config));
    if (use.isSpent())
        return fail(Code::Refused, fmt::format("The vault is spent: it was {}, and what was seen of it steered this lab.", toText(use)),
                    "Go on in a new lab with data that nobody has looked at; `ratchet export` and `ratchet new --import` take the live version along.");
    std::vector<Ask> asks;
    for (const SuiteSpec& suite : context.suites)
        asks.push_back({suite.name, "vault", suite.role == SuiteRole::Target ? question.items : question.items / 2});
    const auto number = questionNumber(fmt::format("vault {} {} {}", question.champion.hex, question.challenger.hex, question.proposal.value));
    RATCHET_TRY(spec, judgeSpec(context, question.champion, question.challenger, number));
    const auto answers = askJudge(context, spec, asks, "vault", Id<ProposalRecord>{}, [&](auto job) { return crew.runNow(std::move(job)); });
    if (!answers && answers.error().code == Code::Refused)
        return VaultAnswer{{}, false, answers.error()};
    RATCHET_CHECK(answers);
    VaultAnswer answer;
    for (std::size_t i = 0; i < context.suites.size(); ++i) {
        RATCHET_TRY(card, scorecardOf((*answers)[i], context.suites[i], context.info.measure));
        card.proposal = question.proposal;
        card.champion = question.champion;
        card.challenger = question.challenger;
        card.created = now();
        answer.cards.push_back(std::move(card));
    }
    return answer;
}

Status recordVault(Context& context, const VaultQuestion& question, const VaultAnswer& answer)
{
    if (!answer.isNew)
        return {};
    for (const ScorecardRecord& card : answer.cards)
        RATCHET_CHECK(context.store->add(card));
    return context.record("engine", entryType, {{"champion", question.champion.hex}, {"challenger", question.challenger.hex}, {"items", question.items}});
}

Status isNotContradicted(const Context& context, const VaultAnswer& answer)
{
    if (answer.fault)
        return tl::unexpected(*answer.fault);
    for (const ScorecardRecord& card : answer.cards) {
        const auto suite = std::find_if(context.suites.begin(), context.suites.end(), [&](const SuiteSpec& one) { return one.name == card.suite; });
        const bool isRetained = suite != context.suites.end() && suite->role == SuiteRole::Retained;
        if (card.high >= (isRetained ? -suite->margin : 0.0))
            continue;
        const std::string loss = context.info.measure == Measure::ExactMatch ? toTextPercent(-card.difference)
                                                                             : fmt::format("{:.3f} bits per byte", -8 * card.difference);
        return fail(Code::Refused, fmt::format("The vault contradicts: {} is worse by {} on {} of its items of {}{}.", card.challenger.brief(), loss,
                                               card.items, card.suite, isRetained ? ", more than it may lose there" : ""));
    }
    return {};
}

} // namespace ratchet
