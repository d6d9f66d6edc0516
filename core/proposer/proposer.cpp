// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/proposer/proposer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace ratchet {
namespace {

struct Drawn { Idea idea; LessonRecord lesson; double gain = 0; };
struct Turn { double gain = 0; std::vector<Drawn> kinds; };      // one family, best draw first

// The family as one arm: its kinds' measured mean gains, shrunken towards the prior mean 0 as one more measurement.
double drawFamilyGain(const std::vector<LessonRecord>& lessons, const std::string& family, Rng& rng)
{
    double sum = 0;
    int count = 1;
    for (const LessonRecord& lesson : lessons)
        if (lesson.family == family && lesson.tried > lesson.failed) {
            sum += expectedGain(lesson);
            ++count;
        }
    return sum / count + priorGainDeviation / std::sqrt(count) * rng.normal();
}

std::vector<Turn> drawTurns(std::vector<Idea> list, const std::vector<LessonRecord>& lessons, Rng& rng)
{
    std::map<std::string, Turn> families;
    for (Idea& idea : list) {
        LessonRecord lesson = lessonOn(lessons, idea.family, idea.operatorName);
        const double gain = drawGain(lesson, rng);
        families[idea.family].kinds.push_back({std::move(idea), std::move(lesson), gain});
    }
    std::vector<Turn> turns;
    for (auto& [family, turn] : families) {
        turn.gain = drawFamilyGain(lessons, family, rng);
        std::stable_sort(turn.kinds.begin(), turn.kinds.end(), [](const Drawn& a, const Drawn& b) { return a.gain > b.gain; });
        turns.push_back(std::move(turn));
    }
    std::stable_sort(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) { return a.gain > b.gain; });
    return turns;
}

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
    const bool asksParent = genome.recipe.distillation > 0 && genome.recipe.teachers.empty();
    const bool usesParent = genome.recipe.start == "continue" || asksParent || genome.data.replay > 0 || genome.data.selfTraining > 0;
    Genome sorted = genome;
    std::sort(sorted.recipe.teachers.begin(), sorted.recipe.teachers.end());
    std::sort(sorted.recipe.members.begin(), sorted.recipe.members.end());
    return hashOfJson(Json{{"genome", sorted.toJson()}, {"parent", usesParent ? parent.hex : ""}});
}

std::vector<Proposed> propose(const ProposeTask& task, const SearchSpace& space, int vocabulary, Rng& rng)
{
    std::vector<Idea> list = ideas(task.parent, space, vocabulary, rng, task.archive);
    addRecombinations(list, task, space, vocabulary);
    std::vector<Turn> turns = drawTurns(std::move(list), task.lessons, rng);

    std::vector<Proposed> result;
    std::set<Hash> taken;
    int fresh = 0;
    // Round after round over the families, until there are enough or nothing is left.
    while (fresh < task.count && !turns.empty()) {
        for (Turn& turn : turns) {
            bool found = false;
            while (!found && fresh < task.count && !turn.kinds.empty()) {
                Drawn one = std::move(turn.kinds.front());
                turn.kinds.erase(turn.kinds.begin());
                const Hash identity = identityOf(one.idea.genome, task.parentHash);
                if (!taken.insert(identity).second || (task.isAdmitted && !task.isAdmitted(one.idea.genome)))
                    continue;
                const auto known = earlier(task.attempts, identity);
                if (!task.focus.empty())
                    one.idea.reason += fmt::format(" Aim: fewer \"{}\" errors.", task.focus);
                result.push_back({std::move(one.idea), expectedGain(one.lesson), known});
                found = !known;
                fresh += found;
            }
        }
        std::erase_if(turns, [](const Turn& turn) { return turn.kinds.empty(); });
    }
    return result;
}

} // namespace ratchet
