// SPDX-License-Identifier: GPL-3.0-or-later
// What a finished round of self-training leaves in its folder, so that an experiment that was stopped goes on after it.
// Used by core/trainer/rounds. Blocking; one thread a folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/trainer/rounds.h"

namespace ratchet {

// A model of the experiment on disk, and what it took to get there.
struct RoundModel {
    Genome genome;
    std::string weights;
    std::string key;  // of everything that determined it
    int level = 0;    // data.level of the next round
    int trained = 0;  // newest level seen
    double flops = 0; // since the beginning
};

struct RoundRecord {
    RoundModel model;
    std::vector<RoundRow> rows;
};

// Beside the weights, which lie in `folder` already.
[[nodiscard]] Status writeRecord(const std::filesystem::path& folder, const RoundRecord& record);
// Nothing where there is none, where it is of another key, or where the weights are not those that it names: the round
// is then run again.
[[nodiscard]] std::optional<RoundRecord> readRecord(const std::filesystem::path& folder, const std::string& key);

} // namespace ratchet
