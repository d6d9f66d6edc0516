// SPDX-License-Identifier: GPL-3.0-or-later
// The world of strings: copying, reversing, sorting, closing brackets. Made for measuring how far a model answers
// beyond the lengths it was trained on, and for rounds of self-training that go there. Pure; any thread.
#pragma once

#include "core/plugin/domain.h"
#include "plugins/strings/puzzles.h"

namespace ratchet::strings {

// The data section of a genome, read: {"tasks": {"copy": 0.7, "sort": 0.3}, "longest": 10}. Texts have 1 .. longest
// characters, every length as often, or in proportion to the length with balance "length". Items one step harder have
// longest + 1.
struct Mixture {
    std::vector<double> tasks; // in the order of Task
    int longest = 1;
    bool balanceLength = false;
    // Throws std::invalid_argument naming the fault.
    [[nodiscard]] static Mixture read(const Data& data);
    [[nodiscard]] Task drawTask(Rng& rng) const;
    [[nodiscard]] int drawLength(Rng& rng) const;
};

// Splits go by the hash of the text, whatever the task: a text that is judged as a copy is not trained on reversed.
// Texts to sort go by their sorted letters. Texts too short to be judged without being known (under 3 letters, under 6
// brackets) are all for training. Suites are "copy-12", "sort-8" and so on, for every length that can be judged;
// suites() lists those that a lab is judged by.
class Strings final : public Domain {
public:
    [[nodiscard]] DomainInfo info() const override;
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override;
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Item drawHarder(const Data& data, int steps, Rng& rng) const override;
    // Another letter, two that change places, or one that is repeated. None of brackets.
    [[nodiscard]] std::optional<Item> neighbour(const Item& item, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer,
                                              const Reasoning& reasoning) const override;
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    [[nodiscard]] std::vector<int> coupledPositions(std::string_view text, const Reasoning& reasoning,
                                                    int limit) const override;
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override;
};

} // namespace ratchet::strings
