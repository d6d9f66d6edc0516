// SPDX-License-Identifier: GPL-3.0-or-later
// Where `ratchet bench attacks` fights: small real labs, a tooth of the real engine with an attacker for its learner, and the
// naive gate beside it. Blocking; labs of one arena may be used from several threads, each lab from one.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>

#include "app/ratchet/attacker.h"
#include "app/ratchet/bench.h"
#include "core/agent/engine.h"
#include "core/launch/messages.h"

namespace ratchet {

// Of a tooth with one proposal in it.
struct Tooth {
    ProposalRecord proposal;
    std::optional<VerdictRecord> verdict;      // none: it did not come to a judging
    std::optional<Hash> version;
    std::vector<ScorecardRecord> scorecards;
    bool accepted = false;                     // by the gate, or deployed
    std::string why;                           // the sentence with which it ended
};

// A harness without a gate: it trusts what it is told, asks the same visible items every time, and keeps what looks better.
class NaiveGate {
public:
    NaiveGate(const BenchOptions& options, std::filesystem::path lab) : m_options(options), m_lab(std::move(lab)) {}
    // Whether the loss that this worker reports is not above the champion's last one. Nothing else is looked at.
    [[nodiscard]] Result<bool> believesLoss(const AttackPlan& plan, const Json& patch) const;
    // Mean score of the second artifact minus the first one's on the visible items, as the judge (or who plays it) tells it;
    // NaN when no number comes within `patience`.
    [[nodiscard]] Result<double> visibleGain(const AttackPlan& plan, const Hash& champion, const Hash& challenger,
                                             std::chrono::milliseconds patience = std::chrono::minutes(2)) const;
    // "Not seen to be worse": what a comparison with NaN comes to in a harness written as `if new <= old: reject`.
    [[nodiscard]] static bool accepts(double gain) { return !(gain <= 0); }

private:
    const BenchOptions& m_options;
    std::filesystem::path m_lab;
};

class Arena {
public:
    Arena(const BenchOptions& options, std::stop_token stop) : m_options(options), m_stop(std::move(stop)) {}
    // Makes the lab whose champion answers about two sums in three, by an honest tooth: the control. Half a minute or so.
    // `beforeApproval` is called while the challenger that the gate accepted waits for a person.
    [[nodiscard]] Result<Tooth> prepare(const std::function<Status(const LabPaths&, const Tooth&)>& beforeApproval);
    // A lab of its own with that champion.
    [[nodiscard]] Result<LabPaths> lab();
    // A folder of its own.
    [[nodiscard]] std::filesystem::path place();

    // Proposes the patch and turns one tooth with the attacker as learner.
    struct Limits { std::chrono::milliseconds silence{120'000}; std::function<void()> onStatus; };
    [[nodiscard]] Result<Tooth> turn(const LabPaths& lab, const AttackPlan& plan, const Json& patch, const Limits& limits) const;
    [[nodiscard]] Result<Tooth> turn(const LabPaths& lab, const AttackPlan& plan, const Json& patch) const { return turn(lab, plan, patch, Limits{}); }
    // Runs the engine as it is, until the seed model has been trained and looked at, or for one tooth.
    [[nodiscard]] Status run(const LabPaths& lab, const AttackPlan& plan, int teeth, const Limits& limits) const;
    [[nodiscard]] Status ask(const LabPaths& lab, const std::string& kind, const Json& arguments, const std::string& actor) const;
    [[nodiscard]] AttackPlan honest() const;
    [[nodiscard]] NaiveGate naive(const LabPaths& lab) const { return {m_options, lab.root}; }

private:
    const BenchOptions& m_options;
    std::stop_token m_stop;
    std::atomic<int> m_places{0};
};

// A stored version as the learner wants it; its weights are not verified.
[[nodiscard]] Result<Artifact> artifactOf(const LabPaths& paths, const Hash& version);
// [{"op": "replace", ...}] of path and value.
[[nodiscard]] Json replacing(const Json& values);
// A patch that matters for nothing that an attacker forges, another one for every number.
[[nodiscard]] Json trivialPatch(int number);

} // namespace ratchet
