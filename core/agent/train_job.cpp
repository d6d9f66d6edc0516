// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/train_job.h"

#include <cmath>

#include "core/agent/admission.h"
#include "core/agent/controls.h"
#include "core/agent/limits.h"
#include "core/agent/screening.h"
#include "core/agent/trial_report.h"
#include "core/genome/population_log.h"
#include "core/genome/weights_file.h"
#include "core/plugin/loader.h"

namespace ratchet {

TrainJob::TrainJob(Context& context, TrialRecord trial, std::optional<ProposalRecord> proposal, std::string focus,
                   std::function<Status(const TrialRecord&)> onTrained)
    : m_context(context), m_trial(std::move(trial)), m_proposal(std::move(proposal)), m_focus(std::move(focus)),
      m_onTrained(std::move(onTrained)), m_wallBefore(m_trial.wall)
{
}

std::filesystem::path TrainJob::scratch() const
{
    return m_context.paths.work() / fmt::format("trial-{}", m_trial.id.value);
}

Result<std::vector<Json>> TrainJob::replay(const Hash& parent) const
{
    std::vector<Json> first, rest;
    RATCHET_TRY(failures, m_context.store->failures(parent, 2000));
    for (const FailureRecord& failure : failures)
        (failure.failureClass == m_focus ? first : rest).push_back(failure.question);
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

Status TrainJob::addMoments(TrainSpec& spec, ChildSpec& child) const
{
    if (m_genome.recipe.moments != "carry")
        return {};
    RATCHET_TRY(moments, m_context.moments(m_proposal->parent));
    spec.parentMoments = std::move(moments);
    if (!spec.parentMoments.empty())
        child.sandbox.readable.emplace_back(spec.parentMoments);
    return {};
}

Status TrainJob::addVersions(TrainSpec& spec, ChildSpec& child)
{
    Genome parentGenome;
    if (m_proposal) {
        RATCHET_TRY(genome, m_context.genome(m_proposal->genome));
        m_genome = std::move(genome);
        RATCHET_TRY(parent, m_context.artifact(m_proposal->parent));
        RATCHET_TRY(its, Genome::fromJson(parent.genome));
        parentGenome = std::move(its);
        spec.parentGenome = parent.genome;
        spec.parentWeights = parent.weights;
        child.sandbox.readable.emplace_back(parent.weights);
        RATCHET_CHECK(addMoments(spec, child));
        RATCHET_TRY(questions, replay(m_proposal->parent));
        spec.replay = std::move(questions);
    } else {
        RATCHET_TRY(seed, guarded(m_context.config.domain, [&] { return m_context.domain->seedGenome(); }));
        m_genome = parentGenome = std::move(seed);
    }
    RATCHET_TRY(sources, admit(m_context, parentGenome, m_genome));
    m_taught = std::move(sources.taught);
    spec.teachers = std::move(sources.teachers);
    spec.members = std::move(sources.members);
    child.limits = limitsFor(m_trial.budget, m_genome, m_context.vocabulary, m_context.memoryBytes, sources.frozen, m_context.threads);
    for (const auto* artifacts : {&spec.teachers, &spec.members})
        for (const Artifact& artifact : *artifacts)
            child.sandbox.readable.emplace_back(artifact.weights);
    return {};
}

// Replications are measured whole, whatever they promise, and the seed model has no champion to be held against.
Status TrainJob::askProxy(TrainSpec& spec)
{
    if (!m_proposal || m_proposal->family == replicationFamily || m_context.config.proxy <= 0 || !m_genome.recipe.trains() ||
        m_genome.recipe.isPopulation() || screeningDecision(m_trial) == asWished)
        return {};
    RATCHET_TRY(tokenizer, tokenizerOf(m_context.tokenizerJson, m_context.info.alphabet));
    RATCHET_TRY(asked, guarded(m_context.config.domain, [&] { return proxyItems(*m_context.domain, m_genome, tokenizer, m_trial.budget.value); }));
    m_proxy = std::move(asked);
    spec.proxy = m_proxy.items.empty() ? 0 : m_context.config.proxy;
    return {};
}

Result<ChildSpec> TrainJob::spec()
{
    TrainSpec spec;
    spec.trial = m_trial.id.value;
    spec.seed = m_trial.seed;
    spec.domain = m_context.config.domain;
    spec.corpus = m_context.corpusFolder();
    spec.budgetFlops = m_trial.budget.value;
    spec.scratch = scratch().string();
    spec.tokenizer = m_context.tokenizerJson;
    ChildSpec child;
    child.role = "worker";
    RATCHET_CHECK(addVersions(spec, child));
    RATCHET_CHECK(askProxy(spec));
    RATCHET_TRY(corrected, m_context.feedback(true));
    spec.feedback = std::move(corrected);
    if (m_genome.recipe.preference > 0) {
        RATCHET_TRY(preferred, m_context.preferences());
        spec.preferences = std::move(preferred);
    }
    RATCHET_TRY(object, m_context.objects.put(m_genome.toJson().dump()));
    m_genomeObject = object;
    spec.genome = m_genome.toJson();
    spec.keepsMoments = keepsMoments();
    RATCHET_CHECK(makeFolder(scratch(), 0700));
    if (!spec.corpus.empty())       // the gate's and the vault's documents stay out of sight
        for (const char* file : {"corpus.json", "train.txt", "guide.txt"})
            child.sandbox.readable.push_back(m_context.paths.corpus() / file);
    child.sandbox.writable.push_back(scratch());
    child.sandbox.forbidden = {m_context.paths.database(), m_context.paths.judge() / "secret", m_context.paths.keys() / "private.pem"};
    child.sandbox.required = m_context.sandboxLevel;
    child.limits.silence = m_context.silence;
    spec.memoryBytes = child.limits.memoryBytes;
    child.log = scratch() / "worker.log";
    child.first = std::move(spec);

    m_trial.state = TrialState::Running;
    m_trial.stage = "loading";
    m_trial.failure.clear();
    m_trial.started = m_trial.started == Time{} ? now() : m_trial.started;
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::No, [&]() -> Status {
        if (m_proposal) {
            m_proposal->state = ProposalState::Running;
            m_proposal->stateReason.clear();
            RATCHET_CHECK(m_context.store->update(*m_proposal));
        }
        return m_context.store->update(m_trial);
    }));
    return child;
}

