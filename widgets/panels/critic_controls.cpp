// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/critic_controls.h"

#include <cmath>

#include <QHeaderView>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include "widgets/panels/replicate_dialog.h"
#include "widgets/plot/seed_strip.h"
#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

namespace noise {
enum Column { Suite, Seeds, Results, Score, OverSeeds, OfItems, Difference, Differing };
}
namespace back {
enum Column { Version, Change, Seeds, Saw, Came, Share };
}
namespace placebo {
enum Column { Kind, Judged, Able, Accepted, Rate, Promised };
}

// As high as its rows: the page scrolls, not the table.
void fitHeight(QTableWidget* table)
{
    table->setFixedHeight(metric::tableHeader + table->rowCount() * metric::rowHeight + 2);
    table->setVisible(table->rowCount() > 0);
}

QTableWidget* pageTable(const QStringList& headings, int wide, const std::vector<int>& numbers, const QString& name)
{
    QTableWidget* table = factTable(headings, wide, numbers, name);
    table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    table->horizontalHeader()->setFixedHeight(metric::tableHeader);
    return table;
}

QLabel* note()
{
    auto* label = new QLabel;
    label->setWordWrap(true);
    label->setObjectName(QStringLiteral("secondary"));
    return label;
}

QString spreadText(const ScoreFormat& scores, const Spread& spread)
{
    return spread.runs < 2 ? scores.number(spread.mean)
                           : QStringLiteral("%1 %2").arg(scores.number(spread.mean), scores.interval(spread.low, spread.high));
}

QString sightText(const ScoreFormat& scores, const Sight& sight, int items)
{
    if (sight.smallest.gain <= 0)
        return CriticControls::tr("Question %1 (\u03B1 %2): no gain can be seen within %3 items, as equal recipes answer too much %4.")
            .arg(sight.k).arg(sight.alpha, 0, 'g', 2).arg(formatCount(items), scores.countsAnswers() ? CriticControls::tr("alike") : CriticControls::tr("unlike"));
    return CriticControls::tr("Question %1 (\u03B1 %2): the smallest gain seen four times in five is %3, for about %4 of %5 items.")
        .arg(sight.k).arg(sight.alpha, 0, 'g', 2).arg(scores.gain(sight.smallest.gain), formatCount(std::llround(sight.smallest.meanPairs)), formatCount(items));
}

} // namespace

CriticControls::CriticControls(QWidget* parent) : CriticPage(parent)
{
    auto* inside = new QWidget;
    auto* column = new QVBoxLayout(inside);
    column->setContentsMargins(metric::gapSmall, metric::gapSmall, metric::gapSmall, metric::gapSmall);
    column->setSpacing(metric::gapSmall);
    const auto heading = [&](const QString& title, QPushButton* button) {
        auto* label = new QLabel(title);
        label->setFont(strongFont(metric::secondary));
        auto* row = new QHBoxLayout;
        row->addWidget(label, 1);
        if (button)
            row->addWidget(button);
        column->addLayout(row);
        return label;
    };

    m_progress = new QWidget;
    m_doing = new QLabel;
    m_bar = new QProgressBar;
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(metric::gapTiny);
    auto* cancel = new QPushButton(tr("Cancel"));
    cancel->setToolTip(tr("What runs is stopped; what was trained stays and counts the next time"));
    auto* row = new QHBoxLayout(m_progress);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(m_doing);
    row->addWidget(m_bar, 1);
    row->addWidget(cancel);
    column->addWidget(m_progress);

    m_measure = new QPushButton(tr("Measure the noise\u2026"));
    m_noiseTitle = heading(tr("A/A"), m_measure);
    m_noise = pageTable({tr("suite"), tr("seeds"), tr("results"), tr("score"), tr("\u03C3 seeds"), tr("\u03C3 items"), tr("difference [95 %]"), tr("differ")},
                        noise::Results, {noise::Seeds, noise::Score, noise::OverSeeds, noise::OfItems, noise::Difference, noise::Differing}, tr("A/A"));
    column->addWidget(m_noise);
    column->addWidget(m_sight = note());

    m_replicate = new QPushButton(tr("Replicate\u2026"));
    heading(tr("What comes back of a gain"), m_replicate);
    m_replications = pageTable({tr("version"), tr("change"), tr("seeds"), tr("the gate saw"), tr("came back [95 %]"), tr("of it")}, back::Change,
                               {back::Seeds, back::Saw, back::Came, back::Share}, tr("Replications"));
    column->addWidget(m_replications);
    column->addWidget(m_replicationsNote = note());

    heading(tr("Placebos, which no gate should accept"), nullptr);
    m_placebos = pageTable({tr("placebo"), tr("judged"), tr("could be"), tr("accepted"), tr("false accepts [95 %]"), tr("promised")}, placebo::Kind,
                           {placebo::Judged, placebo::Able, placebo::Accepted, placebo::Rate, placebo::Promised}, tr("Placebos"));
    column->addWidget(m_placebos);
    column->addWidget(m_placebosNote = note());
    column->addStretch(1);

    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidget(inside);
    auto* whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(scroll);
    connect(m_measure, &QPushButton::clicked, this, &CriticControls::noiseWanted);
    connect(m_replicate, &QPushButton::clicked, this, &CriticControls::replicationWanted);
    connect(cancel, &QPushButton::clicked, this, [this] {
        if (m_waitsFor)
            Q_EMIT withdrawn(*m_waitsFor);
    });
}

