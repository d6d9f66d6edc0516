// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/queue_panel.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QSaveFile>
#include <QScrollBar>
#include <QShortcut>
#include <QSplitter>
#include <QTableView>
#include <QTextBrowser>
#include <QToolButton>

#include "widgets/panels/propose_dialog.h"
#include "widgets/style/format.h"
#include "widgets/style/html.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {

QueuePanel::QueuePanel(QWidget* parent) : Panel(QStringLiteral("queue"), tr("Queue"), parent)
{
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Filter"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(140);
    m_search->setAccessibleName(tr("Filter proposals by words"));
    m_group = new QComboBox;
    m_group->addItems({tr("All"), tr("Open"), tr("To decide"), tr("Accepted"), tr("Not accepted")});
    m_group->setAccessibleName(tr("Which states are shown"));
    header()->addWidget(m_search);
    header()->addWidget(m_group);
    addControl(QStringLiteral("plus"), tr("Propose a change by hand (Ctrl+P)"), [this] { propose(); });

    buildTable();
    m_detail = new QTextBrowser;
    m_detail->setObjectName(QStringLiteral("detail"));
    m_detail->setFrameShape(QFrame::NoFrame);
    m_detail->setOpenLinks(false);
    auto* splitter = new QSplitter(Qt::Vertical);
    splitter->addWidget(m_table);
    splitter->addWidget(m_detail);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 2);
    splitter->setChildrenCollapsible(false);
    menu()->addAction(icon(QStringLiteral("plus")), tr("Propose\u2026"), this, [this] { propose(); });
    menu()->addAction(icon(QStringLiteral("export")), tr("Export as CSV\u2026"), this, &QueuePanel::exportCsv);
    setBody(splitter);

    connect(m_search, &QLineEdit::textChanged, m_filter, &ProposalFilter::setText);
    connect(m_group, &QComboBox::currentIndexChanged, m_filter,
            [this](int index) { m_filter->setGroup(static_cast<ProposalFilter::Group>(index)); });
}

void QueuePanel::buildTable()
{
    m_model = new ProposalModel(this);
    m_filter = new ProposalFilter(this);
    m_filter->setSourceModel(m_model);
    m_table = new QTableView;
    m_table->setModel(m_filter);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(ProposalModel::Number, Qt::DescendingOrder);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_table->setIconSize({metric::icon, metric::icon});
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    m_table->setTabKeyNavigation(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(metric::rowHeight);
    m_table->verticalHeader()->setMinimumSectionSize(metric::rowHeight);
    m_table->horizontalHeader()->setMinimumSectionSize(36);
    m_table->horizontalHeader()->setFixedHeight(metric::tableHeader);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setSectionResizeMode(ProposalModel::Change, QHeaderView::Stretch);
    m_table->viewport()->installEventFilter(this);
    connect(m_table, &QWidget::customContextMenuRequested, this, &QueuePanel::showMenu);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &QueuePanel::rowSelected);
    const auto shortcut = [this](const QKeySequence& keys, auto action) {
        auto* key = new QShortcut(keys, m_table);
        key->setContext(Qt::WidgetShortcut);
        connect(key, &QShortcut::activated, this, action);
    };
    shortcut(QKeySequence::Delete, [this] { request(QStringLiteral("cancel")); });
    shortcut(Qt::ALT | Qt::Key_Up, [this] { move(-1); });
    shortcut(Qt::ALT | Qt::Key_Down, [this] { move(+1); });
}

// Narrow panels keep what identifies and measures a proposal; the rest is in the detail below.
void QueuePanel::fitColumns()
{
    const QFontMetrics numbers(numberFont(metric::secondary));
    const QFontMetrics words(bodyFont());
    const QFontMetrics titles(bodyFont(metric::secondary));
    for (int column = 0; column < ProposalModel::ColumnCount; ++column) {
        if (column == ProposalModel::Change)
            continue;
        const bool numeric = column == ProposalModel::Number || column >= ProposalModel::Predicted;
        const int content = (numeric ? numbers : words).horizontalAdvance(m_model->longest(column));
        const int title = titles.horizontalAdvance(m_model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
        const int sortMark = column == m_table->horizontalHeader()->sortIndicatorSection() ? metric::icon : 0;
        const int sign = column == ProposalModel::StateColumn ? metric::icon + 4 : 0;
        m_table->setColumnWidth(column, std::max(content + sign, title + sortMark) + 2 * metric::gapSmall);
    }
    const int room = m_table->viewport()->width();
    m_table->setColumnHidden(ProposalModel::Family, room < 620);
    m_table->setColumnHidden(ProposalModel::Predicted, room < 700);
    m_table->setColumnHidden(ProposalModel::Price, room < 800);
    m_table->setColumnHidden(ProposalModel::Measured, room < 400);
}

bool QueuePanel::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::Resize)
        fitColumns();
    return Panel::eventFilter(watched, event);
}

