// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/review_panel.h"

#include <algorithm>

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QShortcut>
#include <QSplitter>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "widgets/panels/review_card.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

ReviewPanel::ReviewPanel(QWidget* parent) : Panel(QStringLiteral("review"), tr("Review"), parent)
{
    m_inbox = new QTreeWidget;
    m_inbox->setHeaderHidden(true);
    m_inbox->setRootIsDecorated(false);
    m_inbox->setIndentation(metric::gapSmall);
    m_inbox->setMinimumWidth(150);
    m_inbox->setTextElideMode(Qt::ElideRight);
    m_inbox->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_inbox->setAccessibleName(tr("Inbox"));
    connect(m_inbox, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) {
        if (item && item->data(0, Qt::UserRole).isValid())
            open({item->data(0, Qt::UserRole).toLongLong()});
    });
    auto* split = new QSplitter;
    split->addWidget(m_inbox);
    split->addWidget(makeDesk());
    split->setStretchFactor(0, 0);
    split->setStretchFactor(1, 1);
    split->setSizes({190, 600});
    split->setChildrenCollapsible(false);
    setBody(split);
    ReviewPanel::refresh();
}

QWidget* ReviewPanel::makeDesk()
{
    auto* desk = new QWidget;
    auto* column = new QVBoxLayout(desk);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    auto* top = new QWidget;
    auto* above = new QVBoxLayout(top);
    above->setContentsMargins(metric::gap, metric::gapSmall, metric::gap, metric::gapSmall);
    above->setSpacing(metric::gapTiny);
    m_title = new QLabel;
    m_title->setFont(strongFont(metric::teachTitle));
    m_subtitle = new QLabel;
    m_subtitle->setObjectName(QStringLiteral("secondary"));
    m_subtitle->setWordWrap(true);
    m_reason = new QLineEdit;
    m_reason->setPlaceholderText(tr("Reason: recorded in the ledger with your name"));
    m_reason->setMaxLength(2000);
    auto* row = new QHBoxLayout;
    row->setSpacing(metric::gapSmall);
    row->addWidget(makeButton(tr("Approve"), QStringLiteral("Ctrl+Return"), QStringLiteral("approve")));
    row->addWidget(makeButton(tr("Reject"), QStringLiteral("Ctrl+R"), QStringLiteral("reject")));
    row->addWidget(makeButton(tr("More evidence"), QStringLiteral("Ctrl+E"), QStringLiteral("more-evidence")));
    row->addStretch(1);
    m_buttons.front()->setProperty("primary", true);
    m_hint = new QLabel;
    m_hint->setObjectName(QStringLiteral("secondary"));
    m_hint->setWordWrap(true);
    for (auto* widget : std::initializer_list<QWidget*>{m_title, m_subtitle, m_reason})
        above->addWidget(widget);
    above->addLayout(row);
    above->addWidget(m_hint);
    connect(m_reason, &QLineEdit::textChanged, this, [this] { updateButtons(); });
    column->addWidget(top);
    m_card = new ReviewCard;
    auto* scroll = new QScrollArea;
    scroll->setWidget(m_card);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    m_card->setAutoFillBackground(true);
    m_card->setBackgroundRole(QPalette::Base);
    column->addWidget(scroll, 1);
    return desk;
}

QPushButton* ReviewPanel::makeButton(const QString& title, const QString& keys, const QString& kind)
{
    QString printed = keys;
    auto* button = new QPushButton(QStringLiteral("%1  %2").arg(title, printed.replace(QLatin1String("Return"), tr("Enter"))));
    button->setAccessibleName(title);
    connect(button, &QPushButton::clicked, this, [this, kind] { decide(kind); });
    auto* shortcut = new QShortcut(QKeySequence(keys), this, nullptr, nullptr, Qt::WidgetWithChildrenShortcut);
    connect(shortcut, &QShortcut::activated, button, &QPushButton::click);
    m_buttons.push_back(button);
    return button;
}

void ReviewPanel::refresh()
{
    if (session() != m_listening) {
        m_listening = session();
        m_current.reset();
        m_sent.clear();
        if (m_listening)
            connect(m_listening, &LabSession::failed, this, [this](const QString& sentence, const QString& hint) {
                if (m_sent.empty())
                    return;
                m_sent.clear();
                showError(sentence, hint);
                refresh();
            });
    }
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot) {
        m_cases.clear();
        return showEmpty(tr("Open a lab to see what waits for your decision."));
    }
    m_cases = casesOf(*snapshot, session()->reviewer());
    if (m_cases.empty())
        return showEmpty(tr("Nothing waits for you. When the gate accepts a challenger, it appears here with its evidence."));
    for (auto sent = m_sent.begin(); sent != m_sent.end();) {
        const ProposalRecord* proposal = snapshot->proposal(*sent);
        sent = proposal && proposal->state == ProposalState::Waiting ? std::next(sent) : m_sent.erase(sent);
    }
    showBody();
    if (const auto selected = session()->selection().proposal;
        selected && std::any_of(m_cases.begin(), m_cases.end(), [&](const ReviewCase& c) { return c.proposal == *selected; }) && !m_current)
        m_current = *selected;
    if (!entry() || m_sent.count(*m_current)) {
        const auto next = std::find_if(m_cases.begin(), m_cases.end(), [this](const ReviewCase& c) { return m_sent.count(c.proposal) == 0; });
        m_current = next == m_cases.end() ? m_cases.front().proposal : next->proposal;
    }
    fillInbox();
    showCase();
}

