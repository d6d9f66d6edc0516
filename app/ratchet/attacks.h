// SPDX-License-Identifier: GPL-3.0-or-later
// The attacks of `ratchet bench attacks`: what each tries, and what came of it. Used by bench_attacks.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/ratchet/attack_arena.h"

namespace ratchet {

struct AttackOutcome {
    int tries = 0, accepted = 0;              // by the real engine with its judge and gate
    int naiveTries = 0, naiveAccepted = 0;    // by the naive gate, of the same
    std::vector<std::string> stopped;         // the sentence with which each kind of try ended
};

enum class AttackKind { Deterministic, Statistical };

struct Attack {
    std::string name, what;
    AttackKind kind = AttackKind::Deterministic;
    // `tries` is of statistical ones.
    std::function<Result<AttackOutcome>(Arena& arena, int tries)> run;
};

// In the order in which they are shown. "A candidate that behaves only when judged" is part of Arena::prepare's control; see
// swappedArtifact().
[[nodiscard]] std::vector<Attack> attacks();

// The weights that the gate accepted are swapped for others before a person approves them; then they are put back.
[[nodiscard]] Result<AttackOutcome> swappedArtifact(const Arena& arena, const LabPaths& lab, const Tooth& waiting);
inline constexpr const char* swappedArtifactName = "behaves only when judged";

} // namespace ratchet
