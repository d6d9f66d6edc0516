// SPDX-License-Identifier: GPL-3.0-or-later
// Store: the questions about records; series.cpp answers those about curves.
#include <algorithm>

#include "core/store/store_private.h"

namespace ratchet {
namespace {

// The vault is asked once the last question was answered.
constexpr const char* ofNewestQuestion =
    "(split = 'vault' OR k = ifnull((SELECT max(verdict.k) FROM verdict WHERE verdict.proposal = scorecard.proposal), 0))";

} // namespace

Result<std::optional<Json>> Store::meta(const std::string& key) const
{
    sqlite::Statement statement = d->database->prepare("SELECT value FROM meta WHERE key = ?");
    RATCHET_TRY(row, (statement << key).step());
    if (!row)
        return std::optional<Json>();
    Json value;
    statement >> value;
    RATCHET_CHECK(statement.rowStatus());
    return std::optional<Json>(std::move(value));
}

Result<std::vector<ProposalRecord>> Store::proposals() const
{
    return d->all<ProposalRecord>("ORDER BY id");
}

Result<std::optional<ProposalRecord>> Store::proposal(Id<ProposalRecord> id) const
{
    return d->one<ProposalRecord>("WHERE id = ?", id);
}

Result<std::optional<ProposalRecord>> Store::proposalWithGenome(const Hash& genome, const Hash& parent) const
{
    return d->one<ProposalRecord>("WHERE genome = ? AND parent = ? AND state NOT IN ('failed', 'cancelled', 'duplicate') "
                                  "ORDER BY id LIMIT 1",
                                  genome, parent);
}

Result<std::vector<TrialRecord>> Store::trials() const
{
    return d->all<TrialRecord>("ORDER BY id");
}

Result<std::optional<TrialRecord>> Store::trial(Id<TrialRecord> id) const
{
    return d->one<TrialRecord>("WHERE id = ?", id);
}

Result<std::optional<TrialRecord>> Store::trialOf(Id<ProposalRecord> proposal) const
{
    return d->one<TrialRecord>("WHERE proposal IS ? ORDER BY id DESC LIMIT 1", proposal);
}

Result<std::vector<VersionRecord>> Store::versions() const
{
    return d->all<VersionRecord>("ORDER BY created, rowid");
}

Result<std::optional<VersionRecord>> Store::version(const Hash& hash) const
{
    return d->one<VersionRecord>("WHERE hash = ?", hash);
}

Result<VersionRecord> Store::findVersion(const std::string& prefix) const
{
    const bool isHex = prefix.size() <= 64 && prefix.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (prefix.size() < 4 || !isHex)
        return fail(Code::Usage, fmt::format("\"{}\" does not name a version.", prefix),
                    "Give at least the first 4 digits of its hash, as \"ratchet status\" shows it.");
    RATCHET_TRY(found, (d->all<VersionRecord>("WHERE hash >= ? AND hash < ? ORDER BY hash LIMIT 2", prefix, prefix + "g")));
    if (found.empty())
        return fail(Code::NotFound, fmt::format("No version's hash starts with {}.", prefix), "\"ratchet status\" lists the versions.");
    if (found.size() > 1)
        return fail(Code::Refused, fmt::format("More than one version's hash starts with {}.", prefix), "Give more digits.");
    return std::move(found.front());
}

Result<std::vector<ScorecardRecord>> Store::scorecards() const
{
    return d->all<ScorecardRecord>("ORDER BY rowid");
}

Result<std::vector<ScorecardRecord>> Store::scorecards(Id<ProposalRecord> proposal) const
{
    return d->all<ScorecardRecord>(fmt::format("WHERE ifnull(proposal, 0) = ? AND {} ORDER BY rowid", ofNewestQuestion), proposal.value);
}

Result<std::vector<ScorecardRecord>> Store::scorecards(Id<ProposalRecord> proposal, int k) const
{
    return d->all<ScorecardRecord>("WHERE ifnull(proposal, 0) = ? AND k = ? ORDER BY rowid", proposal.value, k);
}

Result<std::vector<ScorecardRecord>> Store::scorecardsOf(const Hash& version) const
{
    return d->all<ScorecardRecord>(fmt::format("WHERE ((challenger = ?1 AND champion <> ?1) OR (champion = ?1 AND proposal IS NULL)) AND {} "
                                               "ORDER BY rowid", ofNewestQuestion),
                                   version);
}

Result<std::vector<VerdictRecord>> Store::verdicts() const
{
    return d->all<VerdictRecord>("ORDER BY k, proposal");
}

Result<std::optional<VerdictRecord>> Store::verdict(Id<ProposalRecord> proposal) const
{
    return d->one<VerdictRecord>("WHERE proposal = ? ORDER BY k DESC LIMIT 1", proposal);
}

Result<std::vector<DecisionRecord>> Store::decisions() const
{
    return d->all<DecisionRecord>("ORDER BY id");
}

Result<std::vector<DeploymentRecord>> Store::deployments() const
{
    return d->all<DeploymentRecord>("ORDER BY id");
}

Result<std::optional<DeploymentRecord>> Store::live() const
{
    return d->one<DeploymentRecord>("ORDER BY id DESC LIMIT 1");
}

Result<std::vector<LessonRecord>> Store::lessons() const
{
    return d->all<LessonRecord>("ORDER BY family, operator_name");
}

Result<std::vector<GoalRecord>> Store::goals() const
{
    return d->all<GoalRecord>("ORDER BY id");
}

Result<std::vector<FailureRecord>> Store::failures(const Hash& version, int limit) const
{
    return d->all<FailureRecord>("WHERE version = ? ORDER BY rowid DESC LIMIT ?", version, std::max(limit, 0));
}

Result<std::vector<RewardRecord>> Store::rewards() const
{
    return d->all<RewardRecord>("ORDER BY id");
}

Result<std::vector<OutcomeRecord>> Store::outcomes(int limit) const
{
    return d->all<OutcomeRecord>("ORDER BY id DESC LIMIT ?", std::max(limit, 0));
}

Result<std::vector<ToothRecord>> Store::teeth() const
{
    return d->all<ToothRecord>("ORDER BY number");
}

Result<std::vector<LayerRecord>> Store::layers(Id<TrialRecord> trial) const
{
    return d->all<LayerRecord>("WHERE trial = ? ORDER BY step, position", trial);
}

Result<std::vector<LedgerEntry>> Store::ledger() const
{
    return d->all<LedgerEntry>("ORDER BY seq");
}

Result<std::optional<LedgerEntry>> Store::ledgerHead() const
{
    return d->one<LedgerEntry>("ORDER BY seq DESC LIMIT 1");
}

Result<std::optional<AnswerRecord>> Store::answer(const std::string& request) const
{
    return d->one<AnswerRecord>("WHERE request = ?", request);
}

Result<std::vector<AnswerRecord>> Store::answers(int limit) const
{
    return d->all<AnswerRecord>("ORDER BY seq DESC LIMIT ?", std::max(limit, 0));
}

Result<Flops> Store::spent() const
{
    sqlite::Statement statement = d->database->prepare("SELECT (SELECT ifnull(sum(spent), 0.0) FROM trial) + (SELECT ifnull(sum(spent), 0.0) FROM reward)");
    Flops total;
    RATCHET_TRY(row, statement.step());
    if (row)
        statement >> total;
    return total;
}

} // namespace ratchet
