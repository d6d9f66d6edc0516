// SPDX-License-Identifier: GPL-3.0-or-later
// A lab in a folder that goes away, and what tests of the whole engine ask of it.
#pragma once

#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>

#include <fmt/format.h>

#include "core/agent/engine.h"
#include "core/guard/ledger.h"
#include "core/store/lab.h"
#include "tests/app/player.h"

namespace ratchet {

// The value itself: a range-for over Result::value() of a temporary would dangle.
template <typename T> T taken(Result<T> result)
{
    return std::move(result).value();
}

inline Policy acceptingPolicy()
{
    return Policy::fromJson({{"approve", "accepted"}, {"minDifference", 0.0}, {"maxDeployments", 100}, {"reason", "A test decides."}}).value();
}

// What a seeded lab came to, without any time in it.
struct Account {
    std::vector<std::string> versions, proposals, verdicts, deployments;
    double spent = 0;
    bool operator==(const Account&) const = default;
};

class TinyLab {
public:
    explicit TinyLab(int candidates = 2, std::filesystem::path root = {}, double placebos = 0, double proxy = 0, double audit = 0.2,
                     double reward = 0)
        : m_root(std::move(root))
    {
        if (m_root.empty())
            m_root = std::filesystem::path(m_folder.path().toStdString()) / "lab";
        NewLab wanted;
        wanted.root = m_root;
        wanted.domain = "arithmetic";
        wanted.trialBudget = Flops{proxy > 0 ? 16e9 : 4e9};       // what pays for a look, too
        wanted.budget = Flops{250 * wanted.trialBudget->value};
        wanted.seed = 7;
        wanted.candidates = candidates;
        wanted.placebos = placebos;
        wanted.proxy = proxy;
        wanted.audit = audit;
        wanted.reward = reward;
        const Status made = newLab(wanted);
        if (!made)
            qFatal("no lab: %s", made.error().text.c_str());
    }
    [[nodiscard]] const std::filesystem::path& root() const { return m_root; }
    [[nodiscard]] LabPaths paths() const { return LabPaths{m_root}; }
    [[nodiscard]] std::unique_ptr<Store> read() const { return Store::open(paths().database(), Store::Mode::ReadOnly).value(); }

    // A copy of this program that misbehaves as its name says.
    [[nodiscard]] std::filesystem::path learner(const std::string& fault) const
    {
        const auto copy = std::filesystem::path(m_folder.path().toStdString()) / "bin" / fault;
        std::filesystem::create_directories(copy.parent_path());
        std::filesystem::copy_file("/proc/self/exe", copy, std::filesystem::copy_options::skip_existing);
        return copy;
    }
    [[nodiscard]] Result<std::unique_ptr<Engine>> open(const std::string& fault = "honest", std::optional<Policy> policy = acceptingPolicy(), int workers = 2) const
    {
        EngineOptions options;
        options.learner = learner(fault);
        options.workers = workers;
        options.policy = std::move(policy);
        return Engine::open(m_root, options);
    }
    [[nodiscard]] Result<RunEnd> run(int teeth = 1, const std::string& fault = "honest", std::optional<Policy> policy = acceptingPolicy(), int workers = 2) const
    {
        RATCHET_TRY(engine, open(fault, std::move(policy), workers));
        return engine->run({.teeth = teeth, .untilGoal = false, .time = {}, .waitForDecisions = false}, {});
    }
    // A request as another program makes it while no engine runs.
    [[nodiscard]] Status ask(const std::string& kind, const Json& arguments, const std::string& actor = "person:ana") const
    {
        ::setenv("RATCHET_LEARNER", learner("honest").c_str(), 1);
        const auto carried = carryOut(m_root, {kind, actor, arguments, now()});
        return carried ? Status{} : Status(passOn(carried));
    }
    [[nodiscard]] Status proposeReversed() const
    {
        return ask("propose", {{"patch", Json::parse(R"([{"op": "replace", "path": "/reasoning/format", "value": "reversed"}])")},
                               {"reason", "Carries run from the right."}});
    }
    [[nodiscard]] bool isWhole() const
    {
        const auto store = read();
        bool objects = true;
        for (const VersionRecord& version : taken(store->versions()))
            for (const Hash& hash : {version.genome, version.weights, version.tokenizer})
                objects = objects && ObjectStore(paths().objects()).verify(hash);
        return objects && verifyLedger(*store, paths()).value().ok;
    }
    [[nodiscard]] Account account() const
    {
        Account account;
        const auto store = read();
        for (const VersionRecord& version : taken(store->versions()))
            account.versions.push_back(version.hash.hex);
        std::sort(account.versions.begin(), account.versions.end());     // written as the workers ended
        for (const ProposalRecord& p : taken(store->proposals()))
            account.proposals.push_back(fmt::format("{} {} {} {}", p.id.value, p.operatorName, toText(p.state), p.genome.hex));
        for (const VerdictRecord& v : taken(store->verdicts()))
            account.verdicts.push_back(fmt::format("{} {} {} {} {} {}", v.proposal.value, toText(v.verdict), v.k, v.alpha, v.eValue, v.pairs));
        for (const DeploymentRecord& d : taken(store->deployments()))
            account.deployments.push_back(d.version.hex);
        account.spent = store->spent().value().value;
        return account;
    }

private:
    QTemporaryDir m_folder;
    std::filesystem::path m_root;
};

} // namespace ratchet
