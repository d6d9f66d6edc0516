// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/proposal_model.h"

#include <limits>
#include <unordered_map>

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

ProposalModel::Row ProposalModel::rowFor(const Snapshot& snapshot, const ProposalRecord& proposal, const ScorecardRecord* score)
{
    Row row;
    row.id = proposal.id;
    row.state = proposal.state;
    row.interrupted = proposal.state == ProposalState::Running && !snapshot.engineRuns;
    row.change = proposal.operatorName.empty() ? briefPatch(proposal.patch) : text(proposal.operatorName);
    row.family = familyTitle(proposal.family);
    row.predicted = proposal.predictedGain == 0 ? QString(QChar(0x2013)) : formatSigned(proposal.predictedGain);
    row.predictedValue = proposal.predictedGain;
    row.price = formatFlops(proposal.price);
    row.priceValue = proposal.price.value;
    row.stateReason = text(proposal.stateReason);
    if (score) {
        row.measured = formatSigned(score->difference) + QLatin1Char(' ') + formatInterval(score->low, score->high);
        row.measuredValue = score->difference;
    }
    return row;
}

void ProposalModel::setSnapshot(const std::shared_ptr<const Snapshot>& snapshot)
{
    std::vector<Row> next;
    if (snapshot) {
        std::unordered_map<std::int64_t, const ScorecardRecord*> scores;
        for (const ScorecardRecord& card : snapshot->scorecards)
            if (card.split == "gate" && !card.retained)
                scores[card.proposal.value] = &card;
        next.reserve(snapshot->proposals.size());
        for (const ProposalRecord& proposal : snapshot->proposals) {
            const auto score = scores.find(proposal.id.value);
            next.push_back(rowFor(*snapshot, proposal, score == scores.end() ? nullptr : score->second));
        }
    }
    const bool grows = next.size() >= m_rows.size()
                       && std::equal(m_rows.begin(), m_rows.end(), next.begin(), [](const Row& a, const Row& b) { return a.id == b.id; });
    if (!grows) {
        beginResetModel();
        m_rows = std::move(next);
        endResetModel();
        return;
    }
    const int before = static_cast<int>(m_rows.size());
    for (int row = 0; row < before; ++row) {
        const auto at = static_cast<std::size_t>(row);
        if (m_rows[at] == next[at])
            continue;
        m_rows[at] = next[at];
        Q_EMIT dataChanged(index(row, 0), index(row, ColumnCount - 1));
    }
    if (next.size() > m_rows.size()) {
        beginInsertRows({}, before, static_cast<int>(next.size()) - 1);
        m_rows.insert(m_rows.end(), next.begin() + before, next.end());
        endInsertRows();
    }
}

Id<ProposalRecord> ProposalModel::idAt(int row) const
{
    return row >= 0 && row < rowCount() ? m_rows[static_cast<std::size_t>(row)].id : Id<ProposalRecord>{};
}

int ProposalModel::rowOf(Id<ProposalRecord> id) const
{
    const auto found = std::find_if(m_rows.begin(), m_rows.end(), [id](const Row& row) { return row.id == id; });
    return found == m_rows.end() ? -1 : static_cast<int>(found - m_rows.begin());
}

int ProposalModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int ProposalModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString ProposalModel::textAt(const Row& row, int column) const
{
    switch (column) {
    case Number: return QString::number(row.id.value);
    case StateColumn: return row.interrupted ? tr("interrupted") : stateTitle(row.state);
    case Change: return row.change;
    case Family: return row.family;
    case Predicted: return row.predicted;
    case Measured: return row.measured;
    case Price: return row.price;
    default: return {};
    }
}

QString ProposalModel::longest(int column) const
{
    QString longest;
    for (const Row& row : m_rows)
        if (QString here = textAt(row, column); here.size() > longest.size())
            longest = std::move(here);
    return longest;
}

QVariant ProposalModel::sortKey(const Row& row, int column) const
{
    switch (column) {
    case Number: return qlonglong(row.id.value);
    case StateColumn: return static_cast<int>(row.state);
    case Predicted: return row.predictedValue;
    case Measured: return row.measuredValue.value_or(-std::numeric_limits<double>::infinity());
    case Price: return row.priceValue;
    default: return textAt(row, column);
    }
}

