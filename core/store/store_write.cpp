// SPDX-License-Identifier: GPL-3.0-or-later
// Store: the records the engine writes.
#include "core/store/store_private.h"

namespace ratchet {
namespace {

constexpr std::int64_t answersKept = 10'000;

std::string ref(const auto& id)
{
    return std::to_string(id.value);
}

} // namespace

Status Store::setMeta(const std::string& key, const Json& value)
{
    return d->write(Durable::No, [&]() -> Status {
        constexpr const char* sql = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        RATCHET_CHECK((d->database->prepare(sql) << key << value).run());
        d->touch("meta", key);
        return {};
    });
}

Result<Id<ProposalRecord>> Store::add(const ProposalRecord& proposal)
{
    return d->addNumbered(proposal);
}

Status Store::update(const ProposalRecord& proposal)
{
    return d->update(proposal);
}

Result<Id<TrialRecord>> Store::add(const TrialRecord& trial)
{
    return d->addNumbered(trial);
}

Status Store::update(const TrialRecord& trial)
{
    return d->update(trial);
}

Status Store::add(const VersionRecord& version)
{
    return d->write(Durable::No, [&]() -> Status {
        RATCHET_CHECK(d->insert(insertSql<VersionRecord>() + " ON CONFLICT (hash) DO NOTHING", version));
        if (d->database->changedRows() > 0)
            d->touch("version", version.hash.hex);
        return {};
    });
}

Status Store::add(const ScorecardRecord& scorecard)
{
    return d->replace(scorecard, ref(scorecard.proposal));
}

Status Store::add(const VerdictRecord& verdict)
{
    return d->replace(verdict, ref(verdict.proposal));
}

Result<Id<DecisionRecord>> Store::add(const DecisionRecord& decision)
{
    return d->addNumbered(decision, Durable::Yes);
}

Result<Id<DeploymentRecord>> Store::add(const DeploymentRecord& deployment)
{
    return d->addNumbered(deployment, Durable::Yes);
}

Status Store::put(const LessonRecord& lesson)
{
    return d->replace(lesson, lesson.family + "/" + lesson.operatorName);
}

Result<Id<GoalRecord>> Store::put(const GoalRecord& goal)
{
    if (!goal.id.isSet())
        return d->addNumbered(goal);
    RATCHET_CHECK(d->replace(goal, ref(goal.id)));
    return goal.id;
}

Status Store::add(const FailureRecord& failure)
{
    return d->replace(failure, failure.version.hex);
}

Result<Id<OutcomeRecord>> Store::add(const OutcomeRecord& outcome)
{
    return d->addNumbered(outcome);
}

Result<Id<RewardRecord>> Store::add(const RewardRecord& reward)
{
    return d->addNumbered(reward);
}

Status Store::put(const ToothRecord& tooth)
{
    return d->replace(tooth, std::to_string(tooth.number));
}

Status Store::add(const LayerRecord& layer)
{
    return d->replace(layer, ref(layer.trial));
}

Status Store::add(const AnswerRecord& answer)
{
    return d->write(Durable::No, [&]() -> Status {
        RATCHET_CHECK(d->insert(insertSql<AnswerRecord>(), answer));
        const std::int64_t seq = d->database->lastRow();
        RATCHET_CHECK((d->database->prepare("DELETE FROM answer WHERE seq <= ?") << seq - answersKept).run());
        d->touch("answer", answer.request);
        return {};
    });
}

Status Store::addLedger(const LedgerEntry& entry)
{
    RATCHET_TRY(head, ledgerHead());
    RATCHET_TRY(known, meta("ledger-head"));
    const std::int64_t next = head ? head->seq + 1 : 1;
    if ((known ? known->value("entries", std::int64_t(0)) : 0) != next - 1)
        return fail(Code::Damaged, fmt::format("The ledger's end was changed: it holds {} entries.", next - 1),
                    "`ratchet ledger verify` says what is missing; restore the database from a backup.");
    if (entry.seq != next)
        return fail(Code::Conflict, fmt::format("The ledger's next entry is {}, not {}.", next, entry.seq));
    return d->write(Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(d->insert(insertSql<LedgerEntry>(), entry));
        constexpr const char* sql = "INSERT INTO meta VALUES ('ledger-head', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        RATCHET_CHECK((d->database->prepare(sql) << Json{{"entries", entry.seq}, {"hash", entry.hash.hex}}).run());
        d->touch("ledger", std::to_string(entry.seq));
        return {};
    });
}

} // namespace ratchet
