// SPDX-License-Identifier: GPL-3.0-or-later
// The world of a text that the user named: pieces of its documents, measured in bits per byte. Pure once the corpus is open;
// any thread.
//
// An item is a place in the corpus, {"split": "gate", "document": 12, "offset": 640, "bytes": 256}, or a text that a user
// typed, {"text": "..."}. Pieces begin and end between characters of UTF-8.
#pragma once

#include <array>
#include <optional>

#include "core/plugin/corpus.h"
#include "core/plugin/domain.h"

namespace ratchet::text {

class Text final : public Domain {
public:
    [[nodiscard]] DomainInfo info() const override;
    [[nodiscard]] Genome seedGenome() const override;
    [[nodiscard]] Json searchSpace() const override;
    [[nodiscard]] std::vector<SuiteSpec> suites() const override;
    Status openCorpus(const std::string& folder) override;
    [[nodiscard]] Item drawTraining(const Data& data, Rng& rng) const override;
    [[nodiscard]] Item draw(const std::string& suite, Split split, Rng& rng) const override;
    [[nodiscard]] Split splitOf(const Item& item) const override;
    [[nodiscard]] Example example(const Item& item, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Example> exampleWith(const Item& item, const std::string& answer,
                                              const Reasoning& reasoning) const override;
    // Right only when the completion is the text; the failure class names the kind of the text.
    [[nodiscard]] Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const override;
    [[nodiscard]] Result<Item> parse(std::string_view prompt) const override;
    // May be longer than a context: text is trained on and measured in windows.
    [[nodiscard]] int longestExample(const Data& data, const Reasoning& reasoning) const override;
    [[nodiscard]] std::vector<std::string> failureClasses() const override;

private:
    [[nodiscard]] Item drawPiece(Split split, std::size_t bytes, Rng& rng) const;
    [[nodiscard]] std::string_view piece(const Json& question) const;   // throws std::out_of_range for a place outside
    std::optional<Corpus> m_corpus;
    std::array<std::vector<std::size_t>, 4> m_ends;                     // by split: bytes up to the end of each document
};

// "numbers", "foreign", "punctuation", "names" or "prose": what a piece of text is mostly unlike or like.
[[nodiscard]] std::string kindOf(std::string_view piece);

} // namespace ratchet::text
