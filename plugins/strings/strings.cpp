// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/strings/strings.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "core/genome/genome_paths.h"

namespace ratchet::strings {
namespace {

constexpr int longestMixture = 200;
constexpr int longestSuite = 12; // of suites()
constexpr int mostNeighbours = 96; // tried; one in sixteen lies in the guide split
constexpr int mostDraws = 4096;  // the smallest split holds a sixteenth of the texts: (15/16)^4096 is 1e-115

int shortestJudged(Task task)
{
    return task == Task::Brackets ? 6 : 3;
}

Item itemOf(const Puzzle& puzzle)
{
    std::string id = puzzle.prompt();
    id.pop_back();
    return {std::move(id), Json{{"task", nameOf(puzzle.task)}, {"text", puzzle.text}}};
}

Puzzle puzzleOf(const Json& question)
{
    const auto task = taskNamed(question.at("task").get<std::string>());
    Puzzle puzzle{task.value_or(Task::Copy), question.at("text").get<std::string>()};
    if (const auto read = readPuzzle(puzzle.prompt()); !task || !read || read->text != puzzle.text)
        throw std::invalid_argument("the question " + question.dump() + " is no puzzle on strings");
    return puzzle;
}

Split splitOfPuzzle(const Puzzle& puzzle)
{
    if (static_cast<int>(puzzle.text.size()) < shortestJudged(puzzle.task))
        return Split::Train;
    const std::string key = puzzle.task == Task::Sort ? "sort " + puzzle.answer() : puzzle.text;
    const auto bucket = Rng::stream(0, "strings split " + key).below(16);
    if (bucket == 0)
        return Split::Vault;
    if (bucket <= 3)
        return Split::Gate;
    return bucket == 4 ? Split::Guide : Split::Train;
}

// A walk that opens and closes evenly, always something open at the end.
std::string drawBrackets(int length, Rng& rng)
{
    constexpr std::size_t kinds = brackets.size() / 2;
    std::string text;
    std::vector<std::size_t> open;
    while (static_cast<int>(text.size()) < length) {
        const bool last = static_cast<int>(text.size()) + 1 == length;
        if (open.empty() || (last && open.size() == 1) || rng.below(2) == 0) {
            open.push_back(rng.below(kinds));
            text += brackets[open.back()];
        } else {
            text += brackets[open.back() + kinds];
            open.pop_back();
        }
    }
    return text;
}

std::string drawText(Task task, int length, Rng& rng)
{
    if (task == Task::Brackets)
        return drawBrackets(length, rng);
    std::string text(static_cast<std::size_t>(length), 'a');
    for (char& c : text)
        c = static_cast<char>('a' + rng.below(26));
    return text;
}

Puzzle drawFrom(Split split, Task task, int length, Rng& rng)
{
    for (int i = 0; i < mostDraws; ++i)
        if (Puzzle puzzle{task, drawText(task, length, rng)}; splitOfPuzzle(puzzle) == split)
            return puzzle;
    throw std::runtime_error("no text of " + std::to_string(length) + " characters to " + std::string(nameOf(task)) +
                             " lies in this split");
}

struct SuiteName {
    Task task;
    int length;
};

// "copy-12"; every length that can be judged.
std::optional<SuiteName> readSuite(const std::string& name)
{
    const auto dash = name.find('-');
    const auto task = taskNamed(name.substr(0, dash));
    if (dash == std::string::npos || !task)
        return std::nullopt;
    int length = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + dash + 1, end, length);
    const bool fits = read.ptr == end && length >= shortestJudged(*task) && length <= longestPuzzle;
    return fits ? std::optional(SuiteName{*task, length}) : std::nullopt;
}

} // namespace

Mixture Mixture::read(const Data& data)
{
    Mixture mixture;
    mixture.tasks.assign(taskCount, 0);
    bool hasLongest = false;
    double total = 0;
    for (const auto& entry : data.mixture.items()) {
        if (entry.key() == "tasks" && entry.value().is_object()) {
            for (const auto& weight : entry.value().items()) {
                const auto task = taskNamed(weight.key());
                if (!task || !weight.value().is_number() || !(weight.value().get<double>() >= 0))
                    throw std::invalid_argument("the mixture's weight of the task \"" + weight.key() +
                                                "\" is not usable");
                total += mixture.tasks[static_cast<std::size_t>(*task)] = weight.value().get<double>();
            }
        } else if (entry.key() == "longest" && entry.value().is_number_integer()) {
            const auto longest = entry.value().get<std::int64_t>();
            hasLongest = longest >= 1 && longest <= longestMixture;
            mixture.longest = hasLongest ? static_cast<int>(longest) : 1;
        } else {
            throw std::invalid_argument("the mixture has no field \"" + entry.key() + "\" of this kind");
        }
    }
    if (!(total > 0) || !hasLongest)
        throw std::invalid_argument("the mixture needs a task of positive weight and \"longest\" between 1 and 200");
    if (data.balance != "none" && data.balance != "length")
        throw std::invalid_argument("the balance \"" + data.balance + "\" is neither none nor length");
    mixture.balanceLength = data.balance == "length";
    return mixture;
}

