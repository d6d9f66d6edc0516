// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/proposer/operators.h"

#include <cctype>
#include <cmath>
#include <optional>

namespace ratchet {
namespace {

using Changes = std::vector<std::pair<std::string, Json>>;

// "/architecture/feedForwardWidth" is "feed forward width"; the family already names the section.
std::string nameOf(const std::string& path)
{
    std::string name;
    for (const char c : path.substr(path.find('/', 1) + 1)) {
        if (c == '/' || std::isupper(static_cast<unsigned char>(c)))
            name += ' ';
        if (c != '/')
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return name;
}

std::string textOf(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : value.dump();
}

// The value brought inside the range, as the integer or number the path wants.
Json fitted(const Range& range, double value)
{
    value = std::clamp(value, range.low, range.high);
    if (range.integer)
        return static_cast<std::int64_t>(std::llround(value));
    char shortText[32];                 // three digits, so that equal ideas have equal hashes
    std::snprintf(shortText, sizeof shortText, "%.3g", value);
    return std::strtod(shortText, nullptr);
}

std::optional<Genome> childOf(const Genome& parent, const Changes& changes, const SearchSpace& space, int vocabulary)
{
    Json json = parent.toJson();
    for (const auto& [path, value] : changes) {
        const Json::json_pointer pointer(path);
        if (!json.contains(pointer) || !space.paths().contains(path))
            return std::nullopt;
        json[pointer] = value;
    }
    auto child = Genome::fromJson(json);
    if (!child || child->hash() == parent.hash() || !space.admits(parent, *child, vocabulary))
        return std::nullopt;
    return *child;
}

void addChoices(std::vector<Idea>& list, const Genome& parent, const SearchSpace& space, int vocabulary)
{
    for (const auto& [path, bound] : space.paths()) {
        const auto* choice = std::get_if<Choice>(&bound);
        if (!choice)
            continue;
        for (const Json& value : choice->values)
            if (auto child = childOf(parent, {{path, value}}, space, vocabulary))
                list.push_back({familyOf(path), nameOf(path) + " = " + textOf(value),
                                fmt::format("Set {} to {}.", nameOf(path), textOf(value)), *child});
    }
}

// Shares start from 0 and have compound operators of their own; everything else steps by a factor or by one.
void addSteps(std::vector<Idea>& list, const Genome& parent, const SearchSpace& space, int vocabulary, Rng& rng)
{
    const Json json = parent.toJson();
    for (const auto& [path, bound] : space.paths()) {
        const auto* range = std::get_if<Range>(&bound);
        if (!range || !json.contains(Json::json_pointer(path)) || !json[Json::json_pointer(path)].is_number())
            continue;
        const double value = json[Json::json_pointer(path)].get<double>();
        const double factor = std::exp((0.5 + 0.7 * rng.uniform()) * (range->logarithmic ? 1.0 : 0.6));
        const double span = (range->high - range->low) * (0.15 + 0.2 * rng.uniform());
        const bool byFactor = range->logarithmic || (range->integer && value > 8);
        const double up = byFactor ? value * factor : range->integer ? value + 1 : value + span;
        const double down = byFactor ? value / factor : range->integer ? value - 1 : value - span;
        for (const auto& [word, target] : {std::pair("up", up), std::pair("down", down)})
            if (auto child = childOf(parent, {{path, fitted(*range, target)}}, space, vocabulary))
                list.push_back({familyOf(path), nameOf(path) + " " + word,
                                fmt::format("Move {} from {:g} to {}.", nameOf(path), value, fitted(*range, target).dump()), *child});
    }
}

void addCompounds(std::vector<Idea>& list, const Genome& parent, const SearchSpace& space, int vocabulary)
{
    const auto add = [&](const char* family, const char* name, const char* reason, const Changes& changes) {
        if (auto child = childOf(parent, changes, space, vocabulary))
            list.push_back({family, name, reason, *child});
    };
    const auto rate = space.paths().find("/recipe/learningRate");
    const auto fasterRate = [&](double factor) -> Json {
        if (rate == space.paths().end() || !std::holds_alternative<Range>(rate->second))
            return parent.recipe.learningRate;
        return fitted(std::get<Range>(rate->second), parent.recipe.learningRate * factor);
    };
    const std::string start = "/recipe/start", schedule = "/recipe/schedule", learningRate = "/recipe/learningRate";
    add("tuning", "higher rate with cool-down", "A higher peak rate that falls to zero over the budget learns more from the same compute.",
        {{learningRate, fasterRate(3)}, {schedule, "linear"}});
    add("tuning", "continue with cool-down", "Train the champion on with a falling rate.",
        {{start, "continue"}, {schedule, "linear"}, {learningRate, fasterRate(0.5)}});
    add("replay", "continue and replay failures", "Train the champion on, a quarter of each batch drawn from what it got wrong.",
        {{start, "continue"}, {"/data/replay", 0.25}, {schedule, "linear"}});
    add("self-training", "one round on harder items", "Let the champion label harder items, keep what passes the filters and train on them.",
        {{start, "continue"}, {"/data/selfTraining", 0.25}, {schedule, "linear"}});
    if (parent.data.selfTraining > 0)
        add("self-training", "the next level of harder items", "The champion has learnt one level from its own labels; go on with the next.",
            {{start, "continue"}, {"/data/level", parent.data.level + 1}, {schedule, "linear"}});
    add("tuning", "low-rank adapters on the champion", "Train a change of low rank to every block's maps and merge it.",
        {{start, "continue"}, {"/adaptation/method", "lora"}, {schedule, "linear"}});
    add("tuning", "the upper half of the champion", "Train the upper blocks on and leave the lower ones as they are.",
        {{start, "continue"}, {"/adaptation/frozenLayers", parent.architecture.layers / 2}, {schedule, "linear"}});
    add("growth", "distilled from the champion", "Start afresh with the champion's soft targets beside the labels.",
        {{start, "scratch"}, {"/recipe/distillation", 0.5}, {schedule, "linear"}});
    add("growth", "experts from the champion", "Copy the feed-forward into four experts and let a router part the tokens among them.",
        {{start, "continue"}, {"/architecture/experts", 4}, {schedule, "linear"}});
    add("growth", "deeper from the champion", "Add a layer that starts as the identity and train on.",
        {{start, "continue"}, {"/architecture/layers", parent.architecture.layers + 1}});
    add("growth", "wider feed-forward from the champion", "Double the feed-forward width, keep the function and train on.",
        {{start, "continue"}, {"/architecture/feedForwardWidth", parent.architecture.feedForwardWidth * 2}});
}

} // namespace

std::string familyOf(const std::string& path)
{
    if (path.starts_with("/architecture"))
        return "architecture";
    if (path.starts_with("/data/replay"))
        return "replay";
    if (path.starts_with("/data/selfTraining"))
        return "self-training";
    if (path.starts_with("/data"))
        return "data";
    if (path.starts_with("/reasoning"))
        return "reasoning";
    return path.starts_with("/tools") ? "tools" : "tuning";
}

std::vector<Idea> ideas(const Genome& parent, const SearchSpace& space, int vocabulary, Rng& rng)
{
    std::vector<Idea> list;
    addChoices(list, parent, space, vocabulary);
    addSteps(list, parent, space, vocabulary, rng);
    addCompounds(list, parent, space, vocabulary);
    return list;
}

std::optional<Genome> recombine(const Genome& parent, const std::vector<Json>& patches, const SearchSpace& space, int vocabulary)
{
    Genome child = parent;
    for (const Json& patch : patches) {
        auto next = applyPatch(child, patch);
        if (!next)
            return std::nullopt;
        child = *next;
    }
    if (child.hash() == parent.hash() || !space.admits(parent, child, vocabulary))
        return std::nullopt;
    return child;
}

} // namespace ratchet
