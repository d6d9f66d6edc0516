// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/population_log.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace ratchet {
namespace {

constexpr std::int64_t mostSteps = 1'000'000'000'000;

Hyperparameters scaled(const Hyperparameters& old, const std::function<double()>& factor)
{
    Hyperparameters next;
    next.learningRate = std::clamp(old.learningRate * factor(), 1e-8, 10.0);
    next.weightDecay = std::min(old.weightDecay * factor(), 10.0);
    next.dropout = std::min(old.dropout * factor(), 0.9);
    next.labelSmoothing = std::min(old.labelSmoothing * factor(), 0.9);
    const double forgets = factor();
    next.ema = old.ema > 0 ? std::clamp(1 - (1 - old.ema) * forgets, 0.01, 0.999999) : 0;
    return next;
}

Json toJson(const MemberLog& member)
{
    return {{"from", member.from}, {"learningRate", member.with.learningRate}, {"weightDecay", member.with.weightDecay},
            {"dropout", member.with.dropout}, {"labelSmoothing", member.with.labelSmoothing}, {"ema", member.with.ema},
            {"steps", member.steps}, {"lost", member.isLost}, {"loss", member.loss ? Json(*member.loss) : Json()}, {"flops", member.flops}};
}

Result<MemberLog> memberFrom(const Json& json, const PopulationLog& log)
{
    MemberLog member;
    Json loss;
    Fields in(json, "a member of the population");
    in.read("from", member.from).read("learningRate", member.with.learningRate).read("weightDecay", member.with.weightDecay);
    in.read("dropout", member.with.dropout).read("labelSmoothing", member.with.labelSmoothing).read("ema", member.with.ema);
    in.read("steps", member.steps).read("lost", member.isLost).read("flops", member.flops).read("loss", loss).onlyKnown();
    if (member.from < 0 || static_cast<std::size_t>(member.from) >= log.seeds.size())
        in.fault("\"from\" names no member");
    if (member.steps < 0 || member.steps > log.steps || member.flops < 0)
        in.fault("\"steps\" or \"flops\" is not what a generation can hold");
    if (!loss.is_null())
        in.read("loss", member.loss.emplace());
    RATCHET_CHECK(in.status());
    return member;
}

} // namespace

Hyperparameters Hyperparameters::of(const Recipe& recipe)
{
    return {recipe.learningRate, recipe.weightDecay, recipe.dropout, recipe.labelSmoothing, recipe.ema};
}

Recipe Hyperparameters::in(Recipe recipe) const
{
    recipe.learningRate = learningRate;
    recipe.weightDecay = weightDecay;
    recipe.dropout = dropout;
    recipe.labelSmoothing = labelSmoothing;
    recipe.ema = ema;
    return recipe;
}

Hyperparameters Hyperparameters::spread(Rng& rng) const
{
    return scaled(*this, [&rng] { return std::pow(3.0, 2 * rng.uniform() - 1); });
}

Hyperparameters Hyperparameters::explored(Rng& rng) const
{
    return scaled(*this, [&rng] { return rng.below(2) == 0 ? 0.8 : 1.25; });
}

Json PopulationLog::toJson() const
{
    Json all = Json::array();
    for (const auto& generation : generations) {
        Json members = Json::array();
        for (const MemberLog& member : generation)
            members.push_back(ratchet::toJson(member));
        all.push_back(std::move(members));
    }
    return {{"steps", steps}, {"items", items}, {"seeds", seeds}, {"generations", all}};
}

Result<PopulationLog> PopulationLog::fromJson(const Json& json)
{
    PopulationLog log;
    std::vector<Json> generations;
    Fields in(json, "the population's log");
    in.read("steps", log.steps).read("items", log.items).read("seeds", log.seeds).read("generations", generations).onlyKnown();
    if (log.seeds.empty() || generations.empty())
        in.fault("it has no members or no generations");
    if (log.steps < 1 || log.steps > mostSteps)
        in.fault("\"steps\" is no number of steps");
    RATCHET_CHECK(in.status());
    for (const Json& generation : generations) {
        if (!generation.is_array() || generation.size() != log.seeds.size())
            return fail(Code::BadInput, "A generation in the population's log has another number of members than there are seeds.");
        log.generations.emplace_back();
        for (const Json& member : generation) {
            RATCHET_TRY(read, memberFrom(member, log));
            log.generations.back().push_back(std::move(read));
        }
    }
    return log;
}

std::vector<int> PopulationLog::ranking() const
{
    const std::vector<MemberLog>& last = generations.back();
    std::vector<int> order(last.size());
    std::iota(order.begin(), order.end(), 0);
    const auto lossOf = [&](int member) { return last[static_cast<std::size_t>(member)].loss.value_or(std::numeric_limits<double>::infinity()); };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return lossOf(a) < lossOf(b); });
    return order;
}

std::vector<int> PopulationLog::lineage() const
{
    std::vector<int> line{ranking().front()};
    for (std::size_t generation = generations.size() - 1; generation > 0; --generation)
        line.insert(line.begin(), generations[generation][static_cast<std::size_t>(line.front())].from);
    return line;
}

std::int64_t PopulationLog::stepsOfAll() const
{
    std::int64_t sum = 0;
    for (const auto& generation : generations)
        for (const MemberLog& member : generation)
            sum += member.steps;
    return sum;
}

double PopulationLog::flopsOfAll() const
{
    double sum = 0;
    for (const auto& generation : generations)
        for (const MemberLog& member : generation)
            sum += member.flops;
    return sum;
}

} // namespace ratchet
