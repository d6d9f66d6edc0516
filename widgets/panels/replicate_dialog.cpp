// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/replicate_dialog.h"

#include <algorithm>

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>

#include "core/agent/limits.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

bool hasRecipe(const Snapshot& snapshot, const std::optional<Hash>& version)
{
    const VersionRecord* record = version ? snapshot.version(*version) : nullptr;
    const ProposalRecord* made = record ? snapshot.proposalOf(*record) : nullptr;
    return record && record->trial && !(made && isControl(*made));
}

ReplicateDialog::ReplicateDialog(std::shared_ptr<const Snapshot> snapshot, const Hash& version, Beside beside, QWidget* parent)
    : QDialog(parent), m_snapshot(std::move(snapshot)), m_version(*m_snapshot->version(version)), m_beside(beside)
{
    const bool noise = beside == Beside::Itself;
    setWindowTitle(noise ? tr("Measure the noise") : tr("Replicate"));
    setMinimumWidth(440);
    auto* what = new QLabel(noise ? tr("The recipe of champion %1 is trained again with other seeds, and each result is measured beside it: how far equal recipes "
                                       "lie apart, and so how small a gain the gate can see.").arg(versionName(*m_snapshot, version))
                                  : tr("The recipe of %1 is trained again with other seeds, and each result is measured against the version that %1 had to beat: "
                                       "how much of its gain comes back.").arg(versionName(*m_snapshot, version)));
    what->setWordWrap(true);
    const ReplicationWish usual;
    m_seeds = new QSpinBox;
    m_seeds->setObjectName(QStringLiteral("seeds"));
    m_seeds->setRange(1, 1000);
    m_seeds->setValue(usual.seeds);
    m_seeds->setToolTip(tr("Results there shall be in the end; those of earlier times count"));
    m_items = new QSpinBox;
    m_items->setRange(10, 100'000);
    m_items->setSingleStep(100);
    m_items->setValue(usual.items);
    m_items->setToolTip(tr("Fresh items of the target suite that each result answers; half as many of each retained suite"));
    m_price = new QLabel;
    m_price->setObjectName(QStringLiteral("noticeLine"));
    m_price->setWordWrap(true);
    auto* form = new QFormLayout;
    form->setSpacing(metric::gapSmall);
    form->addRow(tr("&Seeds"), m_seeds);
    form->addRow(tr("&Items"), m_items);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    m_go = buttons->addButton(noise ? tr("Measure") : tr("Replicate"), QDialogButtonBox::AcceptRole);
    m_go->setProperty("primary", true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(metric::gapLarge, metric::gapLarge, metric::gapLarge, metric::gapLarge);
    layout->setSpacing(metric::gap);
    layout->addWidget(what);
    layout->addLayout(form);
    layout->addWidget(m_price);
    layout->addWidget(buttons);
    connect(m_seeds, &QSpinBox::valueChanged, this, &ReplicateDialog::check);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    check();
}

int ReplicateDialog::missingRuns(const Snapshot& snapshot, const VersionRecord& version, int seeds)
{
    const auto there = std::count_if(snapshot.proposals.begin(), snapshot.proposals.end(),
                                     [&](const ProposalRecord& proposal) { return replicates(proposal, version) && !isLost(proposal); });
    return std::max(0, seeds - int(there));
}

void ReplicateDialog::check()
{
    const int missing = missingRuns(*m_snapshot, m_version, m_seeds->value());
    const int room = affordableTrials(m_snapshot->config, m_snapshot->spent);
    const Flops trial = m_snapshot->config.trialBudget;
    const QString price = tr("%1 trials of %2, %3 together; the budget pays for %4.").arg(missing).arg(formatFlops(trial), formatFlops({missing * trial.value})).arg(room);
    m_price->setText(missing == 0 ? tr("That many are trained; what was not measured on so many items is measured again.") : price);
    m_go->setEnabled(missing <= room);
}

ReplicationWish ReplicateDialog::wish() const
{
    return {m_version.hash, m_beside == Beside::Itself, m_seeds->value(), m_items->value()};
}

} // namespace ratchet
