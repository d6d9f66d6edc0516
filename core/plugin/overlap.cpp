// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/overlap.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ratchet {
namespace {

constexpr std::uint64_t base = 0x9e3779b97f4a7c15ULL;      // odd: multiplying loses nothing
constexpr std::size_t ringSize = 128;           // a power of two, twice the longest n-gram
constexpr std::size_t stride = 16;              // of the training texts' seeds: every n-gram holds exactly one of them
constexpr std::size_t filterBits = 32;          // for each seed of the judged texts

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

bool counts(char c)
{
    return static_cast<unsigned char>(c) >= 0x80 || isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What stands for all that lies between two characters that count: a formula is another one with another sign.
char gapOf(std::string_view between, char next)
{
    const auto sign = isDigit(next) ? between.find_first_of("+-*/%^<>") : std::string_view::npos;
    return sign == std::string_view::npos ? ' ' : between[sign];
}

// Hash of the newest `length` characters (Rabin and Karp 1987, modulo 2^64).
class Rolling {
public:
    explicit Rolling(std::size_t length)
    {
        for (std::size_t i = 0; i < length; ++i)
            m_top *= base;
    }
    void take(std::uint64_t coming, std::uint64_t going) { hash = hash * base + coming - m_top * going; }
    std::uint64_t hash = 0;

private:
    std::uint64_t m_top = 1;
};

struct Gram {
    std::uint64_t hash = 0;
    std::size_t begin = 0, end = 0;        // in what counts
    std::size_t first = 0, last = 0;       // where in the text its first and its last character stand
};

// Of a text counts what is letter or digit, in lower case, and whatever lies between as one gap. Calls `visit` with every n-gram, and with all
// of the text where that is less than one; before an n-gram `seed` with the hash of its last n - stride + 1 characters and their beginning in
// what counts. Returns how much counts.
template <typename Visit, typename Seed> std::size_t eachGram(std::string_view text, std::size_t gram, Visit&& visit, Seed&& seed)
{
    struct Character { std::uint64_t value = 0; std::size_t at = 0; };
    std::array<Character, ringSize> ring{};          // the newest ones; of value 0 where there are not as many
    std::size_t count = 0;
    const auto before = [&](std::size_t n) -> const Character& { return ring[(count - n) % ringSize]; };
    const std::size_t seedLength = gram - stride + 1;
    Rolling whole(gram), part(seedLength);
    const auto take = [&](char c, std::size_t at) __attribute__((always_inline)) {      // else both hashes go through memory
        const std::uint64_t value = static_cast<unsigned char>(c) + 1U;
        whole.take(value, before(gram).value);
        part.take(value, before(seedLength).value);
        ring[count++ % ringSize] = {value, at};
        if (count >= seedLength)
            seed(part.hash, count - seedLength);
        if (count >= gram)
            visit(Gram{whole.hash, count - gram, count, before(gram).at, at});
    };
    std::size_t next = 0;                            // after the last that counts
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (!counts(c))
            continue;
        if (i > next && count > 0)
            take(gapOf(text.substr(next, i - next), c), next);
        take(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c, i);
        next = i + 1;
    }
    if (count > 0 && count < gram)
        visit(Gram{whole.hash, 0, count, before(count).at, next - 1});
    return count;
}

constexpr auto noSeed = [](std::uint64_t, std::size_t) {};

} // namespace

std::size_t Overlap::lengthOf(std::string_view text)
{
    return eachGram(text, passages.gram, [](const Gram&) {}, noSeed);
}

void Overlap::addJudged(std::string_view text)
{
    std::vector<std::uint64_t> grams;
    eachGram(text, m_rule.gram, [&](const Gram& gram) { grams.push_back(gram.hash); },
             [&](std::uint64_t seed, std::size_t) { m_seeds.push_back(seed); });
    m_judged.push_back(std::move(grams));
}

void Overlap::index()
{
    m_seen.reserve(m_seeds.size());
    for (const auto& grams : m_judged)
        for (const std::uint64_t hash : grams)
            m_seen.emplace(hash, false);
    m_filter.resize(std::bit_ceil(filterBits * (m_seeds.size() + 1)));
    for (const std::uint64_t seed : m_seeds)
        m_filter[placeOf(seed)] = true;
    m_seeds = {};
}

void Overlap::addTrained(std::string_view text)
{
    if (m_filter.empty())
        index();
    bool near = false;           // whether a judged text may hold the newest seed, which lies within each n-gram that ends before the next
    eachGram(text, m_rule.gram,
             [&](const Gram& gram) {
                 if (!near && gram.end >= m_rule.gram)
                     return;
                 if (const auto found = m_seen.find(gram.hash); found != m_seen.end())
                     found->second = true;
             },
             [&](std::uint64_t seed, std::size_t begin) {
                 if (begin % stride == 0)
                     near = m_filter[placeOf(seed)];
             });
}

// By the high bits, which all characters have a part in.
std::size_t Overlap::placeOf(std::uint64_t seed) const
{
    return seed >> (64 - std::countr_zero(m_filter.size()));
}

bool Overlap::isHeld(std::uint64_t gram) const
{
    const auto found = m_seen.find(gram);
    return found != m_seen.end() && found->second;
}

bool Overlap::isLeaked(std::size_t index) const
{
    const auto& grams = m_judged[index];
    const auto held = std::count_if(grams.begin(), grams.end(), [this](std::uint64_t gram) { return isHeld(gram); });
    return held > 0 && static_cast<double>(held) >= m_rule.share * static_cast<double>(grams.size());
}

int Overlap::leaked() const
{
    int count = 0;
    for (std::size_t i = 0; i < m_judged.size(); ++i)
        count += isLeaked(i) ? 1 : 0;
    return count;
}

std::vector<std::string_view> Overlap::clearParts(std::string_view text) const
{
    std::vector<std::string_view> parts;
    std::size_t begin = 0;                                // of the part that may go on
    const auto keep = [&](std::size_t end) {
        while (begin > 0 && begin < end && counts(text[begin - 1]) && counts(text[begin]))
            ++begin;
        while (end < text.size() && end > begin && counts(text[end - 1]) && counts(text[end]))
            --end;
        if (end > begin)
            parts.push_back(text.substr(begin, end - begin));
    };
    std::size_t cutUntil = 0;                             // in what counts
    eachGram(text, m_rule.gram, [&](const Gram& gram) {
        if (!isHeld(gram.hash))
            return;
        if (gram.begin > cutUntil)
            keep(gram.first);
        cutUntil = gram.end;
        begin = gram.last + 1;
    }, noSeed);
    keep(text.size());
    return parts;
}

} // namespace ratchet
