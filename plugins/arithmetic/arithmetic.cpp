// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/arithmetic/arithmetic.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace ratchet::arithmetic {
namespace {

constexpr int widestMixture = 9;
constexpr int mostDraws = 4096;       // the smallest split holds a sixteenth of the sums: (15/16)^4096 is 1e-115
constexpr int mostBalancedDraws = 256;

Item itemOf(const Sum& sum)
{
    return {sum.a + "+" + sum.b, Json{{"a", sum.a}, {"b", sum.b}}};
}

Sum sumOf(const Json& question)
{
    Sum sum{question.at("a").get<std::string>(), question.at("b").get<std::string>()};
    if (const auto read = readSum(sum.prompt()); !read || read->a != sum.a)
        throw std::invalid_argument("the question " + question.dump() + " is no sum");
    return sum;
}

// By the unordered pair of values: neither the swapped nor the zero-padded sum of a judged item is ever trained on.
Split splitOfSum(const Sum& sum)
{
    const auto a = std::stoull(sum.a), b = std::stoull(sum.b);
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

Sum drawSum(int width, double padding, Rng& rng)
{
    Sum sum{drawNumber(width, rng), drawNumber(width, rng)};
    if (width > 1 && padding > 0 && rng.uniform() < padding) {
        const int shorter = 1 + static_cast<int>(rng.below(static_cast<std::uint64_t>(width - 1)));
        std::string& operand = rng.below(2) == 0 ? sum.a : sum.b;
        operand = std::string(static_cast<std::size_t>(width - shorter), '0') + drawNumber(shorter, rng);
    }
    return sum;
}

Sum drawFrom(Split split, int width, double padding, Rng& rng)
{
    for (int i = 0; i < mostDraws; ++i)
        if (Sum sum = drawSum(width, padding, rng); splitOfSum(sum) == split)
            return sum;
    throw std::runtime_error("no sum of " + std::to_string(width) + " digits lies in this split");
}

} // namespace

Mixture Mixture::read(const Data& data)
{
    Mixture mixture;
    mixture.widths.assign(widestMixture, 0);
    double total = 0;
    for (const auto& entry : data.mixture.items()) {
        if (entry.key() == "padding" && entry.value().is_number()) {
            mixture.padding = entry.value().get<double>();
        } else if (entry.key() == "digits" && entry.value().is_object()) {
            for (const auto& weight : entry.value().items()) {
                const bool known = weight.key().size() == 1 && weight.key()[0] >= '1' && weight.key()[0] <= '9';
                if (!known || !weight.value().is_number() || !(weight.value().get<double>() >= 0))
                    throw std::invalid_argument("the mixture's weight of \"" + weight.key() + "\" digits is not usable");
                total += mixture.widths[static_cast<std::size_t>(weight.key()[0] - '1')] = weight.value().get<double>();
            }
        } else {
            throw std::invalid_argument("the mixture has no field \"" + entry.key() + "\" of this kind");
        }
    }
    if (!(total > 0) || !(mixture.padding >= 0 && mixture.padding <= 1))
        throw std::invalid_argument("the mixture needs a positive weight and a padding between 0 and 1");
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

DomainInfo Arithmetic::info() const
{
    DomainInfo info;
    info.name = "arithmetic";
    info.title = "Addition of whole numbers";
    info.measure = Measure::ExactMatch;
    info.alphabet = "0123456789+=:,;";
    info.defaultGoal = "exact match >= 0.99 on addition-3";
    info.defaultTrialBudget = Flops{4e11};
    info.defaultBudget = Flops{2e13};
    return info;
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
    genome.data.mixture = {{"digits", {{"1", 0.05}, {"2", 0.25}, {"3", 0.7}, {"4", 0.0}}}, {"padding", 0.0}};
    return genome;
}

Json Arithmetic::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto whole = [](int low, int high) { return Json{{"low", low}, {"high", high}, {"integer", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/reasoning/format"] = choices({"plain", "padded", "reversed", "scratchpad"});
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
    paths["/data/mixture/digits/1"] = range(0, 1);
    paths["/data/mixture/digits/2"] = range(0, 1);
    paths["/data/mixture/digits/3"] = range(0.1, 1);
    paths["/data/mixture/digits/4"] = range(0, 1);
    paths["/data/mixture/padding"] = range(0, 0.5);
    paths["/data/balance"] = choices({"none", "carries"});
    paths["/data/replay"] = range(0, 0.5);
    paths["/data/feedback"] = range(0, 0.3);
    paths["/data/selfTraining"] = range(0, 0.5);
    return {{"paths", paths}, {"maxParameters", 2'000'000}};
}

std::vector<SuiteSpec> Arithmetic::suites() const
{
    return {{"addition-3", "addition, 3 digits", SuiteRole::Target, 0},
            {"addition-2", "addition, 2 digits", SuiteRole::Retained, 0.03}};
}

Item Arithmetic::drawTraining(const Data& data, Rng& rng) const
{
    const auto mixture = Mixture::read(data);
    const int width = 1 + static_cast<int>(rng.pick(mixture.widths));
    if (mixture.balanceCarries) {
        const int wanted = static_cast<int>(rng.below(static_cast<std::uint64_t>(width) + 1));
        for (int i = 0; i < mostBalancedDraws; ++i)
            if (const auto sum = drawFrom(Split::Train, width, mixture.padding, rng); sum.carries() == wanted)
                return itemOf(sum);
    }
    return itemOf(drawFrom(Split::Train, width, mixture.padding, rng));
}

Item Arithmetic::draw(const std::string& suite, Split split, Rng& rng) const
{
    for (const auto& spec : suites())
        if (spec.name == suite)
            return itemOf(drawFrom(split, suite.back() - '0', 0, rng));
    throw std::invalid_argument("there is no suite \"" + suite + "\"");
}

Item Arithmetic::drawHarder(const Data& data, int steps, Rng& rng) const
{
    return itemOf(drawFrom(Split::Train, std::min(Mixture::read(data).widest() + steps, widestMixture), 0, rng));
}

Split Arithmetic::splitOf(const Item& item) const
{
    const auto sum = readSum(item.id);
    if (!sum)
        throw std::invalid_argument("\"" + item.id + "\" names no sum");
    return splitOfSum(*sum);
}

Example Arithmetic::example(const Item& item, const Reasoning& reasoning) const
{
    const Sum sum = sumOf(item.question);
    return {sum.prompt(), writeAnswer(sum, sum.answer(), formatOf(reasoning.format)).value()};
}

Result<Example> Arithmetic::exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const
{
    const Sum sum = sumOf(item.question);
    auto written = writeAnswer(sum, answer, formatOf(reasoning.format));
    if (!written)
        return fail(Code::BadInput, "\"" + answer + "\" cannot be written as a " + reasoning.format + " answer to " + sum.prompt() + ".",
                    "Write a whole number without leading zeros.");
    return Example{sum.prompt(), std::move(*written)};
}

Grade Arithmetic::grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const Sum sum = sumOf(item.question);
    const Format format = formatOf(reasoning.format);
    Grade grade;
    grade.expected = sum.answer();
    const auto answer = readAnswer(completion, format);
    if (completion.empty()) {
        grade.failureClass = "empty";
    } else if (!answer) {
        grade.failureClass = "format";
        grade.answer = std::string(completion);
    } else {
        grade.answer = *answer;
        grade.score = *answer == grade.expected ? 1 : 0;
        grade.failureClass = grade.score > 0 ? "" : failureOf(sum, *answer);
    }
    return grade;
}

Result<Item> Arithmetic::parse(std::string_view prompt) const
{
    const auto sum = readSum(prompt);
    if (!sum)
        return fail(Code::BadInput, "This is no sum of two whole numbers.", "Write a question such as 12+34=");
    return itemOf(*sum);
}

std::vector<int> Arithmetic::coupledPositions(std::string_view text, const Reasoning& reasoning, int limit) const
{
    return alignedPositions(text, formatOf(reasoning.format), limit);
}

int Arithmetic::longestExample(const Data& data, const Reasoning& reasoning) const
{
    const int trained = Mixture::read(data).widest() + (data.selfTraining > 0 ? data.level + 1 : 0);
    return longestText(std::clamp(trained, 3, widestMixture), formatOf(reasoning.format));
}

std::vector<std::string> Arithmetic::failureClasses() const
{
    return {"carry", "digit", "length", "format", "empty"};
}

} // namespace ratchet::arithmetic

RATCHET_PLUGIN("arithmetic", ratchet::arithmetic::Arithmetic)
