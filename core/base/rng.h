// SPDX-License-Identifier: GPL-3.0-or-later
// Reproducible random numbers, the same on every machine: xoshiro256** (Blackman and Vigna 2018, arXiv 1805.01407)
// seeded by SplitMix64. Streams are named, so that adding one draw somewhere does not shift all the others.
// A value; not shared between threads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ratchet {

class Rng {
public:
    explicit Rng(std::uint64_t seed);
    // The stream of this name and number under `seed`; equal arguments give equal streams.
    [[nodiscard]] static Rng stream(std::uint64_t seed, std::string_view name, std::uint64_t number = 0);

    std::uint64_t next();                      // uniform over 64 bits
    std::uint64_t below(std::uint64_t bound);  // uniform over 0 .. bound-1, without bias; bound > 0
    double uniform();                          // [0, 1), 53 bits
    double normal();                           // mean 0, variance 1 (Box-Muller, one value a call)
    std::size_t pick(const std::vector<double>& weights);   // index with probability proportional to weight >= 0

    [[nodiscard]] std::array<std::uint64_t, 4> state() const { return m_state; }
    void setState(const std::array<std::uint64_t, 4>& state) { m_state = state; }

private:
    std::array<std::uint64_t, 4> m_state;
};

} // namespace ratchet
