// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/activations_panel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/plot/plot_theme.h"
#include "widgets/plot/small_bars.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

constexpr int askAgain = 1000;                    // ms between two readings of a run that goes on

QString statisticTitle(const std::string& name)
{
    static const std::map<std::string, const char*> titles{
        {"rms", QT_TR_NOOP("RMS of activations")},   {"mean", QT_TR_NOOP("mean of activations")},
        {"std", QT_TR_NOOP("standard deviation")},   {"maximum", QT_TR_NOOP("largest magnitude")},
        {"zeroShare", QT_TR_NOOP("share of zeros")}, {"gradientRms", QT_TR_NOOP("RMS of gradients")},
        {"weightRms", QT_TR_NOOP("RMS of weights")}};
    const auto title = titles.find(name);
    return title == titles.end() ? text(name) : ActivationsPanel::tr(title->second);
}

// Sizes differ by layer and span decades; means and shares may be zero or negative.
bool isSize(const std::string& statistic)
{
    return statistic != "mean" && statistic != "zeroShare";
}

constexpr int bothFit = 270;                      // height from which histogram and attention stand one below the other

QComboBox* combo(QHBoxLayout* row, const QString& help)
{
    auto* box = new QComboBox;
    box->setToolTip(help);
    box->setAccessibleName(help);
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    row->addWidget(box);
    return box;
}

} // namespace

ActivationsPanel::ActivationsPanel(QWidget* parent)
    : Panel(QStringLiteral("activations"), tr("Activations"), parent), m_map(new HeatMap), m_attention(new HeatMap), m_bars(new SmallBars)
{
    makeControls();
    m_map->addExportActions(menu(), [this] { return figure(); });
    auto* split = new QSplitter;
    auto* left = new QWidget;
    auto* column = new QVBoxLayout(left);
    column->setContentsMargins(metric::gapSmall, metric::gapSmall, metric::gapTiny, metric::gapTiny);
    column->addWidget(m_map);
    split->addWidget(left);
    split->addWidget(makeSide());
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 1);
    split->setSizes({700, 300});
    split->setChildrenCollapsible(false);
    setBody(split);
    connect(m_map, &HeatMap::cellClicked, this, [this](int row, int cell) {
        if (row < int(m_grid.layers.size()) && cell < int(m_grid.steps.size())) {
            m_cellLayer = m_grid.layers[std::size_t(row)];
            m_cellStep = m_grid.steps[std::size_t(cell)];
        }
        drawCell();
        drawAttention();
    });
    connect(m_map, &PlotWidget::cursorMoved, this, [this](double x) {
        const auto at = std::isfinite(x) ? std::size_t(std::max<long>(0, std::lround(x))) : m_grid.steps.size();
        Q_EMIT stepHovered(at < m_grid.steps.size() ? double(m_grid.steps[at]) : std::numeric_limits<double>::quiet_NaN());
    });
    ActivationsPanel::refresh();
}

void ActivationsPanel::makeControls()
{
    m_statistic = combo(header(), tr("Statistic of every layer"));
    for (const char* name : {"rms", "gradientRms", "weightRms"})
        m_statistic->addItem(statisticTitle(name), QString::fromLatin1(name));
    m_mode = combo(header(), tr("Whose activations"));
    m_mode->addItems({tr("selected run"), tr("champion"), tr("selected \u2212 champion")});
    m_log = new QToolButton;
    m_log->setText(tr("log"));
    m_log->setCheckable(true);
    m_log->setChecked(true);
    m_log->setToolTip(tr("Logarithmic colours; values that are not positive stay empty"));
    header()->addWidget(m_log);
    connect(m_statistic, &QComboBox::activated, this, [this] {
        m_log->setChecked(isSize(m_statistic->currentData().toString().toStdString()));
        draw();
    });
    connect(m_mode, &QComboBox::activated, this, [this] { draw(); });
    connect(m_log, &QToolButton::toggled, this, [this] { draw(); });
}

