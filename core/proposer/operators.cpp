// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/proposer/operators.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include "core/genome/genome_paths.h"

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

// An average has been made and preferences have been learnt: what changes such a parent goes on from its weights, or from those of
// an ensemble's first member. A population has left one model, and what changes that trains alone.
Genome continued(Genome genome)
{
    genome.recipe.population = 0;
    genome.recipe.preference = 0;
    genome.recipe.preferenceBeta = Recipe().preferenceBeta;
    if (!genome.recipe.namesMembers())
        return genome;
    genome.recipe.start = "continue";
    genome.recipe.members.clear();
    genome.recipe.fineTuning = 0;
    return genome;
}

// Makes children of one parent that the space admits.
class Nursery {
public:
    Nursery(const Genome& parent, const SearchSpace& space, int vocabulary)
        : m_parent(parent), m_base(continued(parent)), m_document(m_base.document()), m_hashes{parent.hash(), m_base.hash()}, m_space(space),
          m_vocabulary(vocabulary)
    {
    }
    // What the changes are made to, and its document.
    [[nodiscard]] const Genome& base() const { return m_base; }
    [[nodiscard]] const Json& document() const { return m_document; }
    [[nodiscard]] const SearchSpace& space() const { return m_space; }
    [[nodiscard]] std::optional<Genome> child(const Changes& changes) const
    {
        Json json = m_document;
        for (const auto& [path, value] : changes) {
            const Json::json_pointer pointer(path);
            if (!json.contains(pointer) || !m_space.paths().contains(path))
                return std::nullopt;
            json[pointer] = value;
        }
        if (json["recipe"]["start"] != "continue" || json["adaptation"]["method"] != "full" ||
            json["recipe"]["optimizer"] != m_parent.recipe.optimizer || m_parent.adaptation.method != "full" ||
            !m_parent.recipe.trains()) // there is nothing to carry moments from or to
            json["recipe"]["moments"] = "reset";
        auto child = Genome::fromJson(json);
        if (!child || m_hashes.contains(child->hash()) || !m_space.admits(m_parent, *child, m_vocabulary))
            return std::nullopt;
        return *child;
    }
    // How many versions this path may name; 0 where it is closed.
    [[nodiscard]] std::size_t mostVersions(const std::string& path) const
    {
        const auto found = m_space.paths().find(path);
        const auto* versions = found == m_space.paths().end() ? nullptr : std::get_if<Versions>(&found->second);
        return versions ? static_cast<std::size_t>(versions->most) : 0;
    }

private:
    const Genome& m_parent;
    Genome m_base;
    Json m_document;
    std::set<Hash> m_hashes;         // of what a child has to differ from
    const SearchSpace& m_space;
    int m_vocabulary;
};

// Labels that self-training is held against: a person may ask for them, but nobody expects a gain of them.
bool isControlArm(const std::string& path, const Json& value)
{
    return path == "/data/labels" && (value == "oracle" || value == "poisoned" || value == "none");
}

void addChoices(std::vector<Idea>& list, const Nursery& nursery)
{
    for (const auto& [path, bound] : nursery.space().paths()) {
        const auto* choice = std::get_if<Choice>(&bound);
        if (!choice || !acts(path, nursery.base()))
            continue;
        for (const Json& value : choice->values)
            if (auto child = isControlArm(path, value) ? std::nullopt : nursery.child({{path, value}}))
                list.push_back({familyOf(path), nameOf(path) + " = " + textOf(value),
                                fmt::format("Set {} to {}.", nameOf(path), textOf(value)), *child});
    }
}

