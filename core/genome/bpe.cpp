// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/bpe.h"

#include <algorithm>
#include <array>
#include <queue>
#include <unordered_map>

#include "core/genome/unicode.h"

namespace ratchet
{
namespace
{

using Kind = CharacterKind;

// Walks a text word by word; each function returns where the word that begins at `at` ends.
class Scanner
{
public:
    explicit Scanner(std::string_view text) : m_text(text) {}
    [[nodiscard]] std::size_t gpt2(std::size_t at) const;
    [[nodiscard]] std::size_t llama3(std::size_t at) const;
    // The end of a number's character, or of the stretch until the next one.
    [[nodiscard]] std::size_t stretch(std::size_t at) const;

private:
    [[nodiscard]] bool is(std::size_t at, Kind kind) const
    {
        return at < m_text.size() && characterAt(m_text, at).kind == kind;
    }
    [[nodiscard]] bool isLineEnd(std::size_t at) const
    {
        return at < m_text.size() && (m_text[at] == '\n' || m_text[at] == '\r');
    }
    // End of the run of one kind, of at most `most` characters.
    [[nodiscard]] std::size_t run(std::size_t at, Kind kind, std::size_t most = ~std::size_t(0)) const
    {
        for (; most > 0 && at < m_text.size(); --most) {
            const Character next = characterAt(m_text, at);
            if (next.kind != kind)
                break;
            at += next.bytes;
        }
        return at;
    }
    // 's 't 're 've 'm 'll 'd, or `at` when none stands here.
    [[nodiscard]] std::size_t contraction(std::size_t at, unsigned char caseBit) const;
    // \s+(?!\S)|\s+ : the last space of a run is left to the word behind it.
    [[nodiscard]] std::size_t spaces(std::size_t at) const;
    std::string_view m_text;
};

std::size_t Scanner::contraction(std::size_t at, unsigned char caseBit) const
{
    if (m_text[at] != '\'')
        return at;
    const auto letter = [&](std::size_t i) {
        return i < m_text.size() ? static_cast<char>(static_cast<unsigned char>(m_text[i]) | caseBit) : '\0';
    };
    const char first = letter(at + 1), second = letter(at + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return at + 2;
    const bool isLong = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
    return isLong ? at + 3 : at;
}

std::size_t Scanner::spaces(std::size_t at) const
{
    std::size_t end = at, last = at;
    while (is(end, Kind::Space)) {
        last = end;
        end += characterAt(m_text, end).bytes;
    }
    return end == m_text.size() || last == at ? end : last;
}

std::size_t Scanner::gpt2(std::size_t at) const
{
    if (const std::size_t end = contraction(at, 0); end > at)
        return end;
    const std::size_t start = m_text[at] == ' ' && at + 1 < m_text.size() && !is(at + 1, Kind::Space) ? at + 1 : at;
    const Kind kind = characterAt(m_text, start).kind;
    return kind == Kind::Space ? spaces(at) : run(start, kind);
}

std::size_t Scanner::stretch(std::size_t at) const
{
    if (is(at, Kind::Number))
        return run(at, Kind::Number, 1);
    while (at < m_text.size() && !is(at, Kind::Number))
        at += characterAt(m_text, at).bytes;
    return at;
}

std::size_t Scanner::llama3(std::size_t at) const
{
    if (const std::size_t end = contraction(at, 0x20); end > at)
        return end;
    const Character first = characterAt(m_text, at);
    const std::size_t behind = at + first.bytes;
    if (first.kind == Kind::Letter)
        return run(at, Kind::Letter);
    if (first.kind == Kind::Number)
        return run(at, Kind::Number, 3);
    if (!isLineEnd(at) && is(behind, Kind::Letter))
        return run(behind, Kind::Letter);
    if (first.kind == Kind::Other || (m_text[at] == ' ' && is(behind, Kind::Other))) {
        std::size_t end = run(first.kind == Kind::Other ? at : behind, Kind::Other);
        while (isLineEnd(end))
            ++end;
        return end;
    }
    std::size_t lines = at;
    for (std::size_t end = at; is(end, Kind::Space); end += characterAt(m_text, end).bytes)
        if (isLineEnd(end))
            lines = end + 1;
    return lines > at ? lines : spaces(at);
}

std::uint64_t pairOf(int left, int right)
{
    return std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right);
}

// Fibonacci hashing (Knuth, volume 3, section 6.4).
std::uint64_t mixed(std::uint64_t pair)
{
    return (pair ^ (pair >> 29)) * 0x9e3779b97f4a7c15ULL >> 20;
}

// Learns merges: counts of pairs are kept up to date, and a pair knows the words it was seen in.
class Learner
{
public:
    Learner();
    void add(std::string_view word, std::int64_t count);
    [[nodiscard]] std::vector<Merge> learn(int newTokens);

private:
    struct Word {
        std::vector<int> symbols;
        std::int64_t count = 0;
    };
    struct Pair {
        std::int64_t count = 0;
        std::vector<std::size_t> words; // may hold one twice, or one that has the pair no more
    };
    struct Waiting {
        std::int64_t count = 0;
        std::uint64_t pair = 0;
        bool operator<(const Waiting& other) const
        {
            return count != other.count ? count < other.count : pair > other.pair;
        }
    };
    static void join(Word& word, const Merge& merge);
    void replace(const Merge& merge);
    std::vector<std::string> m_tokens; // bytes by id
    std::unordered_map<std::string, int> m_ids;
    std::vector<Word> m_words;
    std::unordered_map<std::uint64_t, Pair> m_pairs;
    std::priority_queue<Waiting> m_waiting;
};

Learner::Learner()
{
    for (int byte = 0; byte < 256; ++byte) {
        m_tokens.emplace_back(1, static_cast<char>(byte));
        m_ids.emplace(m_tokens.back(), byte);
    }
}

void Learner::add(std::string_view word, std::int64_t count)
{
    Word& added = m_words.emplace_back();
    added.count = count;
    for (const char c : word)
        added.symbols.push_back(static_cast<unsigned char>(c));
    for (std::size_t i = 0; i + 1 < added.symbols.size(); ++i) {
        Pair& pair = m_pairs[pairOf(added.symbols[i], added.symbols[i + 1])];
        pair.count += count;
        if (pair.words.empty() || pair.words.back() != m_words.size() - 1)
            pair.words.push_back(m_words.size() - 1);
    }
}

void Learner::join(Word& word, const Merge& merge)
{
    std::vector<int>& symbols = word.symbols;
    std::size_t to = 0;
    for (std::size_t from = 0; from < symbols.size(); ++from, ++to) {
        const bool found = from + 1 < symbols.size() && symbols[from] == merge.left && symbols[from + 1] == merge.right;
        symbols[to] = found ? merge.joined : symbols[from];
        from += found ? 1 : 0;
    }
    symbols.resize(to);
}

void Learner::replace(const Merge& merge)
{
    std::vector<std::size_t> words = std::move(m_pairs[pairOf(merge.left, merge.right)].words);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    std::vector<std::uint64_t> changed;
    for (const std::size_t index : words) {
        Word& word = m_words[index];
        const auto count = [&](std::int64_t change) {
            for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
                const std::uint64_t key = pairOf(word.symbols[i], word.symbols[i + 1]);
                Pair& pair = m_pairs[key];
                pair.count += change;
                changed.push_back(key);
                if (change > 0 && (word.symbols[i] == merge.joined || word.symbols[i + 1] == merge.joined))
                    pair.words.push_back(index);
            }
        };
        count(-word.count);
        join(word, merge);
        count(word.count);
    }
    m_pairs.erase(pairOf(merge.left, merge.right));
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    for (const std::uint64_t key : changed)
        if (const auto found = m_pairs.find(key); found != m_pairs.end())
            m_waiting.push({found->second.count, key});
}

std::vector<Merge> Learner::learn(int newTokens)
{
    for (const auto& [key, pair] : m_pairs)
        m_waiting.push({pair.count, key});
    std::vector<Merge> merges;
    while (static_cast<int>(m_tokens.size()) < 256 + newTokens && !m_waiting.empty()) {
        const Waiting best = m_waiting.top();
        m_waiting.pop();
        const auto found = m_pairs.find(best.pair);
        if (found == m_pairs.end() || found->second.count != best.count)
            continue; // it has changed since, and waits with its new count
        if (best.count < 2)
            break;
        const auto left = best.pair >> 32, right = best.pair & 0xffffffffU;
        // "ab" + "c" and "a" + "bc" join to the same token.
        const auto [joined, isNew] = m_ids.emplace(m_tokens[left] + m_tokens[right], static_cast<int>(m_tokens.size()));
        if (isNew)
            m_tokens.push_back(joined->first);
        merges.push_back({static_cast<int>(left), static_cast<int>(right), joined->second});
        replace(merges.back());
    }
    return merges;
}

// The code point that GPT-2 writes for each byte: itself where it is printable, else the next one from 256 on.
std::array<char32_t, 256> printableCodes()
{
    std::array<char32_t, 256> codes{};
    char32_t next = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool isPrintable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
        codes[byte] = isPrintable ? byte : next++;
    }
    return codes;
}

} // namespace

