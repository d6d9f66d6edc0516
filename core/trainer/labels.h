// SPDX-License-Identifier: GPL-3.0-or-later
// What models say about items nobody has answered, and which of it is believed: length, agreement, confidence. The
// right answers are never used here, only counted for the report. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/model/answerer.h"
#include "core/plugin/domain.h"

namespace ratchet
{

// A model that labels; answers of several are votes.
struct Voter {
    const Answerer* model = nullptr;
    Genome genome;
};

struct ModelReply {
    std::string completion;
    std::string answer;    // canonical
    double confidence = 0; // product of the chosen tokens' probabilities
    double score = 0;      // of the domain's checker; for reports and labels "checked" only
    bool ended = false;
};
using ModelReplies = std::vector<ModelReply>; // to one item

// Every voter answers every item `samples` times: greedily when that is once, else at temperature 0.7. Prompts must fit
// the voters. `seed` and `batch` name the draws.
[[nodiscard]] Result<std::vector<ModelReplies>> ask(const std::vector<Voter>& voters, const Domain& domain,
                                               const std::vector<Item>& items, int samples, std::uint64_t seed,
                                               std::uint64_t batch);

// The reply that is believed without looking: the first, when it ended.
[[nodiscard]] std::optional<ModelReply> firstReply(const ModelReplies& replies);
// One reply: when it ended and is at least so confident. Several: the answer that more than this share of them gives.
[[nodiscard]] std::optional<ModelReply> agreedReply(const ModelReplies& replies, double confidence);
// Takes away replies that are much shorter or longer than their peers': outside Tukey's fences (1977), 1.5 quartile
// distances and one character beyond the quartiles, of the replies to prompts of the same length (of all replies where
// those are fewer than 8). prompts[i] is the length of the prompt of replies[i].
void dropOddLengths(const std::vector<std::size_t>& prompts, std::vector<std::optional<ModelReply>>& replies);

} // namespace ratchet
