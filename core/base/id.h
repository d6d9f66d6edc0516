// SPDX-License-Identifier: GPL-3.0-or-later
// Identities that cannot be mixed up: database rows (Id<Trial>) and contents (Hash). Plain values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace ratchet {

// Row number of one kind of record; 0 means "not stored yet".
template <typename Kind>
struct Id {
    std::int64_t value = 0;
    [[nodiscard]] bool isSet() const { return value != 0; }
    auto operator<=>(const Id&) const = default;
};

// SHA-256 of some content as 64 lower-case hexadecimal digits; empty means "none".
struct Hash {
    std::string hex;
    [[nodiscard]] bool isSet() const { return !hex.empty(); }
    [[nodiscard]] std::string brief() const { return hex.substr(0, 10); }
    auto operator<=>(const Hash&) const = default;
};

struct ProposalRecord;
struct TrialRecord;
struct DecisionRecord;
struct DeploymentRecord;
struct GoalRecord;
struct OutcomeRecord;

} // namespace ratchet

template <typename Kind>
struct std::hash<ratchet::Id<Kind>> {
    std::size_t operator()(ratchet::Id<Kind> id) const { return std::hash<std::int64_t>{}(id.value); }
};
template <>
struct std::hash<ratchet::Hash> {
    std::size_t operator()(const ratchet::Hash& content) const { return std::hash<std::string>{}(content.hex); }
};
