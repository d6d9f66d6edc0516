// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/loop_panel.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>

#include "widgets/panels/ring_view.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

constexpr int textLine = 18, barHeight = 4, rowGap = 12;

int heightOf(bool below, bool bar)
{
    return textLine + (bar ? barHeight + 4 : 0) + (below ? textLine - 2 : 0) + rowGap;
}

} // namespace

LoopRows::LoopRows(QWidget* parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

std::vector<LoopRows::Row> LoopRows::rowsFor(const Snapshot& snapshot)
{
    std::vector<Row> rows;
    const EngineStatus& status = snapshot.status;
    if (snapshot.engineRuns)
        for (const auto& running : status.running) {
            Row row;
            row.left = running.proposal.isSet() ? QStringLiteral("#%1 %2").arg(running.proposal.value).arg(text(running.title)) : text(running.title);
            row.right = QStringLiteral("%1 %").arg(qRound(running.fraction * 100));
            row.below = running.loss > 0 ? tr("%1, loss %2").arg(text(running.stage)).arg(running.loss, 0, 'f', 3) : text(running.stage);
            if (running.left.count() > 0)
                row.below = tr("%1, %2 left").arg(row.below, formatDuration(running.left));
            row.fraction = running.fraction;
            row.color = &Tokens::accent;
            rows.push_back(row);
        }
    if (snapshot.engineRuns && (status.stage == "judge" || status.stage == "select") && status.logThreshold > 0) {
        Row row;
        row.left = tr("Evidence E");
        row.right = tr("%1 of %2").arg(formatEValue(status.logEValue), formatEValue(status.logThreshold));
        row.below = tr("log scale; accepted at the right end");
        row.fraction = std::clamp(status.logEValue / status.logThreshold, 0.0, 1.0);
        row.color = &Tokens::accepted;
        rows.push_back(row);
    }
    const auto queued = std::count_if(snapshot.proposals.begin(), snapshot.proposals.end(),
                                      [](const auto& one) { return one.state == ProposalState::Queued; });
    Row budget;
    budget.left = tr("Budget");
    budget.right = formatFlopsOf(snapshot.spent, snapshot.config.budget);
    if (queued > 0)
        budget.below = queued == 1 ? tr("1 proposal waits for a worker") : tr("%1 proposals wait for a worker").arg(queued);
    budget.fraction = snapshot.config.budget.value > 0 ? std::clamp(snapshot.spent.value / snapshot.config.budget.value, 0.0, 1.0) : 0;
    budget.color = &Tokens::secondary;
    rows.push_back(budget);
    return rows;
}

void LoopRows::setSnapshot(const std::shared_ptr<const Snapshot>& snapshot)
{
    const int before = sizeHint().height();
    m_rows = snapshot ? rowsFor(*snapshot) : std::vector<Row>{};
    QStringList words;
    for (const Row& row : m_rows)
        words << row.left + QLatin1Char(' ') + row.right + QLatin1Char(' ') + row.below;
    setAccessibleDescription(words.join(QStringLiteral("; ")));
    if (sizeHint().height() != before)
        updateGeometry();
    update();
}

QSize LoopRows::sizeHint() const
{
    int height = 0;
    for (const Row& row : m_rows)
        height += heightOf(!row.below.isEmpty(), row.fraction >= 0);
    return {240, std::max(0, height)};
}

void LoopRows::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens(this);
    int y = 0;
    for (const Row& row : m_rows) {
        const QFont numbers = numberFont(metric::secondary);
        const int right = QFontMetrics(numbers).horizontalAdvance(row.right);
        painter.setFont(bodyFont(metric::secondary));
        painter.setPen(t.text);
        const int room = width() - right - metric::gapSmall;
        painter.drawText(QRect(0, y, room, textLine), Qt::AlignLeft | Qt::AlignVCenter,
                         painter.fontMetrics().elidedText(row.left, Qt::ElideRight, room));
        painter.setFont(numbers);
        painter.drawText(QRect(width() - right, y, right, textLine), Qt::AlignRight | Qt::AlignVCenter, row.right);
        int next = y + textLine;
        if (row.fraction >= 0) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(t.hairline);
            painter.drawRoundedRect(QRectF(0, next + 2, width(), barHeight), 2, 2);
            painter.setBrush(t.*(row.color));
            if (row.fraction > 0)
                painter.drawRoundedRect(QRectF(0, next + 2, std::max(4.0, width() * row.fraction), barHeight), 2, 2);
            next += barHeight + 4;
        }
        painter.setFont(bodyFont(metric::caption));
        painter.setPen(t.secondary);
        painter.drawText(QRect(0, next, width(), textLine), Qt::AlignLeft | Qt::AlignVCenter,
                         painter.fontMetrics().elidedText(row.below, Qt::ElideRight, width()));
        y += heightOf(!row.below.isEmpty(), row.fraction >= 0);
    }
}

