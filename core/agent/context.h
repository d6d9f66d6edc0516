// SPDX-License-Identifier: GPL-3.0-or-later
// An opened lab with everything a stage of the loop reads: configuration, store, objects, domain, search space.
// Made by the engine and, for single requests, by carryOut(). One thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/guard/approval.h"
#include "core/launch/messages.h"
#include "core/genome/search_space.h"
#include "core/plugin/domain.h"
#include "core/store/lab.h"

namespace ratchet {

struct Context {
    LabPaths paths;
    LabConfig config;
    std::unique_ptr<Store> store;
    ObjectStore objects;
    std::unique_ptr<Domain> domain;
    DomainInfo info;
    std::vector<SuiteSpec> suites;      // that decide, target first
    std::vector<SuiteSpec> probes;      // that only show something
    SearchSpace space;
    int vocabulary = 0;
    Hash tokenizer;                     // object
    Json tokenizerJson = nullptr;       // its content for the learner; null when it is the domain's alphabet
    std::optional<Policy> policy;       // in force: the run's, or for a single request LAB/policy.json
    int sandboxLevel = 1;
    std::chrono::milliseconds silence{120'000};      // EngineOptions::silence
    double memoryBytes = 0;             // what a learner may use (core/agent/limits.h)
    int threads = 1;                    // of a trial

    explicit Context(LabPaths where) : paths(std::move(where)), objects(paths.objects()) {}
    // Opens store (writer), domain and search space; verifies the ledger's chain and has the gate's figures in it. The caller holds the lab's lock.
    [[nodiscard]] static Result<std::unique_ptr<Context>> open(const LabPaths& paths);
    // The same with a store that is only read, to look at a lab that somebody else may hold; writes nothing, verifies nothing.
    [[nodiscard]] static Result<std::unique_ptr<Context>> look(const LabPaths& paths);

    // Appends to the ledger; call inside the transaction of what it records.
    [[nodiscard]] Status record(const std::string& actor, const std::string& type, const Json& refs);
    [[nodiscard]] Result<Genome> genome(const Hash& object) const;
    // Genome and weights of a stored version as the learner wants them; NotFound or Damaged when an object is, Damaged when its parts
    // are not those of its name, or it reads with another tokenizer than the lab.
    [[nodiscard]] Result<Artifact> artifact(const Hash& version) const;
    // File of what a version's optimizer held at its end; empty when nothing was kept (imports, averages, ensembles, low rank, and
    // where keepsMoments() said no); NotFound or Damaged when the object is.
    [[nodiscard]] Result<std::string> moments(const Hash& version) const;
    // Whether a child may carry on this genome's moments: three times the disk of its weights, so only where it can matter.
    [[nodiscard]] bool keepsMoments(const Genome& genome) const;
    // Tokens of the longest row it trains on, as far as that is known before its data are drawn; Failed when the plugin throws.
    [[nodiscard]] Result<int> rowLength(const Genome& genome) const;
    // Compute of one training step with rows of that length, teachers included.
    [[nodiscard]] Result<Flops> stepPrice(const Genome& genome, const std::vector<Architecture>& teachers = {}) const;
    // The live version; NotFound before the seed model was trained.
    [[nodiscard]] Result<VersionRecord> champion() const;
    [[nodiscard]] const SuiteSpec& target() const { return suites.front(); }
    // The lab's own copy of the corpus it was made with; empty when there is none.
    [[nodiscard]] std::string corpusFolder() const { return config.corpusSource.empty() ? std::string() : paths.corpus().string(); }
    // The split whose scores lessons and the choice of parents may see: of finite data nothing but verdicts may leave the gate, and
    // the guide items are those of accepted versions.
    [[nodiscard]] const char* learnsFrom() const { return config.isDataFinite() ? "guide" : "gate"; }
    // Corrected answers of users; `train` picks the half (by content hash) that is trained on, without what the gate or the vault
    // may ask, else the half judged by.
    [[nodiscard]] Result<std::vector<Json>> feedback(bool train) const;
    // Answers of which users prefer one, as TrainSpec::preferences has them, of the half that feedback(true) takes: a correction to
    // the answer it corrected; of one question the answer rated highest, above 0, to every one rated below 0. An answer is what
    // the domain reads in a completion, or the completion where it reads nothing.
    [[nodiscard]] Result<std::vector<Json>> preferences() const;
    // Score (0 .. 1, higher is better) as the domain's metric: exact match or bits per byte.
    [[nodiscard]] double metric(double score) const { return info.measure == Measure::ExactMatch ? score : (1 - score) * 8; }

private:
    [[nodiscard]] Result<std::string> describe();      // domain, space and tokenizer, whose text it returns
};

// Context::rowLength() and stepPrice() of a lab that is not there yet.
[[nodiscard]] Result<int> rowLength(const Domain& domain, const std::string& name, const Genome& genome);
[[nodiscard]] Flops stepPrice(const Genome& genome, int vocabulary, int length, const std::vector<Architecture>& teachers = {});

// LAB/search_space.json; BadInput naming what is wrong with it.
[[nodiscard]] Result<SearchSpace> readSearchSpace(const LabPaths& paths);

// A version's name: the hash of its genome, weights and tokenizer.
[[nodiscard]] Hash versionHash(const VersionRecord& version);
// Damaged when a record's parts are not those that its name is the hash of.
[[nodiscard]] Status checkName(const VersionRecord& version);

// The tokenizer the lab was made with, as Tokenizer::toJson() wrote it; null when that is the domain's alphabet.
[[nodiscard]] Result<Json> labTokenizer(const Store& store, const ObjectStore& objects);

} // namespace ratchet
