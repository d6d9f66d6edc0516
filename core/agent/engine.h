// SPDX-License-Identifier: GPL-3.0-or-later
// The engine: turns the loop tooth by tooth (observe, plan, propose, train, judge, approve, deploy, learn), is the only
// writer of its lab, and goes on where it stopped. Used by ratchet, and by ratchet-lab in a thread of its own.
// run() belongs to one thread; post() and the stop token may be used from any.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/agent/replication.h"
#include "core/agent/status.h"
#include "core/base/error.h"
#include "core/guard/approval.h"
#include "core/store/lab.h"

namespace ratchet {

struct EngineOptions {
    std::filesystem::path learner;                  // empty: beside the program
    std::vector<std::string> learnerArguments;      // before the role; for a learner that is reached through another program
    std::chrono::milliseconds silence{120'000};     // a worker or judge that says nothing for so long is ended
    int workers = 0;                                // 0: as many as the cores have threads for, on a CUDA device one
    int threads = 1;                                // of a trial on the CPU; its results depend on it
    std::optional<Policy> policy;                   // unattended; recorded in the ledger when the run starts
    int sandboxLevel = 1;                           // least level accepted
    std::optional<double> memoryBytes;              // what a learner may use; empty: what the device has
    std::string device = "auto", precision = "auto", kernels = "own";   // core/launch/device.h
};

struct RunLimits {
    std::optional<int> teeth;                       // this many more; 0: only the replications that were asked for, and the vault stays closed
    bool untilGoal = false;
    std::optional<std::chrono::milliseconds> time;  // no new tooth is begun that would likely not end in time
    bool waitForDecisions = true;                   // false: return when only a person can go on
};

enum class RunEnd { Teeth, Goal, OutOfTime, Budget, Stopped, WaitingForPerson };

class Engine {
public:
    // Takes the lab's lock, verifies the ledger's head and the live version's objects, re-queues what a killed engine left.
    [[nodiscard]] static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& lab, EngineOptions options);
    ~Engine();
    using Watcher = std::function<void(const EngineStatus&)>;
    [[nodiscard]] Result<RunEnd> run(const RunLimits& limits, std::stop_token stop, const Watcher& watcher = {});
    // Trains a version's recipe again with other seeds and measures what comes of it, instead of turning the loop. Refused when
    // the budget does not pay for it; Cancelled when stopped: what was trained and measured is kept for the next call.
    [[nodiscard]] Result<Replication> replicate(const ReplicationWish& wish, std::stop_token stop, const Watcher& watcher = {});
    // A person's wish while it runs (or before); handled within about 250 ms. Any thread.
    void post(const Request& request);
private:
    Engine();
    struct Private;
    std::unique_ptr<Private> d;
};

// Creates a lab with everything but the seed model, which the first run() trains as trial 1 unless one is imported.
struct NewLab {
    std::filesystem::path root;
    std::string domain;
    std::string corpus;                             // empty: none
    std::string goal;                               // empty: the domain's
    std::optional<Flops> budget, trialBudget;
    std::optional<std::uint64_t> seed;              // empty: drawn; the judge's secret follows from it only when it was given
    std::optional<int> candidates;
    std::optional<double> placebos;                 // 0 to 0.9, LabConfig::placebos
    std::string tokenizer;                          // empty or "bytes": the domain's alphabet; "bpe:1024": learnt from the corpus' training documents
    std::filesystem::path importFrom;               // Hugging Face folder whose model is live from the start; empty: the first run trains one
    std::optional<double> memoryBytes;              // what training its first model may use; empty: what the machine has
    std::string parents = {};                       // LabConfig::parents; empty: its default
    std::optional<double> proxy = {}, audit = {};   // LabConfig's; below 1, and above 0 up to 1
    std::optional<double> reward = {};              // 0 to 1, LabConfig::reward
    std::optional<double> alpha = {}, minEffect = {}, retainedAlpha = {};   // LabConfig's, within its bounds
    std::optional<int> gateItems = {};
    std::optional<int> vaultLooks = {};             // 0 or more; only with a corpus
};
// Nothing is left of the lab when it fails.
[[nodiscard]] Status newLab(const NewLab& wanted);

// LAB/policy.json when the person wrote one: what decides instead of a person, in every program that runs the lab.
[[nodiscard]] Result<std::optional<Policy>> writtenPolicy(const LabPaths& paths);

// Carries out one request when no engine runs (takes the lock for a moment), else hands it to the one that does.
enum class Carried { Done, HandedOver };
[[nodiscard]] Result<Carried> carryOut(const std::filesystem::path& lab, const Request& request);

} // namespace ratchet