QWidget* ActivationsPanel::makeSide()
{
    auto* side = new QWidget;
    side->setMinimumWidth(230);
    auto* column = new QVBoxLayout(side);
    column->setContentsMargins(metric::gapSmall, metric::gapSmall, metric::gapSmall, metric::gapTiny);
    column->setSpacing(metric::gapTiny);
    m_cellTitle = new QLabel;
    m_cellTitle->setWordWrap(true);
    m_cellTitle->setFont(bodyFont(metric::secondary));
    auto* choice = new QHBoxLayout;
    m_sideChoice = combo(choice, tr("Beside the map"));
    m_sideChoice->addItems({tr("histogram"), tr("attention")});
    choice->addStretch(1);
    column->addLayout(choice);
    m_barsBox = new QWidget;
    auto* upper = new QVBoxLayout(m_barsBox);
    upper->setContentsMargins(0, 0, 0, 0);
    upper->setSpacing(metric::gapTiny);
    upper->addWidget(m_cellTitle);
    upper->addWidget(m_bars, 1);
    column->addWidget(m_barsBox, 2);
    m_attentionBox = new QWidget;
    auto* below = new QVBoxLayout(m_attentionBox);
    below->setContentsMargins(0, 0, 0, 0);
    below->setSpacing(metric::gapTiny);
    auto* row = new QHBoxLayout;
    m_attentionTitle = new QLabel;
    m_attentionTitle->setFont(bodyFont(metric::secondary));
    row->addWidget(m_attentionTitle);
    row->addStretch(1);
    m_block = combo(row, tr("Block"));
    m_head = combo(row, tr("Head"));
    below->addLayout(row);
    below->addWidget(m_attention, 1);
    column->addWidget(m_attentionBox, 4);
    connect(m_sideChoice, &QComboBox::activated, this, [this] { arrangeSide(); });
    connect(m_block, &QComboBox::activated, this, [this] { drawAttention(); });
    connect(m_head, &QComboBox::activated, this, [this] { drawAttention(); });
    return side;
}

// Both below each other when they fit, else the one that was chosen.
void ActivationsPanel::arrangeSide()
{
    const bool both = height() >= bothFit || !m_hasAttention;
    const bool attention = m_sideChoice->currentIndex() == 1;
    m_sideChoice->setVisible(!both);
    m_barsBox->setVisible(both || !attention);
    m_attentionBox->setVisible(m_hasAttention && (both || attention));
}

void ActivationsPanel::resizeEvent(QResizeEvent* event)
{
    Panel::resizeEvent(event);
    arrangeSide();
}

ActivationsPanel::Mode ActivationsPanel::mode() const { return Mode(m_mode->currentIndex()); }

Id<TrialRecord> ActivationsPanel::championTrial() const
{
    const Snapshot& snapshot = *session()->snapshot();
    const auto champion = championOf(snapshot);
    const VersionRecord* version = champion ? snapshot.version(*champion) : nullptr;
    return version && version->trial ? *version->trial : Id<TrialRecord>{};
}

Id<TrialRecord> ActivationsPanel::selectedTrial() const
{
    const Snapshot& snapshot = *session()->snapshot();
    if (const auto chosen = session()->selection().trial; chosen && snapshot.trial(*chosen))
        return *chosen;
    for (const auto& trial : snapshot.trials)
        if (trial.state == TrialState::Running)
            return trial.id;
    const auto champion = championTrial();
    return champion.isSet() ? champion : snapshot.trials.empty() ? Id<TrialRecord>{} : snapshot.trials.back().id;
}

void ActivationsPanel::refresh()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot)
        return showEmpty(tr("Open a lab to see what happens inside its models."));
    if (snapshot->trials.empty())
        return showEmpty(tr("Layer statistics appear here with the first steps of the first run."),
                         snapshot->engineRuns ? QString() : tr("Start"), [this] { session()->start(RunLimits{}); });
    ask(m_selected, selectedTrial());
    ask(m_champion, championTrial());
    draw();
}

void ActivationsPanel::ask(Source& source, Id<TrialRecord> wanted)
{
    const TrialRecord* trial = session()->snapshot()->trial(wanted);
    if (source.trial != wanted) {
        source.trial = wanted;
        source.records.clear();
        source.steps = -1;
        source.asked.invalidate();
    }
    const bool due = !source.asked.isValid() || source.asked.elapsed() > askAgain || (trial && trial->state != TrialState::Running);
    if (!trial || trial->steps == source.steps || !due)
        return;
    source.steps = trial->steps;
    source.asked.start();
    ++m_pending;
    setBusy(true);
    session()->askLayers(wanted, this, [this, &source, wanted](std::vector<LayerRecord> records) {
        --m_pending;
        if (source.trial == wanted)
            source.records = std::move(records);
        setBusy(m_pending > 0);
        draw();
    });
}

AxisSpec ActivationsPanel::valueAxis(const std::string& statistic) const
{
    const bool difference = mode() == Mode::Difference;
    const QString title = statisticTitle(statistic);
    return {difference ? tr("%1, selected \u2212 champion").arg(title) : title, {},
            m_log->isChecked() && !difference ? AxisScale::Logarithmic : AxisScale::Linear, false};
}

void ActivationsPanel::draw()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot || snapshot->trials.empty())
        return;
    const auto& records = mode() == Mode::Champion ? m_champion.records : m_selected.records;
    for (const auto& name : statisticsIn(records))
        if (m_statistic->findData(text(name)) < 0)
            m_statistic->addItem(statisticTitle(name), text(name));
    const std::string statistic = m_statistic->currentData().toString().toStdString();
    m_grid = mode() == Mode::Difference ? differenceOf(m_selected.records, m_champion.records, statistic) : gridOf(records, statistic);
    if (m_grid.layers.empty() && m_pending == 0)
        return showEmpty(tr("This run recorded no layer statistics yet; they come a few times during a run."));
    showBody();
    m_log->setEnabled(mode() != Mode::Difference);
    m_map->setAxes({tr("step"), {}, {}, false}, {});
    m_map->setData(m_grid.data, mode() == Mode::Difference ? HeatMap::Colours::Difference : HeatMap::Colours::Magnitude, valueAxis(statistic));
    drawCell();
    drawAttention();
}