Status TrainJob::charge(std::int64_t tokens, std::int64_t length, double reported, double asked)
{
    const double perToken = trainingFlops(m_genome.architecture, m_context.vocabulary, static_cast<int>(length), m_taught).value;
    const double counted = static_cast<double>(tokens) * perToken + asked;
    // What is reported may be more (labels of self-training, pairs of answers), never less than the tokens cost.
    if (reported < counted * 0.999)
        return fail(Code::Failed, fmt::format("The worker claimed {} for tokens that cost {}.", toText(Flops{reported}), toText(Flops{counted})));
    const double most = m_trial.budget.value * 1.05;
    m_trial.spent = Flops{std::min(std::max(counted, reported), most)};      // a lie must not cost the lab its budget
    if (std::max(counted, reported) > most)
        return fail(Code::Failed, fmt::format("The worker overran its budget of {}.", toText(m_trial.budget)));
    return {};
}

// A step is a batch of rows of the same length: who says fewer tokens than the steps hold has trained longer than it says.
Status TrainJob::holdsItsSteps(const Trained& trained) const
{
    const double rows = static_cast<double>(trained.steps) * m_genome.recipe.batch;
    const double least = m_genome.data.bucketing ? rows : rows * static_cast<double>(trained.length);    // buckets differ in length
    if (static_cast<double>(trained.tokens) < least)
        return fail(Code::Failed, fmt::format("The worker claimed {} tokens for {} steps that hold {:.0f}.", trained.tokens, trained.steps, least));
    return {};
}

// What the members of a population did adds up to what the worker says was done.
Status TrainJob::holdsItsPopulation(const Trained& trained) const
{
    const Recipe& recipe = m_genome.recipe;
    if (!recipe.isPopulation())
        return {};
    RATCHET_TRY(log, PopulationLog::fromJson(trained.population));
    const bool isWhole = log.seeds.size() == static_cast<std::size_t>(recipe.population) &&
                         log.generations.size() == static_cast<std::size_t>(recipe.generations);
    if (!isWhole || log.stepsOfAll() != trained.steps || std::abs(log.flopsOfAll() - trained.flops) > 1e-6 * trained.flops)
        return fail(Code::Failed, "What the worker says of its population does not add up.");
    return {};
}

Status TrainJob::take(const Points& points)
{
    for (const auto& [name, value] : points.values) {
        const auto last = m_lastStep.find(name);
        if (!std::isfinite(value) || (last != m_lastStep.end() && points.step <= last->second))
            return fail(Code::Failed, "The worker's curve does not ascend or is not finite.");
        m_lastStep[name] = points.step;
        m_points[name].push_back({points.step, value});
    }
    return {};
}

