// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/batches.h"

#include <algorithm>

#include "core/model/compat.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t noLoss = -100;

} // namespace

Batches::Batches(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools,
                 const Tokenizer& tokenizer)
    : m_genome(genome), m_domain(&domain), m_measure(domain.info().measure), m_tokenizer(tokenizer),
      m_seed(seed), m_pools(std::move(pools))
{
}

// Input tokens of a whole example; 0 when it cannot be written in tokens, which write() reports.
std::size_t Batches::inputsOf(const Example& example) const
{
    const auto prompt = m_tokenizer.encodePrompt(example.prompt), completion = m_tokenizer.encode(example.completion);
    return prompt && completion ? prompt->size() + completion->size() : 0;
}

// Tokens of byte pairs hold as many bytes as they happen to: a row is as long as the longest of some examples.
std::size_t Batches::usualInputs() const
{
    constexpr int looks = 256;
    Rng rng = Rng::stream(m_seed, "length");
    std::size_t longest = 1;
    for (int look = 0; look < looks; ++look)
        longest = std::max(longest, inputsOf(m_domain->example(m_domain->drawTraining(m_genome.data, rng), m_genome.reasoning)));
    return longest;
}

Result<Batches> Batches::create(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools,
                                const Tokenizer& tokenizer)
{
    Batches batches(genome, domain, seed, std::move(pools), tokenizer);
    const int context = genome.architecture.context;
    const auto fits = [&](const Example& example) {
        return batches.m_measure == Measure::BitsPerByte ||
               batches.inputsOf(example) <= static_cast<std::size_t>(context);
    };
    std::size_t longest = static_cast<std::size_t>(std::max(1, domain.longestExample(genome.data, genome.reasoning)));
    const BytePairs* const pairs = tokenizer.bytePairs();
    if (batches.m_measure == Measure::BitsPerByte)
        longest = std::min(pairs ? batches.usualInputs() : longest + 1, static_cast<std::size_t>(context));
    else if (pairs && pairs->alwaysBegins)
        ++longest;
    if (longest > static_cast<std::size_t>(context))
        return fail(Code::BadInput,
                    fmt::format("The longest example has {} tokens, but the model reads {}.", longest, context),
                    "Raise /architecture/context or choose a shorter answer format.");
    for (auto* pool : {&batches.m_pools.replay, &batches.m_pools.feedback, &batches.m_pools.selfTraining}) {
        std::erase_if(*pool, [&](const Example& example) { return !fits(example); });
        for (const Example& example : *pool)
            longest = std::min(std::max(longest, batches.inputsOf(example)), static_cast<std::size_t>(context));
    }
    batches.m_length = static_cast<int>(longest);
    return batches;
}

// An example of one of the pools, or null for the domain's own.
const Example* Batches::drawPool(Rng& rng) const
{
    const Data& data = m_genome.data;
    double at = rng.uniform();
    for (const auto& [share, pool] :
         {std::pair{data.replay, &m_pools.replay}, std::pair{data.feedback, &m_pools.feedback},
          std::pair{data.selfTraining, &m_pools.selfTraining}}) {
        if (at < share)
            return pool->empty() ? nullptr : &(*pool)[rng.below(pool->size())];
        at -= share;
    }
    return nullptr;
}

Status Batches::write(const Example& example, Rng& rng, std::int64_t row, const Batch& batch) const
{
    RATCHET_TRY(tokens, m_tokenizer.encodePrompt(example.prompt));
    RATCHET_TRY(completion, m_tokenizer.encode(example.completion));
    const std::size_t promptTokens = tokens.size();
    tokens.insert(tokens.end(), completion.begin(), completion.end());
    tokens.push_back(m_tokenizer.end());
    const auto length = static_cast<std::size_t>(m_length);
    std::size_t from = 0; // a text longer than a row gives a window of it
    if (tokens.size() > length + 1)
        from = static_cast<std::size_t>(rng.below(tokens.size() - length));
    const std::size_t used = std::min(length, tokens.size() - 1 - from);
    const std::size_t firstLoss = m_measure == Measure::BitsPerByte ? 0 : promptTokens - 1;
    std::int64_t* const inputs = batch.inputs.data_ptr<std::int64_t>() + row * m_length;
    std::int64_t* const targets = batch.targets.data_ptr<std::int64_t>() + row * m_length;
    for (std::size_t i = 0; i < used; ++i) {
        inputs[i] = tokens[from + i];
        targets[i] = from + i >= firstLoss ? tokens[from + i + 1] : noLoss;
    }
    if (batch.positions.defined()) {
        const int limit = m_genome.architecture.context;
        const auto ids = m_tokenizer.spread(
            tokens, m_domain->coupledPositions(example.prompt + example.completion, m_genome.reasoning, limit));
        std::int64_t* const positions = batch.positions.data_ptr<std::int64_t>() + row * m_length;
        for (std::size_t i = from; i < from + used; ++i)
            positions[i - from] = std::clamp<std::int64_t>(ids[i], 0, limit - 1);
    }
    return {};
}

Result<Batch> Batches::draw(std::int64_t step) const
{
    Rng rng = Rng::stream(m_seed, "batch", static_cast<std::uint64_t>(step));
    const std::int64_t rows = m_genome.recipe.batch;
    Batch batch{
        at::full({rows, m_length}, m_tokenizer.pad(), at::kLong), at::full({rows, m_length}, noLoss, at::kLong), {}};
    if (m_genome.architecture.positions == "coupled")
        batch.positions = at::zeros({rows, m_length}, at::kLong);
    for (std::int64_t row = 0; row < rows; ++row) {
        if (const Example* const pooled = drawPool(rng)) {
            RATCHET_CHECK(write(*pooled, rng, row, batch));
            continue;
        }
        const Item item = m_domain->drawTraining(m_genome.data, rng);
        RATCHET_CHECK(write(m_domain->example(item, m_genome.reasoning), rng, row, batch));
    }
    return batch;
}

Pools poolsOf(const TrainSpec& spec, const Genome& genome, const Domain& domain)
{
    Pools pools;
    for (const Json& question : spec.replay)
        pools.replay.push_back(domain.example(Item{{}, question}, genome.reasoning));
    for (const Json& given : spec.feedback) {
        if (!given.contains("question") || !given.contains("answer") || !given["answer"].is_string())
            continue;
        if (auto example = domain.exampleWith(Item{{}, given["question"]}, given["answer"], genome.reasoning))
            pools.feedback.push_back(std::move(*example));
    }
    return pools;
}

} // namespace ratchet
