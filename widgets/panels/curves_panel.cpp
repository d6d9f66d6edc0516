// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/curves_panel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QComboBox>
#include <QHBoxLayout>
#include <QMenu>
#include <QSlider>
#include <QToolButton>
#include <QVBoxLayout>

#include "core/genome/genome.h"
#include "widgets/plot/legend_chips.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/style/format.h"

namespace ratchet {

double unitsPerStep(const TrialRecord& trial, CurveAxis axis)
{
    const double steps = double(trial.steps);
    if (axis == CurveAxis::Step)
        return 1;
    if (!(steps > 0))
        return 0;
    switch (axis) {
    case CurveAxis::Step: break;
    case CurveAxis::Tokens: return double(trial.tokens) / steps;
    case CurveAxis::Compute: return trial.spent.value / steps;
    case CurveAxis::WallTime: return double(trial.wall.count()) / 1000 / steps;
    case CurveAxis::Budget: return trial.budget.value > 0 ? trial.spent.value / trial.budget.value * 100 / steps : 0;
    }
    return 1;
}

AxisSpec metricAxis(const std::string& metric)
{
    QString title = text(metric).replace(QLatin1Char('-'), QLatin1Char(' '));
    if (metric == "loss")
        return {title, CurvesPanel::tr("nats per token"), AxisScale::Linear, false};
    return {title, {}, AxisScale::Linear, false};
}

std::set<Id<TrialRecord>> defaultRuns(const Snapshot& snapshot, std::optional<Id<TrialRecord>> selected)
{
    std::set<Id<TrialRecord>> runs;
    int tooth = 0;
    for (const auto& proposal : snapshot.proposals)
        if (snapshot.trialOf(proposal.id))
            tooth = std::max(tooth, proposal.tooth);
    const TrialRecord* chosen = selected ? snapshot.trial(*selected) : nullptr;
    const ProposalRecord* asked = chosen ? snapshot.proposal(chosen->proposal) : nullptr;
    if (asked)
        tooth = asked->tooth;
    if (chosen)
        runs.insert(chosen->id);
    const auto champion = championOf(snapshot);
    const VersionRecord* live = champion ? snapshot.version(*champion) : nullptr;
    if (live && live->trial && snapshot.trial(*live->trial))
        runs.insert(*live->trial);
    for (const auto& trial : snapshot.trials) {
        const ProposalRecord* proposal = snapshot.proposal(trial.proposal);
        if (trial.state == TrialState::Running || (proposal && proposal->tooth == tooth) || (!proposal && tooth == 0))
            runs.insert(trial.id);
    }
    return runs;
}

namespace {

QString key(Id<TrialRecord> id) { return QString::number(id.value); }
Id<TrialRecord> idOf(const QString& key) { return {key.toLongLong()}; }

AxisSpec xSpec(CurveAxis axis, const Magnitude& magnitude)
{
    switch (axis) {
    case CurveAxis::Step: return {CurvesPanel::tr("step"), {}, AxisScale::Linear, false};
    case CurveAxis::Tokens: return {CurvesPanel::tr("tokens"), magnitude.prefix, AxisScale::Linear, false};
    case CurveAxis::Compute: return {CurvesPanel::tr("compute"), magnitude.prefix + QStringLiteral("FLOP"), AxisScale::Linear, false};
    case CurveAxis::WallTime: return {CurvesPanel::tr("wall time"), QStringLiteral("s"), AxisScale::Linear, false};
    case CurveAxis::Budget: return {CurvesPanel::tr("share of the budget"), QStringLiteral("%"), AxisScale::Linear, false};
    }
    return {};
}

QComboBox* combo(QHBoxLayout* row, const QString& help, int width)
{
    auto* box = new QComboBox;
    box->setToolTip(help);
    box->setAccessibleName(help);
    box->setMinimumWidth(width);
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    row->addWidget(box);
    return box;
}

} // namespace

CurvesPanel::CurvesPanel(QWidget* parent)
    : Panel(QStringLiteral("curves"), tr("Curves"), parent), m_feed(new CurveFeed(this)), m_plot(new LinePlot), m_chips(new LegendChips)
{
    makeControls();
    makeMenu();
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(metric::gapSmall, metric::gapSmall, metric::gapSmall, metric::gapTiny);
    column->setSpacing(metric::gapTiny);
    column->addWidget(m_chips);
    column->addWidget(m_plot, 1);
    setBody(body);

    connect(m_feed, &CurveFeed::changed, this, [this] { draw(); });
    connect(m_plot, &PlotWidget::viewChanged, this, [this](double from, double to) {
        const double steps = stepsPerUnit();
        if (m_plot->isZoomed() && steps > 0)
            m_feed->wantDetail(from * steps, to * steps, m_plot->width());
    });
    connect(m_plot, &PlotWidget::cursorMoved, this, [this](double x) {
        showValues(x);
        Q_EMIT stepHovered(x * stepsPerUnit());
    });
    connect(m_chips, &LegendChips::hovered, m_plot, &LinePlot::highlight);
    connect(m_chips, &LegendChips::toggled, this, [this](const QString& run, bool on) {
        on ? void(m_hidden.erase(idOf(run))) : void(m_hidden.insert(idOf(run)));
        draw();
    });
    connect(m_chips, &LegendChips::soloed, this, [this](const QString& run) {
        m_hidden = runs();
        m_hidden.erase(idOf(run));
        draw();
    });
    CurvesPanel::refresh();
}

void CurvesPanel::makeControls()
{
    m_metric = combo(header(), tr("Metric"), 84);
    m_metric->addItem(tr("loss"), QStringLiteral("loss"));
    m_axis = combo(header(), tr("Horizontal axis"), 78);
    for (const auto& [name, axis] : {std::pair{tr("step"), CurveAxis::Step}, {tr("tokens"), CurveAxis::Tokens}, {tr("compute"), CurveAxis::Compute},
                                     {tr("time"), CurveAxis::WallTime}, {tr("budget"), CurveAxis::Budget}})
        m_axis->addItem(name, int(axis));
    m_which = combo(header(), tr("Which runs"), 112);
    m_which->addItem(tr("this tooth"));
    m_which->addItem(tr("running"));
    m_which->addItem(tr("all runs"));
    m_log = new QToolButton;
    m_log->setText(tr("log"));
    m_log->setCheckable(true);
    m_log->setChecked(true);                      // a run that learns little must not flatten those that learn much
    m_log->setToolTip(tr("Logarithmic vertical axis"));
    header()->addWidget(m_log);
    m_smoothing = new QSlider(Qt::Horizontal);
    m_smoothing->setRange(0, 99);
    m_smoothing->setValue(60);
    m_smoothing->setFixedWidth(64);
    m_smoothing->setAccessibleName(tr("Smoothing"));
    header()->addWidget(m_smoothing);
    const auto help = [this] {
        m_smoothing->setToolTip(tr("Smoothing %1: moving average over all points, the raw line stays faint behind").arg(weight(), 0, 'f', 2));
    };
    help();
    connect(m_smoothing, &QSlider::valueChanged, this, [this, help] {
        help();
        draw();
    });
    connect(m_log, &QToolButton::toggled, this, [this] { draw(); });
    connect(m_metric, &QComboBox::activated, this, [this] { m_log->setChecked(metric() == "loss" || metric() == "gradient-norm"); });
    for (auto* box : {m_metric, m_which})
        connect(box, &QComboBox::activated, this, [this] { ask(); });
    connect(m_axis, &QComboBox::activated, this, [this] { draw(); });
}

void CurvesPanel::makeMenu()
{
    connect(menu()->addAction(tr("Show everything\tHome")), &QAction::triggered, m_plot, &PlotWidget::fit);
    connect(menu()->addAction(tr("Undo zoom\tBackspace")), &QAction::triggered, m_plot, &PlotWidget::undoZoom);
    connect(menu()->addAction(tr("Show hidden runs")), &QAction::triggered, this, [this] {
        m_hidden.clear();
        draw();
    });
    menu()->addSeparator();
    m_plot->addExportActions(menu(), [this] { return figure(); });
}

double CurvesPanel::weight() const { return m_smoothing->value() / 100.0; }
CurveAxis CurvesPanel::axis() const { return CurveAxis(m_axis->currentData().toInt()); }
std::string CurvesPanel::metric() const { return m_metric->currentData().toString().toStdString(); }

bool CurvesPanel::isSettled() const { return m_feed->isSettled(); }

std::set<Id<TrialRecord>> CurvesPanel::runs() const
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot)
        return {};
    std::set<Id<TrialRecord>> wanted = defaultRuns(*snapshot, session()->selection().trial);
    if (m_which->currentIndex() == 0)
        return wanted;
    const bool all = m_which->currentIndex() == 2;
    std::set<Id<TrialRecord>> kept;
    for (const auto& trial : snapshot->trials)
        if (all || trial.state == TrialState::Running || isChampion(trial))
            kept.insert(trial.id);
    return kept;
}

