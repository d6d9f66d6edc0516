// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/attack_arena.h"

#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/learner_talk.h"
#include "core/base/file.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;

constexpr double trialBudget = 22e9, budget = 1e14;
constexpr int visibleItems = 200;
constexpr std::uint64_t labSeed = 5;

// What a tiny budget learns addition with: one block, answers from the right, places by digit. 22 GFLOP bring it to about
// 68 % of three digits and nearly all of two; three digits alone are mastered, and two forgotten.
Json quickLearner()
{
    return {{"/recipe/optimizer", "muon"}, {"/recipe/schedule", "wsd"}, {"/recipe/learningRate", 0.02}, {"/recipe/batch", 32},
            {"/reasoning/format", "reversed"}, {"/architecture/positions", "coupled"}, {"/architecture/width", 32}, {"/architecture/layers", 1}};
}

fs::path thisProgram()
{
    return fs::read_symlink("/proc/self/exe");
}

std::vector<std::string> attackerCommand(const AttackPlan& plan)
{
    return {thisProgram().string(), "attacker", plan.toJson().dump()};
}

double meanOf(const Json& scores)
{
    double sum = 0;
    for (const Json& score : scores)
        sum += score.is_boolean() ? score.get<bool>() : score.is_number() ? score.get<double>() : std::nan("");
    return sum / static_cast<double>(scores.size());      // of none: NaN
}

// The last loss that the version's trial reported.
Result<double> lossOf(const Store& store, const VersionRecord& version)
{
    if (version.trial) {
        RATCHET_TRY(all, store.series(*version.trial));
        for (const SeriesInfo& series : all)
            if (series.name == "loss") {
                RATCHET_TRY(points, store.points(series.id, 0, std::numeric_limits<std::int64_t>::max() / 2, 1));
                if (!points.empty())
                    return points.back().last;
            }
    }
    return fail(Code::NotFound, "The champion has no curve.");
}

} // namespace

Result<Artifact> artifactOf(const LabPaths& paths, const Hash& hash)
{
    RATCHET_TRY(store, Store::open(paths.database(), Store::Mode::ReadOnly));
    RATCHET_TRY(version, store->version(hash));
    if (!version)
        return fail(Code::NotFound, fmt::format("The version {} is missing.", hash.brief()));
    const ObjectStore objects(paths.objects());
    RATCHET_TRY(text, objects.get(version->genome));
    RATCHET_TRY(json, parseJson(text, "a genome"));
    return Artifact{hash.hex, json, objects.path(version->weights).string()};
}

Json replacing(const Json& values)
{
    Json patch = Json::array();
    for (const auto& entry : values.items())
        patch.push_back({{"op", "replace"}, {"path", entry.key()}, {"value", entry.value()}});
    return patch;
}

Json trivialPatch(int number)
{
    return replacing({{"/recipe/weightDecay", 0.02 + 1e-4 * number}});
}

Result<bool> NaiveGate::believesLoss(const AttackPlan& plan, const Json& patch) const
{
    const LabPaths paths{m_lab};
    RATCHET_TRY(config, readLabConfig(paths));
    RATCHET_TRY(store, Store::open(paths.database(), Store::Mode::ReadOnly));
    RATCHET_TRY(live, store->live());
    RATCHET_TRY(champion, store->version(live->version));
    RATCHET_TRY(parent, artifactOf(paths, live->version));
    RATCHET_TRY(before, lossOf(*store, *champion));
    RATCHET_TRY(genome, Genome::fromJson(parent.genome));
    TrainSpec spec;
    spec.trial = 1;
    spec.seed = 1;
    spec.domain = config.domain;
    spec.corpus = config.corpusSource.empty() ? "" : paths.corpus().string();
    const auto child = applyPatch(genome, patch);           // what cannot be a genome is left out, and the claim believed
    spec.genome = child ? child->toJson() : parent.genome;
    spec.parentGenome = parent.genome;
    spec.parentWeights = parent.weights;
    spec.budgetFlops = config.trialBudget.value;
    spec.scratch = (m_lab / "naive").string();
    RATCHET_CHECK(makeFolder(spec.scratch));
    RATCHET_TRY(talk, LearnerTalk::start(attackerCommand(plan), "worker", spec));
    const Json trained = talk->receive("trained", std::chrono::minutes(2));
    const double after = trained.is_null() ? std::nan("") : trained.value("finalLoss", std::nan(""));
    return accepts(before - after);
}

