// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bridge/lab_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <future>
#include <set>

#include "core/guard/ledger.h"
#include "core/store/reader.h"
#include "widgets/bridge/lab_session.h"

namespace ratchet {
namespace {

constexpr auto pollEvery = std::chrono::milliseconds(250);
constexpr auto silence = std::chrono::seconds(8);   // the engine tells its status twice a second

template <typename T>
Status into(T& target, Result<T> read)
{
    if (!read)
        return passOn(read);
    target = std::move(*read);
    return {};
}

std::filesystem::file_time_type writtenAt(const std::filesystem::path& file)
{
    std::error_code missing;
    return std::filesystem::last_write_time(file, missing);      // the least of all times when it is missing
}

} // namespace

// Keeps the last picture and replaces only the tables in which something changed.
class SnapshotBuilder {
public:
    explicit SnapshotBuilder(LabPaths paths) : m_paths(std::move(paths)), m_objects(m_paths.objects()) {}
    ~SnapshotBuilder() { m_stopSearch.request_stop(); }

    // Null when nothing changed since the last call.
    Result<std::shared_ptr<const Snapshot>> poll(const Store& store)
    {
        RATCHET_TRY(change, store.changeCount());
        const bool runs = isEngineRunning(m_paths);
        if (runs && !m_now.engineRuns)
            m_runsSince = now();
        RATCHET_TRY(sights, takeSights());
        const bool silent = runs && change == m_now.change && now() - std::max(m_now.status.updated, m_runsSince) > silence;
        const Written written{writtenAt(m_paths.searchSpace()), writtenAt(m_paths.policy())};
        if (m_ready && !sights && written == m_written && change == m_now.change && runs == m_now.engineRuns && silent == m_now.engineSilent)
            return std::shared_ptr<const Snapshot>();
        if (!m_ready || change != m_now.change)
            RATCHET_CHECK(read(store, change));
        if (written != m_written)
            readFiles();
        m_written = written;
        m_now.engineRuns = runs;
        m_now.engineSilent = silent;
        m_ready = true;
        findSights();
        return std::make_shared<const Snapshot>(m_now);
    }

private:
    Status read(const Store& store, std::int64_t change)
    {
        std::set<std::string> tables;
        if (m_ready) {
            RATCHET_TRY(changes, store.changesSince(m_now.change, 100000));
            for (const Change& one : changes) {
                tables.insert(one.what);
                if (one.what == "scorecard" || one.what == "verdict" || one.what == "proposal")
                    m_changedProposals.insert(std::atoll(one.ref.c_str()));
            }
        }
        const auto changed = [&](const char* table) { return !m_ready || tables.contains(table); };
        if (!m_ready) {
            RATCHET_CHECK(into(m_now.config, readLabConfig(m_paths)));
            m_now.measure = m_now.config.isBitsPerByte() ? Measure::BitsPerByte : Measure::ExactMatch;
        }
        if (changed("proposal"))
            RATCHET_CHECK(into(m_now.proposals, store.proposals()));
        if (changed("trial"))
            RATCHET_CHECK(into(m_now.trials, store.trials()));
        if (changed("trial") || changed("reward"))
            RATCHET_CHECK(into(m_now.spent, store.spent()));
        if (changed("version"))
            RATCHET_CHECK(into(m_now.versions, store.versions()));
        if (changed("verdict"))
            RATCHET_CHECK(into(m_now.verdicts, store.verdicts()));
        if (changed("decision"))
            RATCHET_CHECK(into(m_now.decisions, store.decisions()));
        if (changed("deployment"))
            RATCHET_CHECK(into(m_now.deployments, store.deployments()));
        if (changed("goal"))
            RATCHET_CHECK(into(m_now.goals, store.goals()));
        if (changed("lesson"))
            RATCHET_CHECK(into(m_now.lessons, store.lessons()));
        if (changed("tooth"))
            RATCHET_CHECK(into(m_now.teeth, store.teeth()));
        if (changed("scorecard") || changed("verdict"))        // a judge that died at once leaves a verdict without any
            RATCHET_CHECK(readScorecards(store));
        if (changed("verdict") || changed("scorecard") || changed("deployment") || changed("reward"))
            RATCHET_CHECK(readControls(store));
        if (changed("meta"))
            RATCHET_CHECK(readStatus(store));
        if (changed("answer"))
            RATCHET_CHECK(into(m_now.answers, store.answers(100)));
        if (changed("ledger"))
            RATCHET_CHECK(readLedger(store));
        readGenomes();
        m_now.change = change;
        return {};
    }

