// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/reward_job.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "core/agent/archived.h"
#include "core/agent/limits.h"
#include "core/genome/weights_file.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr int gradedItems = 300, scoredItems = 200;
constexpr std::size_t othersLearntFrom = 3;      // versions besides the champion

// What came of a job; shared, because either may be gone first.
struct Outcome { Status how = fail(Code::Failed, "The reward model was never asked."); std::optional<Message> answer; double flops = 0; };

class RewardJob : public Job {
public:
    RewardJob(Context& context, RewardSpec spec, std::string title, std::shared_ptr<Outcome> outcome)
        : m_context(context), m_spec(std::move(spec)), m_title(std::move(title)), m_outcome(std::move(outcome))
    {
    }
    [[nodiscard]] Result<ChildSpec> spec() override;
    [[nodiscard]] Status receive(const Message& message, Child&) override;
    [[nodiscard]] Status end(const Status& how, std::chrono::milliseconds, double) override
    {
        m_outcome->how = how;
        if (m_failure && (how || how.error().code != Code::Cancelled))
            m_outcome->how = fail(Code::Failed, m_failure->text);
        else if (how && !m_outcome->answer)
            m_outcome->how = fail(Code::Failed, "The reward model ended without a result.");
        return how || how.error().code != Code::Environment ? Status() : how;      // no child can be had: the engine's own trouble
    }
    [[nodiscard]] EngineStatus::Running running() const override { return {{}, m_title, m_progress.stage, m_progress.fraction, m_progress.loss}; }
    [[nodiscard]] bool isJudging() const override { return true; }
    [[nodiscard]] bool concerns(Id<ProposalRecord>) const override { return false; }

private:
    Context& m_context;
    RewardSpec m_spec;
    std::string m_title;
    std::shared_ptr<Outcome> m_outcome;
    Progress m_progress;
    std::optional<Failure> m_failure;
};

Result<ChildSpec> RewardJob::spec()
{
    RATCHET_TRY(genome, Genome::fromJson((m_spec.task == "learn" ? m_spec.versions.front() : m_spec.model).genome));
    ChildSpec child;
    child.role = "reward";
    RATCHET_CHECK(makeFolder(m_spec.scratch, 0700));
    child.sandbox.required = m_context.sandboxLevel;
    child.sandbox.writable.emplace_back(m_spec.scratch);
    child.sandbox.forbidden = {m_context.paths.database(), m_context.paths.judge() / "secret", m_context.paths.keys() / "private.pem"};
    std::set<std::string> weights;
    for (const Artifact& artifact : m_spec.versions)
        weights.insert(artifact.weights);
    if (!m_spec.model.version.empty())
        weights.insert(m_spec.model.weights);
    child.sandbox.readable.assign(weights.begin(), weights.end());
    if (!m_spec.corpus.empty())       // the gate's and the vault's documents stay out of sight
        for (const char* file : {"corpus.json", "train.txt", "guide.txt"})
            child.sandbox.readable.push_back(m_context.paths.corpus() / file);
    child.limits = limitsFor(m_context.config.trialBudget, genome, m_context.vocabulary, m_context.memoryBytes);
    child.limits.silence = m_context.silence;
    m_spec.memoryBytes = child.limits.memoryBytes;
    child.log = std::filesystem::path(m_spec.scratch) / "reward.log";
    child.first = m_spec;
    return child;
}

Status RewardJob::receive(const Message& message, Child&)
{
    if (std::holds_alternative<Hello>(message))
        return {};
    const double most = m_spec.budgetFlops * 1.05;      // a lie must not cost the lab its budget
    const auto charge = [&](double flops) { m_outcome->flops = std::clamp(flops, m_outcome->flops, std::max(most, m_outcome->flops)); };
    if (const auto* progress = std::get_if<Progress>(&message)) {
        m_progress = *progress;
        charge(progress->flops);
    } else if (const auto* failure = std::get_if<Failure>(&message)) {
        m_failure = *failure;
    } else if (const auto* graded = std::get_if<Graded>(&message); graded && m_spec.task != "score") {
        charge(graded->flops);
        m_outcome->answer = message;
    } else if (const auto* rewards = std::get_if<Rewards>(&message);
               rewards && m_spec.task == "score" && rewards->means.size() == m_spec.versions.size() && rewards->items > 0) {
        charge(rewards->flops);
        m_outcome->answer = message;
    } else {
        return fail(Code::Failed, "The reward model sent a message that is none of its business.");
    }
    return {};
}

// The version itself, the champion before it, and the newest of the archive.
Result<std::vector<Artifact>> versionsToLearnFrom(Context& context, const Hash& champion)
{
    RATCHET_TRY(archive, archived(context, champion));
    RATCHET_TRY(deployments, context.store->deployments());
    std::vector<Hash> chosen{champion};
    const auto add = [&](const Hash& hash) -> Status {
        if (chosen.size() > othersLearntFrom || std::find(chosen.begin(), chosen.end(), hash) != chosen.end())
            return {};
        RATCHET_TRY(version, context.store->version(hash));
        if (version && version->tokenizer == context.tokenizer)
            chosen.push_back(hash);
        return {};
    };
    if (!deployments.empty() && deployments.back().previous)
        RATCHET_CHECK(add(*deployments.back().previous));
    for (auto one = archive.rbegin(); one != archive.rend(); ++one)
        RATCHET_CHECK(add(one->version));
    std::vector<Artifact> artifacts;
    for (const Hash& hash : chosen) {
        RATCHET_TRY(artifact, context.artifact(hash));
        artifacts.push_back(std::move(artifact));
    }
    return artifacts;
}

