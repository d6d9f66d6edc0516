// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/self_training.h"

#include <algorithm>
#include <map>

namespace ratchet
{
namespace
{

constexpr std::size_t batchItems = 256;

// What the parent says about each item, in canonical form; empty where it did not end or was not sure enough.
struct Labels {
    std::vector<std::string> answers;
    std::vector<double> scores; // of the domain, for the report only
};

Result<Labels> label(const Answerer& parent, const Genome& genome, const Domain& domain, const std::vector<Item>& items,
                     const SelfTrainingOptions& options, std::uint64_t round)
{
    std::vector<std::string> prompts;
    for (const Item& item : items)
        prompts.push_back(domain.example(item, genome.reasoning).prompt);
    const int votes = std::max(1, genome.reasoning.samples);
    std::vector<std::map<std::string, int>> counts(items.size());
    Labels labels{std::vector<std::string>(items.size()), std::vector<double>(items.size(), 0.0)};
    for (int vote = 0; vote < votes; ++vote) {
        AnswerOptions ask;
        ask.maxTokens = genome.architecture.context;
        ask.temperature = votes > 1 ? 0.7 : 0.0;
        ask.seed = Rng::stream(options.seed, "vote", round * 64 + static_cast<std::uint64_t>(vote)).next();
        RATCHET_TRY(answers, parent.answer(prompts, ask));
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (!answers[i].ended || (votes == 1 && answers[i].confidence < options.confidence))
                continue;
            const Grade grade = domain.grade(items[i], answers[i].completion, genome.reasoning);
            const int count = ++counts[i][grade.answer];
            if (votes == 1 || count > options.confidence * votes) {
                labels.answers[i] = grade.answer;
                labels.scores[i] = grade.score;
            }
        }
    }
    return labels;
}

} // namespace

Result<SelfTrainingResult> selfTrain(const Answerer& parent, const Genome& parentGenome, const Genome& child,
                                     const Domain& domain, const SelfTrainingOptions& options)
{
    SelfTrainingResult result;
    const double before = parent.flopsUsed();
    const std::size_t parentRoom = static_cast<std::size_t>(parentGenome.architecture.context);
    Rng rng = Rng::stream(options.seed, "self-training");
    std::size_t asked = 0;
    double right = 0;
    for (std::uint64_t round = 0; asked < options.items && result.flops <= options.flops; ++round) {
        std::vector<Item> items;
        for (std::size_t i = 0; i < std::min(batchItems, options.items - asked); ++i) {
            Item item = domain.drawHarder(child.data, child.data.level + 1, rng);
            if (domain.example(item, parentGenome.reasoning).prompt.size() + 1 < parentRoom)
                items.push_back(std::move(item));
        }
        asked += std::min(batchItems, options.items - asked);
        if (items.empty())
            continue;
        RATCHET_TRY(labels, label(parent, parentGenome, domain, items, options, round));
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (labels.answers[i].empty())
                continue;
            if (auto example = domain.exampleWith(items[i], labels.answers[i], child.reasoning)) {
                result.examples.push_back(std::move(*example));
                right += labels.scores[i];
            }
        }
        result.flops = parent.flopsUsed() - before;
    }
    const double kept = static_cast<double>(result.examples.size());
    result.report = {{"asked", asked},
                     {"kept", result.examples.size()},
                     {"right", kept > 0 ? right / kept : 0.0},
                     {"flops", result.flops}};
    return result;
}

} // namespace ratchet
