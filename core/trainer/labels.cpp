// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/labels.h"

#include <algorithm>
#include <map>

namespace ratchet
{
namespace
{

constexpr double votingTemperature = 0.7;
constexpr std::size_t fewestPeers = 8;

struct Fences {
    double low = 0, high = 0;
};

Fences fencesOf(std::vector<std::size_t> lengths)
{
    std::sort(lengths.begin(), lengths.end());
    const auto quantile = [&lengths](double share) {
        return static_cast<double>(lengths[static_cast<std::size_t>(share * static_cast<double>(lengths.size() - 1))]);
    };
    const double low = quantile(0.25), high = quantile(0.75), margin = 1.5 * (high - low) + 1;
    return {low - margin, high + margin};
}

} // namespace

Result<std::vector<ModelReplies>> ask(const std::vector<Voter>& voters, const Domain& domain, const std::vector<Item>& items,
                                 int samples, std::uint64_t seed, std::uint64_t batch)
{
    std::vector<ModelReplies> replies(items.size());
    std::uint64_t vote = batch << 16;
    for (const Voter& voter : voters) {
        const Reasoning& reasoning = voter.genome.reasoning;
        std::vector<std::string> prompts;
        for (const Item& item : items)
            prompts.push_back(domain.example(item, reasoning).prompt);
        for (int sample = 0; sample < samples; ++sample) {
            AnswerOptions options;
            options.maxTokens = voter.genome.architecture.context;
            options.temperature = samples > 1 ? votingTemperature : 0.0;
            options.seed = Rng::stream(seed, "vote", vote++).next();
            RATCHET_TRY(answers, voter.model->answer(prompts, options));
            for (std::size_t i = 0; i < items.size(); ++i) {
                const Grade grade = domain.grade(items[i], answers[i].completion, reasoning);
                replies[i].push_back(
                    {answers[i].completion, grade.answer, answers[i].confidence, grade.score, answers[i].ended});
            }
        }
    }
    return replies;
}

std::optional<ModelReply> firstReply(const ModelReplies& replies)
{
    return replies.empty() || !replies.front().ended ? std::nullopt : std::optional(replies.front());
}

std::optional<ModelReply> agreedReply(const ModelReplies& replies, double confidence)
{
    if (replies.size() == 1)
        return replies[0].ended && replies[0].confidence >= confidence ? std::optional(replies[0]) : std::nullopt;
    std::map<std::string, std::size_t> votes;
    for (const ModelReply& reply : replies)
        if (reply.ended &&
            static_cast<double>(++votes[reply.answer]) > confidence * static_cast<double>(replies.size()))
            return reply;
    return std::nullopt;
}

void dropOddLengths(const std::vector<std::size_t>& prompts, std::vector<std::optional<ModelReply>>& replies)
{
    std::map<std::size_t, std::vector<std::size_t>> peers; // by length of the prompt
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < replies.size(); ++i)
        if (replies[i]) {
            peers[prompts[i]].push_back(replies[i]->completion.size());
            all.push_back(replies[i]->completion.size());
        }
    if (all.empty())
        return;
    const Fences common = fencesOf(all);
    std::map<std::size_t, Fences> fences;
    for (const auto& [length, lengths] : peers)
        fences[length] = lengths.size() < fewestPeers ? common : fencesOf(lengths);
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (!replies[i])
            continue;
        const Fences& own = fences[prompts[i]];
        const auto size = static_cast<double>(replies[i]->completion.size());
        if (size < own.low || size > own.high)
            replies[i].reset();
    }
}

} // namespace ratchet
