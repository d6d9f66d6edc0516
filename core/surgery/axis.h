// SPDX-License-Identifier: GPL-3.0-or-later
// Where every index of a child's dimension (channel, head row, hidden unit, expert ...) comes from in its parent's.
// Used by the surgery room to move weights and moments by the same map. Plain values; any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace ratchet {

// A child's index is a weighted sum of parent's indices: one term copies, several mix, a term of weight 0 starts at
// zero, and an index without terms keeps the value it was initialised with.
class Axis {
public:
    struct Term {
        std::int64_t index = 0;
        double weight = 1;
    };
    Axis() = default;
    Axis(std::int64_t size, std::int64_t parentSize);
    // Index i comes from the parent's i, as far as both go.
    [[nodiscard]] static Axis matching(std::int64_t size, std::int64_t parentSize);
    // Index i comes from the parent's i modulo its size.
    [[nodiscard]] static Axis repeating(std::int64_t size, std::int64_t parentSize);
    // The outer axis' indices of `inner.size()` places each, as a packed tensor holds them.
    [[nodiscard]] static Axis nested(const Axis& outer, const Axis& inner);

    void take(std::int64_t index, std::int64_t parent, double weight = 1);
    // Every index without terms starts at zero.
    void silenceRest();
    // Goes on with `other` behind the end of this one, in child and parent.
    void append(const Axis& other);
    [[nodiscard]] Axis scaled(double factor) const;

    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(m_from.size()); }
    [[nodiscard]] std::int64_t parentSize() const { return m_parentSize; }
    [[nodiscard]] const std::vector<Term>& from(std::int64_t index) const
    {
        return m_from[static_cast<std::size_t>(index)];
    }
    // How many indices of the child are copies of each of the parent's, and of nothing else.
    [[nodiscard]] std::vector<std::int64_t> copies() const;

private:
    std::vector<std::vector<Term>> m_from;
    std::int64_t m_parentSize = 0;
};

} // namespace ratchet
