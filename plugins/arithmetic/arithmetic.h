// SPDX-License-Identifier: GPL-3.0-or-later
// The world of arithmetic: how sums, differences and products are drawn, split, balanced and graded. One class serves
// several domains, which differ in their Variant; each is a library of its own (variants/). Pure; any thread.
#pragma once

#include "core/plugin/domain.h"
#include "plugins/arithmetic/problems.h"

namespace ratchet::arithmetic {

// What tells one domain of arithmetic from another.
struct Variant {
    DomainInfo info;
    std::string noun;                        // "sum"
    std::string question;                    // "12+34="
    std::vector<Operation> operations;       // the first is what a mixture without "operations" trains
    std::vector<std::string> formats;
    std::vector<SuiteSpec> suites;
    int judgedWidth = 3;                     // widest operand of the suites
    Json mixture;                            // of the seed genome
    std::vector<std::string> failureClasses;
    std::vector<std::string> opened = {"/data/labels"};        // of the search space, with their usual bounds
};

// The data section of a genome, read: {"digits": {"1": 0.05, "2": 0.25, "3": 0.7}, "padding": 0.1}. "digits" weighs the
// operands' widths 1 .. 9; "padding" is the share of items whose one operand is shorter and filled with leading zeros,
// "shorter" (absent: 0) the share whose one operand is shorter and not filled, "operations" (absent: the variant's first)
// weighs "+", "-" and "*".
struct Mixture {
    std::vector<double> widths;              // index 0 is one digit
    std::vector<double> operations;          // in the order of Operation
    double padding = 0;
    double shorter = 0;
    bool balanceCarries = false;             // of sums: the number of carries is drawn first, evenly
    // Throws std::invalid_argument naming the fault.
    [[nodiscard]] static Mixture read(const Data& data, const Variant& variant);
    [[nodiscard]] int widest() const;
    [[nodiscard]] Operation drawOperation(Rng& rng) const;     // takes nothing from `rng` when there is no choice
};

// Suites "addition-3", "subtraction-3", "multiplication-3" and "mixed-3" (the operations evenly) can be drawn at every width
// 1 .. 9, and "multiplication-3x1" with two widths, either way round; "addition-3-chain" are sums whose every column carries,
// "addition-3-padded" has one operand with leading zeros; suites() lists the ones that are judged. Products of
// two one-digit numbers are all for training: who has never seen 6*7 cannot know it.
class Arithmetic : public Domain {
public:
    explicit Arithmetic(Variant variant) : m_variant(std::move(variant)) {}
    [[nodiscard]] DomainInfo info() const override { return m_variant.info; }
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override { return m_variant.suites; }
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Item drawHarder(const Data& data, int steps, Rng& rng) const override;
    // A digit another, a digit repeated throughout, or a column made to carry.
    [[nodiscard]] std::optional<Item> neighbour(const Item& item, Rng& rng) const override;
    // Sums and products the other way round.
    [[nodiscard]] std::optional<Item> paraphrase(const Item& item, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer,
                                              const Reasoning& reasoning) const override;
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    [[nodiscard]] std::vector<int> coupledPositions(std::string_view text, const Reasoning& reasoning, int limit) const override;
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override { return m_variant.failureClasses; }

private:
    [[nodiscard]] Format format(const Reasoning& reasoning) const;    // throws std::invalid_argument when not offered
    [[nodiscard]] bool offers(Operation operation) const;
    Variant m_variant;
};

} // namespace ratchet::arithmetic
