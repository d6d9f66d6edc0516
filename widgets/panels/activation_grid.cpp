// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/activation_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "widgets/style/format.h"

namespace ratchet {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr const char* attentionLayer = "attention";

bool isLayer(const LayerRecord& record) { return record.layer != attentionLayer; }

} // namespace

double statisticOf(const LayerRecord& record, const std::string& statistic)
{
    if (!record.values.is_object())
        return nothing;
    const auto found = record.values.find(statistic);
    return found != record.values.end() && found->is_number() ? found->get<double>() : nothing;
}

std::vector<std::string> statisticsIn(const std::vector<LayerRecord>& records)
{
    std::set<std::string> found;
    for (const auto& record : records)
        if (isLayer(record) && record.values.is_object())
            for (const auto& [name, value] : record.values.items())
                if (value.is_number())
                    found.insert(name);
    std::vector<std::string> names;
    for (const char* known : {"rms", "mean", "std", "maximum", "zeroShare", "gradientRms", "weightRms"})
        if (found.erase(known))
            names.emplace_back(known);
    names.insert(names.end(), found.begin(), found.end());
    return names;
}

QString layerTitle(const std::string& layer)
{
    const QStringList parts = text(layer).split(QLatin1Char('.'));
    return parts.size() == 3 ? QStringLiteral("%1 %2, %3").arg(parts[0], parts[1], parts[2]) : parts.join(QLatin1Char(' '));
}

int LayerGrid::columnOf(std::int64_t step) const
{
    int best = -1;
    for (std::size_t i = 0; i < steps.size(); ++i)
        if (best < 0 || std::abs(steps[i] - step) < std::abs(steps[std::size_t(best)] - step))
            best = int(i);
    return best;
}

LayerGrid gridOf(const std::vector<LayerRecord>& records, const std::string& statistic)
{
    LayerGrid grid;
    std::map<std::string, int> order;                 // by index; a layer keeps the first it was seen with
    std::set<std::int64_t> steps;
    for (const auto& record : records)
        if (isLayer(record)) {
            order.emplace(record.layer, record.index);
            steps.insert(record.step);
        }
    for (const auto& [layer, index] : order)
        grid.layers.push_back(layer);
    std::stable_sort(grid.layers.begin(), grid.layers.end(), [&](const auto& a, const auto& b) { return order[a] < order[b]; });
    grid.steps.assign(steps.begin(), steps.end());
    for (const auto& layer : grid.layers)
        grid.data.rows.push_back(layerTitle(layer));
    for (const auto step : grid.steps)
        grid.data.columns.push_back(QString::number(step));
    grid.data.values.assign(grid.layers.size() * grid.steps.size(), nothing);
    for (const auto& record : records) {
        if (!isLayer(record))
            continue;
        const auto row = std::find(grid.layers.begin(), grid.layers.end(), record.layer) - grid.layers.begin();
        const auto column = std::lower_bound(grid.steps.begin(), grid.steps.end(), record.step) - grid.steps.begin();
        grid.data.values[std::size_t(row) * grid.steps.size() + std::size_t(column)] = statisticOf(record, statistic);
    }
    return grid;
}

LayerGrid differenceOf(const std::vector<LayerRecord>& selected, const std::vector<LayerRecord>& champion, const std::string& statistic)
{
    LayerGrid grid = gridOf(selected, statistic);
    const LayerGrid other = gridOf(champion, statistic);
    const double scale = !grid.steps.empty() && !other.steps.empty() && grid.steps.back() > 0
                             ? double(other.steps.back()) / double(grid.steps.back()) : 1;
    for (std::size_t row = 0; row < grid.layers.size(); ++row) {
        const auto same = std::find(other.layers.begin(), other.layers.end(), grid.layers[row]);
        for (std::size_t column = 0; column < grid.steps.size(); ++column) {
            double& value = grid.data.values[row * grid.steps.size() + column];
            const int at = other.columnOf(std::llround(double(grid.steps[column]) * scale));
            value = same == other.layers.end() || at < 0
                        ? nothing : value - other.data.at(std::size_t(same - other.layers.begin()), std::size_t(at));
        }
    }
    return grid;
}

const LayerRecord* recordAt(const std::vector<LayerRecord>& records, const std::string& layer, std::int64_t step)
{
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const LayerRecord& record) { return record.layer == layer && record.step == step; });
    return found == records.end() ? nullptr : &*found;
}

namespace {

// {"tokens": [...], "blocks": [[head: [query: [key]]]]}; an empty answer when it is not square or not numbers.
HeatMapData attentionGrid(const Json& map, const Json& tokens)
{
    HeatMapData data;
    const std::size_t count = map.is_array() ? map.size() : 0;
    if (count == 0 || count > 512)
        return {};
    for (std::size_t i = 0; i < count; ++i) {
        const bool named = tokens.is_array() && i < tokens.size() && tokens[i].is_string();
        const QString name = named ? text(tokens[i].get<std::string>()) : QString::number(i);
        data.rows.push_back(name == QLatin1String(" ") ? QStringLiteral("\u2423") : name);
    }
    data.columns = data.rows;
    for (const auto& row : map) {
        if (!row.is_array() || row.size() != count)
            return {};
        for (const auto& weight : row)
            data.values.push_back(weight.is_number() ? weight.get<double>() : nothing);
    }
    return data;
}

} // namespace

Attention attentionOf(const std::vector<LayerRecord>& records, std::int64_t step, int block, int head)
{
    const LayerRecord* best = nullptr;
    for (const auto& record : records)
        if (!isLayer(record) && record.step <= step && (!best || record.step > best->step))
            best = &record;
    Attention result;
    if (!best || !best->values.is_object() || !best->values.contains("blocks") || !best->values["blocks"].is_array())
        return result;
    const Json& blocks = best->values["blocks"];
    result.step = best->step;
    result.blocks = int(blocks.size());
    if (block < 0 || block >= result.blocks || !blocks[std::size_t(block)].is_array())
        return result;
    const Json& heads = blocks[std::size_t(block)];
    result.heads = int(heads.size());
    if (head >= 0 && head < result.heads)
        result.data = attentionGrid(heads[std::size_t(head)], best->values.contains("tokens") ? best->values["tokens"] : Json());
    return result;
}

} // namespace ratchet
