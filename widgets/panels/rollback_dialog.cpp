// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/rollback_dialog.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTextBrowser>
#include <QVBoxLayout>

#include "core/genome/genome.h"
#include "widgets/style/format.h"
#include "widgets/style/html.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {

QString RollbackDialog::previewHtml(const Snapshot& snapshot, const Hash& target, const Tokens& tokens)
{
    const auto live = championOf(snapshot);
    if (!live)
        return {};
    QString html = html::heading(tr("%1 goes live instead of %2").arg(versionName(snapshot, target), versionName(snapshot, *live)));
    const ScoreFormat scores(snapshot);
    const auto before = snapshot.scoreOf(*live);
    const auto after = snapshot.scoreOf(target);
    if (before && after)
        html += html::paragraph(tr("Score on the target suite: %1 \u2192 %2 (%3).").arg(scores.score(*before), scores.score(*after), scores.gain(*after - *before)));
    const Json* from = snapshot.genomeOf(*live);
    const Json* to = snapshot.genomeOf(target);
    if (from && to) {
        const auto old = Genome::fromJson(*from);
        const auto next = Genome::fromJson(*to);
        const Json patch = old && next ? patchBetween(*old, *next) : Json::array();
        html += patch.empty() ? html::paragraph(tr("The genomes are equal; only the weights differ."))
                              : html::paragraph(tr("What differs in the genome:")) + html::patchTable(patch, *from, tokens);
    }
    html += html::paragraph(html::colored(tr("The engine verifies the hash of %1 before it moves the pointer. A rollback can be undone in the same way.")
                                              .arg(text(target.brief())), tokens.secondary));
    return html;
}

RollbackDialog::RollbackDialog(const Snapshot& snapshot, const Hash& target, QWidget* parent) : QDialog(parent)
{
    setWindowTitle(tr("Roll back"));
    setMinimumSize(480, 320);
    auto* preview = new QTextBrowser;
    preview->setHtml(html::page(previewHtml(snapshot, target, tokens(this))));
    m_reason = new QLineEdit;
    m_reason->setPlaceholderText(tr("Reason; kept in the ledger"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    auto* go = buttons->addButton(tr("Roll back to %1").arg(versionName(snapshot, target)), QDialogButtonBox::AcceptRole);
    go->setProperty("primary", true);
    go->setEnabled(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(metric::gapLarge, metric::gapLarge, metric::gapLarge, metric::gapLarge);
    layout->setSpacing(metric::gap);
    layout->addWidget(preview, 1);
    layout->addWidget(m_reason);
    layout->addWidget(buttons);
    connect(m_reason, &QLineEdit::textChanged, go, [this, go] { go->setEnabled(!reason().isEmpty()); });
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    m_reason->setFocus();
}

QString RollbackDialog::reason() const
{
    return m_reason->text().trimmed();
}

} // namespace ratchet
