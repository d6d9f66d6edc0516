// SPDX-License-Identifier: GPL-3.0-or-later
// A lab on disk: folder layout, configuration, the writer's lock, and requests from other programs. Any thread unless said.
//   LAB/lab.json            what the person chose (LabConfig); read-only after creation
//   LAB/search_space.json   owned by the person
//   LAB/policy.json         written approval policy, if any
//   LAB/ratchet.db          Store
//   LAB/objects/            ObjectStore
//   LAB/corpus/             Corpus, when the domain needs one
//   LAB/judge/              mode 0700; `secret`
//   LAB/keys/               mode 0700; Ed25519 signing key of this lab, server token
//   LAB/work/trial-N/       scratch of a worker
//   LAB/requests/           requests of other programs, one file each
//   LAB/ledger.head         how many entries the ledger had when that was last written down, and the last one's hash
//   LAB/engine.lock         held by the engine (open file description lock); holds its pid
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/units.h"
#include "core/store/object_store.h"
#include "core/store/store.h"

namespace ratchet {

struct LabConfig {
    int format = 1;
    std::string ratchet;              // version that created it
    std::string domain;
    std::string goal;                 // "exact match >= 0.99 on addition-3"
    Flops budget, trialBudget;
    std::uint64_t seed = 0;
    int candidates = 4;               // proposals a tooth
    double alpha = 0.05;              // false accepts over the whole lab
    double alphaDecay = 2;            // how fast later questions get less of it (elondAlpha); older labs have 2
    int gateItems = 2000;             // most pairs a question may draw
    double placebos = 0;              // chance that a drawn candidate gives way to a placebo (core/agent/controls.h)
    std::string parents = "balanced"; // whom candidates start from: a ParentPolicy (core/selector/archive.h)
    double proxy = 0;                 // share of a trial's budget after which it may be given up (core/selector); 0: never
    double audit = 0.2;               // chance that a trial that would be given up is trained and judged all the same
    int vaultLooks = 20;              // most times that the vault of finite data is opened (core/agent/vault.h)
    double reward = 0;                // share of a trial's budget that a reward model is trained for; 0: there is none
    double minEffect = 0.005;         // smallest difference of mean scores worth accepting
    double retainedAlpha = 0.05;      // bound on passing a retained suite that got worse by more than its margin, per suite
    std::string corpusSource;         // as the person named it
    std::string created;
    // What these may be. An exact level (core/selector/boundary.h) takes time as the square of gateItems.
    static constexpr double leastAlpha = 1e-6, mostAlpha = 0.95, mostMinEffect = 0.1;
    static constexpr int leastGateItems = 10, mostGateItems = 20'000;
    // Whether the goal is in bits per byte b; scores s are then 1 - b / 8.
    [[nodiscard]] bool isBitsPerByte() const { return goal.find("bits per byte") != std::string::npos; }
    // Whether every question draws from the same finite data: a corpus, where other domains make items that are always new.
    [[nodiscard]] bool isDataFinite() const { return !corpusSource.empty(); }
    [[nodiscard]] Json toJson() const;
    [[nodiscard]] static Result<LabConfig> fromJson(const Json& json);   // Newer for a higher format
};

struct LabPaths {
    std::filesystem::path root;
    [[nodiscard]] std::filesystem::path config() const { return root / "lab.json"; }
    [[nodiscard]] std::filesystem::path searchSpace() const { return root / "search_space.json"; }
    [[nodiscard]] std::filesystem::path policy() const { return root / "policy.json"; }
    [[nodiscard]] std::filesystem::path database() const { return root / "ratchet.db"; }
    [[nodiscard]] std::filesystem::path objects() const { return root / "objects"; }
    [[nodiscard]] std::filesystem::path corpus() const { return root / "corpus"; }
    [[nodiscard]] std::filesystem::path judge() const { return root / "judge"; }
    [[nodiscard]] std::filesystem::path keys() const { return root / "keys"; }
    [[nodiscard]] std::filesystem::path work() const { return root / "work"; }
    [[nodiscard]] std::filesystem::path requests() const { return root / "requests"; }
    [[nodiscard]] std::filesystem::path ledgerHead() const { return root / "ledger.head"; }
    [[nodiscard]] std::filesystem::path lock() const { return root / "engine.lock"; }
    [[nodiscard]] std::filesystem::path report() const { return root / "report.html"; }
};

// Makes the folder with everything but the seed model. Refuses a folder that exists and is not empty, a file, a read-only
// place; removes what it made when it fails half way. `secret` is the judge's (32 hexadecimal bytes).
[[nodiscard]] Status createLab(const LabPaths& paths, const LabConfig& config, const Json& searchSpace, const std::string& secret);
[[nodiscard]] Result<LabConfig> readLabConfig(const LabPaths& paths);   // NotFound: "... is not a lab"; file; Newer

// Holds LAB/engine.lock while alive. Conflict, naming the pid, when another engine has it.
class LabLock {
public:
    [[nodiscard]] static Result<LabLock> take(const LabPaths& paths);
private:
    explicit LabLock(UniqueFd fd) : m_fd(std::move(fd)) {}
    UniqueFd m_fd;
};
[[nodiscard]] bool isEngineRunning(const LabPaths& paths);

// What another program asks of the engine that holds the lab. Signed with the lab's key so that only someone who may
// read LAB/keys can ask. Arguments by kind; `version` is a full hash, `proposal` a number:
//   approve, reject, rollback   {"version", "reason"}
//   propose                     {"patch", "reason"}
//   cancel, retry               {"proposal"}
//   move                        {"proposal", "before"}        before: the proposal it goes in front of, 0 is the end
//   feedback                    {"version", "prompt", "completion", "correction", "rating"}
//   replicate, withdraw         {"version", "besideItself", "seeds", "items"}    as ReplicationWish; the last two of the first alone
//   space                       {"open", "close"}             bounds by path, paths; pause, resume, step and stop have none
[[nodiscard]] std::string newRequestId();
struct Request {
    std::string kind;        // approve | reject | rollback | propose | cancel | retry | move | pause | resume | step | stop | feedback |
                             // more-evidence | replicate | withdraw | space
    std::string actor;       // "person:ana"
    Json arguments;
    Time created{};
    std::string id = newRequestId();   // its answer is stored under it; a request is carried out once, however often it comes
};
[[nodiscard]] Status putRequest(const LabPaths& paths, const Request& request);
// Oldest first; each file is removed by takeRequests. Files that are unsigned, damaged or unknown are moved to
// requests/refused and reported in `refused`.
struct TakenRequests { std::vector<Request> requests; std::vector<std::string> refused; };
enum class Taken { Done, Later };   // Later: not now; its file stays
// `carryOut` is called for each before its file goes, so that a kill in between loses nothing; its error leaves the file. It
// may itself take requests that are waiting.
[[nodiscard]] Result<TakenRequests> takeRequests(const LabPaths& paths, const std::function<Result<Taken>(const Request&)>& carryOut = {});

} // namespace ratchet
