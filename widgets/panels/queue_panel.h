// SPDX-License-Identifier: GPL-3.0-or-later
// Queue: every proposal with state, change, predicted and measured gain and price; filter, sort, cancel, retry, reorder,
// propose by hand. User-interface thread only.
#pragma once

#include "widgets/models/proposal_model.h"
#include "widgets/panels/panel.h"

class QComboBox;
class QLineEdit;
class QTableView;
class QTextBrowser;

namespace ratchet {

class QueuePanel : public Panel {
    Q_OBJECT
public:
    explicit QueuePanel(QWidget* parent = nullptr);
    void propose(const Json& patch = Json::array());   // opens the dialog

protected:
    void refresh() override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void buildTable();
    void showMenu(const QPoint& where);
    void rowSelected();
    void showDetail();
    void fitColumns();
    void request(const QString& kind);
    void move(int direction);   // -1 up, +1 down
    void exportCsv();
    [[nodiscard]] const ProposalRecord* current() const;
    [[nodiscard]] QString detailHtml(const Snapshot& snapshot, const ProposalRecord& proposal) const;

    ProposalModel* m_model = nullptr;
    ProposalFilter* m_filter = nullptr;
    QTableView* m_table = nullptr;
    QTextBrowser* m_detail = nullptr;
    QLineEdit* m_search = nullptr;
    QComboBox* m_group = nullptr;
    QString m_shownDetail;
    bool m_following = false;   // selecting a row because the session's selection changed
};

} // namespace ratchet
