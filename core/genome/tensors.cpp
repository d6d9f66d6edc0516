// SPDX-License-Identifier: GPL-3.0-or-later
// Names and shapes of a model's tensors, and what is counted from them.
#include "core/genome/genome.h"
#include "core/genome/weights_file.h"

#include <algorithm>

namespace ratchet {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

void addNorm(Shapes& shapes, const std::string& name, const Architecture& architecture)
{
    shapes[name + ".weight"] = {architecture.width};
    if (architecture.norm == "layernorm")
        shapes[name + ".bias"] = {architecture.width};
}

void addLinear(Shapes& shapes, const std::string& name, std::int64_t out, std::int64_t in, const Architecture& architecture)
{
    shapes[name + ".weight"] = {out, in};
    if (architecture.bias)
        shapes[name + ".bias"] = {out};
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
        const std::int64_t keyWidth = architecture.kvHeads * headWidth;
        addLinear(shapes, attention + "qkv", width + 2 * keyWidth, width, architecture);
        addLinear(shapes, attention + "output", width, width, architecture);
        if (architecture.memoryTokens > 0) {
            shapes[attention + "memory.key"] = {architecture.memoryTokens, keyWidth};
            shapes[attention + "memory.value"] = {architecture.memoryTokens, keyWidth};
        }
        if (architecture.valueEmbedding)
            shapes[attention + "valueEmbedding.weight"] = {vocabulary, keyWidth};
        if (architecture.qkNorm) {
            shapes[attention + "queryNorm.weight"] = {headWidth};
            shapes[attention + "keyNorm.weight"] = {headWidth};
        }
        const std::string feedForward = fmt::format("blocks.{}.feedForward.", layer);
        addNorm(shapes, feedForward + "norm", architecture);
        if (architecture.experts > 0) {        // of all experts, one after the other
            shapes[feedForward + "router.weight"] = {architecture.experts, width};
            shapes[feedForward + "up.weight"] = {architecture.experts, hidden, width};
            if (architecture.feedForward == "swiglu")
                shapes[feedForward + "gate.weight"] = {architecture.experts, hidden, width};
            shapes[feedForward + "down.weight"] = {architecture.experts, width, hidden};
            continue;
        }
        addLinear(shapes, feedForward + "up", hidden, width, architecture);
        if (architecture.feedForward == "swiglu")
            addLinear(shapes, feedForward + "gate", hidden, width, architecture);
        addLinear(shapes, feedForward + "down", width, hidden, architecture);
    }
    addNorm(shapes, "norm", architecture);
    if (!architecture.tied)
        shapes["head.weight"] = {vocabulary, width};
    return shapes;
}

Shapes expectedTensors(const Genome& genome, int vocabulary)
{
    Shapes ofOne = expectedTensors(genome.architecture, vocabulary);
    if (!genome.recipe.isEnsemble())
        return ofOne;
    Shapes shapes;
    for (std::size_t i = 0; i < genome.recipe.members.size(); ++i)
        for (const auto& [name, shape] : ofOne)
            shapes[memberPrefix(i) + name] = shape;
    return shapes;
}

std::string memberPrefix(std::size_t member)
{
    return fmt::format("member.{}.", member);
}

std::int64_t parameterCount(const Genome& genome, int vocabulary)
{
    return static_cast<std::int64_t>(genome.models().size()) * parameterCount(genome.architecture, vocabulary);
}

std::int64_t parameterCount(const Architecture& architecture, int vocabulary)
{
    std::int64_t count = 0;
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary))
        count += size(shape);
    return count;
}

Flops trainingFlops(const Architecture& architecture, int vocabulary, int length, const std::vector<Architecture>& teachers)
{
    double multiplied = 0;
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary)) {
        const bool lookedUp = name == "embedding.position.weight" || name.ends_with(".valueEmbedding.weight")
                              || name.ends_with(".memory.key") || name.ends_with(".memory.value")
                              || (name == "embedding.token.weight" && !architecture.tied);
        const bool routed = shape.size() == 3;      // an expert sees its share of the tokens
        if (!lookedUp)
            multiplied += static_cast<double>(size(shape)) * (routed ? double(architecture.expertsPerToken) / architecture.experts : 1.0);
    }
    const int seen = architecture.memoryTokens + (architecture.window > 0 ? std::min(architecture.window, length) : length);
    double flops = 6 * multiplied + 12.0 * architecture.layers * architecture.width * seen;
    for (const Architecture& teacher : teachers)
        flops += trainingFlops(teacher, vocabulary, length).value / 3;
    return {flops};
}

} // namespace ratchet
