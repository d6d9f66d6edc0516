// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/program/program.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "core/genome/genome_paths.h"

namespace ratchet::program {
namespace {

constexpr int judgedLength = 4; // of the suites that decide
constexpr int judgedCases = 3;
constexpr int mostDraws = 4096;
constexpr int mostNeighbours = 96; // tried; one in sixteen lies in the guide split

Item itemOf(const Exercise& exercise)
{
    std::string id = exercise.prompt();
    id.pop_back();
    return {std::move(id), toJson(exercise)};
}

Split splitOfPrompt(std::string_view prompt)
{
    const auto bucket = Rng::stream(0, "program split " + keyOf(prompt)).below(16);
    if (bucket == 0)
        return Split::Vault;
    if (bucket <= 3)
        return Split::Gate;
    return bucket == 4 ? Split::Guide : Split::Train;
}

Exercise drawFrom(Split split, Task task, int length, int cases, Rng& rng)
{
    for (int i = 0; i < mostDraws; ++i) {
        const auto program = drawProgram(length, rng);
        if (!program)
            break;
        if (auto exercise = drawExercise(task, *program, cases, rng);
            exercise && splitOfPrompt(exercise->prompt()) == split)
            return *exercise;
    }
    throw std::runtime_error("no program of " + std::to_string(length) + " instructions was found for this split");
}

struct SuiteName {
    Task task;
    int length;
};

// "write-4"; every length that can be drawn.
std::optional<SuiteName> readSuite(const std::string& name)
{
    const auto dash = name.find('-');
    const auto word = name.substr(0, dash);
    if (dash == std::string::npos || (word != "run" && word != "write"))
        return std::nullopt;
    SuiteName suite{word == "run" ? Task::Run : Task::Write, 0};
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + dash + 1, end, suite.length);
    const bool fits = read.ptr == end && suite.length >= shortestProgram && suite.length <= longestProgram;
    return fits ? std::optional(suite) : std::nullopt;
}

std::optional<int> wholeBetween(const Json& value, int low, int high)
{
    if (!value.is_number_integer() || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
        return std::nullopt;
    return value.get<int>();
}

// "" when the program does what the cases ask.
std::string failureOfProgram(std::string_view program, const std::vector<Case>& cases)
{
    for (const Case& one : cases) {
        const auto outcome = run(program, one.input);
        switch (outcome.fault) {
        case Fault::None:
            if (outcome.output != one.output)
                return "wrong output";
            break;
        case Fault::Syntax:
            return "syntax";
        case Fault::TooLong:
        case Fault::StepsSpent:
            return "too long";
        default:
            return "runtime";
        }
    }
    return {};
}

// A whole number without leading zeros or a plus sign.
bool isNumber(std::string_view text)
{
    text.remove_prefix(text.starts_with('-') ? 1 : 0);
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    return digits && (text.size() == 1 || text.front() != '0');
}

std::string failureOfOutput(std::string_view answer, const std::string& expected)
{
    if (answer == expected)
        return {};
    if (!isNumber(answer))
        return "syntax";
    return answer.size() > std::to_string(-Limits{}.largest).size() ? "too long" : "wrong output";
}

bool usesRunner(const Reasoning& reasoning)
{
    if (reasoning.format != "plain" && reasoning.format != "runner")
        throw std::invalid_argument("the answer format \"" + reasoning.format + "\" is neither plain nor runner");
    return reasoning.format == "runner";
}

// A call whose result is another number explains nothing: it is left out.
std::string written(const Exercise& exercise, const std::string& answer, const Reasoning& reasoning)
{
    const bool calls = usesRunner(reasoning) && exercise.task == Task::Run && runProgram(exercise.call()) == answer;
    return (calls ? callText(programRunner(), exercise.call()) : std::string()).append(answer);
}

// What follows the last call.
std::string_view answerAfterCalls(std::string_view completion)
{
    const auto close = completion.rfind(programRunner().close);
    return close == std::string_view::npos ? completion : completion.substr(close + 1);
}

bool leavesCallOpen(std::string_view completion)
{
    return answerAfterCalls(completion).find(programRunner().open) != std::string_view::npos;
}

// "" when there is no call, or one that was closed and ran what was asked.
std::string failureOfCalls(std::string_view completion, const Exercise& exercise)
{
    const Tool tool = programRunner();
    if (leavesCallOpen(completion))
        return "tool";
    const bool called = completion.find(tool.close) != std::string_view::npos;
    const std::string asked = std::string(1, tool.open).append(exercise.call()).append(1, tool.call);
    return called && exercise.task == Task::Run && completion.find(asked) == std::string_view::npos ? "call" : "";
}

} // namespace

Mixture Mixture::read(const Data& data)
{
    Mixture mixture;
    mixture.tasks.assign(2, 0);
    std::optional<int> longest;
    double total = 0;
    for (const auto& entry : data.mixture.items()) {
        if (entry.key() == "tasks" && entry.value().is_object()) {
            for (const auto& weight : entry.value().items()) {
                const bool known = weight.key() == "run" || weight.key() == "write";
                if (!known || !weight.value().is_number() || !(weight.value().get<double>() >= 0))
                    throw std::invalid_argument("the mixture's weight of the task \"" + weight.key() +
                                                "\" is not usable");
                total += mixture.tasks[weight.key() == "run" ? 0 : 1] = weight.value().get<double>();
            }
        } else if (entry.key() == "longest") {
            longest = wholeBetween(entry.value(), shortestProgram, longestProgram);
        } else if (const auto cases = wholeBetween(entry.value(), 1, mostCases); entry.key() == "cases" && cases) {
            mixture.cases = *cases;
        } else {
            throw std::invalid_argument("the mixture has no field \"" + entry.key() + "\" of this kind");
        }
    }
    if (!(total > 0) || !longest)
        throw std::invalid_argument("the mixture needs a task of positive weight and \"longest\" between 2 and 16");
    if (data.balance != "none")
        throw std::invalid_argument("the balance \"" + data.balance + "\" is not none");
    mixture.longest = *longest;
    return mixture;
}

Task Mixture::drawTask(Rng& rng) const
{
    return static_cast<Task>(rng.pick(tasks));
}

DomainInfo Program::info() const
{
    DomainInfo info;
    info.name = m_variant.name;
    info.title = m_variant.title;
    info.measure = Measure::ExactMatch;
    info.alphabet = "0123456789+-*/%<ndsxo[]rw:;,>=";
    info.defaultGoal = m_variant.defaultGoal;
    info.defaultTrialBudget = Flops{5e11};
    info.defaultBudget = Flops{2e13};
    return info;
}

Genome Program::seedGenome() const
{
    Genome genome;
    genome.architecture.layers = 2;
    genome.architecture.width = 64;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 256;
    genome.architecture.context = 64;
    genome.recipe.learningRate = 1e-3;
    genome.recipe.batch = 64;
    genome.data.mixture = m_variant.mixture;
    return genome;
}

Json Program::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto whole = [](int low, int high) { return Json{{"low", low}, {"high", high}, {"integer", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/reasoning/format"] = choices({"plain", "runner"});
    paths["/tools/allowed"] = choices({Json::array(), Json::array({"program"})});
    paths["/architecture/layers"] = whole(1, 6);
    paths["/architecture/width"] = choices({32, 48, 64, 96, 128, 192});
    paths["/architecture/heads"] = choices({1, 2, 4, 8});
    paths["/architecture/kvHeads"] = choices({1, 2, 4, 8});
    paths["/architecture/feedForward"] = choices({"gelu", "relu2", "swiglu"});
    paths["/architecture/feedForwardWidth"] = choices({64, 128, 192, 256, 384, 512, 768});
    paths["/architecture/norm"] = choices({"layernorm", "rmsnorm"});
    paths["/architecture/positions"] = choices({"learned", "rope", "none"});
    paths["/architecture/qkNorm"] = choices({false, true});
    paths["/architecture/tied"] = choices({false, true});
    paths["/recipe/optimizer"] = choices({"adamw", "muon", "lion"});
    paths["/recipe/learningRate"] = rate(1e-4, 2e-2);
    paths["/recipe/schedule"] = choices({"constant", "cosine", "linear", "wsd"});
    paths["/recipe/warmup"] = range(0, 0.2);
    paths["/recipe/batch"] = choices({16, 32, 64, 128, 256});
    paths["/recipe/weightDecay"] = range(0, 0.2);
    paths["/recipe/ema"] = choices({0.0, 0.99, 0.995, 0.999});
    paths["/recipe/start"] = choices({"scratch", "continue"});
    if (judges(Task::Write)) { // else there is nothing to weigh
        paths["/data/mixture/tasks/run"] = range(0, 1);
        paths["/data/mixture/tasks/write"] = range(0.1, 1);
    }
    paths["/data/replay"] = range(0, 0.5);
    paths["/data/feedback"] = range(0, 0.3);
    paths["/data/selfTraining"] = range(0, 0.5);
    paths.update(usualBounds({"/data/labels"}));
    return {{"paths", paths}, {"maxParameters", 2'000'000}};
}

Item Program::drawTraining(const Data& data, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    const auto task = mixture.drawTask(rng);
    const auto lengths = static_cast<std::uint64_t>(mixture.longest - shortestProgram + 1);
    const int length = shortestProgram + static_cast<int>(rng.below(lengths));
    return itemOf(drawFrom(Split::Train, task, length, mixture.cases, rng));
}

Item Program::draw(const std::string& suite, Split split, Rng& rng) const
{
    const auto named = readSuite(suite);
    if (!named)
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    return itemOf(drawFrom(split, named->task, named->length, judgedCases, rng));
}

Item Program::drawHarder(const Data& data, int steps, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    const auto task = mixture.drawTask(rng);
    return itemOf(drawFrom(Split::Train, task, std::min(mixture.longest + steps, longestProgram), mixture.cases, rng));
}

std::optional<Item> Program::neighbour(const Item& item, Rng& rng) const
{
    const Exercise exercise = exerciseFromJson(item.question);
    for (int i = 0; i < mostNeighbours; ++i) {
        const auto near = drawExercise(exercise.task, exercise.program, static_cast<int>(exercise.cases.size()), rng);
        if (near && keyOf(near->prompt()) != keyOf(exercise.prompt()) && splitOfPrompt(near->prompt()) == splitOfPrompt(item.id))
            return itemOf(*near);
    }
    return std::nullopt;
}

std::optional<Item> Program::paraphrase(const Item& item, Rng& rng) const
{
    Exercise exercise = exerciseFromJson(item.question);
    if (exercise.cases.size() < 2)
        return std::nullopt;
    const std::size_t turn = 1 + rng.below(exercise.cases.size() - 1);
    std::rotate(exercise.cases.begin(), exercise.cases.begin() + static_cast<std::ptrdiff_t>(turn), exercise.cases.end());
    return itemOf(exercise);
}

Split Program::splitOf(const Item& item) const
{
    return splitOfPrompt(item.id);
}

Example Program::example(const Item& item, const Reasoning& reasoning) const
{
    const Exercise exercise = exerciseFromJson(item.question);
    return {exercise.prompt(), written(exercise, exercise.answer(), reasoning)};
}

Result<Example> Program::exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const
{
    const Exercise exercise = exerciseFromJson(item.question);
    const bool isRun = exercise.task == Task::Run;
    const bool usable = !answer.empty() &&
                        (isRun ? isNumber(answer) && answer.size() <= Limits{}.length : check(answer) == Fault::None);
    if (!usable)
        return fail(Code::BadInput, "\"" + answer + "\" is no answer to " + exercise.prompt(),
                    isRun ? "Write a whole number." : "Write a program of up to 32 instructions.");
    return Example{exercise.prompt(), written(exercise, answer, reasoning)};
}

Grade Program::grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const Exercise exercise = exerciseFromJson(item.question);
    const bool mayCall = usesRunner(reasoning);
    const auto answer = mayCall ? answerAfterCalls(completion) : completion;
    Grade grade;
    grade.expected = exercise.answer();
    grade.answer = std::string(answer);
    if (answer.empty())
        grade.failureClass = "empty";
    else
        grade.failureClass = exercise.task == Task::Run ? failureOfOutput(answer, grade.expected)
                                                        : failureOfProgram(answer, exercise.cases);
    grade.score = grade.failureClass.empty() ? 1 : 0;
    if (const auto misuse = mayCall ? failureOfCalls(completion, exercise) : std::string(); grade.score < 1 && !misuse.empty())
        grade.failureClass = misuse;
    return grade;
}

// After a call for a Run the answer must be what the runner said.
bool Program::passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const auto spans = usesRunner(reasoning) ? toolSpans(completion, programRunner()) : std::vector<ToolSpan>();
    if (usesRunner(reasoning) && leavesCallOpen(completion))
        return false;
    if (spans.empty() || exerciseFromJson(item.question).task == Task::Write)
        return Domain::passesCheck(item, completion, reasoning);
    const auto [begin, length] = spans.back();
    return length > 1 && completion.substr(begin, length - 1) == completion.substr(begin + length);
}

Result<Item> Program::parse(std::string_view prompt) const
{
    const auto exercise = readExercise(prompt);
    if (!exercise || !judges(exercise->task))
        return fail(Code::BadInput, "This is no exercise on programs that can be answered.",
                    std::string("Write r:3*2+;5= (what comes out?)")
                        .append(judges(Task::Write) ? " or w:5>17;0>2;1>5= (which program of up to 4 instructions does this?)." : "."));
    return itemOf(*exercise);
}

bool Program::judges(Task task) const
{
    return std::any_of(m_variant.suites.begin(), m_variant.suites.end(), [&](const SuiteSpec& suite) {
        return suite.role != SuiteRole::Probe && readSuite(suite.name)->task == task;
    });
}

int Program::longestExample(const Data& data, const Reasoning& reasoning) const
{
    const auto mixture = Mixture::read(data);
    const int trained = mixture.longest + (data.selfTraining > 0 ? data.level + 1 : 0);
    const int length = std::clamp(trained, judgedLength, longestProgram);
    const int call = usesRunner(reasoning) ? longestCall(length) : 0;
    int longest = 0;
    for (const auto task : {Task::Run, Task::Write})
        if (judges(task) || mixture.tasks[static_cast<std::size_t>(task)] > 0)
            longest = std::max(longest, longestText(task, length, std::max(mixture.cases, judgedCases)) + (task == Task::Run ? call : 0));
    return longest;
}

std::vector<std::string> Program::failureClasses() const
{
    return {"syntax", "runtime", "wrong output", "too long", "empty", "tool", "call"};
}

std::vector<Tool> Program::tools() const
{
    return {programRunner()};
}

} // namespace ratchet::program
