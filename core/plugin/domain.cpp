// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/domain.h"

namespace ratchet {

std::vector<int> Domain::coupledPositions(std::string_view text, const Reasoning&, int limit) const
{
    std::vector<int> ids(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        ids[i] = std::min(static_cast<int>(i), limit - 1);
    return ids;
}

} // namespace ratchet
