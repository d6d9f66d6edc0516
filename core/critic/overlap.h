// SPDX-License-Identifier: GPL-3.0-or-later
// Whether judged texts stand in what was trained on, word for word or nearly: the overlap of their n-grams, as Brown 2020
// (arXiv 2005.14165, appendix C) looks for it, but of 32 characters instead of 13 words, so that short questions count too.
// Only letters and digits matter; case, spaces and signs do not. Pure; one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ratchet {

class Overlap {
public:
    // In letters and digits and the single gaps between them. A shorter text is one n-gram: it must be a text of its own.
    static constexpr std::size_t gram = 32;
    // Share of a judged text's n-grams that training texts must hold for it to count as leaked. Templates with other numbers in
    // them stay below it.
    static constexpr double mostOfIt = 0.8;

    void addJudged(std::string_view text);
    // After all addJudged(): marks what this training text holds.
    void addTrained(std::string_view text);
    // Of the index-th text that was added.
    [[nodiscard]] bool isLeaked(std::size_t index) const;
    [[nodiscard]] int judged() const { return static_cast<int>(m_judged.size()); }
    [[nodiscard]] int leaked() const;

private:
    std::vector<std::vector<std::uint64_t>> m_judged;      // n-grams of each text
    std::unordered_map<std::uint64_t, bool> m_seen;        // judged n-gram -> stands in a training text
    std::vector<bool> m_filter = std::vector<bool>(std::size_t(1) << 22);      // most training n-grams end here, without a look-up
};

} // namespace ratchet
