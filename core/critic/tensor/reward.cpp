// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/tensor/reward.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/critic/probes.h"
#include "core/critic/reward.h"
#include "core/critic/tensor/candidate.h"
#include "core/critic/tensor/reward_model.h"
#include "core/model/compat.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr std::size_t askedAtOnce = 64;
constexpr int mostItems = 20'000;             // of a learning
constexpr int drawsAnItem = 50;               // before a small domain counts as used up
constexpr double shareOfAnswers = 0.25;       // of a learning's budget
constexpr int fewestOfAKind = 8;              // right and wrong answers to learn from, and to calibrate by

// The model has learnt from these; held out are those of RewardPart::HeldOut.
struct Pool {
    std::vector<ShownAnswer> shown, calibrate;
    std::vector<ReadAnswer> heldOut;
    std::vector<Verified> grades;             // of heldOut
    int items = 0, unreadable = 0;
};

int countRight(const std::vector<ShownAnswer>& answers)
{
    return static_cast<int>(std::count_if(answers.begin(), answers.end(), [](const ShownAnswer& one) { return one.right; }));
}

class Work {
public:
    Work(const RewardSpec& spec, const Domain& domain, const RewardProgress& isStopped, const Placement& placement)
        : m_spec(spec), m_domain(domain), m_isStopped(isStopped), m_placement(placement), m_suites(decidingSuites(domain)), m_rng(Rng::stream(spec.seed, "reward items"))
    {
    }
    [[nodiscard]] Status open();
    [[nodiscard]] Result<Graded> learn();
    [[nodiscard]] Result<Graded> grade();
    [[nodiscard]] Result<Rewards> score();

private:
    enum class From { Everywhere, TargetSuite };
    enum class Parts { All, HeldOut };
    [[nodiscard]] Result<std::vector<ExamItem>> draw(std::size_t count, From from, Parts parts);
    [[nodiscard]] Item drawOne(From from);
    [[nodiscard]] Status collect(Pool& pool, double flops);
    [[nodiscard]] Status collectFeedback(Pool& pool) const;
    [[nodiscard]] bool add(Pool& pool, const Item& item, const Reply& reply, bool drawn) const;
    [[nodiscard]] Status tell(const char* stage, double fraction, double loss = 0) const;
    [[nodiscard]] double spent() const;
    [[nodiscard]] std::uint64_t seedOf(const char* what, std::size_t number) const { return Rng::stream(m_spec.seed, what, number).next(); }

    const RewardSpec& m_spec;
    const Domain& m_domain;
    const RewardProgress& m_isStopped;
    Placement m_placement;
    std::vector<SuiteSpec> m_suites;
    Rng m_rng;
    std::vector<std::unique_ptr<Candidate>> m_versions;
    std::unique_ptr<RewardModel> m_model;
    std::set<std::string> m_drawn;            // ids
    std::uint64_t m_draws = 0;
};

Status Work::open()
{
    if (m_spec.versions.empty())
        return fail(Code::BadInput, "A reward model needs a version whose answers it looks at.");
    if (m_domain.info().measure != Measure::ExactMatch)
        return fail(Code::BadInput, "Where bits per byte are measured no answer is right or wrong: there is nothing to learn for a reward model.");
    for (const Artifact& artifact : m_spec.versions) {
        RATCHET_TRY(candidate, Candidate::load(artifact, "version " + artifact.version.substr(0, 8), m_domain, m_spec.tokenizer, m_placement));
        m_versions.push_back(std::move(candidate));
    }
    const bool learns = m_spec.task == "learn";
    const Artifact& from = learns ? m_spec.versions.front() : m_spec.model;
    RATCHET_TRY(genome, Genome::fromJson(from.genome));
    RATCHET_TRY(model, RewardModel::load(genome, from.weights, m_domain, m_spec.tokenizer, learns ? m_spec.memoryBytes : 0, m_placement));
    m_model = std::move(model);
    return tell("loading", 0);
}

double Work::spent() const
{
    double flops = m_model->flopsUsed();
    for (const auto& version : m_versions)
        flops += version->flopsUsed();
    return flops;
}

Status Work::tell(const char* stage, double fraction, double loss) const
{
    Progress progress;
    progress.stage = stage;
    progress.fraction = std::clamp(fraction, 0.0, 1.0);
    progress.loss = loss;
    progress.flops = m_model ? spent() : 0;
    return m_isStopped(progress) ? Status(fail(Code::Cancelled, "It was stopped.")) : Status();
}

// Of four items two of the target suite, one of another that must not get worse, one as the first version trains on.
Item Work::drawOne(From from)
{
    const std::uint64_t turn = from == From::TargetSuite ? 0 : m_draws++;
    if (turn % 4 == 3 || (turn % 4 == 2 && m_suites.size() == 1))
        return m_domain.drawTraining(m_versions.front()->genome().data, m_rng);
    const auto& suite = turn % 4 == 2 ? m_suites[1 + turn / 4 % (m_suites.size() - 1)] : m_suites.front();
    return m_domain.draw(suite.name, Split::Guide, m_rng);
}

