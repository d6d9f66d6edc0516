// SPDX-License-Identifier: GPL-3.0-or-later
// A genome's reasoning policy: one greedy answer, or several drawn and voted on, with a look at whether an answer can be
// one at all. The judge measures and the server serves by this one function. One thread at a time.
#pragma once

#include <vector>

#include "core/base/error.h"
#include "core/genome/genome.h"
#include "core/model/answerer.h"
#include "core/plugin/domain.h"

namespace ratchet {

// One answer for each item, whose prompts are given beside them. reasoning.samples > 1: as many answers are drawn at
// temperature 0.7, and the first of those whose canonical form (Grade::answer) is the most frequent is taken
// (self-consistency, Wang 2022). reasoning.selfCheck: an answer that fails Domain::passesCheck does not vote; where none is
// left, up to 3 more are drawn. Seeds are options.seed and the numbers after it; options.temperature is not used.
// Failed when the model or the plugin fails.
[[nodiscard]] Result<std::vector<Answer>> answerByPolicy(const Answerer& model, const Genome& genome, const Domain& domain,
                                                         const std::vector<Item>& items, const std::vector<std::string>& prompts,
                                                         AnswerOptions options);

} // namespace ratchet
