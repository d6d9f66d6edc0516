// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/overlap.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace ratchet {
namespace {

constexpr std::uint64_t base = 0x9e3779b97f4a7c15ULL;      // odd: multiplying loses nothing

// Lower-case letters, digits and bytes beyond ASCII; whatever lies between is one space.
std::string plainText(std::string_view text)
{
    std::string plain;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || std::isalnum(byte))
            plain += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
        else if (!plain.empty() && plain.back() != ' ')
            plain += ' ';
    }
    if (!plain.empty() && plain.back() == ' ')
        plain.pop_back();
    return plain;
}

// Calls `visit` with the hash of every n-gram (Rabin and Karp 1987, modulo 2^64).
template <typename Visit> void eachGram(std::string_view text, Visit&& visit)
{
    const std::string plain = plainText(text);
    std::uint64_t hash = 0, top = 1;
    for (std::size_t i = 1; i < Overlap::gram; ++i)
        top *= base;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i >= Overlap::gram)
            hash -= top * (static_cast<unsigned char>(plain[i - Overlap::gram]) + 1U);
        hash = hash * base + static_cast<unsigned char>(plain[i]) + 1U;
        if (i + 1 >= Overlap::gram || (i + 1 == plain.size() && i + 1 < Overlap::gram))
            visit(hash);
    }
}

} // namespace

void Overlap::addJudged(std::string_view text)
{
    std::vector<std::uint64_t> grams;
    eachGram(text, [&](std::uint64_t hash) { grams.push_back(hash); });
    for (const std::uint64_t hash : grams) {
        m_seen.emplace(hash, false);
        m_filter[hash >> 42] = true;
    }
    m_judged.push_back(std::move(grams));
}

void Overlap::addTrained(std::string_view text)
{
    eachGram(text, [&](std::uint64_t hash) {
        if (!m_filter[hash >> 42])
            return;
        if (const auto found = m_seen.find(hash); found != m_seen.end())
            found->second = true;
    });
}

bool Overlap::isLeaked(std::size_t index) const
{
    const auto& grams = m_judged[index];
    const auto seen = std::count_if(grams.begin(), grams.end(), [this](std::uint64_t hash) { return m_seen.at(hash); });
    return !grams.empty() && static_cast<double>(seen) >= mostOfIt * static_cast<double>(grams.size());
}

int Overlap::leaked() const
{
    int count = 0;
    for (std::size_t i = 0; i < m_judged.size(); ++i)
        count += isLeaked(i) ? 1 : 0;
    return count;
}

} // namespace ratchet
