// SPDX-License-Identifier: GPL-3.0-or-later
// Byte-level byte pair encoding (Sennrich 2016, arXiv 1508.07909; on bytes: Radford 2019, section 2.2): how a text is cut
// into words, how words become tokens, and how merges are learnt from a text. Used by Tokenizer. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ratchet
{

// The pattern that cuts a text into words before any merge; a scanner written by hand stands for the regular expression.
// Gpt2:   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Llama3: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// Gpt2Digits: every \p{N} alone, and Gpt2 in each stretch between them (StarCoder, SmolLM).
// A byte that is no UTF-8 counts as neither letter, number nor space. "(?i:" is heeded for ASCII only.
enum class WordPattern { Gpt2, Llama3, Gpt2Digits };
// Views of the text that together are the text.
[[nodiscard]] std::vector<std::string_view> wordsOf(std::string_view text, WordPattern pattern);

// Two neighbours that become one token. A table's order is its rank: the lowest goes first, the leftmost of equals.
struct Merge {
    int left = 0, right = 0, joined = 0;
};

class MergeTable
{
public:
    explicit MergeTable(const std::vector<Merge>& merges);
    // Applies merges until none is left, in O(n log n). The scratch of a Merger is kept from word to word.
    class Merger
    {
    public:
        explicit Merger(const MergeTable& table) : m_table(table) {}
        // Tokens of one word, given one a byte; the result is valid until the next call.
        const std::vector<int>& merge(const std::vector<int>& symbols);

    private:
        struct Waiting {
            int rank, place, left, right, joined;
            bool operator<(const Waiting& other) const // as a heap orders: the last one goes first
            {
                return rank != other.rank ? rank > other.rank : place > other.place;
            }
        };
        void offer(int place);
        const MergeTable& m_table;
        std::vector<int> m_symbols, m_next, m_previous;
        std::vector<Waiting> m_waiting; // a heap
    };

private:
    struct Slot {
        std::uint64_t pair = ~std::uint64_t(0);
        int rank = 0, joined = 0;
    };
    [[nodiscard]] const Slot* find(int left, int right) const;
    std::vector<Slot> m_slots; // open addressing; the size is a power of two
    std::uint64_t m_mask = 0;
};

// Merges over the 256 bytes that make at most `newTokens` tokens, with ids from 256 on: the most frequent pair of
// neighbours within the words of the texts first, among equals the one with the smaller ids (as Hugging Face's trainer
// does); ends when no pair occurs twice. The same texts give the same merges, in any order.
[[nodiscard]] std::vector<Merge> learnMerges(const std::vector<std::string_view>& texts, WordPattern pattern, int newTokens);

// Bytes as GPT-2 writes them in its files: one printable character a byte.
[[nodiscard]] std::string printableOf(std::string_view bytes);
// Back; nothing when a character stands for no byte.
[[nodiscard]] std::optional<std::string> bytesOf(std::string_view printable);

} // namespace ratchet
