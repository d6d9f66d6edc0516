// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/wordproblem/wordproblem.h"

#include <algorithm>
#include <stdexcept>

#include "core/genome/genome_paths.h"
#include "core/plugin/corpus.h"

namespace ratchet::wordproblem {
namespace {

constexpr int mostSteps = 6;
constexpr int judgedLargest = 99;
constexpr int mostNeighbours = 96;    // tried; one in sixteen lies in the guide split
constexpr int mostDraws = 4096;       // the smallest split holds a sixteenth: (15/16)^4096 is 1e-115
constexpr std::string_view promptEnd = " = ";
constexpr std::array splitNames{"train", "guide", "gate", "vault"};      // in the order of Split

bool isNumber(std::string_view text)
{
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

// By the numbers and signs: the same problem in other words lies in the same split.
Split splitOfExpression(std::string_view expression)
{
    const auto bucket = Rng::stream(0, std::string("wordproblem split ").append(expression)).below(16);
    if (bucket == 0)
        return Split::Vault;
    if (bucket <= 3)
        return Split::Gate;
    return bucket == 4 ? Split::Guide : Split::Train;
}

Item itemOf(const Story& story)
{
    return {story.expression(), Json{{"story", story.toJson()}}};
}

Item storyFrom(Split split, int steps, int largest, Rng& rng)
{
    for (int i = 0; i < mostDraws; ++i)
        if (const Story story = drawStory(steps, largest, rng); splitOfExpression(story.expression()) == split)
            return itemOf(story);
    throw std::runtime_error("no story of " + std::to_string(steps) + " steps lies in this split");
}

// What an item asks and what solves it, whichever kind it is of.
struct Problem { std::string question, answer, expression; };

Problem problemOf(const Json& question)
{
    if (question.contains("story")) {
        const Story story = Story::read(question.at("story"));
        const std::string expression = story.expression();
        return {story.text(), calculate(expression), expression};
    }
    return {question.at("question").get<std::string>(), question.value("answer", ""), question.value("expression", "")};
}

bool usesCalculator(const Reasoning& reasoning)
{
    if (reasoning.format != "plain" && reasoning.format != "calculator")
        throw std::invalid_argument("the answer format \"" + reasoning.format + "\" is neither plain nor calculator");
    return reasoning.format == "calculator";
}

std::string written(const Problem& problem, const std::string& answer, const Reasoning& reasoning)
{
    const bool called = usesCalculator(reasoning) && !problem.expression.empty();
    return (called ? callText(calculator(), problem.expression) : std::string()) + answer;
}

// The lines were sorted into splits, so a fault names the line by how it begins.
Status readLine(std::string_view text, Line& line)
{
    constexpr std::size_t shown = 60;
    std::size_t end = std::min(text.size(), shown);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        ++end;
    const std::string where = "the line " + std::string(text.substr(0, end)) + (end < text.size() ? " ..." : "");
    RATCHET_TRY(json, parseJson(text, where));
    Fields in(json, where);
    in.read("question", line.question).read("answer", line.answer).readIf("expression", line.expression).onlyKnown();
    RATCHET_CHECK(in.status());
    if (trimmed(line.question).empty() || trimmed(line.answer).empty())
        return fail(Code::BadInput, "In " + where + " the question or the answer is empty.", "Give both, or leave the line out.");
    if (!line.expression.empty() && calculate(line.expression) == "?")
        return fail(Code::BadInput, "In " + where + " the calculator cannot work out \"" + line.expression + "\".",
                    "Write whole numbers with + - * / and brackets, or leave the expression out.");
    return {};
}

} // namespace

Mixture Mixture::read(const Data& data)
{
    Mixture mixture;
    mixture.steps.assign(mostSteps, 0);
    double total = 0;
    for (const auto& entry : data.mixture.items()) {
        if (entry.key() == "largest" && entry.value().is_number_integer()) {
            mixture.largest = entry.value().get<int>();
        } else if (entry.key() == "steps" && entry.value().is_object()) {
            for (const auto& weight : entry.value().items()) {
                const bool known = weight.key().size() == 1 && weight.key()[0] >= '1' && weight.key()[0] <= '0' + mostSteps;
                if (!known || !weight.value().is_number() || !(weight.value().get<double>() >= 0))
                    throw std::invalid_argument("the mixture's weight of \"" + weight.key() + "\" steps is not usable");
                total += mixture.steps[static_cast<std::size_t>(weight.key()[0] - '1')] = weight.value().get<double>();
            }
        } else {
            throw std::invalid_argument("the mixture has no field \"" + entry.key() + "\" of this kind");
        }
    }
    if (!(total > 0) || mixture.largest < 3 || mixture.largest > 9999)
        throw std::invalid_argument("the mixture needs a positive weight and a largest number between 3 and 9999");
    return mixture;
}

int Mixture::longest() const
{
    int longest = 1;
    for (std::size_t i = 0; i < steps.size(); ++i)
        if (steps[i] > 0)
            longest = static_cast<int>(i) + 1;
    return longest;
}

DomainInfo WordProblem::info() const
{
    DomainInfo info;
    info.name = "wordproblem";
    info.title = "Word problems with a calculator";
    info.measure = Measure::ExactMatch;
    info.corpus = CorpusUse::Lines;
    info.defaultGoal = "exact match >= 0.95 on problems";
    info.defaultTrialBudget = Flops{1.5e12};
    info.defaultBudget = Flops{6e13};
    return info;
}

// 0.15 M parameters that answer at once, without calling the calculator. Longer lines than the stories' get a longer context, as far as
// a model of this size has something to learn from them.
Genome WordProblem::seedGenome() const
{
    Genome genome;
    genome.architecture.layers = 2;
    genome.architecture.width = 64;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 256;
    genome.architecture.norm = "rmsnorm";
    genome.architecture.positions = "rope";
    genome.architecture.context = std::clamp((m_longestPrompt + m_longestAnswer + 63) / 64 * 64, 128, 1024);
    genome.recipe.learningRate = 2e-3;
    genome.recipe.batch = 64;
    genome.data.mixture = {{"steps", {{"1", 0.7}, {"2", 0.3}}}, {"largest", judgedLargest}};
    return genome;
}

Json WordProblem::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto whole = [](int low, int high) { return Json{{"low", low}, {"high", high}, {"integer", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/reasoning/format"] = choices({"plain", "calculator"});
    paths["/tools/allowed"] = choices({Json::array(), Json::array({"calculator"})});
    paths["/architecture/layers"] = whole(1, 6);
    paths["/architecture/width"] = choices({48, 64, 96, 128, 192});
    paths["/architecture/heads"] = choices({2, 4, 8});
    paths["/architecture/kvHeads"] = choices({1, 2, 4, 8});
    paths["/architecture/feedForward"] = choices({"gelu", "relu2", "swiglu"});
    paths["/architecture/feedForwardWidth"] = choices({128, 192, 256, 384, 512});
    paths["/architecture/positions"] = choices({"learned", "rope", "none"});
    paths["/architecture/qkNorm"] = choices({false, true});
    paths["/recipe/optimizer"] = choices({"adamw", "muon", "lion"});
    paths["/recipe/learningRate"] = rate(2e-4, 2e-2);
    paths["/recipe/schedule"] = choices({"constant", "cosine", "linear", "wsd"});
    paths["/recipe/warmup"] = range(0, 0.2);
    paths["/recipe/batch"] = choices({32, 64, 128});
    paths["/recipe/ema"] = choices({0.0, 0.99, 0.995, 0.999});
    paths["/architecture/experts"] = choices({0, 4});
    paths["/adaptation/method"] = choices({"full", "lora"});
    paths["/adaptation/frozenLayers"] = whole(0, 6);
    paths["/recipe/distillation"] = range(0, 0.9);
    paths["/data/level"] = whole(0, 4);
    paths["/reasoning/samples"] = choices({1, 5});
    paths["/reasoning/selfCheck"] = choices({false, true});
    paths["/recipe/start"] = choices({"scratch", "continue", "average", "soup", "ensemble"});
    paths["/recipe/teachers"] = {{"versions", 2}};
    paths["/recipe/members"] = {{"versions", 4}};
    paths["/recipe/population"] = choices({0, 4});
    paths["/recipe/preference"] = range(0, 1);
    paths["/recipe/preferenceBeta"] = rate(0.02, 2);
    paths["/data/mixture/steps/1"] = range(0.1, 1);
    paths["/data/mixture/steps/2"] = range(0, 1);
    paths["/data/replay"] = range(0, 0.5);
    paths["/data/feedback"] = range(0, 0.3);
    paths["/data/selfTraining"] = range(0, 0.5);
    paths.update(usualBounds({"/data/labels", "/adaptation/rank", "/architecture/expertsPerToken", "/recipe/distillationTemperature", "/recipe/fineTuning"}));
    return {{"paths", paths}, {"maxParameters", 2'000'000}};
}

std::vector<SuiteSpec> WordProblem::suites() const
{
    return {{"problems", "problems of one or two steps, or all lines of the file", SuiteRole::Target, 0},
            {"short-problems", "problems of one step, or the shorter half of the file", SuiteRole::Retained, 0.03}};
}

// A worker is not shown the gate's and the vault's lines; their splits are empty there.
Status WordProblem::openCorpus(const std::string& folder)
{
    RATCHET_TRY(corpus, Corpus::open(folder));
    m_longestPrompt = m_longestAnswer = 0;
    for (std::size_t i = 0; i < m_lines.size(); ++i) {
        m_lines[i].clear();
        for (const auto document : corpus.documents(static_cast<Split>(i))) {
            RATCHET_CHECK(readLine(document, m_lines[i].emplace_back()));
            const Line& line = m_lines[i].back();
            const auto called = line.expression.empty() ? std::size_t(0) : callText(calculator(), line.expression).size();
            m_longestPrompt = std::max(m_longestPrompt, static_cast<int>(line.question.size() + promptEnd.size()));
            m_longestAnswer = std::max(m_longestAnswer, static_cast<int>(line.answer.size() + called));
        }
        std::stable_sort(m_lines[i].begin(), m_lines[i].end(), [](const Line& a, const Line& b) { return a.question.size() < b.question.size(); });
    }
    if (!hasLines())
        return fail(Code::Damaged, "The lab's copy of the questions has nothing to train on.", "Make a new lab from the original file.");
    return {};
}

Item WordProblem::drawLine(Split split, bool shortOnly, Rng& rng) const
{
    const auto& lines = m_lines[static_cast<std::size_t>(split)];
    if (lines.empty())
        throw std::logic_error(std::string("the ") + splitNames[static_cast<std::size_t>(split)] + " split cannot be seen from here");
    const std::size_t index = rng.below(shortOnly ? (lines.size() + 1) / 2 : lines.size());
    const Line& line = lines[index];
    return {std::string(splitNames[static_cast<std::size_t>(split)]) + "/" + std::to_string(index),
            Json{{"question", line.question}, {"answer", line.answer}, {"expression", line.expression}}};
}

Item WordProblem::drawTraining(const Data& data, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    if (hasLines())
        return drawLine(Split::Train, false, rng);
    return storyFrom(Split::Train, 1 + static_cast<int>(rng.pick(mixture.steps)), mixture.largest, rng);
}

Item WordProblem::draw(const std::string& suite, Split split, Rng& rng) const
{
    const bool shortOnly = suite == "short-problems";
    if (suite != "problems" && !shortOnly)
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    if (hasLines())
        return drawLine(split, shortOnly, rng);
    return storyFrom(split, shortOnly ? 1 : 1 + static_cast<int>(rng.below(2)), judgedLargest, rng);
}

Item WordProblem::drawHarder(const Data& data, int steps, Rng& rng) const
{
    if (hasLines())
        return drawTraining(data, rng);
    const auto mixture = Mixture::read(data);
    return storyFrom(Split::Train, std::min(mixture.longest() + steps, mostSteps), mixture.largest, rng);
}

std::optional<Item> WordProblem::neighbour(const Item& item, Rng& rng) const
{
    if (!item.question.contains("story"))
        return std::nullopt;
    const Story story = Story::read(item.question.at("story"));
    for (int i = 0; i < mostNeighbours; ++i) {
        const Story near = withOtherNumber(story, rng);
        const bool fits = near.start <= judgedLargest && std::all_of(near.steps.begin(), near.steps.end(), [](const Step& step) { return step.number <= judgedLargest; });
        if (fits && near.expression() != item.id && splitOfExpression(near.expression()) == splitOfExpression(item.id))
            return itemOf(near);
    }
    return std::nullopt;
}

std::optional<Item> WordProblem::paraphrase(const Item& item, Rng& rng) const
{
    if (!item.question.contains("story"))
        return std::nullopt;
    return itemOf(withOtherWords(Story::read(item.question.at("story")), rng));
}

Split WordProblem::splitOf(const Item& item) const
{
    for (std::size_t i = 0; i < splitNames.size(); ++i)
        if (item.id.starts_with(std::string(splitNames[i]) + "/"))
            return static_cast<Split>(i);
    return item.id.starts_with("typed:") ? Split::Train : splitOfExpression(item.id);
}

Example WordProblem::example(const Item& item, const Reasoning& reasoning) const
{
    const Problem problem = problemOf(item.question);
    return {problem.question + std::string(promptEnd), written(problem, problem.answer, reasoning)};
}

Result<Example> WordProblem::exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const
{
    Problem problem = problemOf(item.question);
    if (trimmed(answer).empty())
        return fail(Code::BadInput, "An answer must not be empty.", "Write the number or word that answers the question.");
    if (calculate(problem.expression) != answer)
        problem.expression.clear();           // a call that ends in another number explains nothing
    return Example{problem.question + std::string(promptEnd), written(problem, answer, reasoning)};
}

Grade WordProblem::grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const Problem problem = problemOf(item.question);
    const Tool tool = calculator();
    Grade grade;
    grade.expected = problem.answer;
    const auto called = completion.rfind(tool.close);
    const auto open = completion.find(tool.open);
    const auto answer = trimmed(called == std::string_view::npos ? completion : completion.substr(called + 1));
    grade.answer = std::string(answer);
    grade.score = !answer.empty() && answer == problem.answer ? 1 : 0;
    if (grade.score > 0)
        return grade;
    if (trimmed(completion).empty())
        grade.failureClass = "empty";
    else if (usesCalculator(reasoning) && open != std::string_view::npos && called == std::string_view::npos)
        grade.failureClass = "tool";
    else if (called != std::string_view::npos && completion.find(callText(tool, problem.expression)) == std::string_view::npos)
        grade.failureClass = "expression";
    else
        grade.failureClass = isNumber(problem.answer) && !isNumber(answer) ? "format" : "number";
    return grade;
}

// After a call the answer must be what the calculator said.
bool WordProblem::passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const Tool tool = calculator();
    const auto spans = toolSpans(completion, tool);
    if (!spans.empty() && spans.back().length > 1) {
        const auto result = completion.substr(spans.back().begin, spans.back().length - 1);
        return result != "?" && trimmed(completion.substr(spans.back().begin + spans.back().length)) == result;
    }
    return Domain::passesCheck(item, completion, reasoning);
}

Result<Item> WordProblem::parse(std::string_view prompt) const
{
    auto question = trimmed(prompt);
    if (question.ends_with("="))
        question = trimmed(question.substr(0, question.size() - 1));
    if (question.empty())
        return fail(Code::BadInput, "There is no question.", "Write one, for example: tim has 4 boxes of 12 pens and gets 30.");
    if (const auto story = hasLines() ? std::nullopt : Story::parse(question); story && static_cast<int>(story->steps.size()) <= mostSteps)
        return itemOf(*story);           // a problem of the domain's own lies in a split, whoever types it
    Item item{"typed:" + std::string(question), Json{{"question", std::string(question)}}};
    try {
        static_cast<void>(item.question.dump());
    } catch (const Json::exception&) {
        return fail(Code::BadInput, "The question is no UTF-8 text.", "Send UTF-8.");
    }
    return item;
}

int WordProblem::longestExample(const Data& data, const Reasoning& reasoning) const
{
    const auto mixture = Mixture::read(data);
    if (hasLines())
        return m_longestPrompt + m_longestAnswer;
    const int steps = std::min(std::max(mixture.longest(), 2) + (data.selfTraining > 0 ? data.level + 1 : 0), mostSteps);
    const int largest = std::max(mixture.largest, judgedLargest), expression = longestExpression(steps, largest);
    // A result has at most the digits of the numbers multiplied, and two for what is added.
    const int answer = 2 * static_cast<int>(std::to_string(largest).size()) + 2;
    return longestStory(steps, largest) + static_cast<int>(promptEnd.size()) + answer + (usesCalculator(reasoning) ? expression + 3 + answer : 0);
}

std::vector<std::string> WordProblem::failureClasses() const
{
    return {"expression", "number", "tool", "format", "empty"};
}

std::vector<Tool> WordProblem::tools() const
{
    return {calculator()};
}

} // namespace ratchet::wordproblem

RATCHET_PLUGIN("wordproblem", ratchet::wordproblem::WordProblem)
