// SPDX-License-Identifier: GPL-3.0-or-later
// The reviewer's desk: inbox on the left, the card with the evidence on the right, the decision with its reason above it.
// The engine decides what is allowed; the window only says beforehand why it would refuse. User-interface thread only.
#pragma once

#include <set>

#include "widgets/panels/panel.h"
#include "widgets/panels/review_case.h"

class QLineEdit;
class QSplitter;
class QTreeWidget;

namespace ratchet {

class ReviewCard;

class ReviewPanel : public Panel {
    Q_OBJECT
public:
    explicit ReviewPanel(QWidget* parent = nullptr);
    [[nodiscard]] std::optional<Id<ProposalRecord>> current() const { return m_current; }
    void open(Id<ProposalRecord> proposal);
    // Why deciding is not possible now; empty when it is.
    [[nodiscard]] QString refusal() const;

protected:
    void refresh() override;

private:
    QWidget* makeDesk();
    QPushButton* makeButton(const QString& title, const QString& keys, const QString& kind);
    void fillInbox();
    void showCase();
    void updateButtons();
    void decide(const QString& kind);
    [[nodiscard]] const ReviewCase* entry() const;
    QTreeWidget* m_inbox = nullptr;
    ReviewCard* m_card = nullptr;
    QLabel *m_title = nullptr, *m_subtitle = nullptr, *m_hint = nullptr;
    QLineEdit* m_reason = nullptr;
    std::vector<QPushButton*> m_buttons;
    std::vector<ReviewCase> m_cases;
    std::optional<Id<ProposalRecord>> m_current;
    std::set<Id<ProposalRecord>> m_sent;          // decided here, the engine has not carried it out yet
    LabSession* m_listening = nullptr;
};

} // namespace ratchet
