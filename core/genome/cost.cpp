// SPDX-License-Identifier: GPL-3.0-or-later
// The terms follow what core/model/*.cpp and libtorch's autograd keep of each operator. All are in floats of one token
// unless a name says otherwise.
#include "core/genome/cost.h"

#include <algorithm>
#include <cmath>

#include "core/genome/weights_file.h"

namespace ratchet {
namespace {

double sizeOf(const std::vector<std::int64_t>& shape)
{
    double product = 1;
    for (const auto extent : shape)
        product *= static_cast<double>(extent);
    return product;
}

// The widths that the terms are made of.
struct Widths {
    Widths(const Architecture& architecture, int itsVocabulary, int itsLength, double dropout = 0)
        : a(architecture), length(itsLength), model(a.width), keys(a.width / a.heads * a.kvHeads), hidden(a.feedForwardWidth),
          vocabulary(itsVocabulary), memory(static_cast<double>(a.memoryTokens) / itsLength),
          isRotated(a.positions == "rope"), isGated(a.feedForward == "swiglu"),
          isFused(a.experts == 0 && a.feedForwardWidth <= widestFusedFeedForward), drops(dropout > 0)
    {
    }
    const Architecture& a;
    int length;
    double model, keys, hidden, vocabulary;
    double memory; // memory tokens for each token of a row
    bool isRotated, isGated, isFused, drops;
};

// A norm keeps its input, mean and scale, and its output is kept by the map behind it.
double normFloats(const Widths& w)
{
    return 2 * w.model + 2;
}

// Queries, keys and values lie packed as the map wrote them, kept as long as anything reads a view of them. Norms of queries
// and keys keep a copy, mean and scale; norms, rotation, memory and value embeddings make new tensors. Attention keeps what
// it read, its output, which the output map reads, and a normaliser a head.
double attentionFloats(const Widths& w)
{
    const Architecture& a = w.a;
    const double packed = w.model + 2 * w.keys, keysKept = w.keys * (1 + w.memory);
    const bool newValues = a.memoryTokens > 0 || a.valueEmbedding;
    const bool newQueries = a.qkNorm || w.isRotated, newKeys = newQueries || a.memoryTokens > 0;
    double floats = normFloats(w) + w.model + a.heads;
    floats += !newQueries || !newValues ? packed : 0;
    floats += a.qkNorm ? w.model + w.keys + 2 * (a.heads + a.kvHeads) : 0;
    floats += (newQueries ? w.model : 0) + (newKeys ? keysKept : 0) + (newValues ? keysKept : 0);
    return floats + (w.drops ? w.model : 0);
}

// What goes into the activation and, unless that is computed again, what the last map reads; SwiGLU keeps gate and the other
// factor, and the gate's SiLU and the product.
double hiddenFloats(const Widths& w)
{
    return (w.isGated ? 2 : 1) * (w.isFused ? 1 : 2) * w.hidden;
}

// A mixture keeps for each of a token's experts the row it read, the hidden ones and the row it wrote; of the routing
// the probabilities and about 12 numbers an expert chosen (indices have 8 bytes).
double feedForwardFloats(const Widths& w)
{
    const double dropped = w.drops ? w.model : 0;
    if (w.a.experts == 0)
        return normFloats(w) + hiddenFloats(w) + dropped;
    const double chosen = w.a.expertsPerToken;
    return normFloats(w) + chosen * (2 * w.model + hiddenFloats(w) + 12) + w.a.experts + dropped;
}

// A forward pass that keeps nothing, a teacher's: the residual stream, what attention added, a norm, what the
// feed-forward adds and its hidden floats.
double passingFloats(const Widths& w)
{
    const double chosen = w.a.experts > 0 ? w.a.expertsPerToken : 1;
    return 4 * w.model + chosen * (hiddenFloats(w) + (w.a.experts > 0 ? 2 * w.model + 12 : 0));
}

// Teachers pass one after the other; from the second on the sum of their probabilities is kept beside.
double teachingFloats(const Widths& w, const std::vector<Architecture>& teachers)
{
    double largest = 0;
    for (const Architecture& teacher : teachers)
        largest = std::max(largest, passingFloats(Widths(teacher, static_cast<int>(w.vocabulary), w.length)));
    return largest + w.vocabulary * (teachers.size() > 1 ? 2 : 1);
}

// The loss: at its height logits, their log-softmax and a gradient live; a soft-cap keeps its tanh. A teacher and the
// z-loss work on further copies (core/trainer/loss.cpp).
double lossFloats(const Widths& w, const Recipe& recipe, const std::vector<Architecture>& teachers)
{
    double copies = w.a.softCap > 0 ? 4 : 3;
    if (recipe.distillation > 0)
        copies += 5;
    else if (recipe.zLoss > 0)
        copies += 2;
    const double taught = recipe.distillation > 0 ? teachingFloats(w, teachers) : 0;
    return normFloats(w) + std::max(copies * w.vocabulary, taught);
}

// The first block to go backward does so while all blocks' activations are still kept: the gradient on its way down and
// what its feed-forward's derivative composes.
double backwardFloats(const Widths& w)
{
    const double fused = w.isGated ? 3 : 2, composed = w.a.feedForward == "relu2" ? 3 : w.isGated ? 2 : 1;
    const double derivative = w.isFused ? fused : composed;
    const double passing = (w.drops ? 3 : 2) * w.model;
    if (w.a.experts == 0)
        return passing + derivative * w.hidden;
    const double chosen = w.a.expertsPerToken;
    return passing + 3 * chosen * w.model + derivative * w.hidden * chosen / w.a.experts;
}

// Parameters by what becomes of them, in floats.
struct Parameters {
    double all = 0, largest = 0, largestExperts = 0, adapted = 0, adapters = 0;
};

Parameters parametersOf(const Genome& genome, int vocabulary)
{
    Parameters sum;
    for (const auto& [name, shape] : expectedTensors(genome.architecture, vocabulary)) {
        const double size = sizeOf(shape);
        sum.all += size;
        sum.largest = std::max(sum.largest, size);
        if (shape.size() == 3)
            sum.largestExperts = std::max(sum.largestExperts, size);
        const bool isMap = name.starts_with("blocks.") && name.ends_with(".weight") && shape.size() >= 2 &&
                           !name.ends_with("valueEmbedding.weight") && !name.ends_with("router.weight");
        if (!isMap)
            continue;
        const auto out = static_cast<double>(shape[shape.size() - 2]), in = static_cast<double>(shape.back());
        sum.adapted += size;
        sum.adapters += size / (out * in) * (out + in) * genome.adaptation.rank;
    }
    return sum;
}

// Weights and gradient; moments (Lion has one) of what trains; the average; LoRA's fixed copies, adapters and their
// gradient.
double stateFloats(const Genome& genome, const Parameters& parameters)
{
    const double moments = genome.recipe.optimizer == "lion" ? 1 : 2;
    double floats = 2 * parameters.all;
    floats += genome.adaptation.method == "lora" ? parameters.adapted + (2 + moments) * parameters.adapters
                                                 : moments * parameters.all;
    return floats + (genome.recipe.ema > 0 ? parameters.all : 0);
}

// All members and the model, of a soup the one tasted and the best so far. On top either the sum and one more member in
// double precision (core/surgery/average.cpp), or a forward pass of `tokens` beside a soup's new average. An ensemble is
// written as one file, which lies in memory twice.
TrainingMemory averagingMemory(const Recipe& recipe, const Widths& w, double parameters, double tokens)
{
    constexpr double bytes = 4;
    const bool isSoup = recipe.start == "soup";
    TrainingMemory memory;
    memory.state = bytes * (static_cast<double>(recipe.members.size()) + (isSoup ? 3 : 1)) * parameters;
    const double made = recipe.isEnsemble() ? 2 * static_cast<double>(recipe.members.size()) : 4;
    memory.moment = bytes * std::max(made * parameters, (isSoup ? parameters : 0) + tokens * (passingFloats(w) + 2 * w.vocabulary));
    return memory;
}

// The model, the parent and a forward pass of `tokens` through it, its logits and their log-softmax.
TrainingMemory comparingMemory(const Widths& w, double parameters, double tokens, const Architecture& parent)
{
    constexpr double bytes = 4;
    const int vocabulary = static_cast<int>(w.vocabulary);
    TrainingMemory memory;
    memory.state = bytes * (parameters + static_cast<double>(parameterCount(parent, vocabulary)));
    memory.moment = bytes * tokens * (passingFloats(Widths(parent, vocabulary, w.length)) + 2 * w.vocabulary);
    return memory;
}

} // namespace

int pairsOfStep(const Recipe& recipe)
{
    const int ofPart = recipe.batch / recipe.accumulation;
    if (recipe.preference == 0)
        return 0;
    if (recipe.preference == 1)
        return recipe.batch / 2;
    const int pairs = static_cast<int>(std::lround(recipe.preference * ofPart / 2));
    return recipe.accumulation * std::clamp(pairs, 1, (ofPart - 1) / 2);
}

int shardsOf(const Genome& genome, int threads)
{
    if (genome.recipe.dropout > 0 || genome.architecture.experts > 0)
        return 1;
    return std::clamp(genome.recipe.batch / genome.recipe.accumulation, 1, threads);
}

TrainingMemory trainingMemory(const Genome& genome, int vocabulary, int length, const std::vector<Architecture>& teachers, int threads)
{
    if ((genome.recipe.distillation > 0 || genome.recipe.preference > 0) && teachers.empty())
        return trainingMemory(genome, vocabulary, length, {genome.architecture}, threads);
    constexpr double bytes = 4;
    const Widths w(genome.architecture, vocabulary, length, genome.recipe.dropout);
    const Parameters parameters = parametersOf(genome, vocabulary);
    const int ofPairs = 2 * pairsOfStep(genome.recipe); // which are computed after the others
    const double rows = static_cast<double>(std::max(genome.recipe.batch - ofPairs, ofPairs)) / genome.recipe.accumulation;
    const double tokens = rows * length;
    const double batch = 4.0 * genome.recipe.batch * length; // tokens and targets, of 8 bytes
    // Gradients of one map, of all of a fused feed-forward, and of an expert's share of it one as large as the whole, on
    // top of those that are summed up.
    const double ofExperts = (w.isGated ? 4 : 3) * parameters.largestExperts;
    const int shards = shardsOf(genome, threads);
    const double ofFused = w.isFused ? (w.isGated ? 3 : 2) * w.model * w.hidden * (shards > 1 ? 1 : threads) : 0;
    const double ofMaps = w.a.experts > 0 ? ofExperts : shards * std::max(parameters.largest, ofFused);
    const double update = genome.recipe.optimizer == "muon" ? 6 * parameters.largest : 0;
    double taught = 0;
    if (genome.recipe.distillation > 0)
        for (const Architecture& teacher : teachers)
            taught += static_cast<double>(parameterCount(teacher, vocabulary));
    TrainingMemory memory;
    const double replicas = (shards - 1) * parameters.all; // their gradients
    memory.state = bytes * (stateFloats(genome, parameters) + taught + replicas);
    memory.kept =
        bytes * (tokens * (w.a.layers * (attentionFloats(w) + feedForwardFloats(w)) + (w.drops ? w.model : 0)) + batch);
    memory.moment = bytes * std::max(tokens * lossFloats(w, genome.recipe, teachers), tokens * backwardFloats(w) + ofMaps);
    memory.moment = std::max(memory.moment, bytes * update - memory.kept);
    if (genome.recipe.preference > 0) {
        const double looked = static_cast<double>(genome.recipe.batch / genome.recipe.accumulation) * length;
        const TrainingMemory comparing = comparingMemory(w, parameters.all, looked, teachers.front());
        return memory.bytes() > comparing.bytes() ? memory : comparing;
    }
    if (genome.recipe.isPopulation())
        memory.state = (genome.recipe.population + 1) * memory.state + bytes * parameters.all;
    if (!genome.recipe.namesMembers())
        return memory;
    const TrainingMemory averaging = averagingMemory(genome.recipe, w, parameters.all, tokens);
    return genome.recipe.trains() && memory.bytes() > averaging.bytes() ? memory : averaging;
}

Status fitsMemory(const Genome& genome, int vocabulary, int length, double allowed, const std::vector<Architecture>& teachers, int threads)
{
    const TrainingMemory memory = trainingMemory(genome, vocabulary, length, teachers, threads);
    const double needed = learnerBytes + memory.bytes();
    if (needed <= allowed)
        return {};
    const bool byBatch = memory.kept + memory.moment > memory.state;
    const char* const smaller = byBatch ? "Lower /recipe/batch or raise /recipe/accumulation."
                                        : "Lower the model's width or depth.";
    return fail(Code::Refused,
                fmt::format("Training this genome needs {} of memory ({} of it for activations of {} rows of {} "
                            "tokens), but {} are allowed.",
                            toTextBytes(needed), toTextBytes(memory.kept + memory.moment),
                            genome.recipe.batch / genome.recipe.accumulation, length, toTextBytes(allowed)),
                genome.recipe.trains() ? smaller : "Name fewer /recipe/members.");
}

} // namespace ratchet