// What is decided stands in the store before the worker is told, so that a killed engine's successor says the same.
Status TrainJob::take(const Proxy& proxy, Child& child)
{
    const int items = static_cast<int>(m_proxy.items.size());
    if (items == 0 || m_shown || proxy.step < 1 || proxy.step != m_progress.step)
        return fail(Code::Failed, "The worker showed what it can when nobody had asked.");
    if (proxy.items != items || proxy.flops < m_proxy.least * 0.999 || proxy.flops > m_proxy.most * 1.001)
        return fail(Code::Failed, fmt::format("The worker claimed {} for {} answers, where {} cost {} to {}.", toText(Flops{proxy.flops}), proxy.items,
                                              items, toText(Flops{m_proxy.least}), toText(Flops{m_proxy.most})));
    m_shown = true;
    RATCHET_CHECK(charge(m_progress.tokens, 1, m_progress.flops + proxy.flops, proxy.flops));
    RATCHET_CHECK(screenTrial(m_context, *m_proposal, proxy, m_trial));
    m_trial.proxy["flops"] = proxy.flops;      // who starts over is asked again, and may answer at another length
    const bool isGivenUp = screeningDecision(m_trial) == givenUp;
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::Yes, [&]() -> Status {
        if (isGivenUp) {
            m_trial.state = TrialState::Cancelled;
            m_trial.failure = reasonToGiveUp(m_context, m_trial);
            m_trial.ended = now();
            m_proposal->state = ProposalState::Screened;
            m_proposal->stateReason = m_trial.failure;
            RATCHET_CHECK(m_context.store->update(*m_proposal));
        }
        return flush();
    }));
    m_givenUp = isGivenUp;
    child.send(isGivenUp ? Message(Stop{}) : Message(Proceed{}));
    return {};
}

Status TrainJob::take(const Trained& trained)
{
    m_trained = trained;
    if (trained.length < 1 || trained.length > m_genome.architecture.context)
        return fail(Code::Failed, fmt::format("The worker claimed sequences of {} tokens.", trained.length));
    if (!m_proxy.items.empty() && screeningDecision(m_trial).empty())
        return fail(Code::Failed, "The worker ended without showing what it could before.");
    RATCHET_CHECK(holdsItsSteps(trained));
    RATCHET_CHECK(holdsItsPopulation(trained));
    m_trial.report = reportOf(trained);
    m_trial.steps = trained.steps;
    m_trial.tokens = trained.tokens;
    return charge(trained.tokens, trained.length, trained.flops, m_proxy.items.empty() ? 0 : m_trial.proxy.value("flops", 0.0));
}

Status TrainJob::receive(const Message& message, Child& child)
{
    if (const auto* hello = std::get_if<Hello>(&message)) {
        m_trial.platform = {{"learner", hello->version}, {"sandbox", hello->sandbox}, {"platform", hello->platform}};
    } else if (const auto* progress = std::get_if<Progress>(&message)) {
        m_progress = *progress;
        m_trial.stage = progress->stage;
        m_trial.steps = progress->step;
        m_trial.tokens = progress->tokens;
        // Length 1 counts from below; the exact length comes with the result.
        return charge(progress->tokens, 1, progress->flops);
    } else if (const auto* points = std::get_if<Points>(&message)) {
        return take(*points);
    } else if (const auto* observation = std::get_if<Observation>(&message)) {
        int index = 0;
        for (const LayerStatistics& layer : observation->layers) {
            Json values = Json::object();
            for (const auto& [name, value] : layer.values)
                values[name] = value;
            m_layers.push_back({m_trial.id, observation->step, index++, layer.layer, values, layer.histogram});
        }
        if (!observation->attention.is_null() && !observation->attention.empty())
            m_layers.push_back({m_trial.id, observation->step, index, "attention", observation->attention, {}});
    } else if (const auto* trained = std::get_if<Trained>(&message)) {
        return take(*trained);
    } else if (const auto* proxy = std::get_if<Proxy>(&message)) {
        return take(*proxy, child);
    } else if (const auto* failure = std::get_if<Failure>(&message)) {
        m_failure = *failure;
    } else {
        return fail(Code::Failed, "The worker sent a message that is none of its business.");
    }
    return {};
}

Status TrainJob::flush()
{
    for (auto& [name, points] : m_points) {
        if (!points.empty())
            RATCHET_CHECK(m_context.store->addPoints(m_trial.id, name, points));
        points.clear();
    }
    for (const LayerRecord& layer : m_layers)
        RATCHET_CHECK(m_context.store->add(layer));
    m_layers.clear();
    return m_context.store->update(m_trial);
}

