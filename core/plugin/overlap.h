// SPDX-License-Identifier: GPL-3.0-or-later
// Whether judged texts stand in what was trained on, word for word or nearly: the overlap of their n-grams, as Brown 2020
// (arXiv 2005.14165, appendix C) looks for it, but of characters instead of words, so that short questions count too.
// Only letters and digits matter, and signs of arithmetic before a digit; case, spaces and other signs of ASCII do not, and every byte
// beyond ASCII is taken for a letter. Pure; one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ratchet {

class Overlap {
public:
    struct Rule {
        std::size_t gram;       // n: letters, digits and the single gaps between them. A shorter text is one n-gram: it must be a text of its own
        double share;           // of a judged text's n-grams that training texts must hold for it to count as leaked; 0: any single one
    };
    // Templates with other numbers in them stay below the share.
    static constexpr Rule questions{32, 0.8};
    // About the eight words of Radford 2019 ("Language models are unsupervised multitask learners", section 4). What has no n-gram in
    // common has none in any part of it, so that a document that was cleared is clear wherever a piece of it is judged.
    static constexpr Rule passages{48, 0};

    explicit Overlap(Rule rule) : m_rule(rule) {}      // keeps some 20 bytes for each character of what is judged, of which there are below 2^32
    // What counts of a text, in the characters that Rule::gram is given in.
    [[nodiscard]] static std::size_t lengthOf(std::string_view text);
    void addJudged(std::string_view text);
    // After all addJudged(): marks what this training text holds.
    void addTrained(std::string_view text);
    // Of the index-th text that was added.
    [[nodiscard]] bool isLeaked(std::size_t index) const;
    [[nodiscard]] int judged() const { return static_cast<int>(m_ends.size()); }
    [[nodiscard]] int leaked() const;
    // The parts of a judged text, in its order, that are left when every n-gram which training texts hold is cut out, with what is
    // left of a word on either side. The whole text when there is none; nothing of a text shorter than one n-gram that is held.
    [[nodiscard]] std::vector<std::string_view> clearParts(std::string_view text) const;

private:
    void sort();
    // Where a judged n-gram stands in m_sorted; past its end for another one.
    [[nodiscard]] std::size_t find(std::uint64_t gram) const;
    [[nodiscard]] bool isHeld(std::uint64_t gram) const;
    Rule m_rule;
    std::vector<std::uint64_t> m_grams;         // of all judged texts, in their order
    std::vector<std::size_t> m_ends;            // in m_grams, of each text
    std::vector<std::uint64_t> m_sorted;        // each once
    std::vector<bool> m_held;                   // by a training text, as m_sorted
    std::vector<std::uint32_t> m_first;         // in m_sorted, by an n-gram's first bits; about one n-gram each, as hashes are even
    int m_shift = 0;                            // to these bits
};

} // namespace ratchet
