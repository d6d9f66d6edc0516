// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/engine.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "core/agent/context.h"
#include "core/agent/limits.h"
#include "core/agent/promotion.h"
#include "core/agent/requests.h"
#include "core/agent/wheel.h"
#include "core/genome/weights_file.h"
#include "core/guard/ledger.h"

namespace ratchet {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Engine::Private {
    std::optional<LabLock> lock;
    std::unique_ptr<Context> context;
    EngineOptions options;
    std::unique_ptr<Supervisor> supervisor;
    std::unique_ptr<Crew> crew;
    std::unique_ptr<Wheel> wheel;

    std::mutex mutex;
    std::deque<Request> posted;               // guarded by mutex

    RunLimits limits;
    std::stop_token stop;
    Watcher watcher;
    Clock::time_point begun, lastFlush, lastWatch;
    Time openedAt{};
    bool paused = false;
    bool stopping = false;
    int teethUntilPause = -1;                 // after `step`: pause again when this reaches 0
    double championScore = 0;
    int waiting = 0;

    [[nodiscard]] Status attend();
    [[nodiscard]] Status handleRequests();
    [[nodiscard]] Status handlePosted();
    [[nodiscard]] Result<Taken> handle(const Request& request);
    [[nodiscard]] bool isForThisEngine(const Request& request) const;
    [[nodiscard]] bool hasToWait(const Request& request) const;
    [[nodiscard]] bool isStopping() const { return stopping || stop.stop_requested(); }
    void control(const std::string& kind);
    [[nodiscard]] Status flush();
    [[nodiscard]] EngineStatus status() const;
    [[nodiscard]] Status recordStart();
    [[nodiscard]] Result<std::optional<RunEnd>> reasonToEnd(int turned, Clock::duration lastTooth);
    [[nodiscard]] Result<RunEnd> turnTeeth();
    [[nodiscard]] Status finalVault();
    [[nodiscard]] Result<RunEnd> finish(Result<RunEnd> end);
    [[nodiscard]] Status replicate(const ReplicationWish& wish, const Wheel::IsWanted& isWanted = {});
    [[nodiscard]] Status replicateAsked();
    void begin(const RunLimits& wanted, std::stop_token token, const Watcher& who);
    [[nodiscard]] Status tellLast(const std::string& stage);
};

namespace {

Error stopped()
{
    return {Code::Cancelled, "The engine was stopped.", {}};
}

int placesFor(int workers, const LearnerDevice& device)
{
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int own = device.isCuda() ? 1 : std::max(1, cores / device.threads);
    return workers > 0 ? workers : own;
}

Status loadLive(Context& context)
{
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(artifact, context.artifact(champion.hash));
    RATCHET_TRY(genome, Genome::fromJson(artifact.genome));
    RATCHET_TRY(weights, readWeights(artifact.weights));
    return checkWeights(weights, genome, context.vocabulary);
}

// The live version must load before anything is built on it. A lab that misses a part of it is damaged.
Status checkLive(Context& context)
{
    RATCHET_TRY(live, context.store->live());
    Status loaded = live ? loadLive(context) : Status{};
    if (!loaded && loaded.error().code == Code::NotFound)
        loaded.error().code = Code::Damaged;
    return loaded;
}

} // namespace

Engine::Engine() : d(std::make_unique<Private>()) {}

// What was posted and not carried out is there for the next engine. An error has nobody left to be told to.
Engine::~Engine()
{
    for (const Request& request : d->posted)
        if (!isControl(request.kind))
            static_cast<void>(putRequest(d->context->paths, request));
}

Result<std::unique_ptr<Engine>> Engine::open(const std::filesystem::path& lab, EngineOptions options)
{
    const LabPaths paths{std::filesystem::absolute(lab)};
    RATCHET_CHECK(readLabConfig(paths));
    RATCHET_TRY(lock, LabLock::take(paths));
    RATCHET_TRY(context, Context::open(paths));
    RATCHET_CHECK(checkLive(*context));
    const auto learner = options.learner.empty() ? defaultLearner() : options.learner;
    RATCHET_TRY(device, chooseDevice(learner, options.device, options.precision));
    device.threads = device.isCuda() ? 1 : options.threads;
    device.kernels = options.kernels;
    RATCHET_TRY(supervisor, Supervisor::create(learner, options.learnerArguments, device));

    std::unique_ptr<Engine> engine(new Engine);
    Private& d = *engine->d;
    d.lock = std::move(lock);
    d.openedAt = now();
    d.context = std::move(context);
    d.context->policy = options.policy;
    d.context->sandboxLevel = options.sandboxLevel;
    d.context->silence = options.silence;
    d.context->threads = device.threads;
    d.context->memoryBytes = options.memoryBytes.value_or(device.memoryBytes > 0 ? device.memoryBytes : d.context->memoryBytes);
    d.options = std::move(options);
    d.supervisor = std::move(supervisor);
    d.crew = std::make_unique<Crew>(*d.supervisor, placesFor(d.options.workers, device));
    d.crew->heedWith([&d] { return d.attend(); });
    return engine;
}

void Engine::post(const Request& request)
{
    {
        const std::lock_guard guard(d->mutex);
        d->posted.push_back(request);
    }
    d->supervisor->wake();
}

void Engine::Private::begin(const RunLimits& wanted, std::stop_token token, const Watcher& who)
{
    limits = wanted;
    stop = std::move(token);
    watcher = who;
    begun = Clock::now();
    paused = stopping = false;
    teethUntilPause = -1;
    wheel = std::make_unique<Wheel>(*context, *crew, Surroundings{[this] { return attend(); }, [this] { return paused; }, limits.waitForDecisions});
}

Result<RunEnd> Engine::run(const RunLimits& limits, std::stop_token stop, const Watcher& watcher)
{
    d->begin(limits, stop, watcher);
    const std::stop_callback wake(stop, [this] { d->supervisor->wake(); });
    return d->finish(d->turnTeeth());
}

Status Engine::Private::replicate(const ReplicationWish& wish, const Wheel::IsWanted& isWanted)
{
    RATCHET_CHECK(wheel->prepare());
    RATCHET_TRY(guide, wheel->observe());
    championScore = guide.championMean;
    return wheel->replicate(wish, isWanted);
}

// What people asked to have repeated, between teeth. One that cannot be done is dropped: it would be asked for again and again.
Status Engine::Private::replicateAsked()
{
    for (;;) {
        RATCHET_CHECK(attend());
        RATCHET_TRY(asked, replicationsAsked(*context->store));
        if (asked.empty())
            return {};
        const Status done = replicate(asked.front(), [&]() -> Result<bool> {
            RATCHET_TRY(still, replicationsAsked(*context->store));
            return std::any_of(still.begin(), still.end(), [&](const ReplicationWish& one) { return one.isAbout(asked.front()); });
        });
        if (!done && (done.error().code == Code::Environment || (done.error().code == Code::Cancelled && isStopping())))
            return done;
        RATCHET_TRY(now, replicationsAsked(*context->store));       // it may have been withdrawn, or more of it asked for
        std::erase_if(now, [&, did = asked.front()](const ReplicationWish& one) { return one.isAbout(did) && one.seeds <= did.seeds && one.items <= did.items; });
        RATCHET_CHECK(context->store->transaction(Store::Durable::Yes, [&]() -> Status {
            RATCHET_CHECK(putReplicationsAsked(*context->store, now));
            return done ? Status{} : context->record("engine", "replication-refused", {{"version", asked.front().version.hex}, {"text", done.error().text}});
        }));
        if (limits.teeth == 0)
            RATCHET_CHECK(done);
    }
}

Result<Replication> Engine::replicate(const ReplicationWish& wish, std::stop_token stop, const Watcher& watcher)
{
    d->begin({}, stop, watcher);
    const std::stop_callback wake(stop, [this] { d->supervisor->wake(); });
    const Status done = d->replicate(wish);
    d->crew->stop(5s);
    const Status told = d->tellLast("idle");
    RATCHET_CHECK(done);
    RATCHET_CHECK(told);
    return replicationResult(*d->context->store, wish.version, wish.besideItself);
}

Status Engine::Private::attend()
{
    if (isStopping())
        return tl::unexpected(stopped());
    RATCHET_CHECK(handleRequests());
    if (isStopping())
        return tl::unexpected(stopped());
    const auto time = Clock::now();
    if (time - lastFlush >= 200ms) {
        lastFlush = time;
        RATCHET_CHECK(flush());
        RATCHET_CHECK(writeLedgerHead(*context->store, context->paths));
    }
    if (watcher && time - lastWatch >= 250ms) {
        lastWatch = time;
        watcher(status());
    }
    return {};
}

Status Engine::Private::handleRequests()
{
    RATCHET_CHECK(handlePosted());
    RATCHET_TRY(taken, takeRequests(context->paths, [this](const Request& request) -> Result<Taken> {
        if (!isForThisEngine(request))
            return Taken::Done;
        return handle(request);
    }));
    for (const std::string& refused : taken.refused)
        RATCHET_CHECK(context->record("engine", "request-refused", {{"text", refused}}));
    return {};
}

// One after the other: while a judge answers for one, this is called again for those behind it.
Status Engine::Private::handlePosted()
{
    for (;;) {
        Request request;
        {
            const std::lock_guard guard(mutex);
            const auto next = std::find_if(posted.begin(), posted.end(), [this](const Request& r) { return !hasToWait(r); });
            if (next == posted.end())
                return {};
            request = std::move(*next);
            posted.erase(next);
        }
        if (const auto done = handle(request); !done) {
            const std::lock_guard guard(mutex);
            posted.push_front(request);       // it stands: the destructor keeps it
            return passOn(done);
        }
    }
}

// A pause or stop that was meant for an engine that has ended must not hold this one.
bool Engine::Private::isForThisEngine(const Request& request) const
{
    return !isControl(request.kind) || request.created >= openedAt;
}

// One decision at a time, and none by an engine that is about to end: a judge has to be asked for it.
bool Engine::Private::hasToWait(const Request& request) const
{
    return isDecision(request.kind) && (crew->isRunningNow() || isStopping());
}

Result<Taken> Engine::Private::handle(const Request& request)
{
    if (hasToWait(request))
        return Taken::Later;
    RATCHET_CHECK(carry(*context, *crew, request, [this](const std::string& kind) { control(kind); }));
    return Taken::Done;
}

void Engine::Private::control(const std::string& kind)
{
    if (kind == "stop") {
        stopping = true;
        return;
    }
    paused = kind == "pause";
    if (kind == "resume")
        teethUntilPause = -1;
    else if (kind == "step")
        teethUntilPause = 1;
}

EngineStatus Engine::Private::status() const
{
    EngineStatus now;
    now.stage = paused && !crew->isRunning() ? "paused" : wheel ? wheel->stage() : "idle";
    now.tooth = wheel ? wheel->tooth() : 0;
    for (const Job* job : crew->running()) {
        now.running.push_back(job->running());
        if (job->evidence().second > 0)
            std::tie(now.logEValue, now.logThreshold) = job->evidence();
    }
    now.spent = context->store->spent().value_or(Flops{});
    now.budget = context->config.budget;
    now.champion = championScore;
    now.waitingDecisions = waiting;
    now.sandboxLevel = probeSandbox().level;
    now.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    if (limits.time)
        now.remaining = std::max(std::chrono::milliseconds(0), *limits.time - now.elapsed);
    now.updated = ratchet::now();
    return now;
}

Status Engine::Private::flush()
{
    RATCHET_TRY(proposals, context->store->proposals());
    waiting = static_cast<int>(std::count_if(proposals.begin(), proposals.end(), [](const ProposalRecord& p) { return p.state == ProposalState::Waiting; }));
    return context->store->transaction(Store::Durable::No, [&]() -> Status {
        RATCHET_CHECK(crew->flush());
        return context->store->setMeta("status", status().toJson());
    });
}

Status Engine::Private::recordStart()
{
    Json refs{{"seed", context->config.seed}};
    if (context->policy)
        refs["policy"] = {{"hash", context->policy->hash().hex}, {"text", context->policy->text}};
    return context->store->transaction(Store::Durable::Yes, [&] {
        return context->record(context->policy ? "policy:" + context->policy->hash().hex : "person", "run", refs);
    });
}

Result<std::optional<RunEnd>> Engine::Private::reasonToEnd(int turned, Clock::duration lastTooth)
{
    RATCHET_TRY(guide, wheel->observe());
    championScore = guide.championMean;
    RATCHET_TRY(goal, parseGoal(context->config.goal, context->info, context->suites));
    if (limits.untilGoal && goal.isReachedBy(context->metric(championScore)))
        return RunEnd::Goal;
    RATCHET_TRY(teeth, context->store->teeth());
    const bool unfinished = !teeth.empty() && teeth.back().ended == Time{};
    if (limits.teeth && turned >= *limits.teeth)
        return RunEnd::Teeth;
    RATCHET_TRY(spent, context->store->spent());
    if (!unfinished && affordableTrials(context->config, spent) < 1)
        return RunEnd::Budget;
    if (limits.time && Clock::now() - begun + lastTooth * 9 / 10 > *limits.time)
        return RunEnd::OutOfTime;
    return std::nullopt;
}

Result<RunEnd> Engine::Private::turnTeeth()
{
    RATCHET_CHECK(recordStart());
    RATCHET_CHECK(wheel->prepare());
    Clock::duration lastTooth{0};
    for (int turned = 0;; ++turned) {
        RATCHET_CHECK(replicateAsked());
        RATCHET_TRY(end, reasonToEnd(turned, lastTooth));
        if (end)
            return *end;
        if (teethUntilPause == 0)
            paused = true;
        while (paused) {
            RATCHET_CHECK(crew->pump(100ms, true));
            RATCHET_CHECK(attend());
        }
        const auto start = Clock::now();
        RATCHET_TRY(result, wheel->turn());
        if (result == Turned::WaitsForPerson)
            return RunEnd::WaitingForPerson;
        lastTooth = Clock::now() - start;
        if (teethUntilPause > 0)
            --teethUntilPause;
    }
}

// Seed model against champion on items never used for a decision, for the summary.
Status Engine::Private::finalVault()
{
    RATCHET_TRY(deployments, context->store->deployments());
    RATCHET_TRY(champion, context->champion());
    return compareWithSeed(*context, *crew, deployments.front().version, champion.hash);
}

// The state in which the engine leaves the lab, for those who look at it.
Status Engine::Private::tellLast(const std::string& stage)
{
    EngineStatus last = status();
    last.stage = stage;
    last.running.clear();
    Status written = context->store->transaction(Store::Durable::Yes, [&] { return context->store->setMeta("status", last.toJson()); });
    if (written)
        written = writeLedgerHead(*context->store, context->paths);
    if (watcher)
        watcher(last);
    return written;
}

Result<RunEnd> Engine::Private::finish(Result<RunEnd> end)
{
    const auto wasStopped = [&] { return !end && end.error().code == Code::Cancelled; };
    crew->stop(wasStopped() ? 5s : 1s);
    if (end && *end != RunEnd::WaitingForPerson && limits.teeth != 0)
        if (const Status measured = finalVault(); !measured)
            end = passOn(measured);
    if (const Status drained = handleRequests(); end && !drained)      // what came while the vault was open
        end = passOn(drained);
    const Status written = tellLast(end && *end == RunEnd::WaitingForPerson ? "waiting" : "idle");
    if (wasStopped())
        return RunEnd::Stopped;
    if (end && !written)
        return passOn(written);
    return end;
}

Result<std::optional<Policy>> writtenPolicy(const LabPaths& paths)
{
    if (std::error_code ignored; !std::filesystem::exists(paths.policy(), ignored))
        return std::optional<Policy>{};
    RATCHET_TRY(text, readFile(paths.policy()));
    RATCHET_TRY(json, parseJson(text, paths.policy().string()));
    RATCHET_TRY(policy, Policy::fromJson(json));
    return std::optional<Policy>(policy);
}

Result<Carried> carryOut(const std::filesystem::path& lab, const Request& request)
{
    const LabPaths paths{std::filesystem::absolute(lab)};
    RATCHET_CHECK(readLabConfig(paths));
    auto lock = LabLock::take(paths);
    if (!lock && lock.error().code == Code::Conflict) {
        RATCHET_CHECK(putRequest(paths, request));
        return Carried::HandedOver;
    }
    RATCHET_CHECK(lock);
    RATCHET_TRY(context, Context::open(paths));
    RATCHET_TRY(supervisor, Supervisor::create(defaultLearner()));
    RATCHET_TRY(policy, writtenPolicy(paths));
    context->policy = policy;
    Crew crew(*supervisor, 1);
    // What an engine that has ended left unanswered comes first; its control words (pause, stop) have no one to mean.
    RATCHET_CHECK(takeRequests(paths, [&](const Request& older) -> Result<Taken> {
        RATCHET_CHECK(carry(*context, crew, older));
        return Taken::Done;
    }));
    RATCHET_TRY(answer, carry(*context, crew, request));
    static_cast<void>(writeLedgerHead(*context->store, paths));      // what was asked is done; a file left behind is no fault
    if (!answer.ok)
        return fail(answer.code, answer.text, answer.hint);
    return Carried::Done;
}

} // namespace ratchet