    // What a person may edit, or have an engine write, while the lab is open.
    void readFiles()
    {
        m_now.searchSpace = {};
        m_now.policy.reset();
        if (const auto space = readFile(m_paths.searchSpace()))
            m_now.searchSpace = parseJson(*space, "the search space").value_or(Json());
        if (const auto written = readFile(m_paths.policy()))
            if (const auto json = parseJson(*written, "the policy"))
                if (auto policy = Policy::fromJson(*json))
                    m_now.policy = *policy;
    }

    Status readScorecards(const Store& store)
    {
        std::vector<Id<ProposalRecord>> wanted{{}};   // 0: champions alone
        for (const ProposalRecord& proposal : m_now.proposals)
            if (!m_ready || m_changedProposals.contains(proposal.id.value))
                wanted.push_back(proposal.id);
        for (const auto id : wanted)
            RATCHET_CHECK(into(m_cards[id.value], store.scorecards(id)));
        m_changedProposals.clear();
        m_now.scorecards.clear();
        for (const auto& [proposal, cards] : m_cards)
            m_now.scorecards.insert(m_now.scorecards.end(), cards.begin(), cards.end());
        m_now.earlierScorecards.clear();
        for (const VerdictRecord& verdict : m_now.verdicts) {
            if (m_now.verdict(verdict.proposal)->k == verdict.k)
                continue;
            RATCHET_TRY(cards, store.scorecards(verdict.proposal, verdict.k));
            m_now.earlierScorecards.insert(m_now.earlierScorecards.end(), cards.begin(), cards.end());
        }
        return {};
    }

    // What the lab knows of its own instruments.
    Status readControls(const Store& store)
    {
        RATCHET_CHECK(into(m_now.signals, signalsOf(store)));
        RATCHET_CHECK(into(m_now.reward, rewardUse(store)));
        RATCHET_CHECK(into(m_now.placebos, countPlacebos(store)));
        return readReplications(store);
    }

    Status readReplications(const Store& store)
    {
        m_now.spread.reset();
        m_now.replications.clear();
        for (const VersionRecord& version : m_now.versions) {
            const ProposalRecord* made = m_now.proposalOf(version);
            if ((made && isControl(*made)) || std::none_of(m_now.proposals.begin(), m_now.proposals.end(),
                                                                  [&](const auto& proposal) { return replicates(proposal, version); }))
                continue;                            // a control has the recipe of what it repeats
            RATCHET_TRY(came, replicationResult(store, version.hash, false));
            if (!came.suites.empty() && came.reference != version.hash)
                m_now.replications.push_back(std::move(came));
            if (m_now.deployments.empty() || m_now.deployments.back().version != version.hash)
                continue;
            RATCHET_TRY(spread, replicationResult(store, version.hash, true));
            if (!spread.suites.empty())
                m_now.spread = std::move(spread);
        }
        if (!m_now.spread || m_now.spread->suites.front().scores != m_sightsOf.first) {
            m_stopSearch.request_stop();
            m_search = {};                            // waits for it
            m_stopSearch = {};
            m_now.sights.clear();
            m_sightsOf = {};
        }
        return {};
    }

    // Takes seconds where a question may draw many items of bounded scores: beside the reading, and only when the answer can have changed.
    void findSights()
    {
        if (!m_now.spread || m_search.valid())
            return;
        SightKey key(m_now.spread->suites.front().scores, m_now.verdicts.size());
        if (key == m_sightsOf)
            return;
        m_sightsOf = std::move(key);
        m_search = std::async(std::launch::async, [paths = m_paths, config = m_now.config, spread = *m_now.spread,
                                                   stop = m_stopSearch.get_token()]() -> Sights {
            RATCHET_TRY(store, openForReading(paths));
            return sightOf(*store, ObjectStore(paths.objects()), config, spread, stop);
        });
    }

