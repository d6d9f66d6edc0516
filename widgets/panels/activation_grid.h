// SPDX-License-Identifier: GPL-3.0-or-later
// Layer records as grids for a heat map: layer by step, differences between two runs, attention of one head. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "core/store/records.h"
#include "widgets/plot/heat_map.h"

namespace ratchet {

// One finite number of a record; NaN when it is not there.
[[nodiscard]] double statisticOf(const LayerRecord& record, const std::string& statistic);
// Every name that holds a number in some record, in the order of layer_recorder's list first.
[[nodiscard]] std::vector<std::string> statisticsIn(const std::vector<LayerRecord>& records);
// "block 0, attention" for "block.0.attention".
[[nodiscard]] QString layerTitle(const std::string& layer);

// A grid and what its cells stand for.
struct LayerGrid {
    HeatMapData data;
    std::vector<std::string> layers;
    std::vector<std::int64_t> steps;
    [[nodiscard]] int columnOf(std::int64_t step) const;       // nearest, -1 when empty
};
[[nodiscard]] LayerGrid gridOf(const std::vector<LayerRecord>& records, const std::string& statistic);
// selected minus champion for every cell of `selected`; the champion's step with the same share of its run is compared.
[[nodiscard]] LayerGrid differenceOf(const std::vector<LayerRecord>& selected, const std::vector<LayerRecord>& champion, const std::string& statistic);
// The record of a cell; null when there is none.
[[nodiscard]] const LayerRecord* recordAt(const std::vector<LayerRecord>& records, const std::string& layer, std::int64_t step);

// Attention of one block and head at the last step at or before `step`: rows are queries, columns keys. Empty when the
// record does not hold a well-formed map.
struct Attention { HeatMapData data; int blocks = 0, heads = 0; std::int64_t step = 0; };
[[nodiscard]] Attention attentionOf(const std::vector<LayerRecord>& records, std::int64_t step, int block, int head);

} // namespace ratchet