Task Mixture::drawTask(Rng& rng) const
{
    return static_cast<Task>(rng.pick(tasks));
}

int Mixture::drawLength(Rng& rng) const
{
    const auto uniform = [&] { return 1 + static_cast<int>(rng.below(static_cast<std::uint64_t>(longest))); };
    const int length = uniform();
    if (!balanceLength)
        return length;
    // Of two uniform draws the larger one has P(n) = (2n - 1) / longest^2.
    return std::max(length, uniform());
}

DomainInfo Strings::info() const
{
    DomainInfo info;
    info.name = "strings";
    info.title = "Copying, reversing, sorting and closing brackets";
    info.measure = Measure::ExactMatch;
    info.alphabet = "abcdefghijklmnopqrstuvwxyz()[]{}:=";
    info.defaultGoal = "exact match >= 0.9 on copy-12";
    info.defaultTrialBudget = Flops{5e11};
    info.defaultBudget = Flops{2e13};
    return info;
}

// 0.1 M parameters with learned positions: what stands behind the longest trained place has never been seen.
Genome Strings::seedGenome() const
{
    Genome genome;
    genome.architecture.layers = 2;
    genome.architecture.width = 64;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 256;
    genome.architecture.context = 128;
    genome.recipe.learningRate = 1e-3;
    genome.recipe.batch = 64;
    genome.data.mixture = {{"tasks", {{"copy", 0.7}, {"reverse", 0.1}, {"sort", 0.1}, {"brackets", 0.1}}},
                           {"longest", 10}};
    return genome;
}

