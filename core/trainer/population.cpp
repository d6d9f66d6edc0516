// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/population.h"

#include <algorithm>
#include <filesystem>

#include "core/model/compat.h"
#include "core/trainer/taste.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{
namespace
{

constexpr double comparedShare = 0.1; // of the budget that the comparisons may cost

// What a member did in a generation that others may come to see.
struct Seen {
    std::vector<Points> points;
    std::vector<Observation> observations;
};

} // namespace

struct Population::Private {
    Private(const TrainSpec& itsSpec, Genome itsGenome, const Domain& itsDomain, TrainEvents itsEvents,
            Tokenizer itsTokenizer)
        : spec(itsSpec), genome(std::move(itsGenome)), domain(itsDomain), events(std::move(itsEvents)),
          tokenizer(std::move(itsTokenizer)), compared(genome.architecture, tokenizer.vocabulary()), seen(size())
    {
    }
    // A model alone with these hyperparameters, before its first of `steps` steps.
    [[nodiscard]] static Result<std::unique_ptr<Trainer>> memberOf(const TrainSpec& spec, const Genome& genome,
                                                                   const Domain& domain, const Hyperparameters& with,
                                                                   std::uint64_t seed, std::int64_t steps,
                                                                   TrainEvents events = {},
                                                                   const Placement& placement = {});
    // Parameters, moments, average and place in the schedule; hyperparameters, data and dropout stay the member's own.
    static void takeOver(Trainer& member, const Trainer& from);
    // Writes the member's weights with the log of all.
    [[nodiscard]] static Result<Trained> finish(Trainer& winner, const TrainSpec& spec, const PopulationLog& log);

    [[nodiscard]] Status begin();
    [[nodiscard]] Status plan();
    [[nodiscard]] Result<bool> resume();
    [[nodiscard]] Result<std::unique_ptr<Trainer>> place(std::size_t index, const Hyperparameters& with);
    [[nodiscard]] bool isDone() const;
    [[nodiscard]] Status takeStep();
    [[nodiscard]] Status compare();
    [[nodiscard]] Status nextGeneration();
    void showBest(int best);
    void report();
    [[nodiscard]] Result<Taste> taste() const;
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(genome.recipe.population); }
    [[nodiscard]] std::int64_t steps() const { return log.steps * genome.recipe.generations; } // of a member
    [[nodiscard]] std::string checkpointFile() const;

    TrainSpec spec;
    Placement placement;
    Genome genome;
    const Domain& domain;
    TrainEvents events;
    Tokenizer tokenizer;
    Transformer compared; // holds what a member would give as its result
    PopulationLog log;    // its last generation is the one under way
    std::vector<std::unique_ptr<Trainer>> members;
    std::size_t turn = 0; // of the member that trains; size() when all have been compared
    double comparison = 0, observationSeconds = 0; // FLOPs of one member's comparison; of members that were replaced
    std::vector<Seen> seen;
    Clock::time_point started = Clock::now(), lastProgress{}, lastCheckpoint = Clock::now();
    double secondsBefore = 0; // in earlier processes
};

Result<std::unique_ptr<Trainer>> Population::Private::memberOf(const TrainSpec& spec, const Genome& genome,
                                                               const Domain& domain, const Hyperparameters& with,
                                                               std::uint64_t seed, std::int64_t steps,
                                                               TrainEvents events, const Placement& placement)
{
    Genome own = genome;
    own.recipe = with.in(own.recipe);
    own.recipe.population = 0;
    TrainSpec its = spec;
    its.genome = own.toJson();
    its.seed = seed;
    its.scratch.clear(); // the population keeps the checkpoint
    RATCHET_TRY(member, Trainer::create(its, domain, std::move(events), placement));
    member->d->planFor(steps);
    return member;
}

void Population::Private::takeOver(Trainer& member, const Trainer& from)
{
    TrainState& to = member.d->state;
    const TrainState& source = from.d->state;
    const at::NoGradGuard noGradient;
    for (const auto& [own, other] : {std::pair(&to.parameters, &source.parameters), std::pair(&to.first, &source.first),
                                     std::pair(&to.second, &source.second), std::pair(&to.average, &source.average)})
        if (own->defined())
            own->copy_(*other);
    to.step = source.step;
    to.loss = source.loss;
    to.tokens = source.tokens;
    to.flops = source.flops;
    to.divergence = source.divergence;
    if (member.d->adapters)
        member.d->adapters->compose(member.d->model);
}

