// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/domain.h"

#include <algorithm>

namespace ratchet {

std::vector<int> Domain::coupledPositions(std::string_view text, const Reasoning&, int limit) const
{
    std::vector<int> ids(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        ids[i] = std::min(static_cast<int>(i), limit - 1);
    return ids;
}

bool Domain::passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    const std::string failure = grade(item, completion, reasoning).failureClass;
    return failure != "format" && failure != "empty" && failure != "syntax";
}

std::vector<Tool> allowedTools(const Domain& domain, const Tools& allowed)
{
    std::vector<Tool> tools = domain.tools();
    std::erase_if(tools, [&](const Tool& tool) {
        return std::find(allowed.allowed.begin(), allowed.allowed.end(), tool.name) == allowed.allowed.end();
    });
    return tools;
}

} // namespace ratchet
