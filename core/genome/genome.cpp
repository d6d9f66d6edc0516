// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/genome.h"

#include <initializer_list>
#include <set>

namespace ratchet {
namespace {

Json toJson(const Architecture& a)
{
    return {{"layers", a.layers}, {"width", a.width}, {"heads", a.heads}, {"kvHeads", a.kvHeads},
            {"feedForward", a.feedForward}, {"feedForwardWidth", a.feedForwardWidth}, {"experts", a.experts},
            {"expertsPerToken", a.expertsPerToken}, {"expertCapacity", a.expertCapacity}, {"norm", a.norm},
            {"normEpsilon", a.normEpsilon}, {"bias", a.bias}, {"positions", a.positions}, {"ropeBase", a.ropeBase},
            {"window", a.window}, {"memoryTokens", a.memoryTokens}, {"valueEmbedding", a.valueEmbedding},
            {"qkNorm", a.qkNorm}, {"tied", a.tied}, {"softCap", a.softCap}, {"context", a.context}};
}

// What older genomes do not know, as it is while it says nothing.
const Json& silentRecipe()
{
    static const Json fields{{"teachers", Json::array()}, {"members", Json::array()}, {"fineTuning", 0.0},
                             {"preference", 0.0}, {"preferenceBeta", 0.1}, {"population", 0}, {"generations", 8}, {"moments", "reset"}};
    return fields;
}

Json toJson(const Recipe& r)
{
    Json json{{"optimizer", r.optimizer}, {"learningRate", r.learningRate}, {"schedule", r.schedule},
            {"warmup", r.warmup}, {"batch", r.batch}, {"accumulation", r.accumulation}, {"weightDecay", r.weightDecay},
            {"clip", r.clip}, {"ema", r.ema}, {"dropout", r.dropout}, {"labelSmoothing", r.labelSmoothing},
            {"zLoss", r.zLoss}, {"balanceLoss", r.balanceLoss}, {"distillation", r.distillation},
            {"distillationTemperature", r.distillationTemperature}, {"start", r.start}, {"teachers", r.teachers},
            {"members", r.members}, {"fineTuning", r.fineTuning}, {"preference", r.preference},
            {"preferenceBeta", r.preferenceBeta}, {"population", r.population}, {"generations", r.generations},
            {"moments", r.moments}};
    for (const auto& [name, value] : silentRecipe().items())
        if (json[name] == value)
            json.erase(name);
    return json;
}

Json toJson(const Data& d)
{
    return {{"mixture", d.mixture}, {"replay", d.replay}, {"feedback", d.feedback}, {"selfTraining", d.selfTraining},
            {"labels", d.labels}, {"level", d.level}, {"curriculum", d.curriculum}, {"bucketing", d.bucketing},
            {"deduplicate", d.deduplicate}, {"balance", d.balance}};
}

Json toJson(const Adaptation& a)
{
    return {{"method", a.method}, {"rank", a.rank}, {"alpha", a.alpha}, {"frozenLayers", a.frozenLayers},
            {"frozenEmbeddings", a.frozenEmbeddings}};
}

Json toJson(const Reasoning& r)
{
    return {{"format", r.format}, {"samples", r.samples}, {"selfCheck", r.selfCheck}};
}

Json toJson(const Tools& t)
{
    return {{"allowed", t.allowed}, {"calls", t.calls}};
}

bool isWholeName(const std::string& version)
{
    return version.size() == 64 && version.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Adds the faults a single field cannot show: values outside a list, or numbers that do not go together.
class Rules {
public:
    explicit Rules(Fields& in) : m_in(in) {}
    Rules& require(bool holds, const std::string& text)
    {
        if (!holds)
            m_in.fault(text);
        return *this;
    }
    Rules& oneOf(const std::string& name, const std::string& value, std::initializer_list<const char*> allowed)
    {
        std::string list;
        for (const char* choice : allowed) {
            if (value == choice)
                return *this;
            list += list.empty() ? choice : fmt::format(", {}", choice);
        }
        m_in.fault(fmt::format("\"{}\" is \"{}\", but must be one of {}", name, value, list));
        return *this;
    }
    // Names of versions: content hashes, each once.
    Rules& versions(const std::string& name, const std::vector<std::string>& list)
    {
        std::set<std::string> seen;
        for (const std::string& version : list)
            require(isWholeName(version) && seen.insert(version).second,
                    fmt::format("\"{}\" holds \"{}\", which is no version's whole name or stands there twice", name, version));
        return require(list.size() <= 16, fmt::format("\"{}\" holds {} versions, but at most 16 are allowed", name, list.size()));
    }
    Rules& within(const std::string& name, double value, double low, double high)
    {
        return require(value >= low && value <= high, fmt::format("\"{}\" is {:g}, but must lie between {:g} and {:g}", name, value, low, high));
    }

private:
    Fields& m_in;
};

Status read(const Json& json, Architecture& a)
{
    Fields in(json, "the genome's architecture");
    in.read("layers", a.layers).read("width", a.width).read("heads", a.heads).read("kvHeads", a.kvHeads);
    in.read("feedForward", a.feedForward).read("feedForwardWidth", a.feedForwardWidth).read("norm", a.norm);
    in.read("positions", a.positions).read("qkNorm", a.qkNorm).read("tied", a.tied).read("softCap", a.softCap);
    in.read("context", a.context).readIf("experts", a.experts).readIf("expertsPerToken", a.expertsPerToken);
    in.readIf("expertCapacity", a.expertCapacity).readIf("normEpsilon", a.normEpsilon).readIf("bias", a.bias);
    in.readIf("ropeBase", a.ropeBase).readIf("window", a.window).readIf("memoryTokens", a.memoryTokens);
    in.readIf("valueEmbedding", a.valueEmbedding).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .within("layers", a.layers, 1, 128)
        .within("width", a.width, 4, 16384)
        .within("heads", a.heads, 1, 256)
        .within("kvHeads", a.kvHeads, 1, a.heads)
        .within("feedForwardWidth", a.feedForwardWidth, 1, 65536)
        .within("context", a.context, 2, 131072)
        .within("softCap", a.softCap, 0, 1000)
        .within("experts", a.experts, 0, 256)
        .within("expertsPerToken", a.expertsPerToken, 1, 256)
        .within("expertCapacity", a.expertCapacity, 1, 256)
        .within("normEpsilon", a.normEpsilon, 1e-12, 1)
        .within("ropeBase", a.ropeBase, 1, 1e9)
        .within("window", a.window, 0, 131072)
        .within("memoryTokens", a.memoryTokens, 0, 1024)
        .oneOf("feedForward", a.feedForward, {"gelu", "gelu-tanh", "relu2", "swiglu"})
        .oneOf("norm", a.norm, {"layernorm", "rmsnorm"})
        .oneOf("positions", a.positions, {"learned", "rope", "none", "coupled"});
    RATCHET_CHECK(in.status());
    Rules(in)
        .require(a.width % a.heads == 0, fmt::format("{} heads do not divide a width of {}", a.heads, a.width))
        .require(a.heads % a.kvHeads == 0, fmt::format("{} key-value heads do not divide {} heads", a.kvHeads, a.heads))
        .require(a.width / a.heads % 2 == 0, fmt::format("a head width of {} is not even", a.width / a.heads))
        .require(a.experts == 0 || a.expertsPerToken <= a.experts,
                 fmt::format("{} experts a token are more than there are experts ({})", a.expertsPerToken, a.experts))
        .require(a.experts == 0 || !a.bias, "experts have no biases");
    return in.status();
}

Status read(const Json& json, Recipe& r)
{
    Fields in(json, "the genome's recipe");
    in.read("optimizer", r.optimizer).read("learningRate", r.learningRate).read("schedule", r.schedule);
    in.read("warmup", r.warmup).read("batch", r.batch).read("weightDecay", r.weightDecay).read("clip", r.clip);
    in.read("ema", r.ema).read("dropout", r.dropout).read("start", r.start).readIf("accumulation", r.accumulation);
    in.readIf("labelSmoothing", r.labelSmoothing).readIf("zLoss", r.zLoss).readIf("balanceLoss", r.balanceLoss);
    in.readIf("distillation", r.distillation).readIf("distillationTemperature", r.distillationTemperature);
    in.readIf("teachers", r.teachers).readIf("members", r.members).readIf("fineTuning", r.fineTuning);
    in.readIf("preference", r.preference).readIf("preferenceBeta", r.preferenceBeta);
    in.readIf("population", r.population).readIf("generations", r.generations).readIf("moments", r.moments).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .oneOf("optimizer", r.optimizer, {"adamw", "muon", "lion"})
        .oneOf("schedule", r.schedule, {"constant", "cosine", "linear", "wsd"})
        .oneOf("start", r.start, {"scratch", "continue", "average", "soup", "ensemble"})
        .oneOf("moments", r.moments, {"reset", "carry"})
        .within("learningRate", r.learningRate, 1e-8, 10)
        .within("warmup", r.warmup, 0, 1)
        .within("batch", r.batch, 1, 1 << 20)
        .within("weightDecay", r.weightDecay, 0, 10)
        .within("clip", r.clip, 0, 1e6)
        .within("ema", r.ema, 0, 0.999999)
        .within("dropout", r.dropout, 0, 0.95)
        .within("accumulation", r.accumulation, 1, r.batch)
        .within("labelSmoothing", r.labelSmoothing, 0, 0.9)
        .within("zLoss", r.zLoss, 0, 1)
        .within("balanceLoss", r.balanceLoss, 0, 1)
        .within("distillation", r.distillation, 0, 1)
        .within("distillationTemperature", r.distillationTemperature, 0.05, 100)
        .within("fineTuning", r.fineTuning, 0, 1)
        .within("preference", r.preference, 0, 1)
        .within("preferenceBeta", r.preferenceBeta, 1e-3, 10)
        .within("population", r.population, 0, 64)
        .within("generations", r.generations, 1, 1000)
        .require(r.population != 1, "a population needs two models at least; 0 is a model alone")
        .require(r.population * r.generations <= 4096, "\"population\" times \"generations\" is more than 4096")
        .require(!r.isPopulation() || !r.namesMembers(), "a population starts from scratch or continues; it is not made of \"members\"")
        .require(!r.isPopulation() || (r.distillation == 0 && r.preference == 0),
                 "a population learns from labels alone: \"distillation\" and \"preference\" must be 0")
        .versions("teachers", r.teachers)
        .versions("members", r.members)
        .require(r.teachers.empty() || r.distillation > 0, "it names teachers, but \"distillation\" is 0")
        .require(r.members.empty() || r.namesMembers(), "it names members, but \"start\" is neither average nor soup nor ensemble")
        .require(!r.namesMembers() || r.members.size() >= 2, "an average or an ensemble needs two \"members\" at least")
        .require(r.fineTuning == 0 || r.isAverage(), "\"fineTuning\" is for an average or a soup")
        .require(r.moments == "reset" || r.start == "continue", "\"moments\" are carried from a parent to go on from, so \"start\" must be continue")
        .require(r.accumulation < 1 || r.batch % r.accumulation == 0,
                 fmt::format("an accumulation of {} does not divide a batch of {}", r.accumulation, r.batch))
        .require(r.preference == 0 || r.start == "continue", "\"preference\" needs a parent to go on from, so \"start\" must be continue")
        .require(r.preference == 0 || r.distillation == 0, "\"preference\" compares with the parent, so \"distillation\" must be 0")
        .require(r.preference == 0 || r.accumulation < 1 || (r.preference == 1 ? r.batch / r.accumulation % 2 == 0 : r.batch / r.accumulation > 2),
                 fmt::format("\"preference\" wants pairs of rows, which a batch of {} in {} parts does not hold", r.batch, r.accumulation))
        .require(r.preference > 0 || r.preferenceBeta == Recipe().preferenceBeta, "\"preferenceBeta\" is set, but \"preference\" is 0");
    return in.status();
}

Status read(const Json& json, Data& d)
{
    Fields in(json, "the genome's data");
    in.read("mixture", d.mixture).read("replay", d.replay).read("feedback", d.feedback);
    in.read("selfTraining", d.selfTraining).read("balance", d.balance).readIf("labels", d.labels).readIf("level", d.level);
    in.readIf("curriculum", d.curriculum).readIf("bucketing", d.bucketing).readIf("deduplicate", d.deduplicate).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .require(d.mixture.is_object(), "\"mixture\" is not an object")
        .within("replay", d.replay, 0, 1)
        .within("feedback", d.feedback, 0, 1)
        .within("selfTraining", d.selfTraining, 0, 1)
        .within("level", d.level, 0, 100000)
        .within("curriculum", d.curriculum, 0, 1)
        .oneOf("labels", d.labels, {"filtered", "unfiltered", "checked", "oracle", "poisoned", "none"})
        .require(d.replay + d.feedback + d.selfTraining <= 1, "the shares replay, feedback and selfTraining add up to more than 1");
    return in.status();
}

Status read(const Json& json, Adaptation& a)
{
    Fields in(json, "the genome's adaptation");
    in.read("method", a.method).readIf("rank", a.rank).readIf("alpha", a.alpha).readIf("frozenLayers", a.frozenLayers);
    in.readIf("frozenEmbeddings", a.frozenEmbeddings).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .oneOf("method", a.method, {"full", "lora"})
        .within("rank", a.rank, 1, 1024)
        .within("alpha", a.alpha, 1e-3, 1e4)
        .within("frozenLayers", a.frozenLayers, 0, 128);
    return in.status();
}

Status read(const Json& json, Reasoning& r)
{
    Fields in(json, "the genome's reasoning");
    in.read("format", r.format).read("samples", r.samples).readIf("selfCheck", r.selfCheck).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in).within("samples", r.samples, 1, 64);
    return in.status();
}

Status read(const Json& json, Tools& t)
{
    Fields in(json, "the genome's tools");
    in.read("allowed", t.allowed).readIf("calls", t.calls).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules rules(in);
    rules.within("calls", t.calls, 0, 64);
    for (const std::string& tool : t.allowed)
        rules.oneOf("allowed", tool, {"calculator", "program"});
    return in.status();
}

void collectChanges(const Json& from, const Json& to, const std::string& path, Json& patch)
{
    if (from == to)
        return;
    if (from.is_object() && to.is_object()) {
        bool sameKeys = from.size() == to.size();
        for (const auto& entry : from.items())
            sameKeys = sameKeys && to.contains(entry.key());
        if (sameKeys) {
            for (const auto& entry : from.items())
                collectChanges(entry.value(), to[entry.key()], path + "/" + entry.key(), patch);
            return;
        }
    }
    patch.push_back({{"op", "replace"}, {"path", path}, {"value", to}});
}

} // namespace

Json Genome::document() const
{
    Json json = toJson();
    for (const auto& [name, value] : silentRecipe().items())
        if (!json["recipe"].contains(name))
            json["recipe"][name] = value;
    return json;
}

Json Genome::toJson() const
{
    return {{"architecture", ratchet::toJson(architecture)}, {"recipe", ratchet::toJson(recipe)},
            {"data", ratchet::toJson(data)}, {"adaptation", ratchet::toJson(adaptation)},
            {"reasoning", ratchet::toJson(reasoning)}, {"tools", ratchet::toJson(tools)}};
}

Result<Genome> Genome::fromJson(const Json& json)
{
    Genome genome;
    Json architecture, recipe, data, adaptation, reasoning, tools;
    Fields in(json, "the genome");
    in.read("architecture", architecture).read("recipe", recipe).read("data", data).read("reasoning", reasoning);
    in.read("adaptation", adaptation).read("tools", tools).onlyKnown();
    RATCHET_CHECK(in.status());
    RATCHET_CHECK(read(architecture, genome.architecture));
    RATCHET_CHECK(read(recipe, genome.recipe));
    RATCHET_CHECK(read(data, genome.data));
    RATCHET_CHECK(read(adaptation, genome.adaptation));
    RATCHET_CHECK(read(reasoning, genome.reasoning));
    RATCHET_CHECK(read(tools, genome.tools));
    if (genome.adaptation.frozenLayers > genome.architecture.layers)
        return fail(Code::BadInput, fmt::format("The genome freezes {} of {} layers.", genome.adaptation.frozenLayers,
                                                genome.architecture.layers));
    if (genome.recipe.isPopulation() && (genome.data.selfTraining > 0 || genome.data.bucketing))
        return fail(Code::BadInput, "The genome trains a population, in which there is neither self-training nor bucketing.",
                    "Set /data/selfTraining to 0 and /data/bucketing to false, or /recipe/population to 0.");
    if (genome.recipe.moments == "carry" && genome.adaptation.method != "full")
        return fail(Code::BadInput, "The genome carries moments of whole weights, but trains adapters of low rank.",
                    "Set /recipe/moments to reset, or /adaptation/method to full.");
    if (genome.recipe.start == "scratch" && (genome.adaptation.method != "full" || genome.adaptation.frozenLayers > 0 || genome.adaptation.frozenEmbeddings))
        return fail(Code::BadInput, "The genome starts from scratch, so nothing can be frozen or adapted by low rank.",
                    "Set /recipe/start to continue.");
    return genome;
}

std::vector<Architecture> Genome::models() const
{
    return std::vector<Architecture>(recipe.isEnsemble() ? recipe.members.size() : 1, architecture);
}

Hash Genome::hash() const
{
    return hashOfJson(toJson());
}

Result<Genome> applyPatch(const Genome& genome, const Json& patch)
{
    if (!patch.is_array())
        return fail(Code::BadInput, "The patch is not a list of operations.", "Write an RFC 6902 JSON Patch, for example "
                    R"([{"op": "replace", "path": "/recipe/learningRate", "value": 0.003}].)");
    try {
        return Genome::fromJson(genome.document().patch(patch));
    } catch (const Json::exception& error) {
        std::string what = error.what();
        what = what.substr(what.find("] ") == std::string::npos ? 0 : what.find("] ") + 2);
        return fail(Code::BadInput, fmt::format("The patch cannot be applied: {}.", what));
    }
}

Json patchBetween(const Genome& from, const Genome& to)
{
    Json patch = Json::array();
    collectChanges(from.document(), to.document(), "", patch);
    return patch;
}

} // namespace ratchet