Result<std::unique_ptr<Trainer>> Population::Private::place(std::size_t index, const Hyperparameters& with)
{
    TrainEvents own;
    if (events.onPoints)
        own.onPoints = [this, index](const Points& points) { seen[index].points.push_back(points); };
    if (events.onObservation)
        own.onObservation = [this, index](const Observation& one) { seen[index].observations.push_back(one); };
    return memberOf(spec, genome, domain, with, log.seeds[index], steps(), std::move(own), placement);
}

std::string Population::Private::checkpointFile() const
{
    return (std::filesystem::path(spec.scratch) / "checkpoint.safetensors").string();
}

// The items of the generation under way: others than any before, the same for every member.
Result<Taste> Population::Private::taste() const
{
    const auto generation = static_cast<std::uint64_t>(log.generations.size());
    return Taste::draw(genome, domain, tokenizer, Rng::stream(spec.seed, "comparison", generation).next(),
                       spec.budgetFlops * comparedShare, static_cast<double>(genome.recipe.population * genome.recipe.generations));
}

// Steps of a member in a generation: what the budget leaves when every comparison is paid.
Status Population::Private::plan()
{
    RATCHET_TRY(items, taste());
    log.items = items.rows();
    comparison = items.flops();
    RATCHET_TRY(one, memberOf(spec, genome, domain, Hyperparameters::of(genome.recipe), 0, 1));
    const double turns = static_cast<double>(genome.recipe.population * genome.recipe.generations);
    log.steps = static_cast<std::int64_t>((spec.budgetFlops / turns - comparison) / one->d->flopsPerStep);
    if (log.steps < 1)
        return fail(Code::BadInput, "The budget does not pay for a step of every member in every generation.",
                    "Lower /recipe/population or /recipe/generations, or raise the budget.");
    return {};
}

Status Population::Private::begin()
{
    RATCHET_CHECK(plan());
    for (std::size_t i = 0; i < size(); ++i)
        log.seeds.push_back(Rng::stream(spec.seed, "member", i).next());
    RATCHET_TRY(resumed, resume());
    if (resumed)
        return {};
    // The first has the hyperparameters of the genome itself.
    log.generations.emplace_back(size());
    for (std::size_t i = 0; i < size(); ++i) {
        Rng rng = Rng::stream(spec.seed, "spread", i);
        const Hyperparameters own = Hyperparameters::of(genome.recipe);
        log.generations.back()[i].from = static_cast<int>(i);
        log.generations.back()[i].with = i == 0 ? own : own.spread(rng);
        RATCHET_TRY(member, place(i, log.generations.back()[i].with));
        members.push_back(std::move(member));
    }
    return {};
}

bool Population::Private::isDone() const
{
    return turn == size() && log.generations.size() == static_cast<std::size_t>(genome.recipe.generations);
}

Status Population::Private::takeStep()
{
    if (turn == size())
        RATCHET_CHECK(nextGeneration());
    MemberLog& own = log.generations.back()[turn];
    Trainer& member = *members[turn];
    Status taken = member.d->takeStep();
    if (taken)
        taken = member.d->readSteps(); // a lost member is known at once
    if (!taken && !member.d->isLost)
        return taken;
    ++own.steps;
    own.isLost = member.d->isLost;
    own.flops = static_cast<double>(own.steps) * member.d->flopsPerStep;
    report();
    if (own.steps < log.steps && !own.isLost)
        return {};
    return ++turn == size() ? compare() : Status();
}

Status Population::Private::compare()
{
    RATCHET_TRY(items, taste());
    std::vector<MemberLog>& generation = log.generations.back();
    for (std::size_t i = 0; i < size(); ++i) {
        if (generation[i].isLost)
            continue;
        const TrainState& state = members[i]->d->state;
        const at::NoGradGuard noGradient;
        compared.flat().copy_(state.average.defined() ? state.average : members[i]->d->model.flat());
        const double loss = items.loss(compared);
        generation[i].isLost = !std::isfinite(loss);
        generation[i].flops += comparison;
        if (std::isfinite(loss))
            generation[i].loss = loss;
    }
    const int best = log.ranking().front();
    if (!generation[static_cast<std::size_t>(best)].loss)
        return fail(Code::Failed, fmt::format("Every member of the population diverged in generation {}.", log.generations.size()),
                    "Lower the learning rate or lengthen the warm-up.");
    showBest(best);
    return {};
}