// Shares start from 0 and have compound operators of their own; everything else steps by a factor or by one.
void addSteps(std::vector<Idea>& list, const Nursery& nursery, Rng& rng)
{
    const Json& json = nursery.document();
    for (const auto& [path, bound] : nursery.space().paths()) {
        const auto* range = std::get_if<Range>(&bound);
        if (!range || !acts(path, nursery.base()) || !json.contains(Json::json_pointer(path)) || !json[Json::json_pointer(path)].is_number())
            continue;
        const double value = json[Json::json_pointer(path)].get<double>();
        const double factor = std::exp((0.5 + 0.7 * rng.uniform()) * (range->logarithmic ? 1.0 : 0.6));
        const double span = (range->high - range->low) * (0.15 + 0.2 * rng.uniform());
        const bool byFactor = range->logarithmic || (range->integer && value > 8);
        const double up = byFactor ? value * factor : range->integer ? value + 1 : value + span;
        const double down = byFactor ? value / factor : range->integer ? value - 1 : value - span;
        for (const auto& [word, target] : {std::pair("up", up), std::pair("down", down)})
            if (auto child = nursery.child({{path, fitted(*range, target)}}))
                list.push_back({familyOf(path), nameOf(path) + " " + word,
                                fmt::format("Move {} from {:g} to {}.", nameOf(path), value, fitted(*range, target).dump()), *child});
    }
}

void addCompounds(std::vector<Idea>& list, const Nursery& nursery)
{
    const Genome& parent = nursery.base();
    const auto add = [&](const char* family, const char* name, const char* reason, const Changes& changes) {
        if (auto child = nursery.child(changes))
            list.push_back({family, name, reason, *child});
    };
    const auto& paths = nursery.space().paths();
    const auto rate = paths.find("/recipe/learningRate");
    const auto fasterRate = [&](double factor) -> Json {
        if (rate == paths.end() || !std::holds_alternative<Range>(rate->second))
            return parent.recipe.learningRate;
        return fitted(std::get<Range>(rate->second), parent.recipe.learningRate * factor);
    };
    const std::string start = "/recipe/start", schedule = "/recipe/schedule", learningRate = "/recipe/learningRate";
    add("tuning", "higher rate with cool-down", "A higher peak rate that falls to zero over the budget learns more from the same compute.",
        {{learningRate, fasterRate(3)}, {schedule, "linear"}});
    add("tuning", "continue with cool-down", "Train the champion on with a falling rate.",
        {{start, "continue"}, {schedule, "linear"}, {learningRate, fasterRate(0.5)}});
    add("tuning", "continue with the optimizer's moments", "Train the champion on with a falling rate, its optimizer too from where it stopped.",
        {{start, "continue"}, {"/recipe/moments", "carry"}, {schedule, "linear"}, {learningRate, fasterRate(0.5)}});
    add("replay", "continue and replay failures", "Train the champion on, a quarter of each batch drawn from what it got wrong.",
        {{start, "continue"}, {"/data/replay", 0.25}, {schedule, "linear"}});
    Changes fromPairs{{start, "continue"}, {"/recipe/preference", 0.2}, {schedule, "linear"}, {learningRate, fasterRate(0.15)}};
    if (parent.recipe.distillation > 0)
        fromPairs.emplace_back("/recipe/distillation", 0.0);
    if (!parent.recipe.teachers.empty())
        fromPairs.emplace_back("/recipe/teachers", Json::array());
    add("tuning", "learn from preferences", "Prefer the champion's right answers to its wrong ones, and what users corrected it to, without moving far from it.",
        fromPairs);
    add("self-training", "one round on harder items", "Let the champion label harder items, keep what passes the filters and train on them.",
        {{start, "continue"}, {"/data/selfTraining", 0.25}, {schedule, "linear"}});
    add("self-training", "expert iteration on harder items", "Let the champion answer harder items several times, and train on every answer that the checker finds right.",
        {{start, "continue"}, {"/data/selfTraining", 0.25}, {"/data/labels", "checked"}, {schedule, "linear"}});
    if (parent.data.selfTraining > 0)
        add("self-training", "the next level of harder items", "The champion has learnt one level from its own labels; go on with the next.",
            {{start, "continue"}, {"/data/level", parent.data.level + 1}, {schedule, "linear"}});
    add("tuning", "low-rank adapters on the champion", "Train a change of low rank to every block's maps and merge it.",
        {{start, "continue"}, {"/adaptation/method", "lora"}, {schedule, "linear"}});
    add("tuning", "the upper half of the champion", "Train the upper blocks on and leave the lower ones as they are.",
        {{start, "continue"}, {"/adaptation/frozenLayers", parent.architecture.layers / 2}, {schedule, "linear"}});
    Changes copies{{start, "continue"}, {"/recipe/population", 4}, {schedule, "linear"}};
    if (parent.recipe.distillation > 0)
        copies.emplace_back("/recipe/distillation", 0.0);
    if (!parent.recipe.teachers.empty())
        copies.emplace_back("/recipe/teachers", Json::array());
    if (parent.data.selfTraining > 0)
        copies.emplace_back("/data/selfTraining", 0.0);
    if (parent.data.bucketing)
        copies.emplace_back("/data/bucketing", false);
    add("tuning", "a population from the champion",
        "Train copies of the champion on side by side, each with other rates, and let the better take the place of the worse.", copies);
    Changes fromParent{{start, "scratch"}, {"/recipe/distillation", 0.5}, {schedule, "linear"}};
    if (!parent.recipe.teachers.empty())
        fromParent.emplace_back("/recipe/teachers", Json::array());
    add("growth", "distilled from the champion", "Start afresh with the champion's soft targets beside the labels.", fromParent);
    add("growth", "experts from the champion", "Copy the feed-forward into four experts and let a router part the tokens among them.",
        {{start, "continue"}, {"/architecture/experts", 4}, {schedule, "linear"}});
    add("growth", "deeper from the champion", "Add a layer that starts as the identity and train on.",
        {{start, "continue"}, {"/architecture/layers", parent.architecture.layers + 1}});
    add("growth", "wider feed-forward from the champion", "Double the feed-forward width, keep the function and train on.",
        {{start, "continue"}, {"/architecture/feedForwardWidth", parent.architecture.feedForwardWidth * 2}});
}