// An answer as the domain reads it back, in the format of the version that gave it.
Result<std::string> canonical(const Context& context, const OutcomeRecord& outcome)
{
    RATCHET_TRY(version, context.store->version(outcome.version));
    if (!version)
        return std::string();
    RATCHET_TRY(genome, context.genome(version->genome));
    return guarded(context.config.domain, [&] { return context.domain->grade({{}, *outcome.question}, outcome.completion, genome.reasoning).answer; });
}

// What people said of answers: a corrected one is wrong and its correction right, else the sign of the rating decides. Corrections that
// are judged by are left out as for training.
Result<std::vector<Json>> gradedByPeople(const Context& context)
{
    RATCHET_TRY(corrections, context.feedback(true));
    std::set<std::string> trained;
    for (const Json& item : corrections)
        trained.insert(item["question"].dump());
    RATCHET_TRY(outcomes, context.store->outcomes(1000));
    std::vector<Json> graded;
    for (const OutcomeRecord& outcome : outcomes) {
        const bool corrected = !outcome.correction.empty();
        if (!outcome.question || (corrected ? !trained.contains(outcome.question->dump()) : outcome.rating == 0))
            continue;
        RATCHET_TRY(answer, canonical(context, outcome));
        if (corrected)
            graded.push_back({{"question", *outcome.question}, {"answer", outcome.correction}, {"right", true}});
        if (!answer.empty() && answer != outcome.correction)
            graded.push_back({{"question", *outcome.question}, {"answer", answer}, {"right", !corrected && outcome.rating > 0}});
    }
    return graded;
}

Flops mostFlops(const Context& context) { return {context.config.reward * context.config.trialBudget.value}; }

struct Asked { RewardWork work; std::shared_ptr<Outcome> outcome; };

Result<Asked> ask(Context& context, const RewardUse& use, const std::string& task, RewardSpec spec, const RunToEnd& runToEnd)
{
    RATCHET_TRY(champion, context.champion());
    RATCHET_TRY(live, context.store->live());
    Asked asked;
    asked.work.task = spec.task = task;
    asked.work.champion = champion.hash;
    asked.work.deployment = live->id.value;
    spec.domain = context.config.domain;
    spec.corpus = context.corpusFolder();
    spec.tokenizer = context.tokenizerJson;
    spec.seed = Rng::stream(context.config.seed, "reward", use.work.size()).next() >> 1;
    spec.scratch = (context.paths.work() / "reward").string();
    RATCHET_TRY(spent, context.store->spent());
    spec.budgetFlops = std::clamp((context.config.budget - spent).value, 0.0, mostFlops(context).value);
    if (task != "learn") {
        const RewardRecord& model = use.model->record;
        RATCHET_TRY(text, context.objects.get(model.genome));
        RATCHET_TRY(genome, parseJson(text, "genome " + model.genome.brief()));
        RATCHET_CHECK(context.objects.verify(model.weights));
        spec.model = {model.weights.hex, genome, context.objects.path(model.weights).string()};
        asked.work.model = model.id.value;
        asked.work.record.genome = model.genome;
        asked.work.record.weights = model.weights;
    }
    asked.outcome = std::make_shared<Outcome>();
    RATCHET_CHECK(runToEnd(std::make_unique<RewardJob>(context, std::move(spec), fmt::format("reward model: {}", task), asked.outcome)));
    asked.work.record.spent = {asked.outcome->flops};
    asked.work.record.created = now();
    if (!asked.outcome->how)
        asked.work.failure = asked.outcome->how.error().text;
    return asked;
}

Status keep(Context& context, RewardWork& work)
{
    work.record.report = work.toJson();
    const auto added = context.store->add(work.record);
    return added ? Status() : Status(passOn(added));
}

// The weights that the child wrote, as an object.
Status takeWeights(Context& context, const VersionRecord& champion, RewardWork& work)
{
    const auto file = context.paths.work() / "reward" / "reward.safetensors";
    RATCHET_TRY(genome, context.genome(champion.genome));
    RATCHET_TRY(content, readWeights(file));
    RATCHET_CHECK(checkWeights(content, genome.architecture, context.vocabulary));
    RATCHET_TRY(weights, context.objects.putFile(file));
    work.record.genome = champion.genome;
    work.record.weights = weights;
    return {};
}

Status takeGraded(Context& context, const VersionRecord& champion, const Graded& graded, RewardWork& work)
{
    work.items = graded.items;
    work.shown = graded.shown;
    work.right = graded.right;
    work.unreadable = graded.unreadable;
    work.steps = graded.steps;
    work.nothing = graded.nothing;
    if (!graded.nothing.empty())
        return {};
    if (graded.answers.empty())
        return fail(Code::Failed, "The reward model was held against no answer.");
    if (work.task == "learn")
        RATCHET_CHECK(takeWeights(context, champion, work));
    work.report = rewardReportOf(graded.answers);
    return {};
}

