// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/arithmetic/arithmetic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "core/genome/genome_paths.h"

namespace ratchet::arithmetic {
namespace {

constexpr int widestMixture = 9;
constexpr int mostDraws = 4096;       // the smallest split holds a sixteenth of the sums: (15/16)^4096 is 1e-115
constexpr int mostBalancedDraws = 256;
constexpr int mostNeighbours = 96;    // tried; one in sixteen lies in the guide split
constexpr std::array allOperations{Operation::Add, Operation::Subtract, Operation::Multiply};

Item itemOf(const Problem& problem)
{
    Json question{{"a", problem.operands.a}, {"b", problem.operands.b}};
    if (problem.operation != Operation::Add)
        question["op"] = std::string(1, signOf(problem.operation));
    return {problem.operands.a + signOf(problem.operation) + problem.operands.b, std::move(question)};
}

Problem problemOf(const Json& question)
{
    const auto operation = operationOf(question.value("op", "+"));
    Problem problem{operation.value_or(Operation::Add), {question.at("a").get<std::string>(), question.at("b").get<std::string>()}};
    const auto read = readProblem(problem.prompt());
    if (!operation || !read || read->operands.a != problem.operands.a || read->operation != problem.operation)
        throw std::invalid_argument("the question " + question.dump() + " is no problem of arithmetic");
    return problem;
}

// By the unordered pair of values, whatever the operation: neither the swapped nor the zero-padded sum of a judged item is
// ever trained on, nor the difference of the same numbers.
Split splitOfProblem(const Problem& problem)
{
    const auto a = std::stoull(problem.operands.a), b = std::stoull(problem.operands.b);
    if (problem.operation == Operation::Multiply && std::max(a, b) < 10)
        return Split::Train;
    const auto bucket = Rng::stream(std::min(a, b), "arithmetic split", std::max(a, b)).below(16);
    if (bucket == 0)
        return Split::Vault;
    if (bucket <= 3)
        return Split::Gate;
    return bucket == 4 ? Split::Guide : Split::Train;
}

// Uniform over the numbers of exactly this many digits (0 .. 9 for one).
std::string drawNumber(int width, Rng& rng)
{
    std::uint64_t low = 1;
    for (int i = 1; i < width; ++i)
        low *= 10;
    return std::to_string(width == 1 ? rng.below(10) : low + rng.below(9 * low));
}

// What operands are drawn: the width of the wider one, and how often and how the other is shorter.
struct Shape {
    int width = 1;
    double padding = 0, shorter = 0;
    int other = 0;                    // the shorter operand's digits; 0: drawn
    bool chain = false;               // of sums: every column carries
};

Sum drawOperands(const Shape& shape, Rng& rng)
{
    Sum sum{drawNumber(shape.width, rng), drawNumber(shape.width, rng)};
    const auto isChosen = [&](double share) { return shape.width > 1 && share > 0 && rng.uniform() < share; };
    const bool filled = isChosen(shape.padding);
    if (filled || isChosen(shape.shorter)) {
        const int digits = shape.other > 0 ? shape.other : 1 + static_cast<int>(rng.below(static_cast<std::uint64_t>(shape.width - 1)));
        std::string& operand = rng.below(2) == 0 ? sum.a : sum.b;
        operand = std::string(static_cast<std::size_t>(filled ? shape.width - digits : 0), '0') + drawNumber(digits, rng);
    }
    return sum;
}

Problem drawFrom(Split split, Operation operation, const Shape& shape, Rng& rng)
{
    for (int i = 0; i < mostDraws; ++i)
        if (Problem problem{operation, drawOperands(shape, rng)};
            splitOfProblem(problem) == split && (!shape.chain || problem.operands.carries() == shape.width))
            return problem;
    throw std::runtime_error("no problem of " + std::to_string(shape.width) + " digits lies in this split");
}

struct SuiteName {
    std::optional<Operation> operation;      // none: any the variant has
    Shape shape;
};

// "multiplication-2x1": operation, width and the shorter operand's width; "addition-3-chain", "addition-3-padded".
std::optional<SuiteName> readSuite(const std::string& name)
{
    constexpr std::array words{"addition", "subtraction", "multiplication", "mixed"};     // in the order of Operation
    const auto dash = name.find('-');
    const auto word = std::find(words.begin(), words.end(), name.substr(0, dash));
    if (dash == std::string::npos || word == words.end())
        return std::nullopt;
    SuiteName suite;
    if (word != words.end() - 1)
        suite.operation = static_cast<Operation>(word - words.begin());
    const char* const end = name.data() + name.size();
    const auto width = std::from_chars(name.data() + dash + 1, end, suite.shape.width);
    const char* rest = width.ptr;
    if (rest != end && *rest == 'x' && suite.operation == Operation::Multiply) {
        rest = std::from_chars(rest + 1, end, suite.shape.other).ptr;
        suite.shape.shorter = 1;
        if (suite.shape.other < 1 || suite.shape.other >= suite.shape.width)
            return std::nullopt;
    }
    if (const std::string_view kind(rest, static_cast<std::size_t>(end - rest)); suite.operation == Operation::Add && suite.shape.width > 1) {
        suite.shape.chain = kind == "-chain";
        suite.shape.padding = kind == "-padded" ? 1 : 0;
        if (suite.shape.chain || suite.shape.padding > 0)
            rest = end;
    }
    return rest == end && suite.shape.width >= 1 && suite.shape.width <= widestMixture ? std::optional(suite) : std::nullopt;
}

double weightOf(const std::string& key, const Json& weight, const char* what)
{
    if (!weight.is_number() || !(weight.get<double>() >= 0))
        throw std::invalid_argument("the mixture's weight of \"" + key + "\" " + what + " is not usable");
    return weight.get<double>();
}

void readWidths(const Json& weights, Mixture& mixture)
{
    for (const auto& weight : weights.items()) {
        const bool known = weight.key().size() == 1 && weight.key()[0] >= '1' && weight.key()[0] <= '9';
        if (!known)
            throw std::invalid_argument("the mixture's weight of \"" + weight.key() + "\" digits is not usable");
        mixture.widths[static_cast<std::size_t>(weight.key()[0] - '1')] = weightOf(weight.key(), weight.value(), "digits");
    }
}

void readOperations(const Json& weights, const Variant& variant, Mixture& mixture)
{
    std::fill(mixture.operations.begin(), mixture.operations.end(), 0);
    for (const auto& weight : weights.items()) {
        const auto operation = operationOf(weight.key());
        if (!operation)
            throw std::invalid_argument("the mixture's operation \"" + weight.key() + "\" is none of +, -, *");
        const double value = mixture.operations[static_cast<std::size_t>(*operation)] = weightOf(weight.key(), weight.value(), "operations");
        if (value > 0 && std::find(variant.operations.begin(), variant.operations.end(), *operation) == variant.operations.end())
            throw std::invalid_argument("the mixture's operation \"" + weight.key() + "\" is none of the domain " + variant.info.name);
    }
}

double sum(const std::vector<double>& weights)
{
    double total = 0;
    for (const double weight : weights)
        total += weight;
    return total;
}

} // namespace

Mixture Mixture::read(const Data& data, const Variant& variant)
{
    Mixture mixture;
    mixture.widths.assign(widestMixture, 0);
    mixture.operations.assign(allOperations.size(), 0);
    mixture.operations[static_cast<std::size_t>(variant.operations.front())] = 1;
    for (const auto& entry : data.mixture.items()) {
        if (entry.key() == "padding" && entry.value().is_number())
            mixture.padding = entry.value().get<double>();
        else if (entry.key() == "shorter" && entry.value().is_number())
            mixture.shorter = entry.value().get<double>();
        else if (entry.key() == "digits" && entry.value().is_object())
            readWidths(entry.value(), mixture);
        else if (entry.key() == "operations" && entry.value().is_object())
            readOperations(entry.value(), variant, mixture);
        else
            throw std::invalid_argument("the mixture has no field \"" + entry.key() + "\" of this kind");
    }
    const auto isShare = [](double share) { return share >= 0 && share <= 1; };
    if (!(sum(mixture.widths) > 0) || !isShare(mixture.padding))
        throw std::invalid_argument("the mixture needs a positive weight and a padding between 0 and 1");
    if (!(sum(mixture.operations) > 0) || !isShare(mixture.shorter))
        throw std::invalid_argument("the mixture needs an operation of positive weight and \"shorter\" between 0 and 1");
    if (data.balance != "none" && data.balance != "carries")
        throw std::invalid_argument("the balance \"" + data.balance + "\" is neither none nor carries");
    mixture.balanceCarries = data.balance == "carries";
    return mixture;
}

int Mixture::widest() const
{
    int widest = 1;
    for (std::size_t i = 0; i < widths.size(); ++i)
        if (widths[i] > 0)
            widest = static_cast<int>(i) + 1;
    return widest;
}

Operation Mixture::drawOperation(Rng& rng) const
{
    const auto chosen = std::count_if(operations.begin(), operations.end(), [](double weight) { return weight > 0; });
    const auto first = std::find_if(operations.begin(), operations.end(), [](double weight) { return weight > 0; });
    return static_cast<Operation>(chosen > 1 ? static_cast<std::ptrdiff_t>(rng.pick(operations)) : first - operations.begin());
}

bool Arithmetic::offers(Operation operation) const
{
    return std::find(m_variant.operations.begin(), m_variant.operations.end(), operation) != m_variant.operations.end();
}

Format Arithmetic::format(const Reasoning& reasoning) const
{
    std::string names;
    for (const auto& name : m_variant.formats) {
        if (name == reasoning.format)
            return formatOf(name);
        names += (names.empty() ? "" : ", ") + name;
    }
    throw std::invalid_argument("the answer format \"" + reasoning.format + "\" is none of " + names);
}

// 0.1 M parameters that learn what there is to learn badly: plain digit order, learned positions, a low constant rate.
Genome Arithmetic::seedGenome() const
{
    Genome genome;
    genome.architecture.layers = 2;
    genome.architecture.width = 64;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 256;
    genome.architecture.context = 64;
    genome.recipe.learningRate = 6e-4;
    genome.recipe.batch = 128;
    genome.data.mixture = m_variant.mixture;
    return genome;
}

Json Arithmetic::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto whole = [](int low, int high) { return Json{{"low", low}, {"high", high}, {"integer", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/reasoning/format"] = choices(m_variant.formats);
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
    paths["/recipe/batch"] = choices({32, 64, 128, 256});
    paths["/recipe/weightDecay"] = range(0, 0.2);
    paths["/recipe/ema"] = choices({0.0, 0.99, 0.995, 0.999});
    paths["/recipe/start"] = choices({"scratch", "continue"});
    for (const auto& weight : m_variant.mixture.at("digits").items()) {
        const bool judged = weight.key() == std::to_string(m_variant.judgedWidth);
        paths["/data/mixture/digits/" + weight.key()] = range(judged ? 0.1 : 0, 1);
    }
    if (m_variant.mixture.contains("operations"))
        for (const auto operation : m_variant.operations)
            paths["/data/mixture/operations/" + std::string(1, signOf(operation))] = range(0.1, 1);
    if (m_variant.mixture.contains("shorter"))
        paths["/data/mixture/shorter"] = range(0, 0.9);
    paths["/data/mixture/padding"] = range(0, 0.5);
    if (offers(Operation::Add))
        paths["/data/balance"] = choices({"none", "carries"});
    paths["/data/replay"] = range(0, 0.5);
    paths["/data/feedback"] = range(0, 0.3);
    paths["/data/selfTraining"] = range(0, 0.5);
    paths.update(usualBounds(m_variant.opened));
    return {{"paths", paths}, {"maxParameters", 2'000'000}};
}

Item Arithmetic::drawTraining(const Data& data, Rng& rng) const
{
    const auto mixture = Mixture::read(data, m_variant);
    const auto operation = mixture.drawOperation(rng);
    const Shape shape{1 + static_cast<int>(rng.pick(mixture.widths)), mixture.padding, mixture.shorter, 0};
    if (mixture.balanceCarries && operation == Operation::Add) {
        const int wanted = static_cast<int>(rng.below(static_cast<std::uint64_t>(shape.width) + 1));
        for (int i = 0; i < mostBalancedDraws; ++i)
            if (const auto problem = drawFrom(Split::Train, operation, shape, rng); problem.operands.carries() == wanted)
                return itemOf(problem);
    }
    return itemOf(drawFrom(Split::Train, operation, shape, rng));
}

Item Arithmetic::draw(const std::string& suite, Split split, Rng& rng) const
{
    const auto named = readSuite(suite);
    if (!named || !(named->operation ? offers(*named->operation) : m_variant.operations.size() > 1))
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    const auto operation = named->operation ? *named->operation : m_variant.operations[rng.below(m_variant.operations.size())];
    return itemOf(drawFrom(split, operation, named->shape, rng));
}

Item Arithmetic::drawHarder(const Data& data, int steps, Rng& rng) const
{
    const auto mixture = Mixture::read(data, m_variant);
    const auto operation = mixture.drawOperation(rng);
    return itemOf(drawFrom(Split::Train, operation, {std::min(mixture.widest() + steps, widestMixture), 0, 0, 0}, rng));
}

std::optional<Item> Arithmetic::neighbour(const Item& item, Rng& rng) const
{
    const Problem problem = problemOf(item.question);
    const Split split = splitOfProblem(problem);
    for (int i = 0; i < mostNeighbours; ++i) {
        Problem near = problem;
        const bool first = rng.below(2) == 0;
        std::string& operand = first ? near.operands.a : near.operands.b;
        const std::string& other = first ? near.operands.b : near.operands.a;
        const std::size_t place = rng.below(operand.size());
        const auto kind = rng.below(8);
        if (kind == 0)
            operand.assign(operand.size(), static_cast<char>('1' + rng.below(9)));
        else if (kind < 4 && place < other.size())      // column by significance: the digits sum to nine or more
            operand[operand.size() - 1 - place] = static_cast<char>('0' + std::min<std::uint64_t>(9, '9' - other[other.size() - 1 - place] + rng.below(3)));
        else
            operand[place] = static_cast<char>('0' + rng.below(10));
        const char before = first ? problem.operands.a.front() : problem.operands.b.front();
        if (operand.size() > 1 && operand.front() == '0' && before != '0')
            continue;                                   // no leading zero where there was none
        if (itemOf(near).id != item.id && splitOfProblem(near) == split)
            return itemOf(near);
    }
    return std::nullopt;
}

std::optional<Item> Arithmetic::paraphrase(const Item& item, Rng&) const
{
    Problem problem = problemOf(item.question);
    std::swap(problem.operands.a, problem.operands.b);
    if (problem.operation == Operation::Subtract || problem.operands.a == problem.operands.b)
        return std::nullopt;
    return itemOf(problem);
}

Split Arithmetic::splitOf(const Item& item) const
{
    const auto problem = readProblem(item.id);
    if (!problem)
        throw std::invalid_argument("\"" + item.id + "\" names no problem of arithmetic");
    return splitOfProblem(*problem);
}

Example Arithmetic::example(const Item& item, const Reasoning& reasoning) const
{
    const Problem problem = problemOf(item.question);
    return {problem.prompt(), writeAnswer(problem, problem.answer(), format(reasoning)).value()};
}

Result<Example> Arithmetic::exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const
{
    const Problem problem = problemOf(item.question);
    auto written = writeAnswer(problem, answer, format(reasoning));
    if (!written)
        return fail(Code::BadInput, "\"" + answer + "\" cannot be written as a " + reasoning.format + " answer to " + problem.prompt() + ".",
                    "Write a whole number without leading zeros.");
    return Example{problem.prompt(), std::move(*written)};
}

Grade Arithmetic::grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const Problem problem = problemOf(item.question);
    Grade grade;
    grade.expected = problem.answer();
    const auto answer = readAnswer(problem.operation, completion, format(reasoning));
    if (completion.empty()) {
        grade.failureClass = "empty";
    } else if (!answer) {
        grade.failureClass = "format";
        grade.answer = std::string(completion);
    } else {
        grade.answer = *answer;
        grade.score = *answer == grade.expected ? 1 : 0;
        grade.failureClass = grade.score > 0 ? "" : failureOf(problem, *answer);
    }
    return grade;
}

Result<Item> Arithmetic::parse(std::string_view prompt) const
{
    const auto problem = readProblem(prompt);
    if (!problem || !offers(problem->operation))
        return fail(Code::BadInput, "This is no " + m_variant.noun + " of two whole numbers.", "Write a question such as " + m_variant.question);
    return itemOf(*problem);
}

std::vector<int> Arithmetic::coupledPositions(std::string_view text, const Reasoning& reasoning, int limit) const
{
    return alignedProblem(text, format(reasoning), limit);
}

int Arithmetic::longestExample(const Data& data, const Reasoning& reasoning) const
{
    const int trained = Mixture::read(data, m_variant).widest() + (data.selfTraining > 0 ? data.level + 1 : 0);
    int longest = 0;
    for (const auto operation : m_variant.operations)
        longest = std::max(longest, longestText(operation, std::clamp(trained, m_variant.judgedWidth, widestMixture), format(reasoning)));
    return longest;
}

} // namespace ratchet::arithmetic