// Those that write answers as the child will, the best first.
std::vector<const Elder*> possibleTeachers(const Genome& base, const std::vector<Elder>& archive)
{
    std::vector<const Elder*> list;
    for (const Elder& elder : archive)
        if (elder.genome.reasoning.format == base.reasoning.format && (elder.isAccepted || elder.isChampion))
            list.push_back(&elder);
    std::stable_sort(list.begin(), list.end(), [](const Elder* a, const Elder* b) { return a->score > b->score; });
    return list;
}

// Knowledge distillation (Hinton 2015, arXiv 1503.02531): section 3 distils an ensemble into one model, and a student may be
// smaller than its teacher. Either goes on from the parent's weights, of which a smaller one keeps the most important parts
// (Muralidharan 2024, arXiv 2407.14679): from scratch it would have to catch up with every generation at once.
void addDistillations(std::vector<Idea>& list, const Nursery& nursery, const std::vector<Elder>& archive)
{
    const std::size_t most = nursery.mostVersions("/recipe/teachers");
    const auto teachers = possibleTeachers(nursery.base(), archive);
    const auto champion = std::find_if(teachers.begin(), teachers.end(), [](const Elder* elder) { return elder->isChampion; });
    const auto from = [](Json names) {
        return Changes{{"/recipe/start", "continue"}, {"/recipe/distillation", 0.5}, {"/recipe/schedule", "linear"}, {"/recipe/teachers", std::move(names)}};
    };
    if (most >= 1 && champion != teachers.end()) {
        const Architecture& base = nursery.base().architecture;
        Changes narrower = from({(*champion)->version.hex}), shallower = narrower;
        narrower.emplace_back("/architecture/feedForwardWidth", base.feedForwardWidth / 2);
        shallower.emplace_back("/architecture/layers", base.layers - 1);
        auto child = nursery.child(narrower);          // which costs less of what was learnt than a layer does
        if (child || (child = nursery.child(shallower)))
            list.push_back({"growth", "the champion distilled into a smaller model",
                            "Keep the most important parts, which see more tokens for the same compute, and listen to what the whole says.", *child});
    }
    if (most >= 2 && teachers.size() >= 2)
        if (auto child = nursery.child(from({teachers[0]->version.hex, teachers[1]->version.hex})))
            list.push_back({"growth", "the best two distilled into one", "An ensemble is right more often than either; train on with what it says.", *child});
}

