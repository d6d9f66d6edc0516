// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/tensor/reward_model.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/genome/cost.h"
#include "core/genome/tokenizer.h"
#include "core/genome/weights_file.h"
#include "core/model/compat.h"
#include "core/model/transformer.h"
#include "core/trainer/optimizer.h"
#include "core/trainer/schedule.h"

namespace ratchet {
namespace {

// After an end token nothing was ever to be predicted: these two tokens' logits are free there, whatever they mean elsewhere.
constexpr std::int64_t wrongToken = 0, rightToken = 1;
constexpr int batchRows = 32;
constexpr int looks = 25, patience = 6;       // at the calibration answers, over the budget; without a fall
constexpr std::size_t readAtOnce = 256;

bool isPermutation(std::string a, std::string b)
{
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

// Goes on in smaller steps than the version itself was trained with.
Recipe recipeOf(const Genome& genome)
{
    Recipe recipe;
    recipe.learningRate = 0.3 * genome.recipe.learningRate;
    recipe.schedule = "cosine";
    recipe.warmup = 0.05;
    recipe.batch = batchRows;
    recipe.start = "continue";
    return recipe;
}

} // namespace

struct RewardModel::Private {
    Private(const Genome& its, const Domain& itsDomain, Tokenizer itsTokenizer)
        : genome(its), domain(itsDomain), tokenizer(std::move(itsTokenizer)), model(its.architecture, tokenizer.vocabulary())
    {
        genome.recipe = recipeOf(its);
    }
    [[nodiscard]] at::Tensor logits(const std::vector<const ReadAnswer*>& rows) const;       // [B, 2], wrong and right
    [[nodiscard]] std::vector<double> differences(const std::vector<ReadAnswer>& answers);
    [[nodiscard]] Result<double> step(const std::vector<ShownAnswer>& shown, const std::vector<std::size_t>* kinds, Rng& rng, double rate,
                                      std::int64_t number);
    void charge(std::size_t rows, std::size_t length, double share)
    {
        flops += share * static_cast<double>(rows * length) *
                 trainingFlops(genome.architecture, tokenizer.vocabulary(), static_cast<int>(length)).value;
    }

