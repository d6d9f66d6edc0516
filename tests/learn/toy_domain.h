// SPDX-License-Identifier: GPL-3.0-or-later
// Tiny worlds with a known best answer, for the learning tests: copy a letter, a text that is all the same letter pair,
// and the last letter of a word of any length.
#pragma once

#include "core/plugin/domain.h"

namespace ratchet::toy
{

// "a=" -> "a" over the letters a to h.
class Copy : public Domain
{
public:
    explicit Copy(Measure measure = Measure::ExactMatch) : m_measure(measure) {}
    DomainInfo info() const override { return {"copy", "Copying a letter", m_measure, "abcdefgh=", CorpusUse::None, {}, {}, {}}; }
    Genome seedGenome() const override
    {
        Genome genome;
        genome.architecture = {
            .layers = 1, .width = 16, .heads = 2, .kvHeads = 2, .feedForwardWidth = 32, .context = 16};
        genome.recipe.batch = 16;
        genome.recipe.learningRate = 1e-2;
        return genome;
    }
    Json searchSpace() const override { return Json::object(); }
    std::vector<SuiteSpec> suites() const override { return {{"copy", "copy", SuiteRole::Target, 0}}; }
    Item drawTraining(const Data&, Rng& rng) const override
    {
        const std::string letter(1, static_cast<char>('a' + rng.below(8)));
        return {letter, Json{{"letter", letter}}};
    }
    Item draw(const std::string&, Split, Rng& rng) const override { return drawTraining({}, rng); }
    Split splitOf(const Item&) const override { return Split::Train; }
    Example example(const Item& item, const Reasoning&) const override
    {
        const std::string letter = item.question["letter"];
        if (m_measure == Measure::BitsPerByte)
            return {"", "abababababababababababab"};
        return {letter + "=", letter};
    }
    Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const override
    {
        if (answer.size() != 1)
            return fail(Code::BadInput, "Not one letter.");
        return Example{example(item, reasoning).prompt, answer};
    }
    Grade grade(const Item& item, std::string_view completion, const Reasoning&) const override
    {
        const std::string letter = item.question["letter"];
        return {completion == letter ? 1.0 : 0.0, completion == letter ? "" : "wrong", std::string(completion), letter};
    }
    Result<Item> parse(std::string_view) const override { return fail(Code::BadInput, "Not needed."); }
    std::vector<int> coupledPositions(std::string_view text, const Reasoning&, int limit) const override
    {
        std::vector<int> ids;
        for (std::size_t i = 0; i < text.size(); ++i)
            ids.push_back(std::min(text[i] == '=' ? 0 : 1, limit - 1));
        return ids;
    }
    int longestExample(const Data&, const Reasoning&) const override
    {
        return m_measure == Measure::BitsPerByte ? 24 : 3;
    }
    std::vector<std::string> failureClasses() const override { return {"wrong"}; }

protected:
    // A letter as the letter that many places on, round the alphabet.
    static std::string shifted(const std::string& letter, int places)
    {
        return std::string(1, static_cast<char>('a' + (letter[0] - 'a' + places) % 8));
    }

private:
    Measure m_measure;
};

// "a=" -> "b": the same prompts with other answers.
class Next : public Copy
{
public:
    Example example(const Item& item, const Reasoning&) const override
    {
        const std::string letter = item.question["letter"];
        return {letter + "=", shifted(letter, 1)};
    }
    Grade grade(const Item& item, std::string_view completion, const Reasoning&) const override
    {
        const std::string right = shifted(item.question["letter"], 1);
        return {completion == right ? 1.0 : 0.0, completion == right ? "" : "wrong", std::string(completion), right};
    }
};

// "gcab=" -> "b". Words have 1 .. mixture["longest"] letters, a step harder is a letter more. Words that begin with h
// are for the gate.
class LastLetter : public Copy
{
public:
    Genome seedGenome() const override
    {
        Genome genome = Copy::seedGenome();
        genome.architecture.positions = "rope";
        genome.data.mixture = {{"longest", 3}};
        return genome;
    }
    Item drawTraining(const Data& data, Rng& rng) const override
    {
        return drawWord(1 + static_cast<int>(rng.below(data.mixture["longest"].get<std::uint64_t>())), rng);
    }
    Item drawHarder(const Data& data, int steps, Rng& rng) const override
    {
        return drawWord(data.mixture["longest"].get<int>() + steps, rng);
    }
    Split splitOf(const Item& item) const override { return item.id[0] == 'h' ? Split::Gate : Split::Train; }
    Example example(const Item& item, const Reasoning&) const override
    {
        const std::string word = item.question["letter"];
        return {word + "=", word.substr(word.size() - 1)};
    }
    Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override
    {
        const std::string right = example(item, reasoning).completion;
        return {completion == right ? 1.0 : 0.0, completion == right ? "" : "wrong", std::string(completion), right};
    }
    Result<Item> parse(std::string_view prompt) const override
    {
        if (prompt.size() < 2 || prompt.back() != '=')
            return fail(Code::BadInput, "No word.");
        const std::string word(prompt.substr(0, prompt.size() - 1));
        return Item{word, Json{{"letter", word}}};
    }
    int longestExample(const Data& data, const Reasoning&) const override
    {
        return data.mixture["longest"].get<int>() + 2 + (data.selfTraining > 0 ? data.level + 1 : 0);
    }

private:
    static Item drawWord(int length, Rng& rng)
    {
        std::string word(1, static_cast<char>('a' + rng.below(7)));
        while (static_cast<int>(word.size()) < length)
            word += static_cast<char>('a' + rng.below(8));
        return {word, Json{{"letter", word}}};
    }
};

} // namespace ratchet::toy
