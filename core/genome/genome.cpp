// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/genome.h"

#include <initializer_list>

namespace ratchet {
namespace {

Json toJson(const Architecture& a)
{
    return {{"layers", a.layers}, {"width", a.width}, {"heads", a.heads}, {"kvHeads", a.kvHeads},
            {"feedForward", a.feedForward}, {"feedForwardWidth", a.feedForwardWidth}, {"norm", a.norm},
            {"positions", a.positions}, {"qkNorm", a.qkNorm}, {"tied", a.tied}, {"softCap", a.softCap},
            {"context", a.context}};
}

Json toJson(const Recipe& r)
{
    return {{"optimizer", r.optimizer}, {"learningRate", r.learningRate}, {"schedule", r.schedule},
            {"warmup", r.warmup}, {"batch", r.batch}, {"weightDecay", r.weightDecay}, {"clip", r.clip},
            {"ema", r.ema}, {"dropout", r.dropout}, {"start", r.start}};
}

Json toJson(const Data& d)
{
    return {{"mixture", d.mixture}, {"replay", d.replay}, {"feedback", d.feedback},
            {"selfTraining", d.selfTraining}, {"balance", d.balance}};
}

Json toJson(const Reasoning& r)
{
    return {{"format", r.format}, {"samples", r.samples}};
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
    in.read("context", a.context).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .within("layers", a.layers, 1, 128)
        .within("width", a.width, 4, 16384)
        .within("heads", a.heads, 1, 256)
        .within("kvHeads", a.kvHeads, 1, a.heads)
        .within("feedForwardWidth", a.feedForwardWidth, 1, 65536)
        .within("context", a.context, 2, 131072)
        .within("softCap", a.softCap, 0, 1000)
        .oneOf("feedForward", a.feedForward, {"gelu", "relu2", "swiglu"})
        .oneOf("norm", a.norm, {"layernorm", "rmsnorm"})
        .oneOf("positions", a.positions, {"learned", "rope", "none", "coupled"});
    RATCHET_CHECK(in.status());
    Rules(in)
        .require(a.width % a.heads == 0, fmt::format("{} heads do not divide a width of {}", a.heads, a.width))
        .require(a.heads % a.kvHeads == 0, fmt::format("{} key-value heads do not divide {} heads", a.kvHeads, a.heads))
        .require(a.width / a.heads % 2 == 0, fmt::format("a head width of {} is not even", a.width / a.heads));
    return in.status();
}

Status read(const Json& json, Recipe& r)
{
    Fields in(json, "the genome's recipe");
    in.read("optimizer", r.optimizer).read("learningRate", r.learningRate).read("schedule", r.schedule);
    in.read("warmup", r.warmup).read("batch", r.batch).read("weightDecay", r.weightDecay).read("clip", r.clip);
    in.read("ema", r.ema).read("dropout", r.dropout).read("start", r.start).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .oneOf("optimizer", r.optimizer, {"adamw", "muon", "lion"})
        .oneOf("schedule", r.schedule, {"constant", "cosine", "linear", "wsd"})
        .oneOf("start", r.start, {"scratch", "continue"})
        .within("learningRate", r.learningRate, 1e-8, 10)
        .within("warmup", r.warmup, 0, 1)
        .within("batch", r.batch, 1, 1 << 20)
        .within("weightDecay", r.weightDecay, 0, 10)
        .within("clip", r.clip, 0, 1e6)
        .within("ema", r.ema, 0, 0.999999)
        .within("dropout", r.dropout, 0, 0.95);
    return in.status();
}

Status read(const Json& json, Data& d)
{
    Fields in(json, "the genome's data");
    in.read("mixture", d.mixture).read("replay", d.replay).read("feedback", d.feedback);
    in.read("selfTraining", d.selfTraining).read("balance", d.balance).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in)
        .require(d.mixture.is_object(), "\"mixture\" is not an object")
        .within("replay", d.replay, 0, 1)
        .within("feedback", d.feedback, 0, 1)
        .within("selfTraining", d.selfTraining, 0, 1)
        .require(d.replay + d.feedback + d.selfTraining <= 1, "the shares replay, feedback and selfTraining add up to more than 1");
    return in.status();
}

Status read(const Json& json, Reasoning& r)
{
    Fields in(json, "the genome's reasoning");
    in.read("format", r.format).read("samples", r.samples).onlyKnown();
    RATCHET_CHECK(in.status());
    Rules(in).within("samples", r.samples, 1, 64);
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

Json Genome::toJson() const
{
    return {{"architecture", ratchet::toJson(architecture)}, {"recipe", ratchet::toJson(recipe)},
            {"data", ratchet::toJson(data)}, {"adaptation", adaptation},
            {"reasoning", ratchet::toJson(reasoning)}, {"tools", tools}};
}

Result<Genome> Genome::fromJson(const Json& json)
{
    Genome genome;
    Json architecture, recipe, data, reasoning;
    Fields in(json, "the genome");
    in.read("architecture", architecture).read("recipe", recipe).read("data", data).read("reasoning", reasoning);
    in.read("adaptation", genome.adaptation).read("tools", genome.tools).onlyKnown();
    RATCHET_CHECK(in.status());
    RATCHET_CHECK(read(architecture, genome.architecture));
    RATCHET_CHECK(read(recipe, genome.recipe));
    RATCHET_CHECK(read(data, genome.data));
    RATCHET_CHECK(read(reasoning, genome.reasoning));
    return genome;
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
        return Genome::fromJson(genome.toJson().patch(patch));
    } catch (const Json::exception& error) {
        std::string what = error.what();
        what = what.substr(what.find("] ") == std::string::npos ? 0 : what.find("] ") + 2);
        return fail(Code::BadInput, fmt::format("The patch cannot be applied: {}.", what));
    }
}

Json patchBetween(const Genome& from, const Genome& to)
{
    Json patch = Json::array();
    collectChanges(from.toJson(), to.toJson(), "", patch);
    return patch;
}

} // namespace ratchet