std::vector<std::string_view> wordsOf(std::string_view text, WordPattern pattern)
{
    const Scanner scanner(text);
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = pattern == WordPattern::Gpt2 ? scanner.gpt2(at) : pattern == WordPattern::Llama3 ? scanner.llama3(at) : scanner.stretch(at);
        const std::string_view part = text.substr(at, end - at);
        if (pattern == WordPattern::Gpt2Digits)
            for (const std::string_view word : wordsOf(part, WordPattern::Gpt2))
                words.push_back(word);
        else
            words.push_back(part);
        at = end;
    }
    return words;
}

MergeTable::MergeTable(const std::vector<Merge>& merges)
{
    std::size_t size = 16;
    while (size < 2 * merges.size())
        size *= 2;
    m_slots.resize(size);
    m_mask = size - 1;
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        const std::uint64_t pair = pairOf(merges[rank].left, merges[rank].right);
        std::uint64_t at = mixed(pair) & m_mask;
        while (m_slots[at].pair != ~std::uint64_t(0) && m_slots[at].pair != pair)
            at = (at + 1) & m_mask;
        if (m_slots[at].pair != pair)
            m_slots[at] = {pair, static_cast<int>(rank), merges[rank].joined};
    }
}

const MergeTable::Slot* MergeTable::find(int left, int right) const
{
    const std::uint64_t pair = pairOf(left, right);
    for (std::uint64_t at = mixed(pair) & m_mask;; at = (at + 1) & m_mask) {
        if (m_slots[at].pair == pair)
            return &m_slots[at];
        if (m_slots[at].pair == ~std::uint64_t(0))
            return nullptr;
    }
}

