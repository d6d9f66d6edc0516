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
    std::string feedForward = "gelu";      // gelu | gelu-tanh | relu2 | swiglu
    int feedForwardWidth = 256;
    int experts = 0;                       // feed-forwards a block, routed per token (Shazeer 2017); 0 is one for all
    int expertsPerToken = 2;
    double expertCapacity = 1.25;          // training only: an expert takes at most this multiple of its even share
    std::string norm = "layernorm";        // layernorm | rmsnorm
    double normEpsilon = 1e-5;
    bool bias = false;                     // linear maps inside blocks have biases
    std::string positions = "learned";     // learned | rope | none | coupled (ids given by the domain, digit-aligned)
    double ropeBase = 10000;
    int window = 0;                        // tokens a query sees, itself included; 0 is all before it
    int memoryTokens = 0;                  // learned key-value pairs a block that every query sees (Sukhbaatar 2019)
    bool valueEmbedding = false;           // a learned vector per token id is added to every block's values
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
    int batch = 128;                       // sequences a step
    int accumulation = 1;                  // parts a batch is computed in; divides it
    double weightDecay = 0.01;
    double clip = 1.0;                     // global gradient norm; 0 is off
    double ema = 0;                        // decay of the weight average that is kept as the result; 0 is off
    double dropout = 0;
    double labelSmoothing = 0;             // share of the target spread evenly over the vocabulary (Szegedy 2016)
    double zLoss = 0;                      // weight of log^2 of the softmax's normaliser (PaLM, Chowdhery 2022)
    double balanceLoss = 0.01;             // weight of the experts' load-balance loss (Fedus 2021, eq. 4)
    double distillation = 0;               // weight of the teacher's soft targets (Hinton 2015); the rest is the labels'
    double distillationTemperature = 1;
    std::vector<std::string> teachers;     // versions of the lab that distillation learns from; none is the parent
    // scratch | continue (parent's weights, grown if the shape grew) | average (mean of the members' weights) |
    // soup (greedy, Wortsman 2022: of the members those that do not make the average worse) |
    // ensemble (the members as they are, which answer together with the mean of their probabilities)
    std::string start = "scratch";
    std::vector<std::string> members;      // versions of the lab, two at least, that an average, a soup or an ensemble is made of
    double fineTuning = 0;                 // share of the budget that an average is trained on for; 0 leaves it as it is
    double preference = 0;                 // weight of the preference loss (DPO, Rafailov 2023, eq. 7); the rest is the labels'
    double preferenceBeta = 0.1;           // how far it may move from the parent; beta there
    int population = 0;                    // models trained side by side, the better copied over the worse (Jaderberg 2017); 0 is one
    int generations = 8;                   // of a population: how often it is compared
    std::string moments = "reset";         // reset | carry: where the optimizer starts that continues: at zero, or from what the parent's held at its end

    [[nodiscard]] bool isAverage() const { return start == "average" || start == "soup"; }
    [[nodiscard]] bool isEnsemble() const { return start == "ensemble"; }
    [[nodiscard]] bool isPopulation() const { return population > 0; }
    [[nodiscard]] bool namesMembers() const { return isAverage() || isEnsemble(); }
    [[nodiscard]] bool trains() const { return isAverage() ? fineTuning > 0 : !isEnsemble(); }
};

struct Data {
    Json mixture = Json::object();         // domain's own: what is drawn how often
    double replay = 0;                     // share of each batch drawn from the parent's guide failures
    double feedback = 0;                   // share drawn from corrected answers of users
    double selfTraining = 0;               // share drawn from items one step harder, labelled by the parent
    std::string labels = "filtered";       // of those: filtered | unfiltered | checked (sampled, and right by the domain's checker) | oracle | poisoned | none (same steps, no new data)
    int level = 0;                         // steps harder than the domain's base that earlier rounds have mastered
    double curriculum = 0;                 // share of the budget over which harder items phase in; 0 is off
    bool bucketing = false;                // batches of similar length
    bool deduplicate = false;              // no item twice in a trial's pools
    std::string balance = "none";          // none | domain's own kinds, for example "carries"
};

// How a child's weights follow from its parent's when it continues.
struct Adaptation {
    std::string method = "full";           // full | lora (Hu 2021; merged exactly into the weights at the end)
    int rank = 8;                          // of lora
    double alpha = 16;                     // of lora: updates are scaled by alpha / rank
    int frozenLayers = 0;                  // the lowest blocks that do not train
    bool frozenEmbeddings = false;
};

struct Reasoning {
    std::string format = "plain";          // domain's own: plain | reversed | scratchpad ...
    int samples = 1;                       // answers drawn and voted on; 1 is greedy
    bool selfCheck = false;                // an answer that fails the domain's own check is drawn again
};

// What the model may call while it answers (core/plugin/tools.h).
struct Tools {
    std::vector<std::string> allowed;      // calculator | program
    int calls = 4;                         // at most, an answer
};

struct Genome {
    Architecture architecture;
    Recipe recipe;
    Data data;
    Adaptation adaptation;
    Reasoning reasoning;
    Tools tools;

    // Without those paths of /recipe that are younger than 0.1 (teachers and what follows) while they say nothing: the hash of a genome, and with it
    // the names of versions, stay what they were before there were any.
    [[nodiscard]] Json toJson() const;
    // With every path there is, for whoever looks one up or patches it.
    [[nodiscard]] Json document() const;
    // Strict: unknown or missing fields, wrong types and non-finite numbers are BadInput naming the field; a genome that
    // contradicts itself (heads do not divide width) is BadInput too. Fields younger than version 0.1 may be missing.
    [[nodiscard]] static Result<Genome> fromJson(const Json& json);
    [[nodiscard]] Hash hash() const;
    // Of the models that answer together: one, or every member of an ensemble; they share their shape.
    [[nodiscard]] std::vector<Architecture> models() const;
};

// Applies an RFC 6902 patch to the genome's JSON. BadInput when patch or result is malformed.
[[nodiscard]] Result<Genome> applyPatch(const Genome& genome, const Json& patch);
// The smallest patch of `replace` operations on leaves that turns `from` into `to`.
[[nodiscard]] Json patchBetween(const Genome& from, const Genome& to);

// Parameters of the model for a vocabulary of `vocabulary` tokens, as built by core/model.
[[nodiscard]] std::int64_t parameterCount(const Architecture& architecture, int vocabulary);
// Of all its models together.
[[nodiscard]] std::int64_t parameterCount(const Genome& genome, int vocabulary);
// Training compute of one token in a sequence of `length`: 6 N + 12 L d T (Kaplan 2020, section 2.1). N is every parameter
// that a token passes through: no look-up embedding, but the head, the gains and biases, and of experts the share that is
// chosen. T is the keys a query may see, the memory's too; the half that causality hides is charged, as everywhere.
// Forward only is a third of it, and that is what each teacher costs beside. What else a step computes is not part of the
// price.
[[nodiscard]] Flops trainingFlops(const Architecture& architecture, int vocabulary, int length,
                                  const std::vector<Architecture>& teachers = {});

} // namespace ratchet
