// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/axis.h"

#include <algorithm>

namespace ratchet {

Axis::Axis(std::int64_t size, std::int64_t parentSize)
    : m_from(static_cast<std::size_t>(size)), m_parentSize(parentSize)
{
}

Axis Axis::matching(std::int64_t size, std::int64_t parentSize)
{
    Axis axis(size, parentSize);
    for (std::int64_t i = 0; i < std::min(size, parentSize); ++i)
        axis.take(i, i);
    return axis;
}

Axis Axis::repeating(std::int64_t size, std::int64_t parentSize)
{
    Axis axis(size, parentSize);
    for (std::int64_t i = 0; i < size; ++i)
        axis.take(i, i % parentSize);
    return axis;
}

Axis Axis::nested(const Axis& outer, const Axis& inner)
{
    Axis axis(outer.size() * inner.size(), outer.m_parentSize * inner.m_parentSize);
    for (std::int64_t o = 0; o < outer.size(); ++o)
        for (std::int64_t i = 0; i < inner.size(); ++i)
            for (const Term& a : outer.from(o))
                for (const Term& b : inner.from(i))
                    axis.take(o * inner.size() + i, a.index * inner.m_parentSize + b.index, a.weight * b.weight);
    return axis;
}

void Axis::take(std::int64_t index, std::int64_t parent, double weight)
{
    m_from[static_cast<std::size_t>(index)].push_back({parent, weight});
}

void Axis::silenceRest()
{
    for (auto& terms : m_from)
        if (terms.empty())
            terms.push_back({0, 0});
}

void Axis::append(const Axis& other)
{
    for (auto terms : other.m_from) {
        for (Term& term : terms)
            term.index += m_parentSize;
        m_from.push_back(std::move(terms));
    }
    m_parentSize += other.m_parentSize;
}

Axis Axis::scaled(double factor) const
{
    Axis axis = *this;
    for (auto& terms : axis.m_from)
        for (Term& term : terms)
            term.weight *= factor;
    return axis;
}

std::vector<std::int64_t> Axis::copies() const
{
    std::vector<std::int64_t> count(static_cast<std::size_t>(m_parentSize));
    for (const auto& terms : m_from)
        if (terms.size() == 1 && terms.front().weight != 0)
            ++count[static_cast<std::size_t>(terms.front().index)];
    return count;
}

} // namespace ratchet
