// SPDX-License-Identifier: GPL-3.0-or-later
// The world of word problems: templated stories whose solution needs a calculation, or a person's own questions and answers
// read from a file of JSON lines. The answer format "calculator" writes the calculation as a call of the calculator.
// Pure once the lines are open; any thread.
#pragma once

#include "core/plugin/domain.h"
#include "plugins/wordproblem/story.h"

namespace ratchet::wordproblem {

// The data section of a genome, read: {"steps": {"1": 0.7, "2": 0.3}, "largest": 99}. "steps" weighs the number of
// operations 1 .. 6; "largest" bounds the numbers in a story.
struct Mixture {
    std::vector<double> steps;       // index 0 is one step
    int largest = 99;
    // Throws std::invalid_argument naming the fault.
    [[nodiscard]] static Mixture read(const Data& data);
    [[nodiscard]] int longest() const;
};

// One line of a file: {"question": "...", "answer": "...", "expression": "12*3"}; the expression is optional.
struct Line { std::string question, answer, expression; };

class WordProblem final : public Domain {
public:
    [[nodiscard]] DomainInfo info() const override;
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override;
    // BadInput naming the line that cannot be read.
    Status openCorpus(const std::string& folder) override;
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Item drawHarder(const Data& data, int steps, Rng& rng) const override;
    // A story with another number. None of lines from a file.
    [[nodiscard]] std::optional<Item> neighbour(const Item& item, Rng& rng) const override;
    // The same story of somebody else.
    [[nodiscard]] std::optional<Item> paraphrase(const Item& item, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const override;
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] bool passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override;
    [[nodiscard]] std::vector<Tool> tools() const override;

private:
    [[nodiscard]] bool hasLines() const { return !m_lines[0].empty(); }
    [[nodiscard]] Item drawLine(Split split, bool shortOnly, Rng& rng) const;
    std::array<std::vector<Line>, 4> m_lines;          // of each split, shortest question first; a worker sees two of them
    int m_longestPrompt = 0, m_longestAnswer = 0;
};

} // namespace ratchet::wordproblem
