// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers, times and names as the window writes them: unit and interval, a real minus sign, widths that do not jump.
// Pure; any thread.
#pragma once

#include <optional>

#include <QString>

#include "core/store/records.h"
#include "widgets/style/tokens.h"

namespace ratchet {

struct Snapshot;

[[nodiscard]] QString text(const std::string& utf8);
[[nodiscard]] QString formatFixed(double value, int decimals);         // with a real minus sign, and none before zero
[[nodiscard]] QString formatScore(double figure);                      // of a metric: 0.9431 -> "0.943"; scores: ScoreFormat
[[nodiscard]] QString formatShare(double share);                       // 0.194 -> "19.4 %"
[[nodiscard]] QString formatShare(double share, double low, double high);   // "19.4 % [15.7, 23.6]"
[[nodiscard]] QString formatFlops(Flops amount);
[[nodiscard]] QString formatFlopsOf(Flops spent, Flops budget);        // "6.1 of 10 TFLOP"
[[nodiscard]] QString formatDuration(std::chrono::milliseconds time);
[[nodiscard]] QString formatCount(std::int64_t number);                // 105 000 with thin spaces
[[nodiscard]] QString formatEValue(double logE);                       // from ln E: "14.2", "3.1e5"
[[nodiscard]] QString formatTime(Time time);                           // local "14:03:22", with the date when not today
[[nodiscard]] QString formatJsonValue(const Json& value);

// A patch in a few words: "reasoning.format = reversed, recipe.learningRate = 0.003".
[[nodiscard]] QString briefPatch(const Json& patch);

// State of a proposal or version as colour, shape and word.
[[nodiscard]] State stateOf(ProposalState state);
[[nodiscard]] QString stateTitle(ProposalState state);
[[nodiscard]] QString stateHelp(ProposalState state);                  // one sentence for the hover

[[nodiscard]] QString stageTitle(const std::string& stage);            // "judge" -> "Judge"
[[nodiscard]] QString familyTitle(const std::string& family);

// "v3": versions are numbered by creation; the hash stays the name. "?" for an unknown one.
[[nodiscard]] QString versionName(const Snapshot& snapshot, const Hash& version);
// What is live now.
[[nodiscard]] std::optional<Hash> championOf(const Snapshot& snapshot);

} // namespace ratchet
