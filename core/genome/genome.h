// SPDX-License-Identifier: GPL-3.0-or-later
// Genome: everything that determines a model but the parent's weights and the seed, as typed values over a JSON document.
// Used by every room. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/units.h"

namespace ratchet {

// Decoder-only transformer (Vaswani 2017, pre-norm). Widths in units, context in tokens.
struct Architecture {
    int layers = 2;
    int width = 64;                        // d, residual stream
    int heads = 4;                         // query heads; divides width, head width is even
    int kvHeads = 4;                       // divides heads; fewer than heads is grouped-query attention
    std::string feedForward = "gelu";      // gelu | relu2 | swiglu
    int feedForwardWidth = 256;
    std::string norm = "layernorm";        // layernorm | rmsnorm
    std::string positions = "learned";     // learned | rope | none | coupled (ids given by the domain, digit-aligned)
    bool qkNorm = false;                   // RMS-normalise queries and keys per head
    bool tied = true;                      // head shares the embedding
    double softCap = 0;                    // logits -> c tanh(logits / c); 0 is off
    int context = 64;
};

struct Recipe {
    std::string optimizer = "adamw";       // adamw | muon | lion
    double learningRate = 1e-3;            // peak
    std::string schedule = "constant";     // constant | cosine | linear | wsd, over the trial's compute budget
    double warmup = 0.02;                  // share of the budget
    int batch = 128;                       // sequences
    double weightDecay = 0.01;
    double clip = 1.0;                     // global gradient norm; 0 is off
    double ema = 0;                        // decay of the weight average that is kept as the result; 0 is off
    double dropout = 0;
    std::string start = "scratch";         // scratch | continue (parent's weights, grown if the shape grew)
};

struct Data {
    Json mixture = Json::object();         // domain's own: what is drawn how often
    double replay = 0;                     // share of each batch drawn from the parent's guide failures
    double feedback = 0;                   // share drawn from corrected answers of users
    double selfTraining = 0;               // share drawn from items one step harder, labelled by the parent (majority vote)
    std::string balance = "none";          // none | domain's own kinds, for example "carries"
};

struct Reasoning {
    std::string format = "plain";          // domain's own: plain | reversed | scratchpad ...
    int samples = 1;                       // answers drawn and voted on; 1 is greedy
};

struct Genome {
    Architecture architecture;
    Recipe recipe;
    Data data;
    Json adaptation = Json{{"method", "full"}};   // full: all weights train
    Reasoning reasoning;
    Json tools = Json{{"allowed", Json::array()}};

    [[nodiscard]] Json toJson() const;
    // Strict: unknown or missing fields, wrong types and non-finite numbers are BadInput naming the field; a genome that
    // contradicts itself (heads do not divide width) is BadInput too.
    [[nodiscard]] static Result<Genome> fromJson(const Json& json);
    [[nodiscard]] Hash hash() const;
};

// Applies an RFC 6902 patch to the genome's JSON. BadInput when patch or result is malformed.
[[nodiscard]] Result<Genome> applyPatch(const Genome& genome, const Json& patch);
// The smallest patch of `replace` operations on leaves that turns `from` into `to`.
[[nodiscard]] Json patchBetween(const Genome& from, const Genome& to);

// Parameters of the model for a vocabulary of `vocabulary` tokens, as built by core/model.
[[nodiscard]] std::int64_t parameterCount(const Architecture& architecture, int vocabulary);
// Training compute of one token in a sequence of `length`: 6 N + 12 L d T (Kaplan 2020, section 2.1; N without the
// look-up embeddings but with the head). Forward only is a third of it.
[[nodiscard]] Flops trainingFlops(const Architecture& architecture, int vocabulary, int length);
// Bytes for weights, gradients, two moments and activations of a batch, fp32; an estimate from above.
[[nodiscard]] double trainingBytes(const Architecture& architecture, int vocabulary, int batch, int length);

} // namespace ratchet
