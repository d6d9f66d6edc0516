// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention.h"

#include <bit>
#include <cmath>

#include "core/model/compat.h"

// Every kernel exists twice, the loader takes the one the processor can run.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define RATCHET_CLONES __attribute__((target_clones("arch=haswell", "default")))
#else
#define RATCHET_CLONES
#endif

namespace ratchet {
namespace {

// exp(x) for x <= 0 in single precision (Cephes expf), written so that a compiler can vectorise it.
inline float expNegative(float x)
{
    x = x < -87.0F ? -87.0F : x;
    const float n = (x * 1.44269504F + 12582912.0F) - 12582912.0F; // rounds to the nearest integer
    const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    return (p * r * r + r + 1.0F) * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

// One head of one sequence: rows of `width` floats, `step` apart.
struct Rows {
    float* data;
    std::int64_t step;
    [[nodiscard]] float* row(std::int64_t i) const { return data + i * step; }
};

// Softmax of the first `count` scores, in place.
inline void softmax(float* __restrict scores, std::int64_t count)
{
    float largest = scores[0];
    for (std::int64_t j = 1; j < count; ++j)
        largest = scores[j] > largest ? scores[j] : largest;
    for (std::int64_t j = 0; j < count; ++j)
        scores[j] = expNegative(scores[j] - largest);
    float sum = 0;
    for (std::int64_t j = 0; j < count; ++j)
        sum += scores[j];
    const float scale = 1.0F / sum;
    for (std::int64_t j = 0; j < count; ++j)
        scores[j] *= scale;
}

inline void addScaled(float* __restrict target, const float* __restrict source, float factor, std::int64_t count)
{
    for (std::int64_t c = 0; c < count; ++c)
        target[c] += factor * source[c];
}

inline void transpose(const Rows& from, std::int64_t rows, std::int64_t width, float* __restrict to)
{
    for (std::int64_t j = 0; j < rows; ++j)
        for (std::int64_t c = 0; c < width; ++c)
            to[c * rows + j] = from.row(j)[c];
}

// Runs an operation over the two stretches of keys that the query of token `place` sees: operation(begin, end).
template <class Operation>
inline __attribute__((always_inline)) void overSeen(const Sight& sight, std::int64_t place, Operation operation)
{
    const std::int64_t first = sight.memory + sight.first(place), end = sight.memory + place + 1;
    if (sight.memory > 0 && first > sight.memory)
        operation(std::int64_t(0), sight.memory);
    operation(first > sight.memory ? first : 0, end);
}

// out = softmax(q k^T) v, row by row; keeps the probabilities [T, M + T]. `columns` is scratch of w * (M + T) floats.
RATCHET_CLONES void forwardHead(Rows q, Rows k, Rows v, Rows out, float* probabilities, float* columns,
                                std::int64_t length, std::int64_t width, Sight sight)
{
    const float scale = 1.0F / std::sqrt(static_cast<float>(width));
    const std::int64_t keys = sight.memory + length;
    transpose(k, keys, width, columns);
    for (std::int64_t i = 0; i < length; ++i) {
        float* const p = probabilities + i * keys;
        const float* const query = q.row(i);
        const std::int64_t end = sight.memory + i + 1;
        for (std::int64_t j = 0; j < end; ++j)
            p[j] = -1e30F;
        overSeen(sight, i, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t j = from; j < to; ++j)
                p[j] = 0;
            for (std::int64_t c = 0; c < width; ++c)
                addScaled(p + from, columns + c * keys + from, query[c] * scale, to - from);
        });
        softmax(p, end);
        float* const o = out.row(i);
        for (std::int64_t c = 0; c < width; ++c)
            o[c] = 0;
        overSeen(sight, i, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t j = from; j < to; ++j)
                addScaled(o, v.row(j), p[j], width);
        });
    }
}

// Gradient of forwardHead; adds to dk and dv, writes dq. `columns` is scratch of w * (M + T) floats, `ds` of M + T.
RATCHET_CLONES void backwardHead(Rows q, Rows k, Rows v, Rows out, Rows dOut, Rows dq, Rows dk, Rows dv,
                                 const float* probabilities, float* columns, float* ds, std::int64_t length,
                                 std::int64_t width, Sight sight)
{
    const float scale = 1.0F / std::sqrt(static_cast<float>(width));
    const std::int64_t keys = sight.memory + length;
    transpose(v, keys, width, columns);
    for (std::int64_t i = 0; i < length; ++i) {
        const float* const p = probabilities + i * keys;
        const float* const g = dOut.row(i);
        float inner = 0;
        for (std::int64_t c = 0; c < width; ++c)
            inner += g[c] * out.row(i)[c];
        float* const target = dq.row(i);
        for (std::int64_t c = 0; c < width; ++c)
            target[c] = 0;
        overSeen(sight, i, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t j = from; j < to; ++j)
                ds[j] = -inner;
            for (std::int64_t c = 0; c < width; ++c)
                addScaled(ds + from, columns + c * keys + from, g[c], to - from);
            for (std::int64_t j = from; j < to; ++j)
                ds[j] *= p[j] * scale;
            for (std::int64_t j = from; j < to; ++j) {
                addScaled(target, k.row(j), ds[j], width);
                addScaled(dk.row(j), q.row(i), ds[j], width);
                addScaled(dv.row(j), g, p[j], width);
            }
        });
    }
}

