// SPDX-License-Identifier: GPL-3.0-or-later
// An example of a domain: how often does a letter stand in a word? "abbab:b=" -> "3". Built and tested with the
// project, but not put where labs look for domains. docs/domains.md explains it. Pure; any thread.
#include <algorithm>
#include <stdexcept>

#include "core/plugin/domain.h"

namespace ratchet::counting {

constexpr int shortest = 6, longest = 9; // letters of a word; 2^6 words and more

class Counting final : public Domain {
public:
    DomainInfo info() const override
    {
        DomainInfo info;
        info.name = "counting";
        info.title = "Counting letters";
        info.alphabet = "ab0123456789:=";
        info.defaultGoal = "exact match >= 0.99 on counting-9";
        return info;
    }

    Genome seedGenome() const override
    {
        Genome genome; // two layers of width 64; what matters here is the mixture
        genome.data.mixture = {{"longest", longest}};
        return genome;
    }

    Json searchSpace() const override
    {
        Json paths;
        paths["/recipe/learningRate"] = {{"low", 1e-4}, {"high", 2e-2}, {"log", true}};
        paths["/recipe/schedule"] = {{"choices", {"constant", "linear"}}};
        paths["/architecture/positions"] = {{"choices", {"learned", "rope", "none"}}};
        return {{"paths", paths}, {"maxParameters", 1'000'000}};
    }

    std::vector<SuiteSpec> suites() const override
    {
        return {{"counting-9", "words of 9 letters", SuiteRole::Target, 0},
                {"counting-6", "words of 6 letters", SuiteRole::Retained, 0.03}};
    }

    Item drawTraining(const Data& data, Rng& rng) const override
    {
        const auto letters = static_cast<std::uint64_t>(longestOf(data) - shortest + 1);
        return drawFrom(Split::Train, shortest + static_cast<int>(rng.below(letters)), rng);
    }

    Item draw(const std::string& suite, Split split, Rng& rng) const override
    {
        for (const auto& spec : suites())
            if (spec.name == suite)
                return drawFrom(split, suite.back() - '0', rng);
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    }

    Split splitOf(const Item& item) const override
    {
        constexpr Split sixteenths[] = {Split::Vault, Split::Gate, Split::Gate, Split::Gate, Split::Guide};
        const auto bucket = Rng::stream(0, item.id).below(16);
        return bucket < std::size(sixteenths) ? sixteenths[bucket] : Split::Train;
    }

    Example example(const Item& item, const Reasoning&) const override
    {
        const auto word = item.question.at("word").get<std::string>(),
                   letter = item.question.at("letter").get<std::string>();
        return {word + ":" + letter + "=", std::to_string(std::count(word.begin(), word.end(), letter.at(0)))};
    }

    Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const override
    {
        if (answer.size() != 1 || answer[0] < '0' || answer[0] > '9')
            return fail(Code::BadInput, "\"" + answer + "\" is no count.", "Write one digit.");
        return Example{example(item, reasoning).prompt, answer};
    }

    Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override
    {
        Grade grade{0, {}, std::string(completion), example(item, reasoning).completion};
        const bool isDigit = completion.size() == 1 && completion[0] >= '0' && completion[0] <= '9';
        grade.score = completion == grade.expected ? 1 : 0;
        grade.failureClass = completion.empty() ? "empty" : !isDigit ? "format" : grade.score < 1 ? "count" : "";
        return grade;
    }

    Result<Item> parse(std::string_view prompt) const override
    {
        const auto colon = prompt.find(':');
        const auto word = prompt.substr(0, colon);
        const bool fits = colon >= shortest && colon <= longest &&
                          word.find_first_not_of("ab") == std::string_view::npos &&
                          (prompt.substr(colon) == ":a=" || prompt.substr(colon) == ":b=");
        if (!fits)
            return fail(Code::BadInput, "This asks for no count.", "Write a question such as abbaba:b=");
        return itemOf(std::string(word), prompt[colon + 1]);
    }

    int longestExample(const Data& data, const Reasoning&) const override
    {
        return std::max(longestOf(data), longest) + 4; // ":a=" and one digit
    }

    std::vector<std::string> failureClasses() const override { return {"count", "format", "empty"}; }

private:
    static Item itemOf(const std::string& word, char letter)
    {
        return {word + ":" + letter, Json{{"word", word}, {"letter", std::string(1, letter)}}};
    }

    static int longestOf(const Data& data)
    {
        const auto found = data.mixture.find("longest");
        if (data.mixture.size() != 1 || found == data.mixture.end() || !found->is_number_integer() ||
            *found < shortest || *found > longest)
            throw std::invalid_argument("the mixture must be {\"longest\": 6 .. 9} and nothing else");
        return found->get<int>();
    }

    Item drawFrom(Split split, int length, Rng& rng) const
    {
        for (int i = 0; i < 4096; ++i) {
            std::string word(static_cast<std::size_t>(length), 'a');
            for (char& letter : word)
                letter = rng.below(2) == 0 ? 'a' : 'b';
            if (Item item = itemOf(word, rng.below(2) == 0 ? 'a' : 'b'); splitOf(item) == split)
                return item;
        }
        throw std::runtime_error("no word of this length lies in this split");
    }
};

} // namespace ratchet::counting

RATCHET_PLUGIN("counting", ratchet::counting::Counting)
