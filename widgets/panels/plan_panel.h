// SPDX-License-Identifier: GPL-3.0-or-later
// Plan: the goal tree with value against target, state and price. User-interface thread only.
#pragma once

#include "widgets/panels/panel.h"

class QTreeWidget;
class QTreeWidgetItem;

namespace ratchet {

class PlanPanel : public Panel {
    Q_OBJECT
public:
    explicit PlanPanel(QWidget* parent = nullptr);

protected:
    void refresh() override;

private:
    void rebuild(const Snapshot& snapshot);
    static void fill(QTreeWidgetItem& item, const GoalRecord& goal);
    QTreeWidget* m_tree = nullptr;
    std::vector<std::int64_t> m_shown;   // ids in the tree, to rebuild only when goals come or go
};

} // namespace ratchet
