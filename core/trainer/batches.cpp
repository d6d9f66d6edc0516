// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/batches.h"

#include <algorithm>

#include "core/genome/cost.h"
#include "core/model/compat.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t noLoss = -100;
constexpr std::int64_t bucketSteps = 8; // whose rows are sorted together
constexpr int mostCurriculumDraws = 32; // for an item short enough; then the shortest of them is taken

} // namespace

Batches::Batches(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools,
                 const Tokenizer& tokenizer)
    : m_genome(genome), m_domain(&domain), m_measure(domain.info().measure), m_tokenizer(tokenizer),
      m_tools(allowedTools(domain, genome.tools)), m_seed(seed),
      m_pairs(pairsOfStep(genome.recipe)), m_rows(genome.recipe.batch - 2 * m_pairs),
      m_pools(std::move(pools)), m_curriculum(genome, domain, seed),
      m_coupled(genome.architecture.positions == "coupled")
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
        longest = std::max(longest,
                           inputsOf(m_domain->example(m_domain->drawTraining(m_genome.data, rng), m_genome.reasoning)));
    return longest;
}

Result<Batches> Batches::create(const Genome& genome, const Domain& domain, std::uint64_t seed, Pools pools,
                                const Tokenizer& tokenizer, Coupling coupling)
{
    Batches batches(genome, domain, seed, std::move(pools), tokenizer);
    batches.m_coupled = batches.m_coupled || coupling == Coupling::Always;
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
    std::vector all{&batches.m_pools.replay, &batches.m_pools.feedback, &batches.m_pools.selfTraining};
    for (auto& level : batches.m_pools.older)
        all.push_back(&level);
    for (auto* pool : all) {
        std::erase_if(*pool, [&](const Example& example) { return !fits(example); });
        for (const Example& example : *pool)
            longest = std::min(std::max(longest, batches.inputsOf(example)), static_cast<std::size_t>(context));
    }
    for (const Preference& pair : batches.m_pools.pairs) // which fit: core/trainer/preferences.cpp
        longest = std::max({longest, batches.inputsOf(pair.chosen), batches.inputsOf(pair.rejected)});
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
    if (m_pools.older.empty())
        return nullptr;
    const std::size_t level = rng.below(m_pools.older.size() + 1); // the last is the domain's own
    if (level == m_pools.older.size() || m_pools.older[level].empty())
        return nullptr;
    return &m_pools.older[level][rng.below(m_pools.older[level].size())];
}

// An item of the domain, in its curriculum's reach when `share` of the budget is spent.
Example Batches::drawOwn(double share, Rng& rng) const
{
    Example example = m_domain->example(m_domain->drawTraining(m_genome.data, rng), m_genome.reasoning);
    const std::size_t longest = m_curriculum.longest(share);
    const auto size = [](const Example& of) { return of.prompt.size() + of.completion.size(); };
    for (int draws = 1; draws < mostCurriculumDraws && size(example) > longest; ++draws)
        if (Example other = m_domain->example(m_domain->drawTraining(m_genome.data, rng), m_genome.reasoning);
            size(other) < size(example))
            example = std::move(other);
    return example;
}

Status Batches::write(const Example& example, Rng& rng, std::int64_t row, const Batch& batch) const
{
    RATCHET_TRY(tokens, m_tokenizer.encodePrompt(example.prompt));
    RATCHET_TRY(completion, m_tokenizer.encode(example.completion));
    const std::size_t promptTokens = tokens.size();
    tokens.insert(tokens.end(), completion.begin(), completion.end());
    tokens.push_back(m_tokenizer.end());
    const std::int64_t columns = batch.inputs.size(1);
    const auto length = static_cast<std::size_t>(columns);
    std::size_t from = 0; // a text longer than a row gives a window of it
    if (tokens.size() > length + 1)
        from = static_cast<std::size_t>(rng.below(tokens.size() - length));
    const std::size_t used = std::min(length, tokens.size() - 1 - from);
    const std::size_t firstLoss = m_measure == Measure::BitsPerByte ? 0 : promptTokens - 1;
    std::int64_t* const inputs = batch.inputs.data_ptr<std::int64_t>() + row * columns;
    std::int64_t* const targets = batch.targets.data_ptr<std::int64_t>() + row * columns;
    for (std::size_t i = 0; i < used; ++i) {
        inputs[i] = tokens[from + i];
        targets[i] = from + i >= firstLoss ? tokens[from + i + 1] : noLoss;
    }
    if (!m_tools.empty())
        maskToolResults(example, promptTokens, from, used, targets);
    if (batch.positions.defined()) {
        const int limit = m_genome.architecture.context;
        const auto ids = m_tokenizer.spread(
            tokens, m_domain->coupledPositions(example.prompt + example.completion, m_genome.reasoning, limit));
        std::int64_t* const positions = batch.positions.data_ptr<std::int64_t>() + row * columns;
        for (std::size_t i = from; i < from + used; ++i)
            positions[i - from] = std::clamp<std::int64_t>(ids[i], 0, limit - 1);
    }
    return {};
}

