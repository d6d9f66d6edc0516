// SPDX-License-Identifier: GPL-3.0-or-later
// Which column holds which member, once, for reading and for writing. Internal to core/store.
#pragma once

#include <string>

#include "core/store/records.h"
#include "core/store/sqlite.h"

namespace ratchet {

// Table<Record>::name, ::key (conflict target of a write that replaces), and each(record, visit) calling
// visit(column, member) in order.
template <typename Record>
struct Table;

// Records whose id the database gives out.
template <typename Record>
concept Numbered = requires(Record record) { record.id.value; };

#define RATCHET_TABLE(Record, table, conflict, ...)                                                                    \
    template <>                                                                                                        \
    struct Table<Record> {                                                                                             \
        static constexpr const char* name = table;                                                                     \
        static constexpr const char* key = conflict;                                                                   \
        template <typename R, typename Visit>                                                                          \
        static void each(R& r, Visit&& visit)                                                                          \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    };

RATCHET_TABLE(VersionRecord, "version", "hash",
    visit("hash", r.hash); visit("parent", r.parent); visit("genome", r.genome); visit("weights", r.weights);
    visit("tokenizer", r.tokenizer); visit("created", r.created); visit("trial", r.trial);
    visit("generation", r.generation); visit("parameters", r.parameters); visit("origin", r.origin);
    visit("moments", r.moments);)

RATCHET_TABLE(ProposalRecord, "proposal", "id",
    visit("id", r.id); visit("tooth", r.tooth); visit("created", r.created); visit("family", r.family);
    visit("operator_name", r.operatorName); visit("parent", r.parent); visit("patch", r.patch); visit("genome", r.genome);
    visit("reason", r.reason); visit("author", r.author); visit("predicted_gain", r.predictedGain);
    visit("price", r.price); visit("state", r.state); visit("state_reason", r.stateReason); visit("rank", r.rank);
    visit("duplicate_of", r.duplicateOf);)

RATCHET_TABLE(TrialRecord, "trial", "id",
    visit("id", r.id); visit("proposal", r.proposal); visit("seed", r.seed); visit("budget", r.budget);
    visit("spent", r.spent); visit("state", r.state); visit("stage", r.stage); visit("failure", r.failure);
    visit("version", r.version); visit("steps", r.steps); visit("tokens", r.tokens); visit("wall", r.wall);
    visit("peak_bytes", r.peakBytes); visit("platform", r.platform); visit("started", r.started); visit("ended", r.ended);
    visit("proxy", r.proxy); visit("report", r.report);)

RATCHET_TABLE(ScorecardRecord, "scorecard", "ifnull(proposal, 0), k, challenger, champion, suite, split",
    visit("proposal", r.proposal); visit("challenger", r.challenger); visit("champion", r.champion);
    visit("suite", r.suite); visit("split", r.split); visit("retained", r.retained); visit("probe", r.probe); visit("items", r.items);
    visit("wins", r.wins); visit("losses", r.losses); visit("ties", r.ties); visit("champion_mean", r.championMean);
    visit("challenger_mean", r.challengerMean); visit("difference", r.difference); visit("low", r.low);
    visit("high", r.high); visit("e_value", r.eValue); visit("path", r.path); visit("classes", r.classes);
    visit("samples", r.samples); visit("calibration", r.calibration); visit("created", r.created);
    visit("challenger_deviation", r.challengerDeviation); visit("difference_deviation", r.differenceDeviation);
    visit("k", r.k);)

RATCHET_TABLE(VerdictRecord, "verdict", "proposal, k",
    visit("proposal", r.proposal); visit("challenger", r.challenger); visit("champion", r.champion);
    visit("verdict", r.verdict); visit("k", r.k); visit("alpha", r.alpha); visit("e_value", r.eValue);
    visit("threshold", r.threshold); visit("pairs", r.pairs); visit("discordant", r.discordant);
    visit("reason", r.reason); visit("integrity", r.integrity); visit("created", r.created); visit("looks", r.looks);)

RATCHET_TABLE(DecisionRecord, "decision", "id",
    visit("id", r.id); visit("version", r.version); visit("kind", r.kind); visit("actor", r.actor);
    visit("reason", r.reason); visit("binding", r.binding); visit("created", r.created);)

RATCHET_TABLE(DeploymentRecord, "deployment", "id",
    visit("id", r.id); visit("version", r.version); visit("previous", r.previous); visit("decision", r.decision);
    visit("kind", r.kind); visit("actor", r.actor); visit("reason", r.reason); visit("created", r.created);)

RATCHET_TABLE(LessonRecord, "lesson", "family, operator_name",
    visit("family", r.family); visit("operator_name", r.operatorName); visit("tried", r.tried);
    visit("accepted", r.accepted); visit("failed", r.failed); visit("mean_gain", r.meanGain);
    visit("variance_gain", r.varianceGain); visit("cost", r.cost); visit("predicted_error", r.predictedError);
    visit("updated", r.updated); visit("replicated", r.replicated); visit("nominal_gain", r.nominalGain);
    visit("replicated_gain", r.replicatedGain); visit("weight", r.weight); visit("weight_squares", r.weightSquares);)

RATCHET_TABLE(GoalRecord, "goal", "id",
    visit("id", r.id); visit("parent", r.parent); visit("title", r.title); visit("suite", r.suite);
    visit("metric", r.metric); visit("higher_is_better", r.higherIsBetter); visit("target", r.target);
    visit("value", r.value); visit("state", r.state); visit("price", r.price); visit("spent", r.spent);
    visit("note", r.note);)

RATCHET_TABLE(FailureRecord, "failure", "version, suite, prompt",
    visit("version", r.version); visit("suite", r.suite); visit("failure_class", r.failureClass);
    visit("question", r.question); visit("prompt", r.prompt); visit("expected", r.expected); visit("answer", r.answer);
    visit("confidence", r.confidence); visit("created", r.created);)

RATCHET_TABLE(RewardRecord, "reward", "id",
    visit("id", r.id); visit("genome", r.genome); visit("weights", r.weights); visit("report", r.report);
    visit("spent", r.spent); visit("created", r.created);)

RATCHET_TABLE(OutcomeRecord, "outcome", "id",
    visit("id", r.id); visit("version", r.version); visit("prompt", r.prompt); visit("completion", r.completion);
    visit("correction", r.correction); visit("rating", r.rating); visit("question", r.question);
    visit("created", r.created);)

RATCHET_TABLE(ToothRecord, "tooth", "number",
    visit("number", r.number); visit("stage", r.stage); visit("state", r.state); visit("started", r.started);
    visit("ended", r.ended);)

RATCHET_TABLE(LayerRecord, "layer", "trial, step, position",
    visit("trial", r.trial); visit("step", r.step); visit("position", r.index); visit("layer", r.layer);
    visit("statistics", r.values); visit("histogram", r.histogram);)

RATCHET_TABLE(LedgerEntry, "ledger", "seq", visit("seq", r.seq); visit("line", r.line); visit("hash", r.hash);)

RATCHET_TABLE(AnswerRecord, "answer", "request",
    visit("request", r.request); visit("kind", r.kind); visit("ok", r.ok); visit("code", r.code); visit("text", r.text);
    visit("hint", r.hint); visit("created", r.created);)

RATCHET_TABLE(Change, "change", "seq", visit("seq", r.seq); visit("what", r.what); visit("ref", r.ref);)

#undef RATCHET_TABLE

template <typename Record>
std::string columnList(const char* separator, const std::function<std::string(const std::string&)>& write)
{
    std::string text;
    const Record record{};
    Table<Record>::each(record, [&](const char* column, const auto&) { text += (text.empty() ? "" : separator) + write(column); });
    return text;
}

template <typename Record>
const std::string& selectSql()
{
    static const std::string sql =
        "SELECT " + columnList<Record>(", ", [](const std::string& column) { return column; }) + " FROM " + Table<Record>::name;
    return sql;
}

template <typename Record>
const std::string& insertSql()
{
    static const std::string sql = fmt::format(
        "INSERT INTO {} ({}) VALUES ({})", Table<Record>::name,
        columnList<Record>(", ", [](const std::string& column) { return column; }),
        columnList<Record>(", ", [](const std::string&) { return std::string("?"); }));
    return sql;
}

template <typename Record>
const std::string& replaceSql()
{
    static const std::string sql =
        fmt::format("{} ON CONFLICT ({}) DO UPDATE SET {}", insertSql<Record>(), Table<Record>::key,
                    columnList<Record>(", ", [](const std::string& column) { return column + " = excluded." + column; }));
    return sql;
}

template <typename Record>
void bind(sqlite::Statement& statement, const Record& record)
{
    Table<Record>::each(record, [&](const char*, const auto& member) { statement << member; });
}

template <typename Record>
void read(sqlite::Statement& statement, Record& record)
{
    Table<Record>::each(record, [&](const char*, auto& member) { statement >> member; });
}

} // namespace ratchet
