// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/text_table.h"

#include <algorithm>

namespace ratchet {
namespace {

// Code points of UTF-8 text; every one is taken to be one cell wide.
std::size_t characters(const std::string& text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void appendLine(std::string& text, const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                const std::vector<std::string>& cells)
{
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string cell = i < cells.size() ? cells[i] : std::string();
        const std::string padding(widths[i] - std::min(widths[i], characters(cell)), ' ');
        line += columns[i].align == Column::Align::Right ? padding + cell : cell + padding;
        line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
}

} // namespace

std::string textTable(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows)
{
    std::vector<std::size_t> widths;
    std::vector<std::string> titles;
    for (const Column& column : columns) {
        widths.push_back(characters(column.title));
        titles.push_back(column.title);
    }
    for (const auto& row : rows)
        for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
            widths[i] = std::max(widths[i], characters(row[i]));
    std::string text;
    appendLine(text, columns, widths, titles);
    for (const auto& row : rows)
        appendLine(text, columns, widths, row);
    return text;
}

} // namespace ratchet
