// SPDX-License-Identifier: GPL-3.0-or-later
// The record kinds of a lab as plain values, one struct per table of schema.sql. Read by every room, written only by agent.
// Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/base/json.h"
#include "core/base/units.h"

namespace ratchet {

enum class ProposalState {
    Queued, Running, Trained, Accepted, Rejected, Inconclusive, Failed, Cancelled, Duplicate,
    Waiting,      // accepted, the person is asked
    Promoted,     // was or is champion
    Declined,     // accepted by the gate, rejected by a person
    Superseded,   // accepted, but a better one of the same tooth was promoted, or the champion moved on
    Screened,     // given up before the gate was asked: what was seen of it by then hardly ever led to an accept
};
enum class TrialState { Pending, Running, Trained, Failed, Cancelled };
enum class Verdict { Accept, Reject, Inconclusive, NoResult };
enum class DecisionKind { Approve, Reject, MoreEvidence };
enum class DeploymentKind { Seed, Promote, Rollback };
enum class GoalState { Open, Active, Reached, GivenUp };

// Names as stored and shown in --json: lower case with hyphens. Parsing an unknown name is BadInput.
[[nodiscard]] std::string toText(ProposalState);
[[nodiscard]] std::string toText(TrialState);
[[nodiscard]] std::string toText(Verdict);
[[nodiscard]] std::string toText(DecisionKind);
[[nodiscard]] std::string toText(DeploymentKind);
[[nodiscard]] std::string toText(GoalState);
[[nodiscard]] std::string toText(Code);
template <typename Enum> [[nodiscard]] Result<Enum> fromText(const std::string& name);   // specialised in records.cpp

struct VersionRecord {
    Hash hash;                       // of {genome, weights, tokenizer}: the version's name
    std::optional<Hash> parent;
    Hash genome, weights, tokenizer; // objects
    Time created{};
    std::optional<Id<TrialRecord>> trial;
    int generation = 0;              // parent's + 1
    std::int64_t parameters = 0;
    std::string origin;              // "seed", "proposal 12"
    std::optional<Hash> moments = {}; // object: the optimizer's at the end of its training, where they were kept; no part of its name
};

struct ProposalRecord {
    Id<ProposalRecord> id;
    int tooth = 0;
    Time created{};
    std::string family;              // architecture | data | tuning | reasoning | growth | replay | self-training | hand
    std::string operatorName;        // "answer format reversed"
    Hash parent;                     // version it starts from
    Json patch;                      // RFC 6902 on the parent's genome
    Hash genome;                     // object: resulting genome
    std::string reason, author;      // author: "improver:<hash>" or "person:<name>"
    double predictedGain = 0;        // score of the target suite, challenger minus champion
    Flops price;
    ProposalState state = ProposalState::Queued;
    std::string stateReason;         // one sentence
    double rank = 0;                 // queue order, lower first
    std::optional<Id<ProposalRecord>> duplicateOf;
};

struct TrialRecord {
    Id<TrialRecord> id;
    Id<ProposalRecord> proposal;     // 0 for the seed model
    std::uint64_t seed = 0;
    Flops budget, spent;             // spent: absolute, counted by the engine; never added twice
    TrialState state = TrialState::Pending;
    std::string stage;               // loading | self-training | preferences | averaging | shape | smoke | proxy | full | done
    std::string failure;             // sentence
    std::optional<Hash> version;
    std::int64_t steps = 0, tokens = 0;
    std::chrono::milliseconds wall{0};
    double peakBytes = 0;
    Json platform;                   // capability, threads, libtorch, sandbox level
    Time started{}, ended{};
    Json proxy = nullptr;            // what was seen before it was whole, and what was made of it (core/selector); null: nothing
    Json report = nullptr;           // what the worker told of what it started from (core/agent/trial_report.h); null: nothing
};

struct ScorecardRecord {
    Id<ProposalRecord> proposal;     // 0: the champion alone
    Hash challenger, champion;
    std::string suite, split;        // split: guide | gate | vault
    bool retained = false, probe = false;   // neither: the target suite
    int items = 0, wins = 0, losses = 0, ties = 0;
    double championMean = 0, challengerMean = 0;
    double difference = 0, low = 0, high = 0;   // challenger minus champion with its confidence sequence
    double eValue = 0;
    std::vector<double> path;        // log10 E after each batch of items, at most 200 points
    Json classes;                    // {"champion": {"carry": 3}, "challenger": {...}}
    Json samples;                    // guide and vault only
    Json calibration;                // {"champion": Calibration::toJson(), "challenger": ...}; null without confidences
    Time created{};
    // Standard deviations over items, of the challenger's scores and of the paired differences within the gate's range; empty
    // without a challenger and in cards of format 4 and before.
    std::optional<double> challengerDeviation = {}, differenceDeviation = {};
    int k = 0;                       // the lab's question that it belongs to, as its verdict's; 0: to none (observations, vault, replications)
};

struct VerdictRecord {
    Id<ProposalRecord> proposal;
    Hash challenger, champion;
    Verdict verdict = Verdict::NoResult;
    int k = 0;                       // the lab's k-th question
    double alpha = 0, eValue = 0, threshold = 0;   // of e-values: what accepts at alpha_k
    int pairs = 0, discordant = 0;
    std::string reason;              // sentence
    Json integrity;                  // [{"name", "ok", "detail"}]
    Time created{};
    int looks = 0;                   // batches of the target's pairs, after each of which the evidence was looked at; 0: not known
};

struct DecisionRecord {
    Id<DecisionRecord> id;
    Hash version;
    DecisionKind kind = DecisionKind::Approve;
    std::string actor;               // "person:ana" or "policy:<hash>"
    std::string reason;
    Hash binding;                    // hash of {version, suites, policy, scorecards} that was looked at
    Time created{};
};

struct DeploymentRecord {
    Id<DeploymentRecord> id;
    Hash version;
    std::optional<Hash> previous;
    std::optional<Id<DecisionRecord>> decision;
    DeploymentKind kind = DeploymentKind::Promote;
    std::string actor, reason;
    Time created{};
};

// What is believed about a kind of change: gain is Normal with these moments (shrunken towards 0).
struct LessonRecord {
    std::string family, operatorName;
    int tried = 0, accepted = 0, failed = 0;
    double meanGain = 0, varianceGain = 0;      // of the measured difference on the target suite
    Flops cost;
    double predictedError = 0;                  // mean of predicted minus measured gain
    Time updated{};
    // Versions of this kind whose recipe was trained again: the gain their gate saw and the one that came back, both means.
    int replicated = 0;
    double nominalGain = 0, replicatedGain = 0;
    double weight = 0, weightSquares = 0;       // sums over the measurements: each weighs 1 / propensity (core/memory/lessons.h)
};

struct GoalRecord {
    Id<GoalRecord> id;
    std::optional<Id<GoalRecord>> parent;
    std::string title, suite, metric;           // metric: "exact match" | "bits per byte"
    bool higherIsBetter = true;
    double target = 0, value = 0;
    GoalState state = GoalState::Open;
    Flops price, spent;
    std::string note;
};

struct FailureRecord {
    Hash version;
    std::string suite, failureClass;
    Json question;
    std::string prompt, expected, answer;
    double confidence = 0;
    Time created{};
};

// A piece of work of a model of what is a right answer (core/agent/reward.h): it was learnt, held against graded answers, or asked.
struct RewardRecord {
    Id<RewardRecord> id;
    Hash genome, weights;            // objects; unset when nothing was learnt
    Json report;                     // what was done and what came of it
    Flops spent;
    Time created{};
};

// What a served model's user said.
struct OutcomeRecord {
    Id<OutcomeRecord> id;
    Hash version;
    std::string prompt, completion, correction;   // correction empty: none given
    double rating = 0;
    std::optional<Json> question;                 // parsed by the domain
    Time created{};
};

struct ToothRecord {
    int number = 0;                  // from 1
    std::string stage;               // observe | plan | propose | train | judge | approve | deploy | learn | done
    Json state;                      // what the stage needs to go on after a crash
    Time started{}, ended{};         // ended 0: not yet
};

struct SeriesPoint { std::int64_t step = 0; double value = 0; };
struct SeriesInfo { std::int64_t id = 0; Id<TrialRecord> trial; std::string name; std::int64_t points = 0; };
// One bucket of the pyramid: steps [step, step + width).
struct SeriesBucket { std::int64_t step = 0; std::int64_t width = 1; double low = 0, high = 0, last = 0; std::int64_t count = 1; };

struct LayerRecord {
    Id<TrialRecord> trial;
    std::int64_t step = 0;
    int index = 0;                   // order in the model
    std::string layer;
    Json values;                     // {"rms": 0.8, ...}
    std::vector<std::int64_t> histogram;
};

struct LedgerEntry { std::int64_t seq = 0; std::string line; Hash hash; };   // hash = SHA-256 of line; line holds prev

// What became of a request.
struct AnswerRecord {
    std::string request;             // Request::id
    std::string kind;
    bool ok = false;
    Code code = Code::Refused;       // of a refusal, as Error; so are text and hint
    std::string text, hint;
    Time created{};
};

struct Change { std::int64_t seq = 0; std::string what; std::string ref; };  // what: table name; ref: row key

} // namespace ratchet