void ActivationsPanel::drawCell()
{
    const auto row = std::find(m_grid.layers.begin(), m_grid.layers.end(), m_cellLayer);
    const std::size_t layer = row == m_grid.layers.end() ? 0 : std::size_t(row - m_grid.layers.begin());
    const int column = m_grid.steps.empty() ? -1 : m_grid.columnOf(m_cellStep.value_or(m_grid.steps.back()));
    if (m_grid.layers.empty() || column < 0) {
        m_map->setCell({});
        m_cellTitle->clear();
        return m_bars->setBars({}, 0, 1);
    }
    const auto& records = mode() == Mode::Champion ? m_champion.records : m_selected.records;
    const auto range = [](const LayerRecord& record) {
        const double mean = statisticOf(record, "mean"), deviation = statisticOf(record, "std");
        return std::isfinite(mean) && std::isfinite(deviation) ? std::pair(mean - 4 * deviation, mean + 4 * deviation) : std::pair(-4.0, 4.0);
    };
    m_map->setCell(std::pair(int(layer), column));
    const std::int64_t step = m_grid.steps[std::size_t(column)];
    const LayerRecord* record = recordAt(records, m_grid.layers[layer], step);
    QString title = tr("%1 at step %2").arg(m_grid.data.rows[layer]).arg(step);
    m_bars->setBars(record ? record->histogram : std::vector<std::int64_t>{}, record ? range(*record).first : 0,
                    record ? range(*record).second : 1, tr("activation"));
    m_bars->setOutline({}, 0, 1);
    if (mode() == Mode::Difference && !m_champion.records.empty()) {
        const LayerGrid other = gridOf(m_champion.records, "rms");
        const double share = m_grid.steps.back() > 0 ? double(step) / double(m_grid.steps.back()) : 0;
        const int at = other.columnOf(std::llround(share * double(other.steps.empty() ? 0 : other.steps.back())));
        const LayerRecord* champion = at < 0 ? nullptr : recordAt(m_champion.records, m_grid.layers[layer], other.steps[std::size_t(at)]);
        if (champion) {
            m_bars->setOutline(champion->histogram, range(*champion).first, range(*champion).second);
            title += tr("; outline: champion at step %1").arg(champion->step);
        }
    }
    m_cellTitle->setText(title);
}

void ActivationsPanel::drawAttention()
{
    const auto& records = mode() == Mode::Champion ? m_champion.records : m_selected.records;
    const std::int64_t step = m_cellStep.value_or(std::numeric_limits<std::int64_t>::max());
    const Attention seen = attentionOf(records, step, std::max(0, m_block->currentIndex()), std::max(0, m_head->currentIndex()));
    m_hasAttention = seen.blocks > 0;
    arrangeSide();
    const auto fill = [](QComboBox* box, const QString& name, int count) {
        if (box->count() == count)
            return;
        const int kept = std::min(std::max(0, box->currentIndex()), count - 1);
        box->clear();
        for (int i = 0; i < count; ++i)
            box->addItem(name.arg(i));
        box->setCurrentIndex(kept);
    };
    fill(m_block, tr("block %1"), seen.blocks);
    fill(m_head, tr("head %1"), seen.heads);
    m_attentionTitle->setText(tr("Attention"));
    m_attentionTitle->setToolTip(tr("Probe prompt at step %1: each row is a token, the columns are what it looks at").arg(seen.step));
    m_attention->setAxes({tr("looks at"), {}, {}, false}, {tr("token"), {}, {}, false});
    m_attention->setData(seen.data, HeatMap::Colours::Magnitude, {tr("weight"), {}, {}, false});
}

void ActivationsPanel::setStepCursor(double step)
{
    const int column = std::isfinite(step) ? m_grid.columnOf(std::llround(step)) : -1;
    m_map->setCursor(column < 0 ? std::numeric_limits<double>::quiet_NaN() : double(column));
}

Figure ActivationsPanel::figure() const
{
    Figure figure;
    figure.title = tr("%1 by layer and step").arg(m_statistic->currentText());
    if (session() && session()->snapshot())
        figure.settings = {{QStringLiteral("lab"), QString::fromStdString(session()->paths().root.string())},
                           {QStringLiteral("trial"), QString::number(m_selected.trial.value)},
                           {QStringLiteral("shown"), m_mode->currentText()},
                           {QStringLiteral("statistic"), m_statistic->currentData().toString()}};
    return figure;
}

} // namespace ratchet