// "longest" is the person's: the lab is about going beyond it.
Json Strings::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto whole = [](int low, int high) { return Json{{"low", low}, {"high", high}, {"integer", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/architecture/layers"] = whole(1, 6);
    paths["/architecture/width"] = choices({32, 48, 64, 96, 128, 192});
    paths["/architecture/heads"] = choices({1, 2, 4, 8});
    paths["/architecture/kvHeads"] = choices({1, 2, 4, 8});
    paths["/architecture/feedForward"] = choices({"gelu", "relu2", "swiglu"});
    paths["/architecture/feedForwardWidth"] = choices({64, 128, 192, 256, 384, 512, 768});
    paths["/architecture/norm"] = choices({"layernorm", "rmsnorm"});
    paths["/architecture/positions"] = choices({"learned", "rope", "none", "coupled"});
    paths["/architecture/qkNorm"] = choices({false, true});
    paths["/architecture/tied"] = choices({false, true});
    paths["/recipe/optimizer"] = choices({"adamw", "muon", "lion"});
    paths["/recipe/learningRate"] = rate(1e-4, 2e-2);
    paths["/recipe/schedule"] = choices({"constant", "cosine", "linear", "wsd"});
    paths["/recipe/warmup"] = range(0, 0.2);
    paths["/recipe/batch"] = choices({16, 32, 64, 128, 256});
    paths["/recipe/weightDecay"] = range(0, 0.2);
    paths["/recipe/ema"] = choices({0.0, 0.99, 0.995, 0.999});
    paths["/architecture/experts"] = choices({0, 4});
    paths["/adaptation/method"] = choices({"full", "lora"});
    paths["/adaptation/frozenLayers"] = whole(0, 6);
    paths["/recipe/distillation"] = range(0, 0.9);
    paths["/data/level"] = whole(0, 100);
    paths["/recipe/start"] = choices({"scratch", "continue", "average", "soup", "ensemble"});
    paths["/recipe/teachers"] = {{"versions", 2}};
    paths["/recipe/members"] = {{"versions", 4}};
    paths["/recipe/population"] = choices({0, 4});
    paths["/recipe/preference"] = range(0, 1);
    paths["/recipe/preferenceBeta"] = rate(0.02, 2);
    paths["/data/mixture/tasks/copy"] = range(0.1, 1);
    paths["/data/mixture/tasks/reverse"] = range(0, 1);
    paths["/data/mixture/tasks/sort"] = range(0, 1);
    paths["/data/mixture/tasks/brackets"] = range(0, 1);
    paths["/data/balance"] = choices({"none", "length"});
    paths["/data/replay"] = range(0, 0.5);
    paths["/data/feedback"] = range(0, 0.3);
    paths["/data/selfTraining"] = range(0, 0.5);
    paths.update(usualBounds({"/data/labels", "/adaptation/rank", "/architecture/expertsPerToken", "/recipe/distillationTemperature", "/recipe/fineTuning"}));
    return {{"paths", paths}, {"maxParameters", 2'000'000}};
}

std::vector<SuiteSpec> Strings::suites() const
{
    return {{"copy-12", "copy 12 letters", SuiteRole::Target, 0},
            {"copy-8", "copy 8 letters", SuiteRole::Retained, 0.03},
            {"reverse-8", "reverse 8 letters", SuiteRole::Retained, 0.05},
            {"sort-8", "sort 8 letters", SuiteRole::Retained, 0.05},
            {"brackets-8", "close 8 brackets", SuiteRole::Retained, 0.05},
            {"copy-16", "copy 16 letters: longer", SuiteRole::Probe, 0},
            {"reverse-12", "reverse 12 letters: longer", SuiteRole::Probe, 0}};
}

Item Strings::drawTraining(const Data& data, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    const auto task = mixture.drawTask(rng);
    return itemOf(drawFrom(Split::Train, task, mixture.drawLength(rng), rng));
}

Item Strings::draw(const std::string& suite, Split split, Rng& rng) const
{
    const auto named = readSuite(suite);
    if (!named)
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    return itemOf(drawFrom(split, named->task, named->length, rng));
}

Item Strings::drawHarder(const Data& data, int steps, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    const auto task = mixture.drawTask(rng);
    return itemOf(drawFrom(Split::Train, task, std::min(mixture.longest + steps, longestPuzzle), rng));
}

std::optional<Item> Strings::neighbour(const Item& item, Rng& rng) const
{
    const Puzzle puzzle = puzzleOf(item.question);
    if (puzzle.task == Task::Brackets || puzzle.text.size() < 2)
        return std::nullopt;
    for (int i = 0; i < mostNeighbours; ++i) {
        Puzzle near = puzzle;
        const auto kind = rng.below(3);
        const std::size_t place = rng.below(near.text.size() - 1);
        if (kind == 0)
            near.text[place] = static_cast<char>('a' + rng.below(26));
        else if (kind == 1)
            std::swap(near.text[place], near.text[place + 1]);
        else
            near.text[place + 1] = near.text[place];
        if (near.text != puzzle.text && splitOfPuzzle(near) == splitOfPuzzle(puzzle))
            return itemOf(near);
    }
    return std::nullopt;
}

Split Strings::splitOf(const Item& item) const
{
    const auto puzzle = readPuzzle(item.id);
    if (!puzzle)
        throw std::invalid_argument("\"" + item.id + "\" names no puzzle on strings");
    return splitOfPuzzle(*puzzle);
}

Example Strings::example(const Item& item, const Reasoning&) const
{
    const Puzzle puzzle = puzzleOf(item.question);
    return {puzzle.prompt(), puzzle.answer()};
}

Result<Example> Strings::exampleWith(const Item& item, const std::string& answer, const Reasoning&) const
{
    const Puzzle puzzle = puzzleOf(item.question);
    if (answer.empty() || answer.size() > longestPuzzle || !isAnswer(puzzle.task, answer))
        return fail(Code::BadInput, "\"" + answer + "\" is no answer to " + puzzle.prompt(),
                    puzzle.task == Task::Brackets ? "Write closing brackets." : "Write small letters.");
    return Example{puzzle.prompt(), answer};
}

Grade Strings::grade(const Item& item, std::string_view completion, const Reasoning&) const
{
    const Puzzle puzzle = puzzleOf(item.question);
    Grade grade;
    grade.expected = puzzle.answer();
    grade.answer = std::string(completion);
    grade.score = completion == grade.expected ? 1 : 0;
    if (completion.empty())
        grade.failureClass = "empty";
    else if (!isAnswer(puzzle.task, completion))
        grade.failureClass = "format";
    else if (grade.score == 0)
        grade.failureClass = failureOf(grade.expected, completion);
    return grade;
}

Result<Item> Strings::parse(std::string_view prompt) const
{
    const auto puzzle = readPuzzle(prompt);
    if (!puzzle)
        return fail(Code::BadInput, "This is no puzzle on small letters or brackets.",
                    "Write a question such as c:abc= (copy), r:abc= (reverse), s:cab= (sort) or b:([{}= (close).");
    return itemOf(*puzzle);
}

std::vector<int> Strings::coupledPositions(std::string_view text, const Reasoning&, int limit) const
{
    return alignedPositions(text, limit);
}

int Strings::longestExample(const Data& data, const Reasoning&) const
{
    const int trained = Mixture::read(data).longest + (data.selfTraining > 0 ? data.level + 1 : 0);
    return longestText(std::clamp(trained, longestSuite, longestPuzzle));
}

std::vector<std::string> Strings::failureClasses() const
{
    return {"order", "substitution", "omission", "repeat", "length", "format", "empty"};
}

} // namespace ratchet::strings

RATCHET_PLUGIN("strings", ratchet::strings::Strings)