    Genome genome;
    const Domain& domain;
    Tokenizer tokenizer;
    Transformer model;
    std::optional<Optimizer> optimizer;
    Platt platt;
    double flops = 0;
};

namespace {

std::size_t longestOf(const std::vector<const ReadAnswer*>& rows)
{
    std::size_t length = 1;
    for (const ReadAnswer* row : rows)
        length = std::max(length, row->tokens.size());
    return length;
}

std::vector<ReadAnswer> textsOf(const std::vector<ShownAnswer>& answers)
{
    std::vector<ReadAnswer> texts;
    for (const ShownAnswer& answer : answers)
        texts.push_back(answer.text);
    return texts;
}

// Mean cross-entropy in which each kind counts half.
double balancedLoss(const std::vector<double>& differences, const std::vector<ShownAnswer>& answers)
{
    double sum[2] = {0, 0}, count[2] = {0, 0};
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const double margin = answers[i].right ? differences[i] : -differences[i];
        sum[answers[i].right] += margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
        count[answers[i].right] += 1;
    }
    return (sum[0] / count[0] + sum[1] / count[1]) / 2;
}

} // namespace

at::Tensor RewardModel::Private::logits(const std::vector<const ReadAnswer*>& rows) const
{
    const auto count = static_cast<std::int64_t>(rows.size());
    const auto length = static_cast<std::int64_t>(longestOf(rows));
    const at::Tensor tokens = at::full({count, length}, tokenizer.pad(), at::kLong), positions = at::zeros({count, length}, at::kLong);
    const at::Tensor last = at::empty({count}, at::kLong);
    for (std::int64_t row = 0; row < count; ++row) {
        const ReadAnswer& text = *rows[static_cast<std::size_t>(row)];
        std::copy(text.tokens.begin(), text.tokens.end(), tokens.data_ptr<std::int64_t>() + row * length);
        std::copy(text.positions.begin(), text.positions.end(), positions.data_ptr<std::int64_t>() + row * length);
        last.data_ptr<std::int64_t>()[row] = row * length + static_cast<std::int64_t>(text.tokens.size()) - 1;
    }
    const at::Tensor all = model.forward(tokens, positions).view({-1, model.vocabulary()});
    return all.index_select(0, last.to(all.device())).narrow(1, wrongToken, rightToken + 1);
}

std::vector<double> RewardModel::Private::differences(const std::vector<ReadAnswer>& answers)
{
    const at::NoGradGuard noGradient;
    std::vector<double> result;
    for (std::size_t begin = 0; begin < answers.size(); begin += readAtOnce) {
        std::vector<const ReadAnswer*> rows;
        for (std::size_t i = begin; i < std::min(answers.size(), begin + readAtOnce); ++i)
            rows.push_back(&answers[i]);
        const at::Tensor two = logits(rows).cpu().contiguous();
        for (std::size_t i = 0; i < rows.size(); ++i)
            result.push_back(two.data_ptr<float>()[2 * i + rightToken] - two.data_ptr<float>()[2 * i + wrongToken]);
        charge(rows.size(), longestOf(rows), 1.0 / 3);
    }
    return result;
}

Result<double> RewardModel::Private::step(const std::vector<ShownAnswer>& shown, const std::vector<std::size_t>* kinds, Rng& rng, double rate,
                                          std::int64_t number)
{
    std::vector<const ReadAnswer*> rows;
    const at::Tensor targets = at::empty({batchRows}, at::kLong);
    for (std::int64_t row = 0; row < batchRows; ++row) {
        const auto& kind = kinds[row % 2];
        rows.push_back(&shown[kind[rng.below(kind.size())]].text);
        targets.data_ptr<std::int64_t>()[row] = row % 2 == 0 ? wrongToken : rightToken;
    }
    model.gradient().zero_();
    const at::Tensor loss = at::cross_entropy_loss(logits(rows), targets.to(model.placement().device));
    loss.backward();
    const double norm = queueClip(model.gradient(), genome.recipe.clip, model.placement()).item<double>();
    const double value = loss.item<float>();
    if (!std::isfinite(value) || !std::isfinite(norm))
        return fail(Code::Failed, fmt::format("The reward model diverged at step {}: its loss is not finite.", number));
    optimizer->step(model.flat(), model.gradient(), rate, number);
    charge(rows.size(), longestOf(rows), 1);
    return value;
}

RewardModel::RewardModel() = default;
RewardModel::~RewardModel() = default;

Result<std::unique_ptr<RewardModel>> RewardModel::load(const Genome& genome, const std::string& weights, const Domain& domain,
                                                       const Json& tokenizer, double memoryBytes, const Placement& placement)
{
    RATCHET_TRY(made, tokenizerOf(tokenizer, domain.info().alphabet));
    RATCHET_TRY(file, readWeights(weights));
    const bool isAlone = checkWeights(file, genome.architecture, made.vocabulary()).has_value();
    if (!isAlone)                       // an ensemble's champion: it goes on from the first member
        RATCHET_CHECK(checkWeights(file, genome, made.vocabulary()));
    std::unique_ptr<RewardModel> reward(new RewardModel);
    reward->d = std::make_unique<Private>(genome, domain, std::move(made));
    Private& d = *reward->d;
    if (memoryBytes > 0)
        RATCHET_CHECK(fitsMemory(d.genome, d.tokenizer.vocabulary(), genome.architecture.context, memoryBytes));
    d.model.take(file, isAlone ? std::string() : memberPrefix(0));
    d.model.place(placement.forAnswers());
    if (const auto kept = file.metadata.find("platt"); kept != file.metadata.end()) {
        RATCHET_TRY(json, parseJson(kept->second, "the calibration of a reward model"));
        Fields in(json, "the calibration of a reward model");
        RATCHET_CHECK(in.read("slope", d.platt.slope).read("confidence", d.platt.confidence).read("offset", d.platt.offset).status());
    }
    return reward;
}

std::optional<ReadAnswer> RewardModel::read(const Item& item, const std::string& answer) const
{
    const std::string prompt = d->domain.example(item, {}).prompt;
    std::string written = answer;
    Reasoning reasoning;
    if (const auto ordered = d->domain.exampleWith(item, answer, d->genome.reasoning);
        ordered && ordered->prompt == prompt && isPermutation(ordered->completion, answer)) {
        written = ordered->completion;
        reasoning = d->genome.reasoning;
    }
    auto tokens = d->tokenizer.encodePrompt(prompt);
    const auto completion = d->tokenizer.encode(written);
    const auto limit = static_cast<std::size_t>(d->genome.architecture.context);
    if (!tokens || !completion || tokens->size() + completion->size() + 1 > limit)
        return std::nullopt;
    ReadAnswer text{std::move(*tokens), {}};
    text.tokens.insert(text.tokens.end(), completion->begin(), completion->end());
    text.tokens.push_back(d->tokenizer.end());
    if (d->genome.architecture.positions == "coupled")
        text.positions = d->tokenizer.spread(text.tokens, d->domain.coupledPositions(prompt + written, reasoning, static_cast<int>(limit)));
    for (auto& id : text.positions)
        id = std::clamp<std::int64_t>(id, 0, static_cast<std::int64_t>(limit) - 1);
    return text;
}

Result<int> RewardModel::learn(const std::vector<ShownAnswer>& shown, const std::vector<ShownAnswer>& calibrate, double flops,
                               std::uint64_t seed, const std::function<bool(double, double)>& isStopped)
{
    std::vector<std::size_t> kinds[2];
    std::size_t longest = 1;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        kinds[shown[i].right].push_back(i);
        longest = std::max(longest, shown[i].text.tokens.size());
    }
    const std::vector<ReadAnswer> looked = textsOf(calibrate);
    const double before = d->flops;
    d->model.requireGradient();
    d->optimizer.emplace(d->genome.recipe, d->genome.architecture, d->model.layout(), d->model.placement());
    double best = balancedLoss(d->differences(looked), calibrate);
    const double look = d->flops - before;                               // price of one
    const auto total = static_cast<std::int64_t>((flops - (looks + 1) * look) / stepPrice(longest));
    const std::int64_t every = std::max<std::int64_t>(1, total / looks);
    at::Tensor kept = d->model.flat().clone();
    Rng rng = Rng::stream(seed, "reward batches");
    std::int64_t number = 0;
    for (int misses = 0; number < total && misses < patience;) {
        const double rate = learningRateAt(d->genome.recipe, number, total);
        RATCHET_TRY(loss, d->step(shown, kinds, rng, rate, ++number));
        if (number % every != 0 && number != total)
            continue;
        if (isStopped(static_cast<double>(number) / static_cast<double>(total), loss))
            return fail(Code::Cancelled, "It was stopped.");
        const double now = balancedLoss(d->differences(looked), calibrate);
        misses = now < best ? 0 : misses + 1;
        if (now < best) {
            best = now;
            kept.copy_(d->model.flat());
        }
    }
    d->model.flat().copy_(kept);
    const std::vector<double> last = d->differences(looked);
    std::vector<PlattPoint> points;
    for (std::size_t i = 0; i < calibrate.size(); ++i)
        points.push_back({last[i], calibrate[i].text.confidence, calibrate[i].right});
    d->platt = plattOf(points);
    return static_cast<int>(number);
}

std::vector<double> RewardModel::probabilities(const std::vector<ReadAnswer>& answers)
{
    std::vector<double> result = d->differences(answers);
    for (std::size_t i = 0; i < answers.size(); ++i)
        result[i] = d->platt.probability(result[i], answers[i].confidence);
    return result;
}

Status RewardModel::save(const std::string& file) const
{
    return d->model.save(file, d->model.flat(), {{"platt", Json{{"slope", d->platt.slope}, {"confidence", d->platt.confidence}, {"offset", d->platt.offset}}.dump()}});
}

double RewardModel::flopsUsed() const { return d->flops; }

double RewardModel::stepPrice(std::size_t length) const
{
    return static_cast<double>(batchRows * length) *
           trainingFlops(d->genome.architecture, d->tokenizer.vocabulary(), static_cast<int>(length)).value;
}

} // namespace ratchet
