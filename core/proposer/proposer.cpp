// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/proposer/proposer.h"

#include <algorithm>
#include <set>

namespace ratchet {
namespace {

struct Drawn { Idea idea; LessonRecord lesson; double gain = 0; };

// Joins the best change seen from this parent with each of the runners-up of other families.
void addRecombinations(std::vector<Idea>& list, const ProposeTask& task, const SearchSpace& space, int vocabulary)
{
    std::vector<const Attempt*> good;
    for (const Attempt& attempt : task.attempts)
        if (attempt.gain.value_or(0) > 0 && attempt.family != "recombination")
            good.push_back(&attempt);
    std::stable_sort(good.begin(), good.end(), [](const Attempt* a, const Attempt* b) { return *a->gain > *b->gain; });
    good.resize(std::min<std::size_t>(good.size(), 5));
    for (std::size_t i = 0; i < good.size(); ++i)
        for (std::size_t j = i + 1; j < good.size(); ++j)
            if (auto child = recombine(task.parent, {good[j]->patch, good[i]->patch}, space, vocabulary))
                list.push_back({"recombination", fmt::format("{} with {}", good[i]->family, good[j]->family),
                                fmt::format("Proposals {} and {} both gained; try them together.", good[i]->id.value, good[j]->id.value), *child});
    // A change that gained from an older champion may gain from this one.
    for (const Attempt* attempt : good)
        if (attempt->parent != task.parentHash)
            if (auto child = recombine(task.parent, {attempt->patch}, space, vocabulary))
                list.push_back({"recombination", attempt->family + " on the new champion",
                                fmt::format("Proposal {} gained over an older champion.", attempt->id.value), *child});
}

std::optional<Id<ProposalRecord>> earlier(const std::vector<Attempt>& attempts, const Hash& identity)
{
    for (const Attempt& attempt : attempts)
        if (attempt.identity == identity)
            return attempt.id;
    return std::nullopt;
}

} // namespace

Hash identityOf(const Genome& genome, const Hash& parent)
{
    const bool usesParent = genome.recipe.start == "continue" || genome.data.replay > 0 || genome.data.selfTraining > 0;
    return hashOfJson(Json{{"genome", genome.toJson()}, {"parent", usesParent ? parent.hex : ""}});
}

std::vector<Proposed> propose(const ProposeTask& task, const SearchSpace& space, int vocabulary, Rng& rng)
{
    std::vector<Idea> list = ideas(task.parent, space, vocabulary, rng);
    addRecombinations(list, task, space, vocabulary);
    std::vector<Drawn> drawn;
    for (Idea& idea : list) {
        LessonRecord lesson = lessonOn(task.lessons, idea.family, idea.operatorName);
        const double gain = drawGain(lesson, rng);
        drawn.push_back({std::move(idea), std::move(lesson), gain});
    }
    std::stable_sort(drawn.begin(), drawn.end(), [](const Drawn& a, const Drawn& b) { return a.gain > b.gain; });

    std::vector<Proposed> result;
    std::set<std::string> families;
    std::set<Hash> taken;
    int fresh = 0;
    // Two passes: first the best of each family, then the best of the rest.
    for (const bool distinct : {true, false}) {
        for (const Drawn& one : drawn) {
            if (fresh == task.count)
                return result;
            const Hash identity = identityOf(one.idea.genome, task.parentHash);
            if (taken.contains(identity) || (distinct && families.contains(one.idea.family)))
                continue;
            taken.insert(identity);
            const auto known = earlier(task.attempts, identity);
            Proposed proposed{one.idea, one.lesson.meanGain, known};
            if (!task.focus.empty())
                proposed.idea.reason += fmt::format(" Aim: fewer \"{}\" errors.", task.focus);
            result.push_back(std::move(proposed));
            if (!known) {
                families.insert(one.idea.family);
                ++fresh;
            }
        }
    }
    return result;
}

} // namespace ratchet
