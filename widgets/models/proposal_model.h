// SPDX-License-Identifier: GPL-3.0-or-later
// The proposals of a lab as a table. setSnapshot() changes only the rows that differ, so that selection and scroll position
// stay; ProposalFilter sorts by value and filters by text and state. User-interface thread only.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include "widgets/bridge/lab_session.h"
#include "widgets/style/tokens.h"

namespace ratchet {

class ProposalModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Number, StateColumn, Change, Family, Predicted, Measured, Price, ColumnCount };
    enum Role { SortRole = Qt::UserRole, IdRole, StateRole, SearchRole };
    explicit ProposalModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void setSnapshot(const std::shared_ptr<const Snapshot>& snapshot);   // null empties the table
    [[nodiscard]] Id<ProposalRecord> idAt(int row) const;
    [[nodiscard]] QString longest(int column) const;    // text with the most characters: what a column must hold
    [[nodiscard]] int rowOf(Id<ProposalRecord> id) const;                // -1 when absent

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Row {
        Id<ProposalRecord> id;
        ProposalState state = ProposalState::Queued;
        bool interrupted = false;                 // was being trained when its engine ended
        QString change, family, predicted, measured, price, stateReason;
        double predictedValue = 0, priceValue = 0;
        std::optional<double> measuredValue;
        bool operator==(const Row&) const = default;
    };
    [[nodiscard]] static Row rowFor(const Snapshot& snapshot, const ProposalRecord& proposal, const ScorecardRecord* score);
    [[nodiscard]] QString textAt(const Row& row, int column) const;
    [[nodiscard]] QVariant sortKey(const Row& row, int column) const;

    std::vector<Row> m_rows;
    QString m_unit;                               // of gains
};

class ProposalFilter : public QSortFilterProxyModel {
    Q_OBJECT
public:
    // Which states are shown; Open: what is still to be done or decided.
    enum class Group { All, Open, Waiting, Accepted, Rejected };
    explicit ProposalFilter(QObject* parent = nullptr);
    void setGroup(Group group);
    void setText(const QString& text);   // every word must occur in number, family, change or state

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

private:
    Group m_group = Group::All;
    QStringList m_words;
};

} // namespace ratchet