// Nobody builds on a control.
bool TrainJob::keepsMoments() const
{
    return m_context.keepsMoments(m_genome) && !(m_proposal && isControl(*m_proposal));
}

Result<std::optional<Hash>> TrainJob::takeMoments() const
{
    if (m_trained->moments.empty() || !keepsMoments())
        return std::optional<Hash>();
    const auto file = scratch() / "moments.safetensors";
    RATCHET_TRY(content, readWeights(file));
    RATCHET_CHECK(checkMoments(content, m_genome, m_context.vocabulary));
    RATCHET_TRY(object, m_context.objects.putFile(file));
    return std::optional(object);
}

Result<VersionRecord> TrainJob::takeVersion()
{
    const auto file = scratch() / "weights.safetensors";
    RATCHET_TRY(content, readWeights(file));
    RATCHET_CHECK(checkWeights(content, m_genome, m_context.vocabulary));
    RATCHET_TRY(weights, m_context.objects.putFile(file));
    VersionRecord version;
    version.genome = m_genomeObject;
    version.weights = weights;
    RATCHET_TRY(moments, takeMoments());
    version.moments = moments;
    version.tokenizer = m_context.tokenizer;
    version.hash = versionHash(version);
    version.created = now();
    version.trial = m_trial.id;
    version.parameters = parameterCount(m_genome, m_context.vocabulary);
    version.origin = m_proposal ? fmt::format("proposal {}", m_proposal->id.value) : "seed";
    if (m_proposal) {
        RATCHET_TRY(parent, m_context.store->version(m_proposal->parent));
        version.parent = m_proposal->parent;
        version.generation = parent ? parent->generation + 1 : 0;
    }
    return version;
}

Status TrainJob::end(const Status& how, std::chrono::milliseconds wall, double peakBytes)
{
    m_trial.wall = m_wallBefore + wall;
    m_trial.peakBytes = peakBytes;
    if (m_givenUp)          // however it ended: what it did since counts for nothing
        return settleGivenUp();
    Status outcome = how;
    if (how && !m_trained)
        outcome = fail(Code::Failed, "The worker ended without a result.");
    if (m_failure && (!how || !m_trained) && (how || how.error().code != Code::Cancelled))
        outcome = fail(Code::Failed, m_failure->text);
    std::optional<VersionRecord> version;
    if (outcome) {
        auto taken = takeVersion();
        if (taken)
            version = *taken;
        else
            outcome = passOn(taken);
    }
    // No worker can be had, or its result cannot be kept: the engine's own trouble. The trial goes on when that is mended.
    if (!outcome && outcome.error().code == Code::Environment)
        return outcome;
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::Yes, [&] { return store(outcome, version); }));
    if (outcome) {
        std::error_code ignored;
        std::filesystem::remove_all(scratch(), ignored);
        return m_onTrained(m_trial);
    }
    return {};
}

Status TrainJob::settleGivenUp()
{
    RATCHET_CHECK(m_context.store->transaction(Store::Durable::No, [this] { return flush(); }));
    std::error_code ignored;
    std::filesystem::remove_all(scratch(), ignored);
    return {};
}

// A stopped engine leaves the trial running in the store: the next run goes on from the worker's checkpoint.
Status TrainJob::store(const Status& how, const std::optional<VersionRecord>& version)
{
    const bool engineStopped = !how && how.error().code == Code::Cancelled && how.error().text == "The engine was stopped.";
    const bool cancelled = !how && how.error().code == Code::Cancelled && !engineStopped;
    if (!engineStopped) {
        m_trial.state = how ? TrialState::Trained : cancelled ? TrialState::Cancelled : TrialState::Failed;
        m_trial.stage = how ? "done" : m_trial.stage;
        m_trial.failure = how ? "" : how.error().text;
        m_trial.ended = now();
    }
    if (version) {
        RATCHET_CHECK(m_context.store->add(*version));
        m_trial.version = version->hash;
    }
    RATCHET_CHECK(flush());
    if (!m_proposal || engineStopped)
        return {};
    m_proposal->state = how ? ProposalState::Trained : cancelled ? ProposalState::Cancelled : ProposalState::Failed;
    m_proposal->stateReason = m_trial.failure;
    return m_context.store->update(*m_proposal);
}

EngineStatus::Running TrainJob::running() const
{
    const double left = std::min(m_progress.secondsLeft, 1e9);
    return {m_proposal ? m_proposal->id : Id<ProposalRecord>{}, m_proposal ? m_proposal->operatorName : "seed model",
            m_trial.stage, m_progress.fraction, m_progress.loss, std::chrono::milliseconds(std::llround(1000 * left))};
}

} // namespace ratchet