void CurvesPanel::refresh()
{
    m_feed->setSession(session());
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot)
        return showEmpty(tr("Open a lab to see how its runs learn."));
    if (snapshot->trials.empty()) {
        const bool idle = !snapshot->engineRuns;
        return showEmpty(tr("The loss of every run appears here while it trains."), idle ? tr("Start") : QString(),
                         [this] { session()->start(RunLimits{}); });
    }
    ask();
}

void CurvesPanel::ask()
{
    if (!session())
        return;
    m_feed->want(runs(), metric());
    setBusy(!m_feed->isSettled());
    draw();
}

void CurvesPanel::fillMetrics()
{
    for (const auto& name : m_feed->metrics())
        if (m_metric->findData(text(name)) < 0)
            m_metric->addItem(metricAxis(name).title, text(name));
}

bool CurvesPanel::isChampion(const TrialRecord& trial) const
{
    const auto champion = championOf(*session()->snapshot());
    return champion && trial.version && *trial.version == *champion;
}

QString CurvesPanel::nameOf(const TrialRecord& trial) const
{
    const Snapshot& snapshot = *session()->snapshot();
    const ProposalRecord* proposal = snapshot.proposal(trial.proposal);
    const QString what = proposal ? QStringLiteral("#%1 %2").arg(proposal->id.value).arg(text(proposal->operatorName)) : tr("seed model");
    return isChampion(trial) ? tr("champion %1").arg(versionName(snapshot, *trial.version)) : what;
}

