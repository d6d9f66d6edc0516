// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention.h"

#include <cmath>

#include "core/model/compat.h"
#include "core/model/fused_attention.h"

namespace ratchet
{
namespace
{

// [B, T, K, w] -> [B, H, T, w], every key head repeated for the query heads that share it.
at::Tensor spread(const at::Tensor& tensor, std::int64_t heads)
{
    const at::Tensor wide = tensor.size(2) == heads ? tensor : tensor.repeat_interleave(heads / tensor.size(2), 2);
    return wide.transpose(1, 2);
}

} // namespace

at::Tensor attentionProbabilities(const at::Tensor& query, const at::Tensor& key)
{
    const std::int64_t length = query.size(1);
    const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
    const at::Tensor scores = at::matmul(query.transpose(1, 2), spread(key, query.size(2)).transpose(-2, -1)) * scale;
    const at::Tensor future = at::ones({length, length}, query.options().dtype(at::kBool)).triu(1);
    return at::softmax(scores.masked_fill(future, -INFINITY), -1);
}

at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, AttentionKind kind)
{
    if (kind == AttentionKind::Fused && query.is_cpu() && query.scalar_type() == at::kFloat)
        return fusedAttention(query, key, value);
    const at::Tensor out = at::matmul(attentionProbabilities(query, key), spread(value, query.size(2)));
    return out.transpose(1, 2).reshape({query.size(0), query.size(1), query.size(2) * query.size(3)});
}

at::Tensor cachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                           const std::vector<std::int64_t>& lengths)
{
    return fusedCachedAttention(query, keys, values, lengths);
}

} // namespace ratchet
