// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/self_training.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ratchet
{
namespace
{

constexpr std::size_t batchItems = 256;
constexpr double poisonedShare = 0.5;
constexpr int fewestSamples = 4; // of expert iteration

// A labelled item.
struct Kept {
    Item item;
    std::string answer; // canonical
    Example example;    // in the child's format
    bool right = false;
};

class Round
{
public:
    Round(const std::vector<Voter>& voters, const Genome& child, const Domain& domain,
          const SelfTrainingOptions& options)
        : m_voters(voters), m_child(child), m_domain(domain), m_options(options), m_samples(child.reasoning.samples)
    {
        for (const Voter& voter : voters) {
            m_room = std::min(m_room, static_cast<std::size_t>(voter.genome.architecture.context));
            m_samples = std::max(m_samples, voter.genome.reasoning.samples);
            m_before += voter.model->flopsUsed();
        }
        if (labels() == "checked")
            m_samples = std::max(m_samples, fewestSamples);
    }
    [[nodiscard]] Result<SelfTrainingResult> run();

private:
    [[nodiscard]] const std::string& labels() const { return m_child.data.labels; }
    [[nodiscard]] bool asks() const { return labels() != "oracle" && labels() != "none"; }
    [[nodiscard]] double spent() const;
    [[nodiscard]] double priceOf(const std::vector<Item>& items) const;
    [[nodiscard]] Result<std::vector<Item>> draw(int level, std::size_t count, Rng& rng) const;
    [[nodiscard]] Result<std::vector<Kept>> label(const std::vector<Item>& items, std::uint64_t batch) const;
    void keep(const Item& item, const ModelReply& reply, std::vector<Kept>& kept) const;
    void keepRight(const Item& item, const ModelReplies& replies, std::vector<Kept>& kept) const;
    [[nodiscard]] int poison(std::vector<Kept>& kept, Rng& rng) const;
    [[nodiscard]] Result<std::vector<Example>> level(int level, std::size_t items, double flops);

    const std::vector<Voter>& m_voters;
    const Genome& m_child;
    const Domain& m_domain;
    const SelfTrainingOptions& m_options;
    int m_samples;
    std::size_t m_room = SIZE_MAX; // tokens the voters read
    double m_before = 0, m_withheld = 0;
    std::uint64_t m_batch = 0;
    int m_poisoned = 0;
    Json m_levels = Json::array();
};

double Round::spent() const
{
    double sum = m_withheld - m_before;
    for (const Voter& voter : m_voters)
        sum += voter.model->flopsUsed();
    return sum;
}

// What asking would cost if every answer were as long as the right one.
double Round::priceOf(const std::vector<Item>& items) const
{
    double price = 0;
    for (const Voter& voter : m_voters)
        for (const Item& item : items) {
            const Example example = m_domain.example(item, voter.genome.reasoning);
            const std::size_t tokens = example.prompt.size() + example.completion.size() + 1;
            price += m_samples * static_cast<double>(tokens) *
                     trainingFlops(voter.genome.architecture, m_options.vocabulary, static_cast<int>(tokens)).value / 3;
        }
    return price;
}

Result<std::vector<Item>> Round::draw(int level, std::size_t count, Rng& rng) const
{
    std::vector<Item> items;
    for (std::size_t i = 0; i < count; ++i) {
        Item item = m_domain.drawHarder(m_child.data, level, rng);
        if (m_domain.splitOf(item) != Split::Train)
            return fail(Code::Failed,
                        fmt::format("The domain gave \"{}\" to train on, which a judge may ask.", item.id),
                        "Mend the plugin's drawHarder: its items must belong to the split Train.");
        bool fits = true;
        for (const Voter& voter : m_voters)
            fits = fits && m_domain.example(item, voter.genome.reasoning).prompt.size() + 1 < m_room;
        if (fits)
            items.push_back(std::move(item));
    }
    return items;
}

void Round::keep(const Item& item, const ModelReply& reply, std::vector<Kept>& kept) const
{
    if (auto example = m_domain.exampleWith(item, reply.answer, m_child.reasoning); example && !reply.answer.empty())
        kept.push_back({item, reply.answer, std::move(*example), reply.score >= 1});
}

// Every right answer once, in the parent's own words where the child writes as the parent does.
void Round::keepRight(const Item& item, const ModelReplies& replies, std::vector<Kept>& kept) const
{
    const Reasoning& own = m_voters.front().genome.reasoning;
    const bool sameWords = m_voters.size() == 1 && own.format == m_child.reasoning.format;
    std::set<std::string> seen;
    for (const ModelReply& reply : replies) {
        if (!reply.ended || reply.score < 1 || !seen.insert(sameWords ? reply.completion : reply.answer).second)
            continue;
        if (sameWords)
            kept.push_back({item, reply.answer, {m_domain.example(item, own).prompt, reply.completion}, true});
        else
            keep(item, reply, kept);
    }
}

Result<std::vector<Kept>> Round::label(const std::vector<Item>& items, std::uint64_t batch) const
{
    std::vector<Kept> kept;
    if (labels() == "oracle")
        for (const Item& item : items)
            kept.push_back({item, {}, m_domain.example(item, m_child.reasoning), true});
    if (!asks())
        return kept;
    RATCHET_TRY(replies, ask(m_voters, m_domain, items, m_samples, m_options.seed, batch));
    std::vector<std::optional<ModelReply>> believed;
    std::vector<std::size_t> prompts;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (labels() == "checked")
            keepRight(items[i], replies[i], kept);
        believed.push_back(labels() == "unfiltered" ? firstReply(replies[i])
                                                    : agreedReply(replies[i], m_options.confidence));
        prompts.push_back(m_domain.example(items[i], m_voters.front().genome.reasoning).prompt.size());
    }
    if (labels() == "checked")
        return kept;
    if (labels() != "unfiltered")
        dropOddLengths(prompts, believed);
    for (std::size_t i = 0; i < items.size(); ++i)
        if (believed[i])
            keep(items[i], *believed[i], kept);
    return kept;
}

// Exchanges labels for those of other items; how many.
int Round::poison(std::vector<Kept>& kept, Rng& rng) const
{
    constexpr int tries = 8; // to find one that is different and can be written for this item
    const std::vector<Kept> clean = kept;
    int changed = 0;
    for (Kept& label : kept) {
        bool left = rng.uniform() >= poisonedShare;
        for (int i = 0; i < tries && !left; ++i) {
            const Kept& other = clean[rng.below(clean.size())];
            if (other.answer == label.answer)
                continue;
            auto example = m_domain.exampleWith(label.item, other.answer, m_child.reasoning);
            if (!example)
                continue;
            const bool right = example->completion == m_domain.example(label.item, m_child.reasoning).completion;
            label = {label.item, other.answer, std::move(*example), right};
            ++changed;
            left = true;
        }
    }
    return changed;
}

Result<std::vector<Example>> Round::level(int level, std::size_t items, double flops)
{
    const bool newest = level == m_child.data.level + 1;
    Rng rng = newest ? Rng::stream(m_options.seed, "self-training")
                     : Rng::stream(m_options.seed, "self-training", static_cast<std::uint64_t>(level));
    std::vector<Kept> kept;
    std::size_t asked = 0;
    for (const double before = spent(); asked < items && spent() - before <= flops;) {
        const std::size_t count = std::min(batchItems, items - asked);
        RATCHET_TRY(drawn, draw(level, count, rng));
        asked += count;
        if (drawn.empty())
            continue;
        RATCHET_TRY(labelled, label(drawn, m_batch++));
        kept.insert(kept.end(), std::make_move_iterator(labelled.begin()), std::make_move_iterator(labelled.end()));
        if (!asks())
            m_withheld += priceOf(drawn);
    }
    if (labels() == "poisoned" && !kept.empty())
        m_poisoned += poison(kept, rng);
    std::vector<Example> examples;
    int right = 0;
    for (Kept& label : kept) {
        right += label.right ? 1 : 0;
        examples.push_back(std::move(label.example));
    }
    m_levels.push_back({{"level", level},
                        {"asked", labels() == "none" ? 0 : asked},
                        {"kept", kept.size()},
                        {"right", kept.empty() ? 0.0 : right / static_cast<double>(kept.size())}});
    return examples;
}

Result<SelfTrainingResult> Round::run()
{
    SelfTrainingResult result;
    const int older = m_child.data.level;
    RATCHET_TRY(newest, level(older + 1, m_options.items, older > 0 ? m_options.flops / 2 : m_options.flops));
    result.newest = std::move(newest);
    for (int i = 1; i <= older; ++i) {
        const std::size_t items =
            (m_options.items + static_cast<std::size_t>(older) - 1) / static_cast<std::size_t>(older);
        RATCHET_TRY(examples, level(i, items, (m_options.flops - spent()) / (older - i + 1)));
        result.older.push_back(std::move(examples));
    }
    result.withheld = m_withheld;
    result.flops = std::max(0.0, spent() - m_withheld);
    std::size_t asked = 0;
    double kept = 0, right = 0;
    for (const Json& entry : m_levels) {
        asked += entry["asked"].get<std::size_t>();
        kept += entry["kept"].get<double>();
        right += entry["right"].get<double>() * entry["kept"].get<double>();
    }
    result.report = {{"labels", labels()},
                     {"asked", asked},
                     {"kept", static_cast<std::int64_t>(kept)},
                     {"right", kept > 0 ? right / kept : 0.0},
                     {"flops", result.flops},
                     {"levels", std::move(m_levels)}};
    if (labels() == "poisoned")
        result.report["poisoned"] = m_poisoned;
    return result;
}

} // namespace

Result<SelfTrainingResult> selfTrain(const std::vector<Voter>& voters, const Genome& child, const Domain& domain,
                                     const SelfTrainingOptions& options)
{
    return Round(voters, child, domain, options).run();
}

} // namespace ratchet