PlotLine CurvesPanel::lineOf(const TrialRecord& trial, const Magnitude& magnitude) const
{
    PlotLine line;
    line.key = key(trial.id);
    line.name = nameOf(trial);
    line.slot = isChampion(trial) ? championSlot : int((trial.id.value - 1) % 10'000);
    line.visible = m_hidden.count(trial.id) == 0;
    const RunPoints points = m_feed->points(trial.id);
    const double unit = unitsPerStep(trial, axis()) / magnitude.factor;
    if (!(unit > 0))
        return line;
    for (const double step : points.step)
        line.curve.x.push_back(step * unit);
    line.curve.y = smoothed(points.value, weight(), points.counts);
    if (weight() > 0 || !points.isRaw())
        for (std::size_t i = 0; i < points.step.size(); ++i) {
            line.raw.x.push_back(line.curve.x[i]);
            line.raw.y.push_back(points.counts[i] > 1 ? points.low[i] : points.value[i]);
            if (points.counts[i] > 1) {
                line.raw.x.push_back(line.curve.x[i]);
                line.raw.y.push_back(points.high[i]);
            }
        }
    return line;
}

void CurvesPanel::draw()
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot || snapshot->trials.empty())
        return;
    fillMetrics();
    const auto wanted = runs();
    double longest = 0;
    for (const auto id : wanted)
        if (const TrialRecord* trial = snapshot->trial(id))
            longest = std::max(longest, unitsPerStep(*trial, axis()) * double(trial->steps));
    const bool scaled = axis() == CurveAxis::Tokens || axis() == CurveAxis::Compute;
    const Magnitude magnitude = scaled ? magnitudeFor(longest) : Magnitude{};
    std::vector<PlotLine> lines;
    for (const auto id : wanted)
        if (const TrialRecord* trial = snapshot->trial(id))
            lines.push_back(lineOf(*trial, magnitude));
    const bool any = std::any_of(lines.begin(), lines.end(), [](const PlotLine& line) { return !line.curve.isEmpty(); });
    setBusy(!m_feed->isSettled());
    if (!any && m_feed->isSettled())
        showEmpty(tr("No points of \"%1\" yet; they appear with the first steps of a run.").arg(m_metric->currentText()));
    else
        showBody();
    AxisSpec y = metricAxis(metric());
    y.scale = m_log->isChecked() ? AxisScale::Logarithmic : AxisScale::Linear;
    m_plot->setAxes(xSpec(axis(), magnitude), y);
    m_plot->setMarks(marks(1 / magnitude.factor));
    m_plot->setLines(std::move(lines));
    showChips();
}

