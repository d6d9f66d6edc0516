// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/overlap.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace ratchet {
namespace {

constexpr std::uint64_t base = 0x9e3779b97f4a7c15ULL;      // odd: multiplying loses nothing
constexpr int filterShift = 64 - 26;

bool counts(char c)
{
    return static_cast<unsigned char>(c) >= 0x80 || std::isalnum(static_cast<unsigned char>(c));
}

struct Plain {
    std::string text;                     // in lower case what counts; whatever lies between is one space
    std::vector<std::size_t> from;        // where in the original each of them stands
};

Plain plainOf(std::string_view text)
{
    Plain plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (!counts(c) && (plain.text.empty() || plain.text.back() == ' '))
            continue;
        plain.text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : counts(c) ? c : ' ';
        plain.from.push_back(i);
    }
    if (!plain.text.empty() && plain.text.back() == ' ') {
        plain.text.pop_back();
        plain.from.pop_back();
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
    return plainOf(text).text.size();
}

void Overlap::addJudged(std::string_view text)
{
    std::vector<std::uint64_t> grams;
    eachGram(plainOf(text).text, m_rule.gram, [&](std::uint64_t hash, std::size_t) { grams.push_back(hash); });
    for (const std::uint64_t hash : grams) {
        m_seen.emplace(hash, false);
        m_filter[hash >> filterShift] = true;
    }
    m_judged.push_back(std::move(grams));
}

void Overlap::addTrained(std::string_view text)
{
    eachGram(plainOf(text).text, m_rule.gram, [&](std::uint64_t hash, std::size_t) {
        if (!m_filter[hash >> filterShift])
            return;
        if (const auto found = m_seen.find(hash); found != m_seen.end())
            found->second = true;
    });
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
    const Plain plain = plainOf(text);
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
    eachGram(plain.text, m_rule.gram, [&](std::uint64_t hash, std::size_t end) {
        if (!isHeld(hash))
            return;
        const std::size_t start = end - std::min(m_rule.gram, end);
        if (start > cutUntil)
            keep(plain.from[start]);
        cutUntil = end;
        begin = plain.from[end - 1] + 1;
    });
    keep(text.size());
    return parts;
}

} // namespace ratchet
