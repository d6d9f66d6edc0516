// SPDX-License-Identifier: GPL-3.0-or-later
// A training step shared between threads: each computes the gradient of some of the rows from embedding to loss, on the same
// parameters and with a gradient of its own. Operators of a small model are too short to be shared out one by one. Used by
// loss.h. One thread calls.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/model/transformer.h"

namespace ratchet
{

class Shards
{
public:
    // `model` outlives it and has required its gradient, if there is more than one thread.
    explicit Shards(const Transformer& model, int threads = 1);
    [[nodiscard]] const Transformer& model() const { return m_model; }
    [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(m_replicas.size()) + 1; }

    // Calls `each` for parts 0 .. parts - 1, count() at the same time, which may add to its model's gradient; then model()'s is
    // the sum, added in an order that depends on count() only. Rethrows what a thread throws.
    void run(std::int64_t parts, const std::function<void(const Transformer& model, std::int64_t part)>& each) const;

private:
    void gather() const;

    const Transformer& m_model;
    std::vector<std::unique_ptr<Transformer>> m_replicas;
};

} // namespace ratchet
