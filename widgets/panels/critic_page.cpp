// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_page.h"

#include <algorithm>

#include <QHeaderView>

#include "widgets/style/format.h"
#include "widgets/style/tokens.h"

namespace ratchet {

std::optional<Hash> examined(const Snapshot& snapshot, const Selection& selection)
{
    const auto wasMeasured = [&](const Hash& version) {
        return std::any_of(snapshot.scorecards.begin(), snapshot.scorecards.end(),
                           [&](const ScorecardRecord& card) { return card.challenger == version || card.champion == version; });
    };
    return selection.version && wasMeasured(*selection.version) ? selection.version : championOf(snapshot);
}

QString examinedTitle(const Snapshot& snapshot, const Hash& version)
{
    const VersionRecord* record = snapshot.version(version);
    const ProposalRecord* proposal = record ? snapshot.proposalOf(*record) : nullptr;
    QString title = versionName(snapshot, version);
    if (championOf(snapshot) == version)
        title += CriticPage::tr(", champion");
    return proposal ? CriticPage::tr("%1: %2").arg(title, text(proposal->operatorName)) : title;
}

QTableWidget* factTable(const QStringList& headings, int wide, const std::vector<int>& numbers, const QString& name)
{
    auto* table = new QTableWidget(0, int(headings.size()));
    table->setHorizontalHeaderLabels(headings);
    table->setAccessibleName(name);
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(metric::rowHeight);
    table->horizontalHeader()->setMinimumSectionSize(36);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setShowGrid(false);
    table->setFrameShape(QFrame::NoFrame);
    for (int column = 0; column < int(headings.size()); ++column) {
        const bool isNumber = std::find(numbers.begin(), numbers.end(), column) != numbers.end();
        table->horizontalHeaderItem(column)->setTextAlignment((isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
        table->horizontalHeader()->setSectionResizeMode(column, column == wide ? QHeaderView::Stretch : QHeaderView::ResizeToContents);
    }
    return table;
}

QTableWidgetItem* factCell(const QString& content, const QString& help, Qt::Alignment alignment)
{
    auto* item = new QTableWidgetItem(content);
    item->setTextAlignment(alignment | Qt::AlignVCenter);
    item->setToolTip(help);
    item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable);
    return item;
}

} // namespace ratchet