QVariant ProposalModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    const bool numeric = column == Number || column >= Predicted;
    switch (role) {
    case Qt::DisplayRole: return textAt(row, column);
    case Qt::DecorationRole:
        return column == StateColumn ? QVariant(stateIcon(row.interrupted ? State::Queued : stateOf(row.state), tokens(QApplication::palette()))) : QVariant();
    case Qt::TextAlignmentRole: return QVariant((numeric ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::FontRole: return numeric ? QVariant(numberFont(metric::secondary)) : QVariant();
    case Qt::ToolTipRole:
        if (column == StateColumn && row.interrupted)
            return tr("The engine ended while this was trained. The next start trains it again.");
        if (column == StateColumn)
            return row.stateReason.isEmpty() ? stateHelp(row.state) : stateHelp(row.state) + QLatin1Char('\n') + row.stateReason;
        return column == Change ? QVariant(row.change) : QVariant();
    case SortRole: return sortKey(row, column);
    case IdRole: return qlonglong(row.id.value);
    case StateRole: return static_cast<int>(row.state);
    case SearchRole:
        return QStringLiteral("#%1 %2 %3 %4").arg(row.id.value).arg(row.change, row.family, stateTitle(row.state));
    default: return {};
    }
}

QVariant ProposalModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    static const char* const titles[] = {QT_TR_NOOP("#"),         QT_TR_NOOP("State"),    QT_TR_NOOP("Change"), QT_TR_NOOP("Family"),
                                         QT_TR_NOOP("Predicted, pts"), QT_TR_NOOP("Measured, pts"), QT_TR_NOOP("Price")};
    static const char* const helps[] = {
        QT_TR_NOOP("Number of the proposal"),
        QT_TR_NOOP("Where it stands; hover a row for the reason"),
        QT_TR_NOOP("What it changes in the parent's genome"),
        QT_TR_NOOP("Kind of change"),
        QT_TR_NOOP("Gain on the target suite that its author expected, in points of the score"),
        QT_TR_NOOP("Challenger minus champion on fresh gate items, with its confidence sequence"),
        QT_TR_NOOP("Compute its trial may spend (FLOP: floating-point operations)")};
    if (role == Qt::DisplayRole)
        return tr(titles[section]);
    if (role == Qt::ToolTipRole)
        return tr(helps[section]);
    if (role == Qt::TextAlignmentRole)
        return QVariant((section >= Predicted ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

ProposalFilter::ProposalFilter(QObject* parent) : QSortFilterProxyModel(parent)
{
    setSortRole(ProposalModel::SortRole);
    setSortCaseSensitivity(Qt::CaseInsensitive);
}

void ProposalFilter::setGroup(Group group)
{
    m_group = group;
    invalidateFilter();
}

void ProposalFilter::setText(const QString& text)
{
    m_words = text.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    invalidateFilter();
}

bool ProposalFilter::filterAcceptsRow(int row, const QModelIndex& parent) const
{
    const QModelIndex index = sourceModel()->index(row, 0, parent);
    const auto state = static_cast<ProposalState>(index.data(ProposalModel::StateRole).toInt());
    const auto isOneOf = [state](std::initializer_list<ProposalState> states) {
        return std::find(states.begin(), states.end(), state) != states.end();
    };
    using S = ProposalState;
    const bool shown = m_group == Group::All
                       || (m_group == Group::Open && isOneOf({S::Queued, S::Running, S::Trained, S::Accepted, S::Waiting}))
                       || (m_group == Group::Waiting && isOneOf({S::Waiting, S::Accepted}))
                       || (m_group == Group::Accepted && isOneOf({S::Accepted, S::Waiting, S::Promoted, S::Superseded, S::Declined}))
                       || (m_group == Group::Rejected && isOneOf({S::Rejected, S::Inconclusive, S::Failed, S::Cancelled, S::Duplicate, S::Screened}));
    if (!shown)
        return false;
    const QString searched = index.data(ProposalModel::SearchRole).toString();
    return std::all_of(m_words.begin(), m_words.end(), [&](const QString& word) { return searched.contains(word, Qt::CaseInsensitive); });
}

} // namespace ratchet
