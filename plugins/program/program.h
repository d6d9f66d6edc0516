// SPDX-License-Identifier: GPL-3.0-or-later
// The world of small programs: saying what one puts out, and writing one that does what examples show. Answers are
// verified by running them under limits, so that any right program is right. The answer format "runner" runs a program by a
// call of the program runner, "r:3*2+;5=" -> "r3*2+;5=17>17", and writes one as "plain" does. One class serves several
// domains, which differ in their Variant; each is a library of its own (variants/). Pure; any thread.
#pragma once

#include "core/plugin/domain.h"
#include "plugins/program/exercises.h"

namespace ratchet::program {

// What tells one domain of programs from another.
struct Variant {
    std::string name, title;
    std::string defaultGoal;
    std::vector<SuiteSpec> suites;      // those that decide ask programs of up to 4 instructions
    Json mixture;                       // of the seed genome
};

// The data section of a genome, read: {"tasks": {"run": 0.3, "write": 0.7}, "longest": 4, "cases": 3}. Programs have 2
// .. longest instructions, every length as often; items one step harder have longest + 1. "cases" (absent: 3) are the
// examples of a Write.
struct Mixture {
    std::vector<double> tasks; // in the order of Task
    int longest = shortestProgram;
    int cases = 3;
    // Throws std::invalid_argument naming the fault.
    [[nodiscard]] static Mixture read(const Data& data);
    [[nodiscard]] Task drawTask(Rng& rng) const;
};

// Splits go by the hash of the question, the cases of a Write in order. A judged question is new, but a short program
// will have been seen with other inputs: there are few of them. Suites are "run-2", "write-4" and so on, for every
// length 2 .. 16.
class Program : public Domain {
public:
    explicit Program(Variant variant) : m_variant(std::move(variant)) {}
    [[nodiscard]] DomainInfo info() const override;
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override { return m_variant.suites; }
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Item drawHarder(const Data& data, int steps, Rng& rng) const override;
    // The same program for other inputs.
    [[nodiscard]] std::optional<Item> neighbour(const Item& item, Rng& rng) const override;
    // The cases of a Write in another order.
    [[nodiscard]] std::optional<Item> paraphrase(const Item& item, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer,
                                              const Reasoning& reasoning) const override;
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] bool passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override;
    [[nodiscard]] std::vector<Tool> tools() const override;

private:
    [[nodiscard]] bool judges(Task task) const;
    Variant m_variant;
};

} // namespace ratchet::program
