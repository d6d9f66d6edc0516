// SPDX-License-Identifier: GPL-3.0-or-later
// The feed-forward half of a block: one for all tokens, or a mixture of experts of which every token is routed to a
// few. Used by Transformer. No state; any thread.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "core/genome/genome.h"
#include "core/model/linear.h"

namespace ratchet {

// A linear map [out, in] with or without a bias.
struct Linear {
    at::Tensor weight, bias;
    LinearKind kind = LinearKind::OneDnn;
    [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
};

struct FeedForwardMaps {
    Linear gate, up, down; // of all experts, one after the other, where there are any: [E, out, in]
    at::Tensor router;     // [E, d] or undefined
};

// Sparse: an expert sees the tokens routed to it. Dense: every expert sees every token, and what it says to the others
// is multiplied by zero; the reference, whose bits for one token do not depend on how many others an expert was given.
enum class ExpertKind { Sparse, Dense };

// What the routers of a forward pass did, summed over blocks.
struct Routing {
    at::Tensor balanceLoss; // experts * sum of share * mean probability (Fedus 2021, eq. 4): 1 a block when even
    std::int64_t assigned = 0, dropped = 0;
    [[nodiscard]] double droppedShare() const
    {
        return assigned > 0 ? static_cast<double>(dropped) / static_cast<double>(assigned) : 0;
    }
};

// x [N, d] -> [N, d], in its type. Experts: softmax, in float32, over the router's logits, the highest expertsPerToken gates, renormalised to
// one. With `routing` (training) an expert takes at most ceil(expertCapacity * N * expertsPerToken / experts) tokens,
// first come first served in the order of N, and the rest pass it by; without, no token is dropped.
[[nodiscard]] at::Tensor feedForward(const at::Tensor& x, const FeedForwardMaps& maps, const Architecture& architecture,
                                     ExpertKind kind, Routing* routing);

} // namespace ratchet