const ReviewCase* ReviewPanel::entry() const
{
    const auto found = std::find_if(m_cases.begin(), m_cases.end(), [this](const ReviewCase& c) { return m_current && c.proposal == *m_current; });
    return found == m_cases.end() ? nullptr : &*found;
}

void ReviewPanel::fillInbox()
{
    const QSignalBlocker blocker(m_inbox);
    const Snapshot& snapshot = *session()->snapshot();
    m_inbox->clear();
    for (const auto& [turn, title] : {std::pair{Turn::Yours, tr("your turn")}, {Turn::Waiting, tr("waiting")}, {Turn::Decided, tr("decided")}}) {
        auto* group = new QTreeWidgetItem(m_inbox);
        group->setFlags(Qt::ItemIsEnabled);
        group->setSizeHint(0, {100, metric::rowHeight});
        group->setFont(0, strongFont(metric::secondary));
        int count = 0;
        for (const auto& reviewed : m_cases) {
            if (reviewed.turn != turn)
                continue;
            const ProposalRecord* proposal = snapshot.proposal(reviewed.proposal);
            auto* item = new QTreeWidgetItem(group);
            item->setText(0, QStringLiteral("%1  %2").arg(versionName(snapshot, reviewed.version), proposal ? text(proposal->operatorName) : QString()));
            item->setToolTip(0, reviewed.why.isEmpty() && proposal ? text(proposal->reason) : reviewed.why);
            if (proposal)
                item->setIcon(0, stateIcon(stateOf(proposal->state), tokens(this)));
            item->setSizeHint(0, {100, metric::rowHeight});
            item->setData(0, Qt::UserRole, QVariant::fromValue<qlonglong>(reviewed.proposal.value));
            ++count;
            if (m_current && reviewed.proposal == *m_current)
                m_inbox->setCurrentItem(item);
        }
        group->setText(0, count ? QStringLiteral("%1 (%2)").arg(title).arg(count) : title);
        group->setForeground(0, tokens(this).secondary);
        group->setExpanded(true);
    }
}

void ReviewPanel::open(Id<ProposalRecord> proposal)
{
    if (m_current && *m_current == proposal)
        return;
    m_current = proposal;
    m_reason->clear();
    showError({});
    showCase();
    if (session())
        session()->selectProposal(proposal);
}

void ReviewPanel::showCase()
{
    const ReviewCase* shown = entry();
    if (!shown)
        return;
    const Snapshot& snapshot = *session()->snapshot();
    const ProposalRecord* proposal = snapshot.proposal(shown->proposal);
    const VerdictRecord* verdict = snapshot.verdict(shown->proposal);
    const auto against = verdict && verdict->champion.isSet() ? std::optional(verdict->champion) : championOf(snapshot);
    m_title->setText(tr("%1 over champion %2").arg(versionName(snapshot, shown->version), against ? versionName(snapshot, *against) : tr("(none)")));
    m_subtitle->setText(proposal ? QStringLiteral("#%1 %2. %3").arg(proposal->id.value).arg(text(proposal->operatorName), text(proposal->reason)) : QString());
    m_card->show(snapshot, *shown);
    updateButtons();
}

QString ReviewPanel::refusal() const
{
    const ReviewCase* shown = entry();
    if (!shown || !session())
        return tr("There is nothing to decide.");
    if (m_sent.count(shown->proposal))
        return tr("Your decision is on its way to the engine.");
    if (shown->turn == Turn::Decided)
        return tr("This is decided.");
    if (shown->turn == Turn::Waiting)
        return shown->why;
    return m_reason->text().trimmed().isEmpty() ? tr("Write a reason to decide.") : QString();
}

void ReviewPanel::updateButtons()
{
    const QString why = refusal();
    const ReviewCase* shown = entry();
    // Rejecting needs no requirement to hold, only a case that waits and a reason.
    const ProposalRecord* proposal = shown && session() ? session()->snapshot()->proposal(shown->proposal) : nullptr;
    const bool waits = proposal && proposal->state == ProposalState::Waiting && m_sent.count(proposal->id) == 0;
    const bool reasoned = !m_reason->text().trimmed().isEmpty();
    for (std::size_t i = 0; i < m_buttons.size(); ++i) {
        m_buttons[i]->setEnabled(i == 0 ? why.isEmpty() : waits && reasoned);
        m_buttons[i]->setToolTip(m_buttons[i]->isEnabled() ? QString() : why);
    }
    m_reason->setVisible(waits);
    for (auto* button : m_buttons)
        button->setVisible(waits);
    m_hint->setText(why.isEmpty() ? tr("Recorded as %1, bound to exactly this evidence.").arg(session()->reviewer()) : why);
}

void ReviewPanel::decide(const QString& kind)
{
    const ReviewCase* shown = entry();
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    const auto evidence = shown && snapshot ? evidenceIn(*snapshot, shown->proposal) : std::nullopt;
    if (!evidence)
        return;
    const Json arguments{{"version", shown->version.hex}, {"reason", m_reason->text().trimmed().toStdString()},
                         {"binding", bindingOf(*evidence, snapshot->policy).hex}};
    m_sent.insert(shown->proposal);
    m_reason->clear();
    showError({});
    session()->ask(kind, arguments);
    if (kind == QLatin1String("more-evidence"))
        m_sent.erase(*m_current);
    refresh();
}

} // namespace ratchet
