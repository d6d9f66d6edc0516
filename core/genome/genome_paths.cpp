// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/genome_paths.h"

#include <algorithm>

namespace ratchet {
namespace {

Json choices(Json values) { return {{"choices", std::move(values)}}; }
Json range(double low, double high) { return {{"low", low}, {"high", high}}; }
Json rate(double low, double high) { return {{"low", low}, {"high", high}, {"log", true}}; }
Json whole(int low, int high) { return {{"low", low}, {"high", high}, {"integer", true}}; }
Json versions(int most) { return {{"versions", most}}; }
Json yesOrNo() { return choices({false, true}); }

bool hasExperts(const Genome& genome) { return genome.architecture.experts > 0; }
bool isLowRank(const Genome& genome) { return genome.adaptation.method == "lora"; }
bool distils(const Genome& genome) { return genome.recipe.distillation > 0; }
bool trainsItself(const Genome& genome) { return genome.data.selfTraining > 0; }
bool goesOn(const Genome& genome) { return genome.recipe.start == "continue" && genome.adaptation.method == "full"; }
bool isMean(const Genome& genome) { return genome.recipe.isAverage(); }
bool isPopulation(const Genome& genome) { return genome.recipe.isPopulation(); }
bool rotates(const Genome& genome) { return genome.architecture.positions == "rope"; }
bool callsTools(const Genome& genome) { return !genome.tools.allowed.empty(); }

void addArchitecture(std::vector<GenomePath>& list)
{
    const auto add = [&](const char* name, Json usual, const char* says, bool (*acts)(const Genome&) = nullptr) {
        list.push_back({fmt::format("/architecture/{}", name), says, std::move(usual), acts});
    };
    add("layers", whole(1, 6), "Blocks.");
    add("width", choices({32, 48, 64, 96, 128, 192}), "Width of the residual stream.");
    add("heads", choices({1, 2, 4, 8}), "Query heads; they divide the width into even parts.");
    add("kvHeads", choices({1, 2, 4, 8}), "Key and value heads; they divide the query heads, and fewer are grouped-query attention.");
    add("feedForward", choices({"gelu", "gelu-tanh", "relu2", "swiglu"}), "The feed-forward's activation.");
    add("feedForwardWidth", choices({64, 128, 192, 256, 384, 512, 768}), "Hidden units of a feed-forward.");
    add("experts", choices({0, 2, 4, 8}), "Feed-forwards a block, one token going to a few of them; 0 is one for all.");
    add("expertsPerToken", choices({1, 2}), "Experts that a token goes to.", hasExperts);
    add("expertCapacity", range(1, 2), "Tokens that an expert takes in training, as a multiple of its even share.", hasExperts);
    add("norm", choices({"layernorm", "rmsnorm"}), "The kind of normalisation.");
    add("normEpsilon", rate(1e-7, 1e-2), "What is added to the variance; a model made wider keeps its function with a scaled one (surgery.md).");
    add("bias", yesOrNo(), "Whether the linear maps of blocks have biases; experts have none.");
    add("positions", choices({"learned", "rope", "none", "coupled"}), "How places are told: a table, rotation, not at all, or by the domain's own ids.");
    add("ropeBase", rate(100, 1e6), "Base of the rotation's wavelengths.", rotates);
    add("window", choices({0, 32, 64}), "Tokens that a query sees, itself included; 0 is all before it.");
    add("memoryTokens", choices({0, 4, 16}), "Learnt keys and values that every query of a block sees.");
    add("valueEmbedding", yesOrNo(), "Whether a learnt vector of each token is added to the values of every block.");
    add("qkNorm", yesOrNo(), "Whether queries and keys are normalised.");
    add("tied", yesOrNo(), "Whether the head is the embedding.");
    add("softCap", choices({0.0, 15.0, 30.0}), "Limit of the logits; 0 is none.");
    add("context", choices({64, 128, 192, 256, 512}), "Tokens that the model reads.");
}

void addRecipe(std::vector<GenomePath>& list)
{
    const auto add = [&](const char* name, Json usual, const char* says, bool (*acts)(const Genome&) = nullptr) {
        list.push_back({fmt::format("/recipe/{}", name), says, std::move(usual), acts});
    };
    add("optimizer", choices({"adamw", "muon", "lion"}), "What makes steps of gradients.");
    add("learningRate", rate(1e-4, 2e-2), "The peak of the learning rate.");
    add("schedule", choices({"constant", "cosine", "linear", "wsd"}), "How the rate falls over the budget.");
    add("warmup", range(0, 0.2), "Share of the budget over which the rate rises.");
    add("batch", choices({16, 32, 64, 128, 256}), "Sequences a step.");
    add("accumulation", choices({1, 2, 4}), "Parts that a batch is computed in; it divides it.");
    add("weightDecay", range(0, 0.2), "Decay of the weights.");
    add("clip", choices({0.0, 0.5, 1.0}), "Largest norm of the gradient; 0 is any.");
    add("ema", choices({0.0, 0.99, 0.995, 0.999}), "Decay of the average of weights that is kept as the result; 0 keeps the last.");
    add("dropout", range(0, 0.2), "Share of activations that are dropped in training.");
    add("labelSmoothing", range(0, 0.2), "Share of each target that is spread over the vocabulary.");
    add("zLoss", choices({0.0, 1e-4, 1e-3}), "Weight of the squared logarithm of the softmax's normaliser.");
    add("balanceLoss", choices({0.0, 0.01, 0.1}), "Weight of the loss that keeps experts evenly used.", hasExperts);
    add("distillation", range(0, 0.9), "Weight of the teachers' soft targets.");
    add("distillationTemperature", choices({1.0, 2.0, 4.0}), "Temperature of those.", distils);
    add("start", choices({"scratch", "continue", "average", "soup", "ensemble"}), "From what the weights start: nothing, the parent, or versions that are named.");
    add("moments", choices({"reset", "carry"}), "Whether the optimizer of a child that continues goes on from its parent's moments.", goesOn);
    add("teachers", versions(2), "Versions of the lab that teach; none is the parent.");
    add("members", versions(4), "Versions of the lab that an average, a soup or an ensemble is made of.");
    add("fineTuning", choices({0.0, 0.25, 0.5}), "Share of the budget that an average or a soup is trained on for.", isMean);
    add("preference", range(0, 1), "Weight of the preference loss, and share of pairs in a batch.");
    add("preferenceBeta", rate(0.02, 2), "How closely a model that learns preferences stays with its parent.");
    add("population", choices({0, 4}), "Models trained side by side in one trial; 0 is one.");
    add("generations", choices({4, 8, 16}), "How often a population is compared.", isPopulation);
}

void addRest(std::vector<GenomePath>& list)
{
    const auto add = [&](const char* path, Json usual, const char* says, bool (*acts)(const Genome&) = nullptr) {
        list.push_back({path, says, std::move(usual), acts});
    };
    add("/data/mixture", nullptr, "What is drawn how often, in the domain's own words.");
    add("/data/replay", range(0, 0.5), "Share of a batch that is drawn from what the parent got wrong on guide items.");
    add("/data/feedback", range(0, 0.3), "Share that is drawn from users' corrections.");
    add("/data/selfTraining", range(0, 0.5), "Share that is drawn from harder items that the parent labels.");
    add("/data/labels", choices({"filtered", "unfiltered", "checked", "oracle", "poisoned", "none"}),
        "Whose labels those are: the parent's, filtered or not; of several drawn the one that the checker finds right (expert iteration); or a "
        "control arm's: right ones, wrong ones, none.", trainsItself);
    add("/data/level", whole(0, 100), "Steps harder than the domain's base that earlier rounds have mastered.", trainsItself);
    add("/data/curriculum", range(0, 0.5), "Share of the budget over which harder items phase in.");
    add("/data/bucketing", yesOrNo(), "Whether batches are of similar length.");
    add("/data/deduplicate", yesOrNo(), "Whether no item is in a trial's pools twice.");
    add("/data/balance", nullptr, "Kinds that are drawn evenly, in the domain's own words; none is as they come.");
    add("/adaptation/method", choices({"full", "lora"}), "Whether all weights train or a change of low rank.");
    add("/adaptation/rank", choices({4, 8, 16, 32}), "The rank of that change.", isLowRank);
    add("/adaptation/alpha", choices({8.0, 16.0, 32.0}), "Its scale: alpha over rank.", isLowRank);
    add("/adaptation/frozenLayers", whole(0, 6), "The lowest blocks that do not train.");
    add("/adaptation/frozenEmbeddings", yesOrNo(), "Whether the tables do not train.");
    add("/reasoning/format", nullptr, "How an answer is written, in the domain's own words.");
    add("/reasoning/samples", choices({1, 5}), "Answers that are drawn and voted on; 1 is the greedy one.");
    add("/reasoning/selfCheck", yesOrNo(), "Whether an answer that fails the domain's own check is drawn again.");
    add("/tools/allowed", nullptr, "Tools that may be called while answering; the domain offers them.");
    add("/tools/calls", choices({1, 4, 8}), "Calls in an answer, at most.", callsTools);
}

} // namespace

const std::vector<GenomePath>& genomePaths()
{
    static const std::vector<GenomePath> all = [] {
        std::vector<GenomePath> list;
        addArchitecture(list);
        addRecipe(list);
        addRest(list);
        return list;
    }();
    return all;
}

Json usualBounds(const std::vector<std::string>& paths)
{
    Json bounds = Json::object();
    for (const GenomePath& known : genomePaths())
        if (!known.usual.is_null() && std::find(paths.begin(), paths.end(), known.path) != paths.end())
            bounds[known.path] = known.usual;
    return bounds;
}

bool isGenomePath(const std::string& path)
{
    static const Json document = Genome().document();
    try {
        const Json::json_pointer pointer(path);
        return path.starts_with("/data/mixture/") || (path.starts_with('/') && document.contains(pointer));
    } catch (const Json::exception&) {      // a "~" that escapes nothing, an index that no list can have
        return false;
    }
}

std::string boundText(const Json& bound)
{
    if (bound.contains("versions"))
        return fmt::format("at most {} versions of the lab", bound["versions"].get<int>());
    if (bound.contains("low"))
        return fmt::format("{:g} to {:g}{}", bound["low"].get<double>(), bound["high"].get<double>(), bound.value("integer", false) ? ", whole" : "");
    std::vector<std::string> values;
    for (const Json& value : bound["choices"])
        values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    return fmt::format("{}", fmt::join(values, ", "));
}

bool acts(const std::string& path, const Genome& genome)
{
    for (const GenomePath& known : genomePaths())
        if (known.path == path)
            return !known.acts || known.acts(genome);
    return true;
}

} // namespace ratchet
