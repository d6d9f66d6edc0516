// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention.h"

#include <cmath>

#include "core/model/compat.h"
#include "core/model/fused_attention.h"

namespace ratchet {
namespace {

// [B, T, K, w] -> [B, H, T, w], every key head repeated for the query heads that share it.
at::Tensor spread(const at::Tensor& tensor, std::int64_t heads)
{
    const at::Tensor wide = tensor.size(2) == heads ? tensor : tensor.repeat_interleave(heads / tensor.size(2), 2);
    return wide.transpose(1, 2);
}

} // namespace

at::Tensor attentionProbabilities(const at::Tensor& query, const at::Tensor& key, const Sight& sight)
{
    const std::int64_t length = query.size(1);
    const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
    const at::Tensor scores = at::matmul(query.transpose(1, 2), spread(key, query.size(2)).transpose(-2, -1)) * scale;
    const auto flags = query.options().dtype(at::kBool);
    at::Tensor hidden = at::ones({length, length}, flags).triu(1);
    if (sight.window > 0)
        hidden = hidden.logical_or(at::ones({length, length}, flags).tril(-sight.window));
    if (sight.memory > 0)
        hidden = at::cat({at::zeros({length, sight.memory}, flags), hidden}, 1);
    return at::softmax(scores.masked_fill(hidden, -INFINITY).to(at::kFloat), -1);
}

at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Sight& sight,
                           AttentionKind kind)
{
    if (kind == AttentionKind::Fused && query.is_cpu() && query.scalar_type() == at::kFloat)
        return fusedAttention(query, key, value, sight.memory, sight.window);
    const std::int64_t heads = query.size(2);
    at::Tensor out;
    if (kind == AttentionKind::Library && sight.window == 0 && sight.memory == 0)
        out = libraryAttention(query.transpose(1, 2), spread(key, heads), spread(value, heads));
    if (!out.defined())
        out = at::matmul(attentionProbabilities(query, key, sight).to(value.scalar_type()), spread(value, heads));
    return out.transpose(1, 2).reshape({query.size(0), query.size(1), heads * query.size(3)});
}

at::Tensor cachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                           const std::vector<std::int64_t>& lengths, const Sight& sight)
{
    const std::int64_t heads = query.size(1);
    const auto numbers = query.options().dtype(at::kLong);
    const at::Tensor place = at::tensor(lengths, at::kLong).to(query.device()).unsqueeze(1) + (sight.memory - 1);
    const at::Tensor key = at::arange(keys.size(1), numbers).unsqueeze(0);
    at::Tensor hidden = key.gt(place);
    if (sight.window > 0)
        hidden = hidden.logical_or(key.le(place - sight.window).logical_and(key.ge(sight.memory)));
    const at::Tensor scores = at::matmul(query.unsqueeze(2), spread(keys, heads).transpose(-2, -1)) /
                              std::sqrt(static_cast<double>(query.size(2)));
    const at::Tensor shares = at::softmax(scores.masked_fill(hidden.unsqueeze(1).unsqueeze(1), -INFINITY), -1);
    return at::matmul(shares, spread(values, heads)).reshape({query.size(0), heads * query.size(2)});
}

} // namespace ratchet
