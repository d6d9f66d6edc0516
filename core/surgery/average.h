// SPDX-License-Identifier: GPL-3.0-or-later
// Averages of the weights of several versions of one shape: a given mixture, and the greedy soup. One thread.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/error.h"
#include "core/model/transformer.h"

namespace ratchet {

// Sum of weight times parameters, flat; the weights are scaled to add up to one. Meaningful for versions that went on
// from one ancestor: others have their hidden units in another order. BadInput when there is none, when architecture or
// vocabulary differ, when a weight is negative or not finite, when all are zero, or when a version holds a value that
// is not finite.
[[nodiscard]] Result<at::Tensor> averageWeights(const std::vector<const Transformer*>& versions,
                                                const std::vector<double>& weights);
// Each counts the same.
[[nodiscard]] Result<at::Tensor> averageWeights(const std::vector<const Transformer*>& versions);

struct Soup {
    at::Tensor flat;                  // the uniform average of its members
    std::vector<std::size_t> members; // places in `versions`, in the order in which they joined
    double score = 0;                 // never below the best single version's
};
// The greedy soup (Wortsman 2022, arXiv 2203.05482, recipe 1): versions in order of score join the average when it does
// not get worse. `score` (higher is better) has to look at other data than the judge's. An error of `score` is handed
// on.
[[nodiscard]] Result<Soup> greedySoup(const std::vector<const Transformer*>& versions,
                                      const std::function<Result<double>(const Transformer&)>& score);

} // namespace ratchet