LoopPanel::LoopPanel(QWidget* parent) : Panel(QStringLiteral("loop"), tr("Loop"), parent)
{
    m_start = addControl(QStringLiteral("start"), tr("Start or go on (F5)"), [this] { Q_EMIT startWanted(); });
    m_pause = addControl(QStringLiteral("pause"), tr("Pause after what runs now (F6)"), [this] {
        if (session())
            session()->pause();
    });
    m_step = addControl(QStringLiteral("step"), tr("One tooth (F8)"), [this] {
        if (session()) {
            RunLimits one;
            one.teeth = 1;
            session()->start(one);
        }
    });
    m_stop = addControl(QStringLiteral("stop"), tr("Stop; goes on from here next time (Shift+F5)"), [this] {
        if (session())
            session()->stop();
    });

    auto* body = new QWidget;
    m_layout = new QBoxLayout(QBoxLayout::TopToBottom, body);
    m_layout->setContentsMargins(metric::gap, metric::gapSmall, metric::gap, metric::gapSmall);
    m_layout->setSpacing(metric::gapSmall);
    m_ring = new RingView;
    m_layout->addWidget(m_ring, 1);
    auto* side = new QVBoxLayout;
    side->setSpacing(metric::gapSmall);
    m_explain = new QLabel;
    m_explain->setWordWrap(true);
    m_explain->setFont(bodyFont(metric::body));
    m_waiting = new QPushButton;
    m_waiting->setProperty("primary", true);
    m_rows = new LoopRows;
    side->addStretch(1);
    side->addWidget(m_explain);
    side->addWidget(m_waiting);
    side->addWidget(m_rows);
    side->addStretch(1);
    m_layout->addLayout(side);
    connect(m_waiting, &QPushButton::clicked, this, &LoopPanel::reviewWanted);
    setBody(body);
}

// Side by side when wide; then there is room to say what the stage does.
void LoopPanel::arrange()
{
    const bool wide = width() > 480 && width() > height() * 1.2;
    m_layout->setDirection(wide ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
    m_layout->setStretch(1, wide ? 1 : 0);
    m_explain->setVisible(wide || height() > 560);
}

void LoopPanel::resizeEvent(QResizeEvent* event)
{
    Panel::resizeEvent(event);
    arrange();
}

void LoopPanel::refresh()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    for (QToolButton* button : {m_start, m_pause, m_step, m_stop})
        button->setEnabled(snapshot != nullptr);
    if (!snapshot) {
        showEmpty(tr("The loop of a lab turns here: observe, plan, propose, train, judge, approve, learn."));
        return;
    }
    const bool runs = snapshot->engineRuns;
    const bool paused = snapshot->status.stage == "paused";
    m_start->setEnabled(!runs || paused);
    m_step->setEnabled(!runs || paused);
    m_pause->setEnabled(runs && !paused);
    m_stop->setEnabled(runs);
    showBody();
    m_ring->setSnapshot(snapshot.get());
    m_rows->setSnapshot(snapshot);
    const int stage = m_ring->stage();
    m_explain->setText(stage >= 0 ? QStringLiteral("<b>%1.</b> %2").arg(RingView::stageName(stage), RingView::stageHelp(stage))
                                  : tr("Press start: the seed model is trained first, then the loop turns one tooth at a time."));
    const auto waiting = std::count_if(snapshot->proposals.begin(), snapshot->proposals.end(),
                                       [](const auto& one) { return one.state == ProposalState::Waiting; });
    m_waiting->setVisible(waiting > 0);
    m_waiting->setText(waiting == 1 ? tr("1 decision waits for you") : tr("%1 decisions wait for you").arg(waiting));
    arrange();
}

} // namespace ratchet