// Items that were not drawn before; fewer than `count` when the domain has no more.
Result<std::vector<ExamItem>> Work::draw(std::size_t count, From from, Parts parts)
{
    std::vector<ExamItem> items;
    for (std::size_t tries = 0; items.size() < count && tries < count * drawsAnItem; ++tries) {
        Item item = drawOne(from);
        const Split split = m_domain.splitOf(item);
        if (split == Split::Gate || split == Split::Vault)
            return fail(Code::Failed, fmt::format("The domain drew item {} for learning, which only the judge may ask.", item.id));
        if (parts == Parts::HeldOut && rewardPartOf(item.id) != RewardPart::HeldOut)
            continue;
        if (m_drawn.insert(item.id).second)
            items.push_back({std::move(item), {}});
    }
    return items;
}

// Whether it could be read. Of drawn answers only those to learn from are looked at.
bool Work::add(Pool& pool, const Item& item, const Reply& reply, bool drawn) const
{
    const RewardPart part = rewardPartOf(item.id);
    auto text = m_model->read(item, reply.answer);
    if (!text)
        return false;
    text->confidence = reply.confidence;
    const bool right = reply.score >= 1;
    if (part == RewardPart::Learn)
        pool.shown.push_back({std::move(*text), right});
    else if (part == RewardPart::Calibrate && !drawn)
        pool.calibrate.push_back({std::move(*text), right});
    else if (part == RewardPart::HeldOut && !drawn) {
        pool.heldOut.push_back(std::move(*text));
        pool.grades.push_back({0, right, right ? std::string() : reply.failureClass.empty() ? "wrong" : reply.failureClass, reply.confidence});
    }
    return true;
}

Status Work::collect(Pool& pool, double flops)
{
    for (std::size_t batch = 0; pool.items < mostItems && spent() < flops; ++batch) {
        RATCHET_CHECK(tell("answering", spent() / m_spec.budgetFlops));
        Candidate& version = *m_versions[batch % m_versions.size()];
        RATCHET_TRY(items, draw(askedAtOnce, From::Everywhere, Parts::All));
        if (items.empty())
            return {};
        pool.items += static_cast<int>(items.size());
        RATCHET_TRY(replies, version.answer(items, seedOf("reward answers", batch)));
        std::vector<ExamItem> again;
        std::vector<std::string> said;
        for (std::size_t i = 0; i < items.size(); ++i) {
            pool.unreadable += !add(pool, items[i].item, replies[i], false);
            if (rewardPartOf(items[i].item.id) != RewardPart::Learn)
                continue;
            again.push_back(items[i]);
            said.push_back(replies[i].answer);
        }
        RATCHET_TRY(others, version.drawn(again, seedOf("reward draws", batch)));
        for (std::size_t i = 0; i < again.size(); ++i)
            if (others[i].answer != said[i])
                pool.unreadable += !add(pool, again[i].item, others[i], true);
    }
    return {};
}

// What people graded, unless it is of an item that judges, or that is held out.
Status Work::collectFeedback(Pool& pool) const
{
    for (const Json& given : m_spec.feedback) {
        const Item unnamed{{}, given["question"]};
        const auto parsed = m_domain.parse(m_domain.example(unnamed, {}).prompt);
        if (!parsed)
            continue;
        const Split split = m_domain.splitOf(*parsed);
        if (split == Split::Gate || split == Split::Vault || rewardPartOf(parsed->id) != RewardPart::Learn)
            continue;
        const bool right = given["right"].get<bool>();
        pool.unreadable += !add(pool, *parsed, Reply{right ? 1.0 : 0.0, {}, given["answer"], 0}, false);
    }
    return {};
}

Result<Graded> Work::learn()
{
    Pool pool;
    RATCHET_CHECK(collectFeedback(pool));
    RATCHET_CHECK(collect(pool, shareOfAnswers * m_spec.budgetFlops));
    Graded graded;
    graded.items = pool.items;
    graded.shown = static_cast<int>(pool.shown.size());
    graded.right = countRight(pool.shown);
    graded.unreadable = pool.unreadable;
    graded.flops = spent();
    std::size_t longest = 1;
    for (const ShownAnswer& answer : pool.shown)
        longest = std::max(longest, answer.text.tokens.size());
    const double left = m_spec.budgetFlops - spent();
    if (pool.items == 0)
        graded.nothing = "The domain has no items to learn from.";
    else if (std::min(graded.right, graded.shown - graded.right) < fewestOfAKind)
        graded.nothing = fmt::format("Of {} answers {} are right: right and wrong ones are needed, {} of each.", graded.shown, graded.right, fewestOfAKind);
    else if (const int right = countRight(pool.calibrate); std::min(right, static_cast<int>(pool.calibrate.size()) - right) < fewestOfAKind)
        graded.nothing = fmt::format("Of the {} answers to calibrate by {} are right: right and wrong ones are needed, {} of each.", pool.calibrate.size(),
                                     right, fewestOfAKind);
    else if (left < 2 * m_model->stepPrice(longest))
        graded.nothing = fmt::format("The {} that are left after answering pay for no training.", toText(Flops{std::max(left, 0.0)}));
    if (!graded.nothing.empty())
        return graded;
    RATCHET_TRY(steps, m_model->learn(pool.shown, pool.calibrate, left, m_spec.seed,
                                      [&](double fraction, double loss) { return !tell("learning", fraction, loss); }));
    graded.steps = steps;
    const std::vector<double> predicted = m_model->probabilities(pool.heldOut);
    for (std::size_t i = 0; i < predicted.size(); ++i)
        pool.grades[i].predicted = predicted[i];
    graded.answers = std::move(pool.grades);
    graded.weights = m_spec.scratch + "/reward.safetensors";
    RATCHET_CHECK(m_model->save(graded.weights));
    graded.flops = spent();
    return graded;
}

