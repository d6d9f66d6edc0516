// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/overlap.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

namespace ratchet {
namespace {

constexpr std::uint64_t base = 0x9e3779b97f4a7c15ULL;      // odd: multiplying loses nothing

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

// In lower case what counts, with one character for each gap. `from`: where in the text each of it stands.
std::string plainOf(std::string_view text, std::vector<std::size_t>* from = nullptr)
{
    std::string plain;
    plain.reserve(text.size());
    const auto take = [&](char c, std::size_t at) {
        plain += c;
        if (from)
            from->push_back(at);
    };
    std::size_t next = 0;                    // after the last that counts
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (!counts(c))
            continue;
        if (i > next && !plain.empty())
            take(gapOf(text.substr(next, i - next), c), next);
        take(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c, i);
        next = i + 1;
    }
    return plain;
}

// Calls `visit` with the hash of every n-gram and where it ends (Rabin and Karp 1987, modulo 2^64).
template <typename Visit> void eachGram(const std::string& plain, std::size_t gram, Visit&& visit)
{
    std::uint64_t hash = 0, top = 1;
    for (std::size_t i = 1; i < gram; ++i)
        top *= base;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i >= gram)
            hash -= top * (static_cast<unsigned char>(plain[i - gram]) + 1U);
        hash = hash * base + static_cast<unsigned char>(plain[i]) + 1U;
        if (i + 1 >= gram || i + 1 == plain.size())
            visit(hash, i + 1);
    }
}

} // namespace

std::size_t Overlap::lengthOf(std::string_view text)
{
    return plainOf(text).size();
}

void Overlap::addJudged(std::string_view text)
{
    eachGram(plainOf(text), m_rule.gram, [&](std::uint64_t hash, std::size_t) { m_grams.push_back(hash); });
    m_ends.push_back(m_grams.size());
    m_sorted.clear();
}

void Overlap::sort()
{
    m_sorted = m_grams;
    std::sort(m_sorted.begin(), m_sorted.end());
    m_sorted.erase(std::unique(m_sorted.begin(), m_sorted.end()), m_sorted.end());
    m_held.assign(m_sorted.size(), false);
    const int bits = std::bit_width(m_sorted.size() | 1);
    m_shift = 64 - bits;
    m_first.assign((std::size_t(1) << bits) + 1, 0);
    for (const std::uint64_t gram : m_sorted)
        ++m_first[(gram >> m_shift) + 1];
    std::partial_sum(m_first.begin(), m_first.end(), m_first.begin());
}

std::size_t Overlap::find(std::uint64_t gram) const
{
    const auto bucket = static_cast<std::size_t>(gram >> m_shift);
    for (std::size_t at = m_first[bucket]; at < m_first[bucket + 1]; ++at)
        if (m_sorted[at] == gram)
            return at;
    return m_sorted.size();
}

void Overlap::addTrained(std::string_view text)
{
    if (m_grams.empty())
        return;
    if (m_sorted.empty())
        sort();
    eachGram(plainOf(text), m_rule.gram, [&](std::uint64_t hash, std::size_t) {
        if (const std::size_t at = find(hash); at < m_sorted.size())
            m_held[at] = true;
    });
}

bool Overlap::isHeld(std::uint64_t gram) const
{
    if (m_sorted.empty())
        return false;
    const std::size_t at = find(gram);
    return at < m_sorted.size() && m_held[at];
}

bool Overlap::isLeaked(std::size_t index) const
{
    const auto begin = m_grams.begin() + static_cast<std::ptrdiff_t>(index == 0 ? 0 : m_ends[index - 1]);
    const auto end = m_grams.begin() + static_cast<std::ptrdiff_t>(m_ends[index]);
    const auto held = std::count_if(begin, end, [this](std::uint64_t gram) { return isHeld(gram); });
    return held > 0 && static_cast<double>(held) >= m_rule.share * static_cast<double>(end - begin);
}

int Overlap::leaked() const
{
    int count = 0;
    for (std::size_t i = 0; i < m_ends.size(); ++i)
        count += isLeaked(i) ? 1 : 0;
    return count;
}

std::vector<std::string_view> Overlap::clearParts(std::string_view text) const
{
    std::vector<std::size_t> from;
    const std::string plain = plainOf(text, &from);
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
    std::size_t cutUntil = 0;                             // in plain characters
    eachGram(plain, m_rule.gram, [&](std::uint64_t hash, std::size_t end) {
        if (!isHeld(hash))
            return;
        const std::size_t start = end - std::min(m_rule.gram, end);
        if (start > cutUntil)
            keep(from[start]);
        cutUntil = end;
        begin = from[end - 1] + 1;
    });
    keep(text.size());
    return parts;
}

} // namespace ratchet