Status gradeOrLearn(Context& context, const RewardUse& use, RewardNeed need, const RunToEnd& runToEnd)
{
    RATCHET_TRY(champion, context.champion());
    RewardSpec spec;
    if (need == RewardNeed::Learn) {
        RATCHET_TRY(versions, versionsToLearnFrom(context, champion.hash));
        RATCHET_TRY(feedback, gradedByPeople(context));
        spec.versions = std::move(versions);
        spec.feedback = std::move(feedback);
    } else {
        RATCHET_TRY(artifact, context.artifact(champion.hash));
        spec.versions = {artifact};
        spec.items = gradedItems;
    }
    RATCHET_TRY(asked, ask(context, use, need == RewardNeed::Learn ? "learn" : "grade", std::move(spec), runToEnd));
    if (asked.work.failure.empty())
        if (const Status taken = takeGraded(context, champion, std::get<Graded>(*asked.outcome->answer), asked.work); !taken)
            asked.work.failure = taken.error().text;
    std::error_code ignored;
    std::filesystem::remove_all(context.paths.work() / "reward", ignored);
    return keep(context, asked.work);
}

// Scores these against the champion and keeps what came of it.
Status score(Context& context, const RewardUse& use, const std::vector<std::pair<ProposalRecord, TrialRecord>>& unscored, const RunToEnd& runToEnd)
{
    RATCHET_TRY(champion, context.champion());
    RewardSpec spec;
    spec.items = scoredItems;
    RATCHET_TRY(artifact, context.artifact(champion.hash));
    spec.versions.push_back(std::move(artifact));
    for (const auto& [proposal, trial] : unscored) {
        RATCHET_TRY(its, context.artifact(*trial.version));
        spec.versions.push_back(std::move(its));
    }
    RATCHET_TRY(asked, ask(context, use, "score", std::move(spec), runToEnd));
    return context.store->transaction(Store::Durable::No, [&]() -> Status {
        if (asked.work.failure.empty()) {
            const auto& rewards = std::get<Rewards>(*asked.outcome->answer);
            asked.work.items = rewards.items;
            for (std::size_t i = 0; i < unscored.size(); ++i) {
                auto [proposal, trial] = unscored[i];
                keepRewardScore(trial, {use.model->record.id.value, rewards.means[0], rewards.means[i + 1], rewards.items});
                RATCHET_CHECK(context.store->update(trial));
                asked.work.proposals.push_back(proposal.id.value);
            }
        }
        return keep(context, asked.work);
    });
}

} // namespace

Status tendReward(Context& context, const RunToEnd& runToEnd)
{
    if (context.config.reward <= 0)
        return {};
    for (;;) {
        RATCHET_TRY(champion, context.champion());
        RATCHET_TRY(live, context.store->live());
        RATCHET_TRY(use, rewardUse(*context.store));
        const RewardNeed need = rewardNeed(use, champion.hash, live->id.value);
        RATCHET_TRY(spent, context.store->spent());
        if (need == RewardNeed::Nothing || context.config.budget < spent + mostFlops(context) + context.config.trialBudget)
            return {};
        RATCHET_CHECK(gradeOrLearn(context, use, need, runToEnd));
    }
}

Result<std::vector<ProposalRecord>> rewardOrder(Context& context, std::vector<ProposalRecord> trained, const RunToEnd& runToEnd)
{
    RATCHET_TRY(use, rewardUse(*context.store));
    if (!use.isOn())
        return trained;
    const auto scoreOf = [&](const ProposalRecord& proposal) -> Result<std::optional<double>> {
        RATCHET_TRY(trial, context.store->trialOf(proposal.id));
        const auto known = trial ? rewardScoreOf(*trial) : std::nullopt;
        return known && known->model == use.model->record.id.value ? std::optional(known->difference()) : std::nullopt;
    };
    std::vector<std::pair<ProposalRecord, TrialRecord>> unscored;      // a killed engine may have left some that are scored
    for (const ProposalRecord& proposal : trained) {
        RATCHET_TRY(trial, context.store->trialOf(proposal.id));
        RATCHET_TRY(known, scoreOf(proposal));
        if (trial && trial->version && !known)
            unscored.emplace_back(proposal, *trial);
    }
    RATCHET_TRY(spent, context.store->spent());
    if (!unscored.empty() && spent < context.config.budget)
        RATCHET_CHECK(score(context, use, unscored, runToEnd));
    std::map<std::int64_t, double> scores;
    for (const ProposalRecord& proposal : trained) {
        RATCHET_TRY(known, scoreOf(proposal));
        scores[proposal.id.value] = known.value_or(-2);                // after whatever has one
    }
    std::stable_sort(trained.begin(), trained.end(), [&](const auto& a, const auto& b) { return scores[a.id.value] > scores[b.id.value]; });
    return trained;
}

} // namespace ratchet
