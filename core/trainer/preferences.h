// SPDX-License-Identifier: GPL-3.0-or-later
// Pairs of answers, the better one first, that a preference loss learns from: what users preferred, and training items
// that the parent answers rightly one time and wrongly another. All of it is known before the first step. One thread.
#pragma once

#include <functional>
#include <vector>

#include "core/base/error.h"
#include "core/genome/tokenizer.h"
#include "core/launch/messages.h"
#include "core/trainer/labels.h"
#include "core/trainer/pools.h"

namespace ratchet
{

struct PreferenceOptions {
    std::uint64_t seed = 0;
    std::size_t pairs = 1024; // at most; users' come first
    double flops = 0;         // for asking the parent: never exceeded
    std::function<void(double)> onAsked = {};   // told after each batch of items what was spent
};

struct Preferences {
    std::vector<Preference> pairs; // in the child's format; each row fits the child and the parent
    double flops = 0;        // spent on asking
    // {"pairs", "users", "graded", "asked": items, "samples": answers an item, "mixed": share of the items with a right and
    // a wrong answer, "leftOut": {"unreadable" | "unwritable" | "equal" | "judged" | "long": pairs}, "flops"}
    Json report;
};

// Of one item's replies that ended the right one (score 1) and the wrong one with the highest confidence; null where there
// is none.
struct Contrast {
    const ModelReply *right = nullptr, *wrong = nullptr;
};
[[nodiscard]] Contrast contrastOf(const ModelReplies& replies);

// Users' pairs are spec.preferences in the genome's format (Domain::exampleWith). Where the domain grades, the parent
// answers n = max(4, reasoning.samples) times at the temperature of votes: spec.replay first, then draws of the child's
// mixture (Domain::drawTraining). Of an item with right and wrong answers the surest right one (best of n) is preferred
// to the surest wrong one, in the parent's own words; answers without an end count as none.
// Left out and counted are pairs that cannot be read, written in format and tokens, or told apart, that the gate or the
// vault may ask, or that are longer than the context. Failed, saying why, when nothing is left, or when the domain draws
// an item to train on that a judge may ask.
[[nodiscard]] Result<Preferences> collectPreferences(const Voter& parent, const TrainSpec& spec, const Genome& child,
                                                     const Domain& domain, const Tokenizer& tokenizer,
                                                     const PreferenceOptions& options);

} // namespace ratchet
