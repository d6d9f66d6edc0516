// SPDX-License-Identifier: GPL-3.0-or-later
// Statistics of one probe batch: activations as they flow, gradients and weights afterwards. One pass, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/model/transformer.h"

namespace ratchet
{

struct LayerSummary {
    std::string layer; // "embedding", "block.0.attention", "block.0.feed-forward", ..., "head"
    std::vector<std::pair<std::string, double>> values; // mean, std, rms, maximum, zeroShare, gradientRms, weightRms
    std::vector<std::int64_t> histogram; // 32 equal bins over mean +- 4 std; what lies outside is in the outer bins
};

class LayerRecorder : public ForwardObserver
{
public:
    void activation(const std::string& layer, const at::Tensor& value) override;
    void attention(int block, const at::Tensor& probabilities) override;

    // Completes the layers with the root mean square of their parameters and gradients.
    [[nodiscard]] std::vector<LayerSummary> summaries(const Transformer& model) const;
    // Of the first sequence, at most 24 tokens: blocks[block][head][query][key], three decimals.
    [[nodiscard]] Json attentionMaps() const { return m_attention; }

private:
    std::vector<LayerSummary> m_layers;
    Json m_attention = Json::array();
};

} // namespace ratchet
