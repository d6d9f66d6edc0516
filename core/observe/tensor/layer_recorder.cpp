// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/observe/tensor/layer_recorder.h"

#include <algorithm>
#include <cmath>

#include "core/model/compat.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t bins = 32;
constexpr std::int64_t shownTokens = 24;

// Prefixes of the parameters that belong to a layer as observers name it.
std::vector<std::string> parametersOf(const std::string& layer)
{
    if (layer == "embedding")
        return {"embedding."};
    if (layer == "head")
        return {"head.", "norm."};
    const std::size_t dot = layer.rfind('.');
    const std::string block = "blocks" + layer.substr(5, dot - 5);
    return {block + (layer.substr(dot) == ".attention" ? ".attention." : ".feedForward.")};
}

double rmsOf(const Transformer& model, const at::Tensor& flat, const std::vector<std::string>& prefixes)
{
    double sum = 0, count = 0;
    for (const TensorSlot& slot : model.layout()) {
        const auto begins = [&slot](const std::string& prefix) { return slot.name.starts_with(prefix); };
        if (!std::any_of(prefixes.begin(), prefixes.end(), begins))
            continue;
        const at::Tensor part = flat.narrow(0, slot.offset, slot.count).cpu();
        for (std::int64_t i = 0; i < slot.count; ++i) {
            const double value = part.data_ptr<float>()[i];
            sum += value * value;
        }
        count += static_cast<double>(slot.count);
    }
    return count > 0 ? std::sqrt(sum / count) : 0.0;
}

} // namespace

void LayerRecorder::activation(const std::string& layer, const at::Tensor& value)
{
    const at::Tensor kept = value.detach().to(at::kCPU, at::kFloat).contiguous();
    const float* const values = kept.data_ptr<float>();
    const auto count = static_cast<double>(std::max<std::int64_t>(kept.numel(), 1));
    double sum = 0, squares = 0, largest = 0, zeros = 0;
    for (std::int64_t i = 0; i < kept.numel(); ++i) {
        sum += values[i];
        squares += static_cast<double>(values[i]) * values[i];
        largest = std::max(largest, std::abs(static_cast<double>(values[i])));
        zeros += values[i] == 0 ? 1 : 0;
    }
    const double mean = sum / count, deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
    LayerSummary summary{layer,
                         {{"mean", mean},
                          {"std", deviation},
                          {"rms", std::sqrt(squares / count)},
                          {"maximum", largest},
                          {"zeroShare", zeros / count}},
                         std::vector<std::int64_t>(bins, 0)};
    const double width = deviation > 0 ? 8 * deviation / bins : 1;
    for (std::int64_t i = 0; i < kept.numel(); ++i) {
        const double place = (values[i] - mean) / width + bins / 2.0;
        ++summary.histogram[static_cast<std::size_t>(std::clamp(place, 0.0, bins - 1.0))];
    }
    m_layers.push_back(std::move(summary));
}

void LayerRecorder::attention(int, const at::Tensor& probabilities)
{
    const std::int64_t shown = std::min(shownTokens, probabilities.size(2));
    const at::Tensor first = probabilities.detach()[0].narrow(1, 0, shown).narrow(2, 0, shown).cpu().contiguous();
    const float* value = first.data_ptr<float>();
    Json heads = Json::array();
    for (std::int64_t head = 0; head < first.size(0); ++head) {
        Json rows = Json::array();
        for (std::int64_t query = 0; query < shown; ++query) {
            Json row = Json::array();
            for (std::int64_t key = 0; key < shown; ++key)
                row.push_back(std::round(*value++ * 1000.0) / 1000.0);
            rows.push_back(std::move(row));
        }
        heads.push_back(std::move(rows));
    }
    m_attention.push_back(std::move(heads));
}

std::vector<LayerSummary> LayerRecorder::summaries(const Transformer& model) const
{
    std::vector<LayerSummary> layers = m_layers;
    for (LayerSummary& summary : layers) {
        const std::vector<std::string> prefixes = parametersOf(summary.layer);
        summary.values.emplace_back("gradientRms", rmsOf(model, model.gradient(), prefixes));
        summary.values.emplace_back("weightRms", rmsOf(model, model.flat(), prefixes));
    }
    return layers;
}

} // namespace ratchet
