// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/program/exercises.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

namespace ratchet::program {
namespace {

constexpr int mostDraws = 512;
constexpr int longestSearch = 4;
constexpr Number runInputs = 100; // 0 .. 99
constexpr std::size_t writeInputs = 10;
constexpr int longestOutput = 4; // "-999"

std::string joined(const std::vector<Number>& numbers)
{
    std::string text;
    for (const Number number : numbers) {
        text += text.empty() ? "" : ",";
        text += std::to_string(number);
    }
    return text;
}

std::vector<std::string_view> parts(std::string_view text, char separator)
{
    std::vector<std::string_view> found;
    for (std::size_t from = 0;;) {
        const auto end = std::min(text.find(separator, from), text.size());
        found.push_back(text.substr(from, end - from));
        if (end == text.size())
            return found;
        from = end + 1;
    }
}

std::optional<Exercise> readRun(std::string_view text)
{
    const auto call = readCall(text);
    if (!call)
        return std::nullopt;
    const auto outcome = run(call->program, call->input);
    if (outcome.fault != Fault::None)
        return std::nullopt;
    return Exercise{Task::Run, std::string(call->program), {{call->input, outcome.output}}};
}

std::optional<Exercise> readWrite(std::string_view text)
{
    Exercise exercise{Task::Write, {}, {}};
    for (const auto part : parts(text, ';')) {
        const auto sides = parts(part, '>');
        const auto input = sides.size() == 2 ? readInput(sides[0]) : std::nullopt;
        const auto output = sides.size() == 2 ? readInput(sides[1]) : std::nullopt;
        if (!input || !output || output->size() != 1 || exercise.cases.size() == mostCases)
            return std::nullopt;
        exercise.cases.push_back({*input, output->front()});
    }
    const auto program = findProgram(exercise.cases, longestSearch);
    if (!program)
        return std::nullopt;
    exercise.program = *program;
    return exercise;
}

// An instruction that can follow when `depth` numbers lie on the stack and `left` instructions are to come, after which
// one number must be left.
char drawInstruction(int depth, int left, Rng& rng)
{
    constexpr std::string_view binary = "+-*/%<";
    std::vector<double> weights{0, 0, 0, 0, 0}; // a digit, one of `binary`, d, s, n
    const bool mayGrow = depth <= left - 1;     // each number more needs an instruction that takes it away
    weights[0] = mayGrow ? 0.45 : 0;
    weights[1] = depth >= 2 ? 0.4 : 0;
    weights[2] = mayGrow ? 0.1 : 0;
    weights[3] = depth >= 2 && depth - 1 <= left - 1 ? 0.05 : 0;
    weights[4] = depth - 1 <= left - 1 ? 0.03 : 0;
    switch (rng.pick(weights)) {
    case 0:
        return static_cast<char>('0' + rng.below(10));
    case 1:
        return binary[rng.pick({3, 3, 3, 1, 1, 0.5})];
    case 2:
        return 'd';
    case 3:
        return 's';
    default:
        return 'n';
    }
}

bool isInteresting(const std::string& program)
{
    bool constant = true, identity = true;
    Number first = 0;
    for (Number input = 0; input < static_cast<Number>(writeInputs); ++input) {
        const auto outcome = run(program, {input});
        if (outcome.fault != Fault::None || std::abs(outcome.output) > largestOutput)
            return false;
        first = input == 0 ? outcome.output : first;
        constant = constant && outcome.output == first;
        identity = identity && outcome.output == input;
    }
    return !constant && !identity;
}

} // namespace

std::string Exercise::prompt() const
{
    std::string text = task == Task::Run ? "r:" : "w:";
    if (task == Task::Run)
        return text.append(call()).append("=");
    for (const Case& one : cases)
        text.append(joined(one.input)).append(">").append(std::to_string(one.output)).append(";");
    text.back() = '=';
    return text;
}

std::string Exercise::answer() const
{
    return task == Task::Run ? std::to_string(cases.front().output) : program;
}

std::string Exercise::call() const
{
    std::string text = program;
    return text.append(";").append(joined(cases.front().input));
}

std::string keyOf(std::string_view prompt)
{
    prompt = prompt.substr(0, prompt.find('='));
    if (!prompt.starts_with("w:"))
        return std::string(prompt);
    auto cases = parts(prompt.substr(2), ';');
    std::sort(cases.begin(), cases.end());
    std::string key = "w:";
    for (const auto one : cases)
        key += std::string(one) + ";";
    return key;
}

std::optional<Exercise> readExercise(std::string_view text)
{
    std::string clean;
    for (const char c : text)
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            clean += c;
    if (!clean.empty() && clean.back() == '=')
        clean.pop_back();
    if (clean.starts_with("r:"))
        return readRun(std::string_view(clean).substr(2));
    return clean.starts_with("w:") ? readWrite(std::string_view(clean).substr(2)) : std::nullopt;
}

Json toJson(const Exercise& exercise)
{
    Json cases = Json::array();
    for (const Case& one : exercise.cases)
        cases.push_back({{"input", one.input}, {"output", one.output}});
    return {{"task", exercise.task == Task::Run ? "run" : "write"},
            {"program", exercise.program},
            {"cases", std::move(cases)}};
}

Exercise exerciseFromJson(const Json& question)
{
    Exercise exercise;
    const auto task = question.at("task").get<std::string>();
    exercise.task = task == "run" ? Task::Run : Task::Write;
    exercise.program = question.at("program").get<std::string>();
    for (const Json& one : question.at("cases"))
        exercise.cases.push_back({one.at("input").get<std::vector<Number>>(), one.at("output").get<Number>()});
    const bool counted = exercise.task == Task::Run ? exercise.cases.size() == 1
                                                    : !exercise.cases.empty() && exercise.cases.size() <= mostCases;
    if ((task != "run" && task != "write") || !counted || !fits(exercise.program, exercise.cases))
        throw std::invalid_argument("the question " + question.dump() + " is no exercise on programs");
    return exercise;
}

std::optional<std::string> findProgram(const std::vector<Case>& cases, int longest)
{
    std::string program;
    for (int length = 1; length <= longest; ++length) {
        program.assign(static_cast<std::size_t>(length), instructions.front());
        std::vector<std::size_t> digits(program.size(), 0);
        for (;;) {
            if (fits(program, cases))
                return program;
            std::size_t place = program.size();
            while (place > 0 && digits[place - 1] + 1 == instructions.size()) {
                digits[--place] = 0;
                program[place] = instructions.front();
            }
            if (place == 0)
                break;
            program[place - 1] = instructions[++digits[place - 1]];
        }
    }
    return std::nullopt;
}

bool fits(std::string_view program, const std::vector<Case>& cases)
{
    return std::all_of(cases.begin(), cases.end(), [&](const Case& one) {
        const auto outcome = run(program, one.input);
        return outcome.fault == Fault::None && outcome.output == one.output;
    });
}

std::optional<std::string> drawProgram(int length, Rng& rng)
{
    for (int draw = 0; draw < mostDraws; ++draw) {
        std::string program;
        int depth = 1;
        for (int left = length; left > 0; --left) {
            program += drawInstruction(depth, left, rng);
            const char drawn = program.back();
            depth += drawn == 'd' || (drawn >= '0' && drawn <= '9') ? 1 : drawn == 's' || drawn == 'n' ? 0 : -1;
        }
        if (isInteresting(program))
            return program;
    }
    return std::nullopt;
}

std::optional<Exercise> drawExercise(Task task, const std::string& program, int cases, Rng& rng)
{
    std::array<Number, writeInputs> inputs{};
    std::iota(inputs.begin(), inputs.end(), 0);
    if (task == Task::Run)
        inputs[0] = static_cast<Number>(rng.below(runInputs));
    const std::size_t count = task == Task::Run ? 1 : static_cast<std::size_t>(cases);
    Exercise exercise{task, program, {}};
    for (std::size_t i = 0; i < count; ++i) {
        if (task == Task::Write)
            std::swap(inputs[i], inputs[i + rng.below(writeInputs - i)]);
        const auto outcome = run(program, {inputs[i]});
        if (outcome.fault != Fault::None || std::abs(outcome.output) > largestOutput)
            return std::nullopt;
        exercise.cases.push_back({{inputs[i]}, outcome.output});
    }
    const auto all = [&](const auto& property) {
        return std::all_of(exercise.cases.begin(), exercise.cases.end(), property);
    };
    const bool isConstant = all([&](const Case& one) { return one.output == exercise.cases.front().output; });
    const bool isIdentity = all([](const Case& one) { return one.output == one.input.back(); });
    if (task == Task::Write && (isIdentity || (count > 1 && isConstant)))
        return std::nullopt;
    return exercise;
}

int longestText(Task task, int length, int cases)
{
    return task == Task::Run ? 2 + length + 1 + 2 + 1 + longestOutput : 2 + cases * (1 + 1 + longestOutput + 1) + length;
}

int longestCall(int length)
{
    return 1 + length + 1 + 2 + 1 + longestOutput + 1;
}

} // namespace ratchet::program
