// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/timeline_panel.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>

#include "widgets/panels/rollback_dialog.h"
#include "widgets/panels/timeline_view.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

TimelinePanel::TimelinePanel(QWidget* parent) : Panel(QStringLiteral("timeline"), tr("Timeline"), parent)
{
    m_legend = new QLabel;
    m_legend->setObjectName(QStringLiteral("secondary"));
    m_legend->setFont(bodyFont(metric::secondary));
    header()->addWidget(m_legend);
    m_rollback = addControl(QStringLiteral("rollback"), tr("Roll back to the selected version (Enter)"), [this] { rollBack(); });
    m_rollback->setText(tr("Roll back\u2026"));
    m_rollback->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_view = new TimelineView;
    menu()->addAction(icon(QStringLiteral("copy")), tr("Copy the version's hash"), this, [this] {
        if (session() && session()->selection().version)
            QApplication::clipboard()->setText(text(session()->selection().version->hex));
    });
    setBody(m_view);
    connect(m_view, &TimelineView::picked, this, [this](const Hash& version) {
        if (session())
            session()->selectVersion(version);
    });
    connect(m_view, &TimelineView::rollBackWanted, this, &TimelinePanel::rollBack);
}

bool TimelinePanel::mayRollBack() const
{
    const auto wanted = session() ? session()->selection().version : std::nullopt;
    if (!wanted || championOf(*session()->snapshot()) == wanted)
        return false;
    const auto& deployments = session()->snapshot()->deployments;
    return std::any_of(deployments.begin(), deployments.end(), [&](const auto& one) { return one.version == *wanted; });
}

void TimelinePanel::refresh()
{
    m_rollback->setEnabled(mayRollBack());
    m_legend->setVisible(session() != nullptr);
    if (!session()) {
        m_view->setSnapshot(nullptr);
        showEmpty(tr("Versions appear here from left to right: champions on the base line, what was tried above."));
        return;
    }
    const auto snapshot = session()->snapshot();
    m_view->setSnapshot(snapshot);
    m_view->setCurrent(session()->selection().version);
    if (snapshot->versions.empty()) {
        m_legend->hide();
        showEmpty(tr("No versions yet. The first one is the seed model."), snapshot->engineRuns ? QString() : tr("Start the loop"),
                  [this] { session()->start({}); });
        return;
    }
    showBody();
    const auto live = championOf(*snapshot);
    const auto selected = session()->selection().version;
    QString words = tr("%1 versions").arg(snapshot->versions.size());
    if (live)
        words += tr(", %1 is live").arg(versionName(*snapshot, *live));
    if (selected && selected != live)
        words += tr(", %1 selected").arg(versionName(*snapshot, *selected));
    m_legend->setText(words);
}

void TimelinePanel::rollBack()
{
    if (!mayRollBack())
        return;
    const Hash target = *session()->selection().version;
    auto* dialog = new RollbackDialog(*session()->snapshot(), target, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog, target] {
        if (session())
            session()->ask(QStringLiteral("rollback"), {{"version", target.hex}, {"reason", dialog->reason().toStdString()}});
    });
    dialog->open();
}

} // namespace ratchet