std::vector<PlotMark> CurvesPanel::marks(double scale) const
{
    std::vector<PlotMark> marks;
    const Snapshot& snapshot = *session()->snapshot();
    const auto selected = session()->selection().trial;
    for (const auto id : runs()) {
        const TrialRecord* trial = snapshot.trial(id);
        if (!trial || m_hidden.count(id))
            continue;
        const double unit = unitsPerStep(*trial, axis()) * scale;
        if (trial->state == TrialState::Failed && unit > 0 && trial->steps > 0)
            marks.push_back({PlotMark::Kind::At, double(trial->steps) * unit, tr("#%1 failed").arg(trial->proposal.value), State::Rejected});
        const ProposalRecord* proposal = snapshot.proposal(trial->proposal);
        const auto genome = proposal && selected == id ? snapshot.genomes.find(proposal->genome) : snapshot.genomes.end();
        if (genome == snapshot.genomes.end() || !(trial->spent.value > 0) || !(unit > 0))
            continue;
        const auto read = Genome::fromJson(genome->second);
        const double whole = double(trial->steps) * trial->budget.value / trial->spent.value;
        if (read && read->recipe.warmup > 0)
            marks.push_back({PlotMark::Kind::At, whole * read->recipe.warmup * unit, tr("warm-up ends"), State::Inconclusive});
    }
    return marks;
}

void CurvesPanel::showChips()
{
    std::vector<Chip> chips;
    for (const auto& line : m_plot->lines()) {
        const bool none = line.curve.isEmpty();
        const double last = none ? std::numeric_limits<double>::quiet_NaN() : line.curve.y.back();
        Chip chip{line.key, line.name, numberText(last), {}, line.slot, line.visible};
        const auto& shown = line.raw.isEmpty() ? line.curve : line.raw;
        const auto best = std::min_element(shown.y.begin(), shown.y.end());
        chip.help = none ? tr("%1: no points yet").arg(line.name)
                         : tr("%1: last %2, lowest %3 at %4 %5\nClick hides or shows it, double click shows it alone.")
                               .arg(line.name, numberText(shown.y.back()), numberText(*best), m_axis->currentText(),
                                    numberText(shown.x[std::size_t(best - shown.y.begin())], 3));
        chips.push_back(chip);
    }
    // The champion first: everything is compared with it.
    std::stable_partition(chips.begin(), chips.end(), [](const Chip& chip) { return chip.slot < 0; });
    m_chips->setChips(std::move(chips));
}

// Under the cursor, or the last of each run without one.
void CurvesPanel::showValues(double x)
{
    std::map<QString, QString> values;
    for (const auto& [run, value] : m_plot->valuesAt(std::isfinite(x) ? x : 0))
        values[run] = numberText(value);
    if (!std::isfinite(x))
        for (const auto& line : m_plot->lines())
            values[line.key] = numberText(line.curve.isEmpty() ? x : line.curve.y.back());
    m_chips->setValues(values);
}

double CurvesPanel::stepsPerUnit() const
{
    const auto snapshot = session() ? session()->snapshot() : nullptr;
    if (!snapshot)
        return 0;
    for (const auto& line : m_plot->lines()) {
        const TrialRecord* trial = snapshot->trial(idOf(line.key));
        if (!trial || !line.visible || line.curve.isEmpty())
            continue;
        const RunPoints points = m_feed->points(trial->id);
        if (!points.step.empty() && line.curve.x.back() > 0)
            return points.step.back() / line.curve.x.back();
    }
    return 0;
}

void CurvesPanel::setStepCursor(double step)
{
    const double steps = stepsPerUnit();
    m_plot->setCursor(steps > 0 ? step / steps : std::numeric_limits<double>::quiet_NaN());
}

Figure CurvesPanel::figure() const
{
    Figure figure;
    figure.title = tr("%1 over %2").arg(m_metric->currentText(), m_axis->currentText());
    if (session() && session()->snapshot()) {
        const auto& config = session()->snapshot()->config;
        figure.settings = {{QStringLiteral("lab"), QString::fromStdString(session()->paths().root.string())},
                           {QStringLiteral("domain"), text(config.domain)},
                           {QStringLiteral("goal"), text(config.goal)},
                           {QStringLiteral("seed"), QString::number(config.seed)}};
    }
    figure.settings.emplace_back(QStringLiteral("metric"), text(metric()));
    figure.settings.emplace_back(QStringLiteral("smoothing"), QStringLiteral("exponential moving average, weight %1").arg(weight()));
    figure.settings.emplace_back(QStringLiteral("vertical axis"), m_log->isChecked() ? QStringLiteral("logarithmic") : QStringLiteral("linear"));
    return figure;
}

} // namespace ratchet