// `length` counts the memory and the tokens so far; `scores` is scratch of that size.
RATCHET_CLONES void decodeHead(const float* query, Rows k, Rows v, float* out, float* scores, std::int64_t length,
                               std::int64_t width, Sight sight)
{
    const float scale = 1.0F / std::sqrt(static_cast<float>(width));
    const std::int64_t place = length - sight.memory - 1;
    for (std::int64_t j = 0; j < length; ++j)
        scores[j] = -1e30F;
    overSeen(sight, place, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j) {
            float sum = 0;
            for (std::int64_t c = 0; c < width; ++c)
                sum += query[c] * k.row(j)[c];
            scores[j] = sum * scale;
        }
    });
    softmax(scores, length);
    for (std::int64_t c = 0; c < width; ++c)
        out[c] = 0;
    overSeen(sight, place, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j)
            addScaled(out, v.row(j), scores[j], width);
    });
}

// Head `head` of sequence `batch` of a tensor [B, T, heads, w].
Rows rowsOf(const at::Tensor& tensor, std::int64_t batch, std::int64_t head)
{
    return {tensor.data_ptr<float>() + batch * tensor.stride(0) + head * tensor.stride(2), tensor.stride(1)};
}

struct FusedAttention : torch::autograd::Function<FusedAttention> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                              const at::Tensor& v, std::int64_t memory, std::int64_t window)
    {
        const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2), width = q.size(3);
        const std::int64_t group = heads / k.size(2);
        at::Tensor out = at::empty({batch, length, heads, width}, q.options());
        at::Tensor probabilities = at::empty({batch, heads, length, memory + length}, q.options());
        std::vector<float> columns(static_cast<std::size_t>((memory + length) * width));
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t h = 0; h < heads; ++h)
                forwardHead(rowsOf(q, b, h), rowsOf(k, b, h / group), rowsOf(v, b, h / group), rowsOf(out, b, h),
                            probabilities.data_ptr<float>() + (b * heads + h) * length * (memory + length),
                            columns.data(), length, width, {memory, window});
        context->save_for_backward({q, k, v, out, probabilities});
        context->saved_data["memory"] = memory;
        context->saved_data["window"] = window;
        return out.view({batch, length, heads * width});
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients)
    {
        const auto saved = context->get_saved_variables();
        const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &probabilities = saved[4];
        const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2), width = q.size(3);
        const std::int64_t group = heads / k.size(2);
        const std::int64_t memory = context->saved_data["memory"].toInt(),
                           window = context->saved_data["window"].toInt();
        const at::Tensor dOut = gradients[0].contiguous().view({batch, length, heads, width});
        at::Tensor dq = at::empty(q.sizes(), q.options());
        at::Tensor dk = at::zeros(k.sizes(), k.options()), dv = at::zeros(v.sizes(), v.options());
        std::vector<float> columns(static_cast<std::size_t>((memory + length) * width)),
            ds(static_cast<std::size_t>(memory + length));
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t h = 0; h < heads; ++h)
                backwardHead(rowsOf(q, b, h), rowsOf(k, b, h / group), rowsOf(v, b, h / group), rowsOf(out, b, h),
                             rowsOf(dOut, b, h), rowsOf(dq, b, h), rowsOf(dk, b, h / group), rowsOf(dv, b, h / group),
                             probabilities.data_ptr<float>() + (b * heads + h) * length * (memory + length),
                             columns.data(), ds.data(), length, width, {memory, window});
        return {dq, dk, dv, {}, {}};
    }
};

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
    return at::softmax(scores.masked_fill(hidden, -INFINITY), -1);
}

at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Sight& sight,
                           AttentionKind kind)
{
    if (kind == AttentionKind::Fused && query.is_cpu() && query.scalar_type() == at::kFloat)
        return FusedAttention::apply(query, key, value, sight.memory, sight.window);
    const at::Tensor out = at::matmul(attentionProbabilities(query, key, sight), spread(value, query.size(2)));
    return out.transpose(1, 2).reshape({query.size(0), query.size(1), query.size(2) * query.size(3)});
}

namespace {

at::Tensor plainCachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
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

} // namespace

at::Tensor cachedAttention(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                           const std::vector<std::int64_t>& lengths, const Sight& sight, AttentionKind kind)
{
    if (kind == AttentionKind::Plain || !query.is_cpu() || query.scalar_type() != at::kFloat)
        return plainCachedAttention(query, keys, values, lengths, sight);
    const std::int64_t batch = query.size(0), heads = query.size(1), width = query.size(2),
                       group = heads / keys.size(2);
    const at::Tensor q = query.contiguous();
    at::Tensor out = at::empty({batch, heads * width}, query.options());
    std::vector<float> scores(static_cast<std::size_t>(keys.size(1)));
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t h = 0; h < heads; ++h)
            decodeHead(q.data_ptr<float>() + (b * heads + h) * width, rowsOf(keys, b, h / group),
                       rowsOf(values, b, h / group), out.data_ptr<float>() + (b * heads + h) * width, scores.data(),
                       sight.memory + lengths[static_cast<std::size_t>(b)], width, sight);
    return out;
}

} // namespace ratchet