void CriticControls::show(const Snapshot& snapshot, const Selection& selection)
{
    showProgress(snapshot);
    // A loop that runs tells four times a second: only what is new is worth a table.
    Shown shown{tokens(this).text.rgb(), snapshot.versions.size(), snapshot.spread, snapshot.sights, snapshot.replications, snapshot.placebos};
    if (shown != m_shown) {
        m_shown = std::move(shown);
        showNoise(snapshot);
        showReplications(snapshot);
        showPlacebos(snapshot);
    }
    m_measure->setEnabled(hasRecipe(snapshot, championOf(snapshot)));
    const auto replicated = selection.version ? selection.version : championOf(snapshot);
    m_replicate->setEnabled(hasRecipe(snapshot, replicated));
    m_replicate->setText(replicated ? tr("Replicate %1\u2026").arg(versionName(snapshot, *replicated)) : tr("Replicate\u2026"));
}

// What is left out of a narrow table is seen in the others: a dot is a seed.
void CriticControls::resizeEvent(QResizeEvent* event)
{
    CriticPage::resizeEvent(event);
    m_noise->setColumnHidden(noise::Seeds, width() < 640);
    m_noise->setColumnHidden(noise::Differing, width() < 640);
}

void CriticControls::showProgress(const Snapshot& snapshot)
{
    m_waitsFor = snapshot.asked.empty() ? std::nullopt : std::optional(snapshot.asked.front());
    const VersionRecord* version = m_waitsFor ? snapshot.version(m_waitsFor->version) : nullptr;
    m_progress->setVisible(version != nullptr);
    if (!version)
        return;
    int trained = 0;
    double running = 0;
    for (const ProposalRecord& proposal : snapshot.proposals) {
        if (!replicates(proposal, *version) || isLost(proposal))
            continue;
        const TrialRecord* trial = snapshot.trialOf(proposal.id);
        trained += trial && trial->version.has_value();
        for (const auto& job : snapshot.status.running)
            if (snapshot.engineRuns && job.proposal == proposal.id && !(trial && trial->version))
                running += job.fraction;
    }
    const QString what = m_waitsFor->besideItself ? tr("Noise of %1") : tr("Replication of %1");
    const QString how = !snapshot.engineRuns ? tr("waits for the next start") : trained < m_waitsFor->seeds ? tr("%1 of %2 trained").arg(trained).arg(m_waitsFor->seeds) : tr("measuring");
    m_doing->setText(QStringLiteral("%1: %2").arg(what.arg(versionName(snapshot, version->hash)), how));
    m_bar->setRange(0, 100 * m_waitsFor->seeds);
    m_bar->setValue(std::min(m_bar->maximum(), int(std::lround(100 * (trained + running)))));
}

void CriticControls::showNoise(const Snapshot& snapshot)
{
    const ScoreFormat scores(snapshot);
    const auto& spread = snapshot.spread;
    m_noiseTitle->setText(spread ? tr("Champion %1 trained again with %2 other seeds; differences in %3").arg(versionName(snapshot, spread->version)).arg(spread->runs.size()).arg(scores.unit())
                                 : tr("Noise of the champion's recipe"));
    m_noise->setRowCount(spread ? int(spread->suites.size()) : 0);
    for (int at = 0; at < m_noise->rowCount(); ++at) {
        const SuiteSpread& suite = spread->suites[std::size_t(at)];
        m_noise->setItem(at, noise::Suite, factCell(text(suite.suite), {}, Qt::AlignLeft));
        m_noise->setItem(at, noise::Seeds, factCell(QString::number(suite.score.runs), {}));
        const bool known = scores.countsAnswers() || suite.differenceDeviation;      // older cards of likelihoods did not keep it
        auto* strip = new SeedStrip(suite.scores, known ? suite.itemSigma : 0);
        strip->setToolTip(tr("A dot is a seed. Grey: where the draw of items alone would keep 95 of 100 results. A dot outside is the luck of its seed."));
        m_noise->setCellWidget(at, noise::Results, strip);
        m_noise->setItem(at, noise::Score, factCell(scores.score(suite.score.mean), {}));
        m_noise->setItem(at, noise::OverSeeds, factCell(scores.deviation(suite.score.sigma), tr("Standard deviation; a gain below twice of it may be the luck of one seed.")));
        m_noise->setItem(at, noise::OfItems, factCell(known ? scores.deviation(suite.itemSigma) : QStringLiteral("\u2013"),
                                                      tr("What the draw of items alone would bring about.")));
        m_noise->setItem(at, noise::Difference, factCell(spreadText(scores, suite.difference), tr("Against the champion on the same items.")));
        m_noise->setItem(at, noise::Differing, factCell(scores.countsAnswers() ? formatShare(suite.discordant) : QStringLiteral("\u2013"), tr("Items on which a result and the champion differ.")));
    }
    fitHeight(m_noise);
    QStringList sentences;
    if (!spread)
        sentences << tr("Not measured: how far equal recipes lie apart, and so how small a gain the gate can see, is not known.");
    for (const Sight& sight : snapshot.sights)
        sentences << sightText(scores, sight, snapshot.config.gateItems);
    m_sight->setText(sentences.join(QLatin1Char('\n')));
}