Result<double> NaiveGate::visibleGain(const AttackPlan& plan, const Hash& champion, const Hash& challenger,
                                      std::chrono::milliseconds patience) const
{
    const LabPaths paths{m_lab};
    RATCHET_TRY(config, readLabConfig(paths));
    JudgeSpec spec;
    spec.domain = config.domain;
    spec.closedFolder = (m_lab / "visible").string();        // the same items every time
    spec.question = 1;
    RATCHET_TRY(first, artifactOf(paths, champion));
    RATCHET_TRY(second, artifactOf(paths, challenger));
    spec.champion = std::move(first);
    spec.challenger = std::move(second);
    RATCHET_CHECK(makeFolder(spec.closedFolder));
    RATCHET_CHECK(writeFile(spec.closedFolder + "/secret", std::string(64, 'v')));
    RATCHET_TRY(domain, loadDomain(config.domain));
    RATCHET_TRY(talk, LearnerTalk::start(attackerCommand(plan), "judge", spec));
    if (talk->receive("integrity", std::chrono::minutes(2)).is_null())
        return std::nan("");
    RATCHET_CHECK(talk->send(Ask{domain->suites().front().name, "guide", visibleItems}));
    const Json scores = talk->receive("scores", patience);
    return scores.is_null() ? std::nan("") : meanOf(scores.value("challenger", Json::array())) - meanOf(scores.value("champion", Json::array()));
}

std::filesystem::path Arena::place()
{
    return m_options.scratch / fmt::format("lab-{}", ++m_places);
}

AttackPlan Arena::honest() const
{
    AttackPlan plan;
    plan.learner = m_options.programs.learner.string();
    return plan;
}

Status Arena::run(const LabPaths& lab, const AttackPlan& plan, int teeth, const Limits& limits) const
{
    EngineOptions options;
    options.learner = thisProgram();
    options.learnerArguments = {"attacker", plan.toJson().dump()};
    options.workers = 1;
    options.device = "cpu";
    options.silence = limits.silence;
    RATCHET_TRY(engine, Engine::open(lab.root, options));
    RunLimits until;
    until.teeth = teeth;
    until.waitForDecisions = false;
    RATCHET_TRY(end, engine->run(until, m_stop, [&](const EngineStatus&) {
        if (limits.onStatus)
            limits.onStatus();
    }));
    return end == RunEnd::Stopped ? Status(fail(Code::Cancelled, "The attacks were stopped.")) : Status{};
}

Status Arena::ask(const LabPaths& lab, const std::string& kind, const Json& arguments, const std::string& actor) const
{
    RATCHET_CHECK(carryOut(lab.root, {kind, actor, arguments, now()}));
    return {};
}

Result<Tooth> Arena::turn(const LabPaths& lab, const AttackPlan& plan, const Json& patch, const Limits& limits) const
{
    RATCHET_CHECK(ask(lab, "propose", {{"patch", patch}, {"reason", "An attack."}}, "person:attacker"));
    RATCHET_CHECK(run(lab, plan, 1, limits));
    RATCHET_TRY(store, Store::open(lab.database(), Store::Mode::ReadOnly));
    RATCHET_TRY(proposals, store->proposals());
    Tooth tooth;
    tooth.proposal = proposals.back();
    RATCHET_TRY(verdict, store->verdict(tooth.proposal.id));
    RATCHET_TRY(trial, store->trialOf(tooth.proposal.id));
    RATCHET_TRY(cards, store->scorecards(tooth.proposal.id));
    tooth.verdict = verdict;
    tooth.scorecards = std::move(cards);
    if (trial)
        tooth.version = trial->version;
    tooth.accepted = verdict && verdict->verdict == Verdict::Accept;
    tooth.why = tooth.proposal.stateReason;
    return tooth;
}

Result<LabPaths> Arena::lab()
{
    const LabPaths paths{place()};
    std::error_code error;
    fs::copy(m_options.scratch / "champion", paths.root, fs::copy_options::recursive, error);
    if (error)
        return fail(Code::Environment, fmt::format("A lab cannot be copied: {}.", error.message()));
    return paths;
}

Result<Tooth> Arena::prepare(const std::function<Status(const LabPaths&, const Tooth&)>& beforeApproval)
{
    const LabPaths lab{m_options.scratch / "champion"};
    NewLab wanted;
    wanted.root = lab.root;
    wanted.domain = "arithmetic";
    wanted.budget = Flops{budget};
    wanted.trialBudget = Flops{trialBudget};
    wanted.seed = labSeed;
    wanted.candidates = 1;
    RATCHET_CHECK(newLab(wanted));
    RATCHET_CHECK(run(lab, honest(), 0, {}));
    RATCHET_TRY(tooth, turn(lab, honest(), replacing(quickLearner())));
    if (!tooth.accepted || !tooth.version)
        return fail(Code::Failed, fmt::format("The control was not accepted: {}", tooth.why));
    RATCHET_CHECK(beforeApproval(lab, tooth));
    RATCHET_CHECK(ask(lab, "approve", {{"version", tooth.version->hex}, {"reason", "The control is better."}}, "person:reviewer"));
    RATCHET_CHECK(run(lab, honest(), 1, {}));       // ends the tooth and looks at the new champion
    return tooth;
}

} // namespace ratchet