    // Whether new ones are there.
    Result<bool> takeSights()
    {
        if (!m_search.valid() || m_search.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            return false;
        RATCHET_CHECK(into(m_now.sights, m_search.get()));
        return true;
    }

    Status readStatus(const Store& store)
    {
        RATCHET_TRY(json, store.meta("status"));
        if (json)
            if (const auto status = EngineStatus::fromJson(*json))
                m_now.status = *status;
        return into(m_now.asked, replicationsAsked(store));
    }

    Status readLedger(const Store& store)
    {
        RATCHET_CHECK(into(m_now.gate, gateRecords(store)));
        if (!unrecordedChange(m_now.gate, m_now.config).empty())       // an engine may have taken up what was edited since
            if (auto edited = readLabConfig(m_paths); edited && unrecordedChange(m_now.gate, *edited).empty()) {
                m_now.config = std::move(*edited);
                m_sightsOf = {};
            }
        RATCHET_CHECK(into(m_now.vault, vaultUse(store, m_now.config)));
        RATCHET_TRY(check, verifyLedger(store, m_paths));
        m_now.ledgerEntries = check.entries;
        m_now.ledgerFault = QString::fromStdString(check.fault);
        return {};
    }

    void readGenomes()
    {
        const auto want = [this](const Hash& genome) {
            if (!genome.isSet() || m_now.genomes.contains(genome))
                return;
            if (const auto content = m_objects.get(genome))
                if (auto json = parseJson(*content, "the genome"))
                    m_now.genomes.emplace(genome, std::move(*json));
        };
        for (const VersionRecord& version : m_now.versions)
            want(version.genome);
        for (const ProposalRecord& proposal : m_now.proposals)
            want(proposal.genome);
    }

    using Sights = Result<std::vector<Sight>>;
    using Written = std::array<std::filesystem::file_time_type, 2>;  // search space, policy
    using SightKey = std::pair<std::vector<double>, std::size_t>;    // scores on the target suite and number of verdicts
    LabPaths m_paths;
    ObjectStore m_objects;
    Snapshot m_now;
    bool m_ready = false;
    Time m_runsSince{};
    Written m_written{};
    std::set<std::int64_t> m_changedProposals;
    SightKey m_sightsOf;                              // of those found or searched for
    std::stop_source m_stopSearch;
    std::future<Sights> m_search;                     // its destructor waits
    std::map<std::int64_t, std::vector<ScorecardRecord>> m_cards;
};

Result<std::unique_ptr<LabReader>> LabReader::start(const LabPaths& paths, Publish publish, Problem problem)
{
    std::unique_ptr<LabReader> reader(new LabReader);
    reader->m_publish = std::move(publish);
    reader->m_problem = std::move(problem);
    std::promise<Status> opened;
    auto answer = opened.get_future();
    reader->m_thread = std::jthread([self = reader.get(), paths, &opened](const std::stop_token& stop) {
        auto store = openForReading(paths);
        if (!store)
            return opened.set_value(passOn(store));
        SnapshotBuilder builder(paths);
        auto snapshot = builder.poll(**store);
        if (!snapshot)
            return opened.set_value(passOn(snapshot));
        self->m_first = *snapshot;
        opened.set_value({});   // `opened` may be gone from here on
        self->run(stop, **store, builder);
    });
    RATCHET_CHECK(answer.get());
    return reader;
}

void LabReader::run(const std::stop_token& stop, const Store& store, SnapshotBuilder& builder)
{
    auto next = std::chrono::steady_clock::now() + pollEvery;
    std::string lastProblem;
    while (!stop.stop_requested()) {
        Job job;
        {
            std::unique_lock lock(m_mutex);
            m_wake.wait_until(lock, stop, next, [this] { return !m_jobs.empty(); });
            if (!m_jobs.empty() && std::chrono::steady_clock::now() < next) {
                job = std::move(m_jobs.front());
                m_jobs.pop_front();
            }
        }
        if (stop.stop_requested())
            return;
        if (job) {
            job(store);
            continue;
        }
        if (std::chrono::steady_clock::now() < next)
            continue;
        auto snapshot = builder.poll(store);
        if (snapshot && *snapshot)
            m_publish(*snapshot);
        const std::string problem = snapshot ? std::string() : snapshot.error().text;
        if (!snapshot && problem != lastProblem)
            m_problem(snapshot.error());
        lastProblem = problem;
        next = std::chrono::steady_clock::now() + pollEvery;
    }
}

void LabReader::ask(Job job)
{
    const std::scoped_lock lock(m_mutex);
    m_jobs.push_back(std::move(job));
    m_wake.notify_one();
}

} // namespace ratchet