// The model is not taught to say what a tool will say for it.
void Batches::maskToolResults(const Example& example, std::size_t promptTokens, std::size_t from, std::size_t used,
                              std::int64_t* targets) const
{
    for (const Tool& tool : m_tools)
        for (const ToolSpan& span : toolSpans(example.completion, tool)) {
            const std::string_view text = example.completion;
            const auto before = m_tokenizer.encode(text.substr(0, span.begin));
            const auto upTo = m_tokenizer.encode(text.substr(0, span.begin + span.length));
            if (!before || !upTo)
                continue;
            for (std::size_t token = promptTokens + before->size(); token < promptTokens + upTo->size(); ++token)
                if (token > from && token - 1 - from < used)
                    targets[token - 1 - from] = noLoss;
        }
}

Batch Batches::blank(std::int64_t rows, std::int64_t length) const
{
    Batch batch{
        at::full({rows, length}, m_tokenizer.pad(), at::kLong), at::full({rows, length}, noLoss, at::kLong), {}};
    if (m_coupled)
        batch.positions = at::zeros({rows, length}, at::kLong);
    return batch;
}

Result<Batch> Batches::draw(std::int64_t step, std::int64_t total)
{
    if (m_genome.data.bucketing)
        return drawBucket(step, total);
    Rng rng = Rng::stream(m_seed, "batch", static_cast<std::uint64_t>(step));
    const double share = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(total, 1));
    const Batch batch = blank(m_rows, m_length);
    for (std::int64_t row = 0; row < m_rows; ++row) {
        const Example* const pooled = drawPool(rng);
        RATCHET_CHECK(write(pooled ? *pooled : drawOwn(share, rng), rng, row, batch));
    }
    return batch;
}

void Batches::fillWindow(std::int64_t window, std::int64_t total)
{
    Rng rng = Rng::stream(m_seed, "bucket", static_cast<std::uint64_t>(window));
    const double share =
        static_cast<double>(window * bucketSteps) / static_cast<double>(std::max<std::int64_t>(total, 1));
    m_window = {window, {}, {}};
    for (std::int64_t row = 0; row < bucketSteps * m_rows; ++row) {
        const Example* const pooled = drawPool(rng);
        m_window.rows.push_back(pooled ? *pooled : drawOwn(share, rng));
    }
    std::stable_sort(m_window.rows.begin(), m_window.rows.end(),
                     [this](const Example& a, const Example& b) { return inputsOf(a) < inputsOf(b); });
    for (std::size_t i = 0; i < bucketSteps; ++i)
        m_window.order.insert(m_window.order.begin() + static_cast<std::ptrdiff_t>(rng.below(i + 1)), i);
}

Result<Batch> Batches::drawBucket(std::int64_t step, std::int64_t total)
{
    if (m_window.number != step / bucketSteps)
        fillWindow(step / bucketSteps, total);
    Rng rng = Rng::stream(m_seed, "batch", static_cast<std::uint64_t>(step));
    const auto rows = static_cast<std::size_t>(m_rows);
    const Example* const first =
        m_window.rows.data() + m_window.order[static_cast<std::size_t>(step % bucketSteps)] * rows;
    const auto longest = static_cast<std::int64_t>(inputsOf(first[rows - 1]));
    const Batch batch = blank(m_rows, std::min<std::int64_t>(longest, m_length));
    for (std::size_t row = 0; row < rows; ++row)
        RATCHET_CHECK(write(first[row], rng, static_cast<std::int64_t>(row), batch));
    return batch;
}

std::vector<std::size_t> Batches::drawPairs(std::int64_t step) const
{
    Rng rng = Rng::stream(m_seed, "pairs", static_cast<std::uint64_t>(step));
    std::vector<std::size_t> drawn;
    for (int i = 0; i < m_pairs; ++i)
        drawn.push_back(rng.below(m_pools.pairs.size()));
    return drawn;
}

Result<Batch> Batches::pairRows(const std::vector<std::size_t>& pairs, Padding padding) const
{
    std::vector<const Example*> rows;
    std::size_t longest = 1;
    for (const std::size_t number : pairs)
        for (const Example* example : {&m_pools.pairs[number].chosen, &m_pools.pairs[number].rejected}) {
            rows.push_back(example);
            longest = std::max(longest, inputsOf(*example));
        }
    const bool isWhole = padding == Padding::AsTrained && !m_genome.data.bucketing;
    const Batch batch = blank(static_cast<std::int64_t>(rows.size()), isWhole ? m_length : static_cast<std::int64_t>(longest));
    Rng unused(0); // every pair fits, so no window of it is drawn
    for (std::size_t row = 0; row < rows.size(); ++row)
        RATCHET_CHECK(write(*rows[row], unused, static_cast<std::int64_t>(row), batch));
    return batch;
}

} // namespace ratchet
