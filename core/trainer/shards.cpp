// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/shards.h"

#include <algorithm>

#include <ATen/Parallel.h>

namespace ratchet
{

Shards::Shards(const Transformer& model, int threads) : m_model(model)
{
    for (int thread = 1; thread < threads; ++thread)
        m_replicas.push_back(model.replica());
}

// Inside of at::parallel_for libtorch, oneDNN and OpenBLAS do not share out what they do once more.
void Shards::run(std::int64_t parts, const std::function<void(const Transformer&, std::int64_t)>& each) const
{
    for (std::int64_t first = 0; first < parts; first += count()) {
        const std::int64_t now = std::min(count(), parts - first);
        if (now == 1) {
            each(m_model, first);
            continue;
        }
        at::parallel_for(0, now, 1, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t i = from; i < to; ++i)
                each(i == 0 ? m_model : *m_replicas[static_cast<std::size_t>(i - 1)], first + i);
        });
    }
    gather();
}

void Shards::gather() const
{
    constexpr std::int64_t grain = 1 << 15;
    if (m_replicas.empty())
        return;
    float* const sum = m_model.gradient().data_ptr<float>();
    at::parallel_for(0, m_model.gradient().numel(), grain, [&](std::int64_t from, std::int64_t to) {
        for (const auto& replica : m_replicas) {
            float* const part = replica->gradient().data_ptr<float>();
            for (std::int64_t i = from; i < to; ++i)
                sum[i] += part[i];
            std::fill(part + from, part + to, 0.0F);
        }
    });
}

} // namespace ratchet
