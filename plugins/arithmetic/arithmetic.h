// SPDX-License-Identifier: GPL-3.0-or-later
// The world of addition: how sums are drawn, split, balanced and graded. Pure; any thread.
#pragma once

#include "core/plugin/domain.h"
#include "plugins/arithmetic/sums.h"

namespace ratchet::arithmetic {

// The data section of a genome, read: {"digits": {"1": 0.05, "2": 0.25, "3": 0.7}, "padding": 0.1}. "digits" weighs the
// operands' widths 1 .. 9; "padding" is the share of items whose one operand is shorter and filled with leading zeros.
struct Mixture {
    std::vector<double> widths;      // index 0 is one digit
    double padding = 0;
    bool balanceCarries = false;     // the number of carries is drawn first, evenly
    // Throws std::invalid_argument naming the fault.
    [[nodiscard]] static Mixture read(const Data& data);
    [[nodiscard]] int widest() const;
};

class Arithmetic final : public Domain {
public:
    [[nodiscard]] DomainInfo info() const override;
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override;
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Item drawHarder(const Data& data, int steps, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer,
                                              const Reasoning& reasoning) const override;
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    [[nodiscard]] std::vector<int> coupledPositions(std::string_view text, const Reasoning& reasoning, int limit) const override;
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override;
};

} // namespace ratchet::arithmetic