Result<Graded> Work::grade()
{
    Pool pool;
    for (std::size_t batch = 0; pool.items < m_spec.items && spent() < m_spec.budgetFlops; ++batch) {
        RATCHET_CHECK(tell("grading", static_cast<double>(pool.items) / m_spec.items));
        RATCHET_TRY(items, draw(std::min(askedAtOnce, static_cast<std::size_t>(m_spec.items - pool.items)), From::Everywhere, Parts::HeldOut));
        if (items.empty())
            break;
        pool.items += static_cast<int>(items.size());
        RATCHET_TRY(replies, m_versions[batch % m_versions.size()]->answer(items, seedOf("reward answers", batch)));
        for (std::size_t i = 0; i < items.size(); ++i)
            pool.unreadable += !add(pool, items[i].item, replies[i], false);
    }
    Graded graded;
    graded.items = pool.items;
    graded.unreadable = pool.unreadable;
    const std::vector<double> predicted = m_model->probabilities(pool.heldOut);
    for (std::size_t i = 0; i < predicted.size(); ++i)
        pool.grades[i].predicted = predicted[i];
    graded.answers = std::move(pool.grades);
    graded.flops = spent();
    if (graded.answers.empty())
        graded.nothing = "No answer could be graded.";
    return graded;
}

// Whether an answer is right is not looked at.
Result<Rewards> Work::score()
{
    Rewards rewards;
    rewards.means.assign(m_versions.size(), 0);
    for (std::size_t batch = 0; rewards.items < m_spec.items && spent() < m_spec.budgetFlops; ++batch) {
        RATCHET_CHECK(tell("scoring", static_cast<double>(rewards.items) / m_spec.items));
        RATCHET_TRY(items, draw(std::min(askedAtOnce, static_cast<std::size_t>(m_spec.items - rewards.items)), From::TargetSuite, Parts::HeldOut));
        if (items.empty())
            break;
        rewards.items += static_cast<int>(items.size());
        for (std::size_t version = 0; version < m_versions.size(); ++version) {
            RATCHET_TRY(replies, m_versions[version]->answer(items, seedOf("reward answers", batch)));
            std::vector<ReadAnswer> texts;
            for (std::size_t i = 0; i < items.size(); ++i)
                if (auto text = m_model->read(items[i].item, replies[i].answer)) {
                    text->confidence = replies[i].confidence;
                    texts.push_back(std::move(*text));
                }
            for (const double probability : m_model->probabilities(texts))
                rewards.means[version] += probability;
        }
    }
    if (rewards.items == 0)
        return fail(Code::Failed, "The domain has no items to score on.");
    for (double& mean : rewards.means)
        mean = std::clamp(mean / rewards.items, 0.0, 1.0);
    rewards.flops = spent();
    return rewards;
}

Result<Message> workFrom(FrameChannel& channel, const Placement& placement)
{
    RATCHET_TRY(message, channel.receive());
    const auto* const spec = std::get_if<RewardSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "A reward model was sent something else than its work.");
    RATCHET_TRY(domain, loadDomain(spec->domain, spec->corpus));
    // Whatever comes after the spec can only mean stop.
    const auto done = guarded(spec->domain, [&] {
        return doRewardWork(*spec, *domain, [&](const Progress& progress) { return !channel.send(progress) || channel.isReadable(); },
                            placement);
    });
    RATCHET_CHECK(done);
    RATCHET_TRY(result, *done);
    return std::visit([](const auto& one) { return Message(one); }, result);
}

} // namespace

Result<std::variant<Graded, Rewards>> doRewardWork(const RewardSpec& spec, const Domain& domain, const RewardProgress& isStopped,
                                                      const Placement& placement)
{
    Work work(spec, domain, isStopped, placement);
    RATCHET_CHECK(work.open());
    if (spec.task == "score") {
        RATCHET_TRY(rewards, work.score());
        return rewards;
    }
    RATCHET_TRY(graded, spec.task == "learn" ? work.learn() : work.grade());
    return graded;
}

int rewardMain(FrameChannel& channel, const Placement& placement)
{
    prepareProcess();
    const auto done = workFrom(channel, placement);
    const Status sent = done ? channel.send(*done) : channel.send(failureOf(done.error()));
    return done && sent ? 0 : 1;
}

} // namespace ratchet