// Truncation selection (Jaderberg 2017, section 4.1.1) with a quarter, one at least, on either side. Lost members are
// replaced too.
Status Population::Private::nextGeneration()
{
    const std::vector<int> order = log.ranking();
    const std::vector<MemberLog> last = log.generations.back();
    const std::size_t quarter = std::max<std::size_t>(1, size() / 4);
    std::vector<MemberLog> next(size());
    for (std::size_t rank = 0; rank < size(); ++rank) {
        const auto index = static_cast<std::size_t>(order[rank]);
        MemberLog& own = next[index];
        own.from = order[rank];
        own.with = last[index].with;
        const bool isReplaced = rank > 0 && (rank >= size() - quarter || last[index].isLost);
        if (!isReplaced)
            continue;
        Rng rng = Rng::stream(spec.seed, "explore", log.generations.size() * size() + index);
        std::size_t chosen = rng.below(quarter);
        if (last[static_cast<std::size_t>(order[chosen])].isLost)
            chosen = 0;
        own.from = order[chosen];
        own.with = last[static_cast<std::size_t>(own.from)].with.explored(rng);
        RATCHET_TRY(member, place(index, own.with));
        takeOver(*member, *members[static_cast<std::size_t>(own.from)]);
        observationSeconds += members[index]->d->observationSeconds;
        members[index] = std::move(member);
    }
    log.generations.push_back(std::move(next));
    turn = 0;
    return {};
}

void Population::Private::showBest(int best)
{
    Seen& shown = seen[static_cast<std::size_t>(best)];
    for (const Observation& observation : shown.observations)
        events.onObservation(observation);
    for (const Points& points : shown.points)
        events.onPoints(points);
    seen.assign(size(), {});
}

// All members together; the loss is of the one that trains.
void Population::Private::report()
{
    if (!events.onProgress || secondsSince(lastProgress) < 0.25)
        return;
    lastProgress = Clock::now();
    const Trainer::Private& member = *members[turn]->d;
    Progress progress;
    progress.step = log.stepsOfAll();
    progress.tokens = progress.step * genome.recipe.batch * member.batches.length();
    progress.flops = log.flopsOfAll();
    progress.fraction = std::min(1.0, static_cast<double>(progress.step) / static_cast<double>(steps() * genome.recipe.population));
    progress.loss = member.state.loss;
    progress.stage = "full";
    progress.secondsLeft = (secondsBefore + secondsSince(started)) * (1 / progress.fraction - 1);
    events.onProgress(progress);
}

Result<Trained> Population::Private::finish(Trainer& winner, const TrainSpec& spec, const PopulationLog& log)
{
    winner.d->spec.scratch = spec.scratch;
    winner.d->population = log.toJson();
    Trained trained;
    RATCHET_CHECK(winner.d->finish(trained));
    return trained;
}

// The file holds the state of every member that is not lost, and in its metadata the log and whose turn it is.
Result<bool> Population::Private::resume()
{
    if (spec.scratch.empty() || !std::filesystem::exists(checkpointFile()))
        return false;
    RATCHET_TRY(content, readWeights(checkpointFile()));
    if (content.metadata["trial"] != trialKey(spec))
        return false;
    if (const std::string made = madeAt(content); made != placement.text()) {
        tellForeign(events, placement, made);
        return false;
    }
    RATCHET_TRY(json, parseJson(content.metadata["population"], "the checkpoint's population"));
    Json logJson;
    std::vector<Json> states;
    Fields in(json, "the checkpoint's population");
    in.read("log", logJson).read("turn", turn).read("states", states).read("seconds", secondsBefore).onlyKnown();
    RATCHET_CHECK(in.status());
    RATCHET_TRY(read, PopulationLog::fromJson(logJson));
    if (read.seeds != log.seeds || states.size() != size() || turn > size())
        return fail(Code::Damaged, "The checkpoint holds another population.", "Delete it to start the trial again.");
    log = std::move(read);
    for (std::size_t i = 0; i < size(); ++i) {
        RATCHET_TRY(member, place(i, log.generations.back()[i].with));
        if (!log.generations.back()[i].isLost)
            RATCHET_CHECK(takeState(content, fmt::format("{}.", i), states[i], member->d->state));
        takeOver(*member, *member); // composes the adapters
        members.push_back(std::move(member));
    }
    return true;
}

Population::Population() = default;
Population::~Population() = default;

