// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/plan_panel.h"

#include <map>

#include <QHeaderView>
#include <QTreeWidget>

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

enum Column { Title, Value, Target };

State stateOf(GoalState state)
{
    switch (state) {
    case GoalState::Reached: return State::Accepted;
    case GoalState::Active: return State::Running;
    case GoalState::GivenUp: return State::Rejected;
    case GoalState::Open: return State::Queued;
    }
    return State::Queued;
}

} // namespace

PlanPanel::PlanPanel(QWidget* parent) : Panel(QStringLiteral("plan"), tr("Plan"), parent)
{
    m_tree = new QTreeWidget;
    m_tree->setHeaderLabels({tr("Goal"), tr("Now"), tr("Target")});
    m_tree->setFrameShape(QFrame::NoFrame);
    m_tree->setUniformRowHeights(true);
    m_tree->setIndentation(14);
    m_tree->setIconSize({metric::icon, metric::icon});
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(Title, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(Value, QHeaderView::ResizeToContents);
    m_tree->header()->setSectionResizeMode(Target, QHeaderView::ResizeToContents);
    m_tree->header()->setFixedHeight(metric::tableHeader);
    for (const int column : {Value, Target})
        m_tree->headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
    setBody(m_tree);
}

void PlanPanel::fill(QTreeWidgetItem& item, const GoalRecord& goal)
{
    item.setText(Title, text(goal.title));
    item.setIcon(Title, stateIcon(stateOf(goal.state), tokens(item.treeWidget())));
    item.setText(Value, formatScore(goal.value));
    item.setText(Target, (goal.higherIsBetter ? QStringLiteral("\u2265 ") : QStringLiteral("\u2264 ")) + formatScore(goal.target));
    QString help = text(goal.title) + QLatin1Char('\n')
                   + tr("%1 on %2, %3").arg(text(goal.metric), text(goal.suite), text(toText(goal.state)));
    if (goal.price.value > 0)
        help += QLatin1Char('\n') + tr("price %1, spent %2").arg(formatFlops(goal.price), formatFlops(goal.spent));
    if (!goal.note.empty())
        help += QLatin1Char('\n') + text(goal.note);
    for (const int column : {Title, Value, Target})
        item.setToolTip(column, help);
    for (const int column : {Value, Target}) {
        item.setFont(column, numberFont(metric::secondary));
        item.setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
    }
    item.setSizeHint(Title, {0, metric::rowHeight});
}

void PlanPanel::rebuild(const Snapshot& snapshot)
{
    m_tree->clear();
    std::map<std::int64_t, QTreeWidgetItem*> items;
    for (const GoalRecord& goal : snapshot.goals) {
        const auto parent = goal.parent ? items.find(goal.parent->value) : items.end();
        auto* item = parent == items.end() ? new QTreeWidgetItem(m_tree) : new QTreeWidgetItem(parent->second);
        item->setData(Title, Qt::UserRole, qlonglong(goal.id.value));
        items[goal.id.value] = item;
    }
    m_tree->expandAll();
}

void PlanPanel::refresh()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot || snapshot->goals.empty()) {
        m_shown.clear();
        m_tree->clear();
        showEmpty(snapshot ? tr("The planner writes its goals here with the first tooth: %1.").arg(text(snapshot->config.goal))
                           : tr("The goal of a lab and the steps towards it appear here."));
        return;
    }
    std::vector<std::int64_t> ids;
    std::map<std::int64_t, const GoalRecord*> goals;
    for (const GoalRecord& goal : snapshot->goals) {
        ids.push_back(goal.id.value);
        goals[goal.id.value] = &goal;
    }
    if (ids != m_shown)
        rebuild(*snapshot);
    m_shown = ids;
    for (QTreeWidgetItemIterator item(m_tree); *item; ++item)
        fill(**item, *goals.at((*item)->data(Title, Qt::UserRole).toLongLong()));
    showBody();
}

} // namespace ratchet