void QueuePanel::changeEvent(QEvent* event)
{
    Panel::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && session()) {
        m_shownDetail.clear();
        showDetail();
    }
}

void QueuePanel::refresh()
{
    if (!session()) {
        m_model->setSnapshot(nullptr);
        showEmpty(tr("The proposals of a lab appear here: what to change, why, and what came of it."));
        return;
    }
    m_model->setSnapshot(session()->snapshot());
    if (m_model->rowCount() == 0) {
        showEmpty(tr("No proposals yet. The loop makes the first ones as soon as the seed model is trained."), tr("Start the loop"),
                  [this] { session()->start({}); });
        return;
    }
    showBody();
    fitColumns();
    const auto selected = session()->selection().proposal;
    const QModelIndex row = m_filter->mapFromSource(m_model->index(selected ? m_model->rowOf(*selected) : -1, 0));
    m_following = true;
    if (!selected)
        m_table->setCurrentIndex({});
    else if (row.isValid() && row.row() != m_table->currentIndex().row()) {
        m_table->setCurrentIndex(row);
        m_table->selectRow(row.row());
    }
    m_following = false;
    showDetail();
}

void QueuePanel::rowSelected()
{
    const auto id = m_model->idAt(m_filter->mapToSource(m_table->currentIndex()).row());
    if (!m_following && session() && id.isSet())
        session()->selectProposal(id);
}

const ProposalRecord* QueuePanel::current() const
{
    const auto selected = session() ? session()->selection().proposal : std::nullopt;
    return selected ? session()->snapshot()->proposal(*selected) : nullptr;
}

QString QueuePanel::detailHtml(const Snapshot& snapshot, const ProposalRecord& proposal) const
{
    const Tokens& t = tokens(this);
    QString html = html::heading(QStringLiteral("#%1  %2").arg(proposal.id.value).arg(text(proposal.operatorName)));
    QString state = html::colored(stateTitle(proposal.state), t.state(stateOf(proposal.state)));
    if (!proposal.stateReason.empty())
        state += QStringLiteral(" \u00b7 ") + html::escape(text(proposal.stateReason));
    html += html::paragraph(state);
    for (const VerdictRecord& verdict : snapshot.judgings(proposal.id)) {
        QString line = tr("E %1 of %2 after %3 pairs, question %4 of this lab")
                           .arg(formatEValue(std::log(std::max(verdict.eValue, 1e-300))), formatEValue(std::log(std::max(verdict.threshold, 1.0))))
                           .arg(verdict.pairs).arg(verdict.k);
        html += html::paragraph(html::colored(line, t.secondary));
    }
    html += html::paragraph(html::escape(text(proposal.reason)));
    const Json* genome = snapshot.genomeOf(proposal.parent);
    html += html::patchTable(proposal.patch, genome ? *genome : Json(), t);
    const ScoreFormat scores(snapshot);
    QStringList facts{familyTitle(proposal.family), tr("from %1").arg(versionName(snapshot, proposal.parent)),
                      tr("by %1").arg(authorTitle(proposal.author)), tr("predicted %1").arg(scores.gain(proposal.predictedGain)),
                      tr("price %1").arg(formatFlops(proposal.price))};
    if (const ScorecardRecord* score = snapshot.gateScore(proposal.id))
        facts << tr("measured %1").arg(scores.gain(score->difference, score->low, score->high));
    return html + html::paragraph(html::colored(html::escape(facts.join(QStringLiteral(" \u00b7 "))), t.secondary));
}

void QueuePanel::showDetail()
{
    const ProposalRecord* proposal = current();
    const QString html = proposal ? detailHtml(*session()->snapshot(), *proposal)
                                  : html::paragraph(html::colored(tr("Select a proposal to see its patch, reason and verdict."), tokens(this).secondary));
    if (html == m_shownDetail)
        return;
    m_shownDetail = html;
    const int scroll = m_detail->verticalScrollBar()->value();
    m_detail->setHtml(html::page(html));
    m_detail->verticalScrollBar()->setValue(scroll);
}

