// SPDX-License-Identifier: GPL-3.0-or-later
// Every panel there is, in the order of the View menu. User-interface thread only.
#pragma once

#include <vector>

#include <QSize>

class QWidget;

namespace ratchet {

class Panel;

[[nodiscard]] std::vector<Panel*> makePanels(QWidget* parent);
// Size at which a panel alone is shown well: for pictures and floating docks.
[[nodiscard]] QSize pictureSize(const Panel& panel);

} // namespace ratchet
