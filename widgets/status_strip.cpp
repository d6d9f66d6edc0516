// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/status_strip.h"

#include <QHBoxLayout>
#include <QToolButton>

#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

StatusStrip::StatusStrip(QWidget* parent) : QWidget(parent)
{
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(metric::gapSmall, 0, metric::gapSmall, 0);
    row->setSpacing(metric::gapSmall);
    m_engine = add(row, QStringLiteral("ring"), tr("Whether an engine turns this lab, here or in another program"));
    m_sandbox = add(row, QStringLiteral("shield"), tr("Sandbox level that the workers measured from inside: 0 none, 1 limits, 2 walled off"));
    m_workers = add(row, QStringLiteral("worker"), tr("Trials running now"));
    m_evidence = add(row, QStringLiteral("wave"), tr("Evidence E of the question being judged; accepted at the threshold"));
    m_decisions = add(row, QStringLiteral("hourglass"), tr("Go to Review (Ctrl+2)"));
    m_ledger = add(row, QStringLiteral("ledger"), tr("The hash chain of everything that changed what is live or who decided"));
    row->addStretch(1);
    connect(m_decisions, &QToolButton::clicked, this, &StatusStrip::reviewWanted);
    setSnapshot(nullptr);
}

QToolButton* StatusStrip::add(QHBoxLayout* row, const QString& iconName, const QString& help)
{
    auto* button = new QToolButton;
    button->setIcon(icon(iconName));
    button->setIconSize({14, 14});
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setAutoRaise(true);
    button->setFont(bodyFont(metric::secondary));
    button->setToolTip(help);
    button->setFocusPolicy(Qt::TabFocus);
    row->addWidget(button);
    return button;
}

QString StatusStrip::decisionText(const Snapshot& snapshot, Time moment)
{
    int waiting = 0;
    Time oldest = moment;
    for (const ProposalRecord& proposal : snapshot.proposals)
        if (proposal.state == ProposalState::Waiting) {
            ++waiting;
            if (const VerdictRecord* verdict = snapshot.verdict(proposal.id); verdict && verdict->created != Time{})
                oldest = std::min(oldest, verdict->created);
        }
    if (waiting == 0)
        return {};
    const QString words = waiting == 1 ? tr("1 decision waits for you") : tr("%1 decisions wait for you").arg(waiting);
    const auto since = moment - oldest;
    return since >= std::chrono::minutes(1)
               ? tr("%1 (%2 min)").arg(words).arg(std::chrono::duration_cast<std::chrono::minutes>(since).count())
               : words;
}

void StatusStrip::setSnapshot(const Snapshot* snapshot)
{
    for (QToolButton* button : {m_engine, m_sandbox, m_workers, m_evidence, m_decisions, m_ledger})
        button->setVisible(snapshot != nullptr);
    if (!snapshot)
        return;
    const Tokens& t = tokens(this);
    const EngineStatus& status = snapshot->status;
    m_engine->setText(!snapshot->engineRuns ? tr("stopped") : snapshot->engineSilent ? tr("no sign of life") : status.stage == "paused" ? tr("paused")
                      : snapshot->engineIsOurs ? tr("running") : tr("running in another program"));
    m_sandbox->setText(tr("sandbox level %1").arg(status.sandboxLevel));
    m_sandbox->setVisible(status.sandboxLevel > 0);
    const auto workers = snapshot->engineRuns ? status.running.size() : 0;
    m_workers->setText(workers == 1 ? tr("1 worker") : tr("%1 workers").arg(workers));
    m_evidence->setVisible(snapshot->engineRuns && status.logThreshold > 0);
    m_evidence->setText(tr("E %1 of %2").arg(formatEValue(status.logEValue), formatEValue(status.logThreshold)));
    const QString decision = decisionText(*snapshot, now());
    m_decisions->setText(decision.isEmpty() ? tr("no decision waits") : decision);
    m_decisions->setIcon(decision.isEmpty() ? icon(QStringLiteral("inbox")) : icon(QStringLiteral("hourglass"), t.waiting));
    m_decisions->setFont(decision.isEmpty() ? bodyFont(metric::secondary) : strongFont(metric::secondary));
    const bool holds = snapshot->ledgerFault.isEmpty();
    m_ledger->setText(holds ? tr("ledger ok, %1 entries").arg(snapshot->ledgerEntries) : tr("ledger broken: %1").arg(snapshot->ledgerFault));
    m_ledger->setIcon(holds ? icon(QStringLiteral("ledger")) : icon(QStringLiteral("warning"), t.rejected));
}

} // namespace ratchet