void QueuePanel::showMenu(const QPoint& where)
{
    const ProposalRecord* proposal = current();
    if (!proposal)
        return;
    using S = ProposalState;
    const S state = proposal->state;
    const bool queued = state == S::Queued;
    auto* actions = new QMenu(this);
    actions->setAttribute(Qt::WA_DeleteOnClose);
    const auto add = [&](const char* iconName, const QString& title, const QKeySequence& keys, bool enabled, auto action) {
        QAction* entry = actions->addAction(icon(QLatin1String(iconName)), title, this, action);
        entry->setShortcut(keys);
        entry->setEnabled(enabled);
    };
    add("cross", tr("Cancel"), QKeySequence::Delete, queued || state == S::Running, [this] { request(QStringLiteral("cancel")); });
    add("retry", tr("Try again"), {}, state == S::Failed || state == S::Cancelled || state == S::Screened,
        [this] { request(QStringLiteral("retry")); });
    actions->addSeparator();
    add("up", tr("Move up"), Qt::ALT | Qt::Key_Up, queued, [this] { move(-1); });
    add("down", tr("Move down"), Qt::ALT | Qt::Key_Down, queued, [this] { move(+1); });
    actions->addSeparator();
    add("copy", tr("Copy patch"), {}, true, [patch = text(proposal->patch.dump(2))] { QApplication::clipboard()->setText(patch); });
    add("plus", tr("Propose a variation\u2026"), {}, true, [this, patch = proposal->patch] { propose(patch); });
    actions->popup(m_table->viewport()->mapToGlobal(where));
}

void QueuePanel::request(const QString& kind)
{
    if (const ProposalRecord* proposal = current())
        session()->ask(kind, {{"proposal", proposal->id.value}});
}

void QueuePanel::move(int direction)
{
    const ProposalRecord* proposal = current();
    if (!proposal || proposal->state != ProposalState::Queued)
        return;
    std::vector<const ProposalRecord*> queued;
    const auto snapshot = session()->snapshot();
    for (const ProposalRecord& other : snapshot->proposals)
        if (other.state == ProposalState::Queued)
            queued.push_back(&other);
    std::stable_sort(queued.begin(), queued.end(), [](const auto* a, const auto* b) { return a->rank < b->rank; });
    const auto at = std::find_if(queued.begin(), queued.end(), [&](const auto* other) { return other->id == proposal->id; }) - queued.begin();
    const auto before = direction < 0 ? at - 1 : at + 2;
    if (before < 0 || (direction > 0 && at + 1 == std::ssize(queued)))
        return;
    const std::int64_t other = before < std::ssize(queued) ? queued[static_cast<std::size_t>(before)]->id.value : 0;
    session()->ask(QStringLiteral("move"), {{"proposal", proposal->id.value}, {"before", other}});
}

void QueuePanel::propose(const Json& patch)
{
    if (!session())
        return;
    auto* dialog = new ProposeDialog(*session()->snapshot(), patch, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        if (session())
            session()->ask(QStringLiteral("propose"), {{"patch", dialog->patch()}, {"reason", dialog->reason().toStdString()}});
    });
    dialog->open();
}

void QueuePanel::exportCsv()
{
    const QString name = QFileDialog::getSaveFileName(this, tr("Export the queue"), QStringLiteral("queue.csv"), tr("CSV (*.csv)"));
    if (name.isEmpty())
        return;
    QSaveFile file(name);
    const auto quoted = [](QString cell) { return QLatin1Char('"') + cell.replace(QLatin1Char('"'), QLatin1String("\"\"")) + QLatin1Char('"'); };
    QStringList lines;
    for (int row = -1; row < m_filter->rowCount(); ++row) {
        QStringList cells;
        for (int column = 0; column < ProposalModel::ColumnCount; ++column)
            cells << quoted(row < 0 ? m_model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString()
                                    : m_filter->index(row, column).data().toString());
        lines << cells.join(QLatin1Char(','));
    }
    if (!file.open(QIODevice::WriteOnly) || file.write(lines.join(QLatin1Char('\n')).toUtf8() + '\n') < 0 || !file.commit())
        showError(tr("The file %1 could not be written: %2.").arg(name, file.errorString()), tr("Choose another folder."));
}

} // namespace ratchet