void MergeTable::Merger::offer(int place)
{
    const auto at = static_cast<std::size_t>(place);
    if (place < 0 || m_next[at] < 0)
        return;
    const int left = m_symbols[at], right = m_symbols[static_cast<std::size_t>(m_next[at])];
    if (const Slot* const slot = m_table.find(left, right)) {
        m_waiting.push_back({slot->rank, place, left, right, slot->joined});
        std::push_heap(m_waiting.begin(), m_waiting.end());
    }
}

const std::vector<int>& MergeTable::Merger::merge(const std::vector<int>& symbols)
{
    const int count = static_cast<int>(symbols.size());
    m_symbols = symbols;
    m_next.resize(symbols.size());
    m_previous.resize(symbols.size());
    m_waiting.clear();
    for (int i = 0; i < count; ++i) {
        m_next[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
        m_previous[static_cast<std::size_t>(i)] = i - 1;
    }
    for (int i = 0; i + 1 < count; ++i)
        offer(i);
    constexpr int gone = -1;
    while (!m_waiting.empty()) {
        std::pop_heap(m_waiting.begin(), m_waiting.end());
        const Waiting best = m_waiting.back();
        m_waiting.pop_back();
        const auto at = static_cast<std::size_t>(best.place);
        if (m_symbols[at] != best.left || m_next[at] < 0 || m_symbols[static_cast<std::size_t>(m_next[at])] != best.right)
            continue; // a neighbour was merged away meanwhile
        const auto right = static_cast<std::size_t>(m_next[at]);
        m_symbols[at] = best.joined;
        m_symbols[right] = gone;
        m_next[at] = m_next[right];
        if (m_next[at] >= 0)
            m_previous[static_cast<std::size_t>(m_next[at])] = best.place;
        offer(m_previous[at]);
        offer(best.place);
    }
    std::erase(m_symbols, gone);
    return m_symbols;
}

std::vector<Merge> learnMerges(const std::vector<std::string_view>& texts, WordPattern pattern, int newTokens)
{
    std::unordered_map<std::string_view, std::int64_t> counts;
    for (const std::string_view text : texts)
        for (const std::string_view word : wordsOf(text, pattern))
            ++counts[word];
    std::vector<std::pair<std::string_view, std::int64_t>> words(counts.begin(), counts.end());
    std::sort(words.begin(), words.end());
    Learner learner;
    for (const auto& [word, times] : words)
        learner.add(word, times);
    return learner.learn(newTokens);
}

std::string printableOf(std::string_view bytes)
{
    static const auto codes = printableCodes();
    std::string text;
    for (const char c : bytes) {
        const char32_t code = codes[static_cast<unsigned char>(c)];
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else { // all of them are below U+0800
            text += static_cast<char>(0xc0 | code >> 6);
            text += static_cast<char>(0x80 | (code & 0x3f));
        }
    }
    return text;
}

std::optional<std::string> bytesOf(std::string_view printable)
{
    static const auto back = [] {
        std::unordered_map<char32_t, char> bytes;
        const auto codes = printableCodes();
        for (unsigned byte = 0; byte < 256; ++byte)
            bytes[codes[byte]] = static_cast<char>(byte);
        return bytes;
    }();
    std::string bytes;
    for (std::size_t at = 0; at < printable.size();) {
        const std::size_t length = characterAt(printable, at).bytes;
        const auto first = static_cast<unsigned char>(printable[at]);
        if (length > 2 || (length == 1 && first >= 0x80))
            return std::nullopt;
        const char32_t code = length == 1 ? first : (first & 0x1fU) << 6 | (static_cast<unsigned char>(printable[at + 1]) & 0x3fU);
        const auto found = back.find(code);
        if (found == back.end())
            return std::nullopt;
        bytes += found->second;
        at += length;
    }
    return bytes;
}

} // namespace ratchet
