// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/voting.h"

#include <algorithm>
#include <map>

namespace ratchet {
namespace {

constexpr double voteTemperature = 0.7;
constexpr int furtherTries = 3;

struct Vote { Answer answer; std::string canonical; bool passes = true; };

// The most frequent answer of the votes that pass, or of all when none does; among equals the one seen first.
Answer elected(std::vector<Vote>& votes)
{
    const bool anyPasses = std::any_of(votes.begin(), votes.end(), [](const Vote& vote) { return vote.passes; });
    std::map<std::string, int> counts;
    for (const Vote& vote : votes)
        counts[vote.canonical] += vote.passes || !anyPasses ? 1 : 0;
    const auto most = std::max_element(votes.begin(), votes.end(), [&](const Vote& a, const Vote& b) {
        return counts[a.canonical] < counts[b.canonical];
    });
    Answer answer = std::move(most->answer);
    for (const Vote& vote : votes)          // the price of an answer is what all votes cost
        answer.tokens += &vote == &*most ? 0 : vote.answer.tokens;
    return answer;
}

} // namespace

Result<std::vector<Answer>> answerByPolicy(const Answerer& model, const Genome& genome, const Domain& domain,
                                           const std::vector<Item>& items, const std::vector<std::string>& prompts,
                                           AnswerOptions options)
{
    const Reasoning& reasoning = genome.reasoning;
    const bool single = reasoning.samples <= 1;
    options.temperature = single ? 0 : voteTemperature;
    if (single && !reasoning.selfCheck)
        return model.answer(prompts, options);

    std::vector<std::vector<Vote>> votes(items.size());
    std::vector<std::size_t> open(items.size());
    for (std::size_t i = 0; i < open.size(); ++i)
        open[i] = i;
    const int rounds = std::max(1, reasoning.samples) + (reasoning.selfCheck ? furtherTries : 0);
    for (int round = 0; round < rounds && !open.empty(); ++round) {
        std::vector<std::string> asked;
        for (const std::size_t i : open)
            asked.push_back(prompts[i]);
        RATCHET_TRY(answers, model.answer(asked, options));
        for (std::size_t j = 0; j < open.size(); ++j) {
            const Item& item = items[open[j]];
            Vote vote{std::move(answers[j]), {}, true};
            vote.canonical = domain.grade(item, vote.answer.completion, reasoning).answer;
            vote.passes = !reasoning.selfCheck || (vote.answer.ended && domain.passesCheck(item, vote.answer.completion, reasoning));
            votes[open[j]].push_back(std::move(vote));
        }
        ++options.seed;
        if (round + 1 >= reasoning.samples) {
            options.temperature = voteTemperature;
            std::erase_if(open, [&](std::size_t i) {
                return std::any_of(votes[i].begin(), votes[i].end(), [](const Vote& vote) { return vote.passes; });
            });
        }
    }
    std::vector<Answer> chosen;
    for (auto& of : votes)
        chosen.push_back(elected(of));
    return chosen;
}

} // namespace ratchet