Result<std::unique_ptr<Population>> Population::create(const TrainSpec& spec, const Domain& domain, TrainEvents events,
                                                       const Placement& placement)
{
    try {
        RATCHET_TRY(genome, Genome::fromJson(spec.genome));
        if (!genome.recipe.isPopulation())
            return fail(Code::BadInput, "The genome has no population.");
        RATCHET_TRY(tokenizer, tokenizerOf(spec.tokenizer, domain.info().alphabet));
        RATCHET_CHECK(fits(spec, genome, domain, tokenizer.vocabulary(), placement.threads));
        auto population = std::unique_ptr<Population>(new Population);
        population->d = std::make_unique<Private>(spec, std::move(genome), domain, std::move(events), std::move(tokenizer));
        population->d->placement = placement;
        population->d->compared.place(placement);
        RATCHET_CHECK(population->d->begin());
        return population;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The population could not be prepared: {}.", reasonOf(error)));
    }
}

Result<bool> Population::advance(std::int64_t steps)
{
    try {
        for (; steps > 0 && !d->isDone(); --steps)
            RATCHET_CHECK(d->takeStep());
        return !d->isDone();
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The population failed in generation {}: {}.", d->log.generations.size(),
                                              reasonOf(error)));
    }
}

Result<Trained> Population::run()
{
    for (bool more = !d->isDone(); more;) {
        if (d->events.isStopped && d->events.isStopped()) {
            RATCHET_CHECK(keepCheckpoint());
            return fail(Code::Cancelled, "The training of the population was stopped; its state is kept.");
        }
        RATCHET_TRY(left, advance(1));
        more = left;
        if (more && d->spec.checkpointSeconds > 0 && secondsSince(d->lastCheckpoint) >= d->spec.checkpointSeconds) {
            RATCHET_CHECK(keepCheckpoint());
            d->lastCheckpoint = Clock::now();
        }
    }
    Trainer& winner = *d->members[static_cast<std::size_t>(d->log.ranking().front())];
    Result<Trained> finished;
    try {
        finished = Private::finish(winner, d->spec, d->log);
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The training could not be finished: {}.", reasonOf(error)));
    }
    RATCHET_TRY(trained, std::move(finished));
    trained.steps = d->log.stepsOfAll();
    trained.tokens = trained.steps * d->genome.recipe.batch * trained.length;
    trained.flops = d->log.flopsOfAll();
    trained.seconds = d->secondsBefore + secondsSince(d->started);
    trained.observationSeconds = d->observationSeconds;
    for (const auto& member : d->members)
        trained.observationSeconds += member->d->observationSeconds;
    return trained;
}

// What a lost member came to may be no numbers, and nobody goes on from it.
Status Population::keepCheckpoint() const
{
    WeightsFile content;
    Json states = Json::array();
    for (std::size_t i = 0; i < d->size(); ++i)
        states.push_back(d->log.generations.back()[i].isLost ? Json(nullptr)
                                                             : addState(content, fmt::format("{}.", i), d->members[i]->d->state));
    const Json population{{"log", d->log.toJson()}, {"turn", d->turn}, {"states", states}, {"seconds", d->secondsBefore + secondsSince(d->started)}};
    content.metadata = {
        {"trial", trialKey(d->spec)}, {"placement", d->placement.text()}, {"population", population.dump()}};
    return writeWeights(d->checkpointFile(), content);
}

const PopulationLog& Population::log() const
{
    return d->log;
}

Result<Trained> Population::replay(const TrainSpec& spec, const PopulationLog& log, const Domain& domain, const Placement& placement)
{
    try {
        RATCHET_TRY(genome, Genome::fromJson(spec.genome));
        const std::vector<int> line = log.lineage();
        const auto generations = static_cast<std::int64_t>(log.generations.size());
        std::unique_ptr<Trainer> model;
        for (std::size_t generation = 0; generation < line.size(); ++generation) {
            const auto member = static_cast<std::size_t>(line[generation]);
            RATCHET_TRY(next, Private::memberOf(spec, genome, domain, log.generations[generation][member].with, log.seeds[member],
                                                log.steps * generations, {}, placement));
            if (model)
                Private::takeOver(*next, *model);
            RATCHET_CHECK(next->advance(log.steps));
            model = std::move(next);
        }
        return Private::finish(*model, spec, log);
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The winner's line could not be trained: {}.", reasonOf(error)));
    }
}

} // namespace ratchet