void CriticControls::showReplications(const Snapshot& snapshot)
{
    const ScoreFormat scores(snapshot);
    m_replications->setRowCount(int(snapshot.replications.size()));
    for (int at = 0; at < m_replications->rowCount(); ++at) {
        const Replication& one = snapshot.replications[std::size_t(at)];
        const SuiteSpread& target = one.suites.front();
        const auto share = one.share();
        const QString none = QStringLiteral("\u2013");
        m_replications->setItem(at, back::Version, factCell(versionName(snapshot, one.version), tr("Against %1").arg(versionName(snapshot, one.reference)), Qt::AlignLeft));
        m_replications->setItem(at, back::Change, factCell(one.change.empty() ? tr("seed model") : text(one.change), {}, Qt::AlignLeft));
        m_replications->setItem(at, back::Seeds, factCell(QString::number(target.difference.runs), one.failed > 0 ? tr("%1 failed").arg(one.failed) : QString()));
        m_replications->setItem(at, back::Saw, factCell(one.nominal ? scores.number(*one.nominal) : none, tr("Gain on the target suite when it was judged.")));
        m_replications->setItem(at, back::Came, factCell(spreadText(scores, target.difference), tr("Mean gain of other seeds, with Student's 95 % interval.")));
        m_replications->setItem(at, back::Share, factCell(share ? QStringLiteral("%1 %").arg(std::lround(100 * share->mean)) : none, {}));
    }
    fitHeight(m_replications);
    m_replicationsNote->setText(tr("No version was replicated: a gain that one seed showed may be the luck of that seed."));
    m_replicationsNote->setVisible(m_replications->rowCount() == 0);
}

void CriticControls::showPlacebos(const Snapshot& snapshot)
{
    const PlaceboCount& count = snapshot.placebos;
    const QString none = QStringLiteral("\u2013");
    struct Row { QString kind, help; const PlaceboKind& of; };
    std::vector<Row> rows;
    if (count.jittered.judged > 0)
        rows.push_back({tr("weights moved a little"), tr("Many answers change, hardly ever more for the better than for the worse: what is accepted is a false accept."),
                        count.jittered});
    if (count.reseeded.judged > 0)
        rows.push_back({tr("champion's recipe, another seed"), tr("May be a better model, by luck of the seed: counted is who was no better on 200 other items either, which is a hint: 200 items err both ways."),
                        count.reseeded});
    m_placebos->setRowCount(int(rows.size()));
    for (int at = 0; at < m_placebos->rowCount(); ++at) {
        const Row& row = rows[std::size_t(at)];
        m_placebos->setItem(at, placebo::Kind, factCell(row.kind, row.help, Qt::AlignLeft));
        m_placebos->setItem(at, placebo::Judged, factCell(QString::number(row.of.judged), {}));
        m_placebos->setItem(at, placebo::Able, factCell(QString::number(row.of.able), tr("Whose answers differed often enough: had all gone their way, the gate had accepted.")));
        m_placebos->setItem(at, placebo::Accepted, factCell(QString::number(row.of.accepted), {}));
        m_placebos->setItem(at, placebo::Rate, factCell(row.of.able > 0 ? formatShare(double(row.of.refuted) / row.of.able, row.of.low, row.of.high) : none,
                                                        tr("Of those that could have been accepted; exact interval (Clopper and Pearson).")));
        m_placebos->setItem(at, placebo::Promised, factCell(formatFixed(row.of.promised, 2), tr("The sum of the \u03B1 of their questions; fewer were accepted in simulations.")));
    }
    fitHeight(m_placebos);
    QStringList sentences;
    if (rows.empty())
        sentences << tr("None was judged. A lab that is made with placebos tests its own gate unseen.");
    if (count.identical > 0)
        sentences << tr("The champion itself was judged %1 times and answered otherwise %2 times.").arg(count.identical).arg(count.differing);
    m_placebosNote->setText(sentences.join(QLatin1Char(' ')));
    m_placebosNote->setVisible(!sentences.isEmpty());
}

} // namespace ratchet