// Whether a version can be a member of what has this shape and answers in this format.
bool canJoin(const Genome& base, const Genome& member)
{
    const auto shapeOf = [](const Genome& genome) { return genome.toJson().at("architecture"); };
    return !member.recipe.isEnsemble() && member.reasoning.format == base.reasoning.format && shapeOf(member) == shapeOf(base);
}

// The youngest of one shape, format and ancestor, as many as may be named, the oldest of them first: only weights that went on
// from common ones lie in one basin (Wortsman 2022, arXiv 2203.05482, section 2).
Json lastAlike(const Genome& base, const std::vector<Elder>& archive, std::size_t most)
{
    constexpr std::size_t usual = 4;
    std::vector<std::string> names;
    std::optional<Hash> ancestor;
    for (auto elder = archive.rbegin(); elder != archive.rend() && names.size() < std::min(most, usual); ++elder) {
        if (!canJoin(base, elder->genome) || elder->ancestor != ancestor.value_or(elder->ancestor))
            continue;
        ancestor = elder->ancestor;
        names.insert(names.begin(), elder->version.hex);
    }
    return names;
}

void addAverages(std::vector<Idea>& list, const Nursery& nursery, const std::vector<Elder>& archive)
{
    const Json members = lastAlike(nursery.base(), archive, nursery.mostVersions("/recipe/members"));
    for (const auto& [start, name, reason] :
         {std::tuple("average", "the last versions averaged", "The mean of weights that went on from one ancestor costs no training."),
          std::tuple("soup", "a greedy soup of the last versions", "Of the last versions average those that do not make the average worse.")})
        if (auto child = nursery.child({{"/recipe/start", start}, {"/recipe/members", members}}))
            list.push_back({"growth", name, reason, *child});
}

// The best that were accepted, the best of all first: what goes on from an ensemble goes on from that one. More members cost as
// much again at every answer and add less and less (Lakshminarayanan 2017, arXiv 1612.01474, figure 2).
void addEnsembles(std::vector<Idea>& list, const Nursery& nursery, const std::vector<Elder>& archive)
{
    constexpr std::size_t usual = 3;
    const std::size_t most = std::min(usual, nursery.mostVersions("/recipe/members"));
    std::vector<std::string> members;
    for (const Elder* elder : possibleTeachers(nursery.base(), archive))
        if (members.size() < most && canJoin(nursery.base(), elder->genome))
            members.push_back(elder->version.hex);
    if (auto child = nursery.child({{"/recipe/start", "ensemble"}, {"/recipe/members", members}}))
        list.push_back({"growth", "an ensemble of the best versions", "What one gets wrong the others may get right; it costs no training.", *child});
}

} // namespace

std::string familyOf(const std::string& path)
{
    if (path.starts_with("/architecture"))
        return "architecture";
    if (path.starts_with("/data/replay"))
        return "replay";
    if (path.starts_with("/data/selfTraining") || path == "/data/labels")
        return "self-training";
    if (path.starts_with("/data"))
        return "data";
    if (path.starts_with("/reasoning"))
        return "reasoning";
    return path.starts_with("/tools") ? "tools" : "tuning";
}

std::vector<Idea> ideas(const Genome& parent, const SearchSpace& space, int vocabulary, Rng& rng, const std::vector<Elder>& archive)
{
    const Nursery nursery(parent, space, vocabulary);
    std::vector<Idea> list;
    addChoices(list, nursery);
    addSteps(list, nursery, rng);
    addCompounds(list, nursery);
    addDistillations(list, nursery, archive);
    addAverages(list, nursery, archive);
    addEnsembles(list, nursery, archive);
    return list;
}

std::optional<Genome> recombine(const Genome& parent, const std::vector<Json>& patches, const SearchSpace& space, int vocabulary)
{
    Genome child = continued(parent);
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
