// SPDX-License-Identifier: GPL-3.0-or-later
// Tiny worlds with a known best answer, for the learning tests: copy a letter, and a text that is all the same letter
// pair.
#pragma once

#include "core/plugin/domain.h"

namespace ratchet::toy
{

// "a=" -> "a" over the letters a to h.
class Copy : public Domain
{
public:
    explicit Copy(Measure measure = Measure::ExactMatch) : m_measure(measure) {}
    DomainInfo info() const override { return {"copy", "Copying a letter", m_measure, "abcdefgh=", false, {}, {}, {}}; }
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

private:
    Measure m_measure;
};

} // namespace ratchet::toy
