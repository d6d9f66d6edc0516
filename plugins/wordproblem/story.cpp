// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/wordproblem/story.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace ratchet::wordproblem {
namespace {

constexpr std::array names{"tim", "ann", "bob", "eva", "max", "ida"};
constexpr std::array things{"pens", "cups", "nuts", "keys", "eggs", "bags"};
constexpr std::size_t longestName = 3, longestThing = 4;

int drawNumber(int largest, Rng& rng)
{
    return 2 + static_cast<int>(rng.below(static_cast<std::uint64_t>(largest - 1)));
}

std::string clause(const Step& step)
{
    return (step.sign == '+' ? "gets " : "loses ") + std::to_string(step.number);
}

} // namespace

std::string Story::text() const
{
    std::string words = std::string(names.at(static_cast<std::size_t>(name))) + " has " + std::to_string(start);
    std::size_t next = 0;
    if (!steps.empty() && steps.front().sign == '*') {
        words += " boxes of " + std::to_string(steps.front().number);
        next = 1;
    }
    words += std::string(" ") + things.at(static_cast<std::size_t>(thing));
    for (; next < steps.size(); ++next)
        words += (next + 1 == steps.size() ? " and " : ", ") + clause(steps[next]);
    return words + ".";
}

std::string Story::expression() const
{
    std::string text = std::to_string(start);
    for (const Step& step : steps)
        text += step.sign + std::to_string(step.number);
    return text;
}

Json Story::toJson() const
{
    Json list = Json::array();
    for (const Step& step : steps)
        list.push_back({std::string(1, step.sign), step.number});
    return {{"start", start}, {"steps", std::move(list)}, {"name", name}, {"thing", thing}};
}

Story Story::read(const Json& json)
{
    Story story;
    story.start = json.at("start").get<int>();
    story.name = json.at("name").get<int>();
    story.thing = json.at("thing").get<int>();
    for (const Json& entry : json.at("steps")) {
        const auto sign = entry.at(0).get<std::string>();
        const bool known = sign == "+" || sign == "-" || (sign == "*" && story.steps.empty());
        if (!known)
            throw std::invalid_argument("the question " + json.dump() + " has no such step");
        story.steps.push_back({sign[0], entry.at(1).get<int>()});
    }
    if (story.name < 0 || story.name >= static_cast<int>(names.size()) || story.thing < 0 || story.thing >= static_cast<int>(things.size()))
        throw std::invalid_argument("the question " + json.dump() + " names nobody");
    return story;
}

// Takes what it knows from the front and leaves it to text() to say whether that was all.
std::optional<Story> Story::parse(std::string_view text)
{
    std::string_view rest = text;
    const auto take = [&](std::string_view word) {
        const bool found = rest.starts_with(word);
        rest.remove_prefix(found ? word.size() : 0);
        return found;
    };
    const auto takeOne = [&](const auto& words, int& index) {
        const auto word = std::find_if(words.begin(), words.end(), [&](const char* one) { return take(one); });
        index = static_cast<int>(word - words.begin());
        return word != words.end();
    };
    const auto takeNumber = [&](int& number) {
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        return error == std::errc{} && number >= 0;
    };
    Story story;
    if (!takeOne(names, story.name) || !take(" has ") || !takeNumber(story.start))
        return std::nullopt;
    if (Step step{'*'}; take(" boxes of ") && takeNumber(step.number))
        story.steps.push_back(step);
    if (!take(" ") || !takeOne(things, story.thing))
        return std::nullopt;
    while (take(", ") || take(" and ")) {
        Step step{take("gets ") ? '+' : take("loses ") ? '-' : '?'};
        if (step.sign == '?' || !takeNumber(step.number))
            return std::nullopt;
        story.steps.push_back(step);
    }
    return story.text() == text ? std::optional(std::move(story)) : std::nullopt;
}

Story drawStory(int steps, int largest, Rng& rng)
{
    Story story;
    story.name = static_cast<int>(rng.below(names.size()));
    story.thing = static_cast<int>(rng.below(things.size()));
    story.start = drawNumber(largest, rng);
    std::int64_t amount = story.start;
    for (int i = 0; i < steps; ++i) {
        Step step{"+-*"[rng.below(i == 0 ? 3 : 2)], drawNumber(largest, rng)};
        if (step.sign == '-' && step.number > amount) {
            if (amount < 1)
                step.sign = '+';
            else
                step.number = 1 + static_cast<int>(rng.below(static_cast<std::uint64_t>(amount)));
        }
        amount = step.sign == '+' ? amount + step.number : step.sign == '-' ? amount - step.number : amount * step.number;
        story.steps.push_back(step);
    }
    return story;
}

Story withOtherNumber(Story story, Rng& rng)
{
    const Story before = story;
    const std::size_t place = rng.below(story.steps.size() + 1);
    int& number = place == 0 ? story.start : story.steps[place - 1].number;
    number = std::max(2, number - 3 + static_cast<int>(rng.below(7)));
    std::int64_t amount = story.start;
    for (const Step& step : story.steps) {
        amount = step.sign == '+' ? amount + step.number : step.sign == '-' ? amount - step.number : amount * step.number;
        if (amount < 0)
            return before;
    }
    return story;
}

Story withOtherWords(Story story, Rng& rng)
{
    const auto other = [&](int now, std::size_t count) {
        return (now + 1 + static_cast<int>(rng.below(count - 1))) % static_cast<int>(count);
    };
    story.name = other(story.name, names.size());
    story.thing = other(story.thing, things.size());
    return story;
}

int longestStory(int steps, int largest)
{
    const auto digits = static_cast<int>(std::to_string(largest).size());
    const int opening = static_cast<int>(longestName + longestThing) + 5 + digits + 1 + 1;      // "tim has 99 pens" and the stop
    const int boxes = 10 + digits;                                                              // " boxes of 99"
    const int further = 5 + 6 + digits;                                                         // " and loses 99"
    return opening + (steps > 0 ? std::max(boxes, further) + (steps - 1) * further : 0);
}

int longestExpression(int steps, int largest)
{
    const auto digits = static_cast<int>(std::to_string(largest).size());
    return digits + steps * (digits + 1);
}

} // namespace ratchet::wordproblem
