// SPDX-License-Identifier: GPL-3.0-or-later
// A feed-forward with its own gradient that goes through all of its products a few rows at a time, so that what is
// between them stays in the caches, on all threads the process may use. Used by feed_forward.cpp. One thread at a time.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "core/model/feed_forward.h"
#include "core/model/row_kernel.h"

namespace ratchet {

[[nodiscard]] Activation activationOf(const std::string& feedForward);

// down(activation(up(x))), or down(silu(gate(x)) * up(x)) where there is a gate; x [N, d] -> [N, d], float32 on the
// CPU, maps without experts. Of the forward pass only up(x) and gate(x) are kept.
[[nodiscard]] at::Tensor fusedFeedForward(const at::Tensor& x, const FeedForwardMaps& maps, Activation activation);

} // namespace ratchet
