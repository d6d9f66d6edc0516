// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/soundness.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ratchet {
namespace {

constexpr std::int64_t tokensAtOnce = 1024, fewestRows = 2, mostRows = 8;

std::int64_t below(Rng& rng, std::int64_t limit)
{
    return static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(limit)));
}

void tryRows(const LogProbabilities& model, int vocabulary, std::int64_t length, std::int64_t firstPosition, Rng& rng, Soundness& seen)
{
    const std::int64_t rows = std::clamp(tokensAtOnce / length, fewestRows, mostRows);
    const at::Tensor tokens = at::empty({rows, length}, at::kLong);
    for (std::int64_t i = 0; i < rows * length; ++i)
        tokens.data_ptr<std::int64_t>()[i] = below(rng, vocabulary);
    const at::Tensor positions = (at::arange(length) + firstPosition).expand({rows, length});
    const at::Tensor before = model(tokens, positions).cpu();
    std::vector<std::int64_t> cuts;
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t low = 1 + row * (length - 1) / rows, high = std::max(low + 1, 1 + (row + 1) * (length - 1) / rows);
        cuts.push_back(low + below(rng, high - low));
        for (std::int64_t t = cuts.back(); t < length; ++t) {
            std::int64_t& token = tokens.data_ptr<std::int64_t>()[row * length + t];
            token = (token + 1 + below(rng, vocabulary - 1)) % vocabulary;
        }
    }
    const at::Tensor after = model(tokens, positions).cpu();
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t cut = std::min(cuts[static_cast<std::size_t>(row)], length);
        seen.causal = seen.causal && at::equal(before[row].narrow(0, 0, cut), after[row].narrow(0, 0, cut));
    }
    for (const at::Tensor& logs : {before, after}) {
        const double worst = (logs.to(at::kDouble).exp().sum(-1) - 1).abs().max().item<double>();
        seen.normalisation = worst > seen.normalisation || std::isnan(worst) ? worst : seen.normalisation;
        seen.finite = seen.finite && at::isfinite(logs).all().item<bool>();
    }
}

} // namespace

Soundness soundnessOf(const LogProbabilities& model, int vocabulary, int context, Rng& rng)
{
    Soundness seen;
    tryRows(model, vocabulary, context, 0, rng, seen);
    const std::int64_t length = std::min<std::int64_t>(context, 2 + below(rng, std::max(context - 1, 1)));
    tryRows(model, vocabulary, length, below(rng, context - length + 1), rng, seen);
    return seen;
}

} // namespace ratchet
