// SPDX-License-Identifier: GPL-3.0-or-later
// Names and shapes of a model's tensors, and what is counted from them.
#include "core/genome/genome.h"
#include "core/genome/weights_file.h"

namespace ratchet {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

void addNorm(Shapes& shapes, const std::string& name, const Architecture& architecture)
{
    shapes[name + ".weight"] = {architecture.width};
    if (architecture.norm == "layernorm")
        shapes[name + ".bias"] = {architecture.width};
}

std::int64_t size(const std::vector<std::int64_t>& shape)
{
    std::int64_t product = 1;
    for (const auto extent : shape)
        product *= extent;
    return product;
}

} // namespace

Shapes expectedTensors(const Architecture& architecture, int vocabulary)
{
    const std::int64_t width = architecture.width;
    const std::int64_t headWidth = width / architecture.heads;
    const std::int64_t hidden = architecture.feedForwardWidth;
    Shapes shapes;
    shapes["embedding.token.weight"] = {vocabulary, width};
    if (architecture.positions == "learned" || architecture.positions == "coupled")
        shapes["embedding.position.weight"] = {architecture.context, width};
    for (int layer = 0; layer < architecture.layers; ++layer) {
        const std::string attention = fmt::format("blocks.{}.attention.", layer);
        addNorm(shapes, attention + "norm", architecture);
        shapes[attention + "qkv.weight"] = {width + 2 * architecture.kvHeads * headWidth, width};
        shapes[attention + "output.weight"] = {width, width};
        if (architecture.qkNorm) {
            shapes[attention + "queryNorm.weight"] = {headWidth};
            shapes[attention + "keyNorm.weight"] = {headWidth};
        }
        const std::string feedForward = fmt::format("blocks.{}.feedForward.", layer);
        addNorm(shapes, feedForward + "norm", architecture);
        shapes[feedForward + "up.weight"] = {hidden, width};
        if (architecture.feedForward == "swiglu")
            shapes[feedForward + "gate.weight"] = {hidden, width};
        shapes[feedForward + "down.weight"] = {width, hidden};
    }
    addNorm(shapes, "norm", architecture);
    if (!architecture.tied)
        shapes["head.weight"] = {vocabulary, width};
    return shapes;
}

std::int64_t parameterCount(const Architecture& architecture, int vocabulary)
{
    std::int64_t count = 0;
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary))
        count += size(shape);
    return count;
}

Flops trainingFlops(const Architecture& architecture, int vocabulary, int length)
{
    double multiplied = 0;
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary)) {
        const bool lookedUp = name == "embedding.position.weight" || (name == "embedding.token.weight" && !architecture.tied);
        if (!lookedUp)
            multiplied += static_cast<double>(size(shape));
    }
    return {6 * multiplied + 12.0 * architecture.layers * architecture.width * length};
}

double trainingBytes(const Architecture& architecture, int vocabulary, int batch, int length)
{
    const double tokens = static_cast<double>(batch) * length;
    const double perLayer = 14.0 * architecture.width + 4.0 * architecture.feedForwardWidth
                            + 3.0 * static_cast<double>(architecture.heads) * length;
    const double activations = tokens * (architecture.layers * perLayer + 3.0 * vocabulary + 4.0 * architecture.width);
    return 4.0 * (5.0 * static_cast<double>(parameterCount(architecture, vocabulary)) + activations);
}

} // namespace ratchet
