// SPDX-License-Identifier: GPL-3.0-or-later
// What a learner may use: the one place that sets it. Any thread.
#pragma once

#include <optional>
#include <string>

#include "core/genome/genome.h"
#include "core/launch/child.h"
#include "core/store/lab.h"

namespace ratchet {

// Bytes that a learner may use on this machine: its memory, or the limit of the control group the program runs in (a
// container, a cluster's job) where that is lower.
[[nodiscard]] double memoryOfMachine();
// Of control group `path` ("/user.slice/run", as in /proc/self/cgroup) and those above it the lowest memory.max below
// `root`, where version 2 of control groups is mounted; empty when none sets one.
[[nodiscard]] std::optional<double> memoryOfGroup(const std::filesystem::path& root, const std::string& path);

// How long and large a trial or a judging may get: generous multiples of what the budget needs on a slow core (1 GFLOP/s)
// and of the genome's memory estimate, never more than `memory`.
[[nodiscard]] ChildLimits limitsFor(Flops budget, const Genome& genome, int vocabulary, double memory,
                                    const std::vector<Architecture>& teachers = {}, int threads = 1);

// Of one trial, the look before its end included.
[[nodiscard]] Flops trialPrice(const LabConfig& config);
// Trials, looks before their end included, that what is left of the lab's budget pays for.
[[nodiscard]] int affordableTrials(const LabConfig& config, Flops spent);

} // namespace ratchet
