// SPDX-License-Identifier: GPL-3.0-or-later
// Champions over deployments and the list of verdicts.
#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>
#include <QTest>

#include "panel_lab.h"
#include "widgets/panels/critic_calibration.h"
#include "widgets/panels/critic_controls.h"
#include "widgets/panels/critic_panel.h"
#include "widgets/panels/critic_signals.h"
#include "widgets/panels/critic_suites.h"
#include "widgets/panels/critic_verdicts.h"
#include "widgets/style/format.h"

using namespace ratchet;

class TestCriticPanel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void scoresFollowTheDeployments()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        const auto lines = championScores(*session->snapshot());
        QCOMPARE(lines.size(), 3U);
        QCOMPARE(lines[0].name, QStringLiteral("addition-3, visible"));
        QCOMPARE(lines[0].curve.x, (std::vector<double>{1}));
        QCOMPARE(lines[0].curve.y, (std::vector<double>{0.44}));
        QCOMPARE(lines[1].name, QStringLiteral("addition-3, hidden"));
        QCOMPARE(lines[1].curve.y, (std::vector<double>{0.44}));       // as champion of both questions
        QVERIFY(lines[1].low.front() > lines[0].low.front());          // 824 hidden items against 200
        QCOMPARE(lines[2].name, QStringLiteral("addition-2, visible"));
        QVERIFY(lines[2].low.empty());
        Snapshot askedAgain = *session->snapshot();                    // what a champion answered in an earlier question counts as well
        askedAgain.earlierScorecards = askedAgain.scorecards;
        std::erase_if(askedAgain.scorecards, [](const ScorecardRecord& card) { return card.split == "gate"; });
        std::erase_if(askedAgain.earlierScorecards, [](const ScorecardRecord& card) { return card.split != "gate"; });
        QCOMPARE(championScores(askedAgain)[1].curve.y, (std::vector<double>{0.44}));
        QCOMPARE(championScores(askedAgain)[1].low, lines[1].low);
        QCOMPARE(askedAgain.scoreOf(askedAgain.deployments.front().version), std::optional(0.44));
        Snapshot ofText = *session->snapshot();
        ofText.measure = Measure::BitsPerByte;
        QCOMPARE(championScores(ofText)[0].curve.y, (std::vector<double>{8 * 0.56}));
        QVERIFY(championScores(ofText)[0].low.empty());
        QVERIFY(championScores(Snapshot()).empty());
    }
    void listsVerdictsNewestFirst()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        CriticPanel panel;
        panel.resize(900, 400);
        panel.setSession(session.get());
        const auto* table = panel.findChild<CriticVerdicts*>()->findChild<QTableWidget*>();
        QCOMPARE(table->rowCount(), 2);
        QCOMPARE(table->item(0, 0)->text(), QStringLiteral("2"));
        QCOMPARE(table->item(0, 3)->text(), QStringLiteral("412 \u2265 132"));
        panel.grab();
    }
    void whatWasPromisedFollowsTheRulesOfEveryQuestion()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot changed = *session->snapshot();
        LabConfig first = changed.config;
        first.alpha = 0.5;
        changed.gate = {{"", gateFigures(first), {1, 2}}, {"", gateFigures(changed.config), {}}};
        CriticVerdicts page;
        const auto says = [&](const Snapshot& snapshot) {
            page.show(snapshot, {});
            for (const QLabel* label : page.findChildren<QLabel*>())
                if (label->text().contains(QStringLiteral("false discovery rate")))
                    return label->text();
            return QString();
        };
        QVERIFY2(says(*session->snapshot()).endsWith(QStringLiteral("rate 0.050")), qPrintable(says(*session->snapshot())));
        QVERIFY2(says(changed).endsWith(QStringLiteral("rate 0.39; changed on the way: 2 judged, then alpha 0.5 -> 0.05")), qPrintable(says(changed)));
    }
    void aTextLabHasNoPercentAndNoIntervalOfShares()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot ofText = *session->snapshot();
        CriticSuites counted, measured;
        Selection challenger;
        challenger.version = PanelLab::hash("reversed");
        counted.show(ofText, challenger);
        ofText.measure = Measure::BitsPerByte;
        measured.show(ofText, challenger);
        const auto row = [](const CriticSuites& page) {
            const auto* table = page.findChild<QTableWidget*>();
            return QStringList{table->horizontalHeaderItem(4)->text(), table->item(0, 4)->text()};
        };
        QCOMPARE(row(counted).front(), QStringLiteral("score, % [95 %]"));
        QVERIFY2(row(counted).back().contains(QLatin1Char('[')), qPrintable(row(counted).back()));
        QCOMPARE(row(measured).front(), QStringLiteral("bits per byte"));
        QVERIFY2(!row(measured).back().contains(QLatin1Char('[')), qPrintable(row(measured).back()));
    }
    void aSignalIsShownOverTimeWithItsAlarm()
    {
        Snapshot snapshot;
        SignalReport useful{"training loss", "A loss.", "It is only shown.", false, {}, {}}, turned{"proxy", "A look.", "When it misleads, none is given up.", true, {}, {}};
        for (int i = 0; i < 80; ++i) {
            const double shown = (i * 37) % 80;
            useful.pairs.push_back({shown, shown});
            turned.pairs.push_back({i < 30 ? shown : -shown, shown});
        }
        for (SignalReport* one : {&useful, &turned})
            one->reliability = reliabilityOf(one->pairs);
        snapshot.signals = {useful, turned};
        CriticSignals page;
        page.show(snapshot, {});
        const auto* table = page.findChild<QTableWidget*>();
        QCOMPARE(table->currentRow(), 1);                // what raises an alarm is what is looked at first
        QVERIFY(table->item(1, 1)->toolTip().contains(QLatin1String("none is given up")));
        QVERIFY(table->item(0, 1)->toolTip().contains(QLatin1String("only shown")));
        const PlotLine& line = page.ranks().lines().front();
        QCOMPARE(line.curve.size(), turned.pairs.size() - Reliability::fewest + 1);
        QCOMPARE(line.low.size(), line.curve.size());
        QVERIFY(line.curve.y[10] > 0.9 && line.high.back() < 0);
        const auto labels = page.findChildren<QLabel*>();
        QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* one) { return one->text().contains(QLatin1String("<b>proxy</b>: It orders candidates the wrong way round")); }));
        page.resize(700, 400);
        page.grab();
    }
    void controlsShowTheNoiseAndTakeAWishBack()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot snapshot = *session->snapshot();
        const Hash champion = championOf(snapshot).value();
        CriticControls page;
        const auto table = [&](const char* name) {
            const auto tables = page.findChildren<QTableWidget*>();
            return *std::find_if(tables.begin(), tables.end(), [&](const QTableWidget* one) { return one->accessibleName() == QLatin1String(name); });
        };
        const auto button = [&](const QString& title) -> QPushButton* {
            for (auto* one : page.findChildren<QPushButton*>())
                if (one->text().startsWith(title))
                    return one;
            return nullptr;
        };
        page.show(snapshot, {});
        QCOMPARE(table("A/A")->rowCount(), 0);
        QVERIFY(button(QStringLiteral("Measure the noise"))->isEnabled());
        QVERIFY(!button(QStringLiteral("Cancel"))->isVisibleTo(&page));

        Replication spread;
        spread.version = spread.reference = champion;
        spread.runs = {{11}, {12}, {13}};
        SuiteSpread suite;
        suite.suite = "addition-3";
        suite.scores = {0.41, 0.44, 0.47};
        suite.score = spreadOf(suite.scores);
        suite.difference = spreadOf({-0.03, 0, 0.03});
        suite.itemSigma = 0.0157;
        suite.discordant = 0.21;
        spread.suites = {suite};
        snapshot.spread = spread;
        snapshot.sights = {{1, 0.02, {0.031, 0.58, 900}, {4e11}, {}}};
        snapshot.asked = {{champion, true, 5, 1000}};
        page.show(snapshot, {});
        QCOMPARE(table("A/A")->item(0, 4)->text(), QStringLiteral("3.0"));
        const auto labels = page.findChildren<QLabel*>();
        const auto says = [&](const char* words) { return std::any_of(labels.begin(), labels.end(), [&](const QLabel* one) { return one->text().contains(QLatin1String(words)); }); };
        QVERIFY(says("the smallest gain seen four times in five is +3.1 pts"));
        QVERIFY(says("Noise of v0: waits for the next start"));
        std::optional<ReplicationWish> taken;
        connect(&page, &CriticControls::withdrawn, this, [&](const ReplicationWish& wish) { taken = wish; });
        button(QStringLiteral("Cancel"))->click();
        QVERIFY(taken && taken->isAbout(snapshot.asked.front()));
        page.resize(700, 400);
        page.grab();
    }
    // Of a table that is full already.
    void controlsFollowWhatChangesInARow()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        Snapshot snapshot = *lab.session()->snapshot();
        CriticControls page;
        const auto cell = [&](const char* name, int column) {
            for (const QTableWidget* one : page.findChildren<QTableWidget*>())
                if (one->accessibleName() == QLatin1String(name))
                    return *one->item(0, column);
            return QTableWidgetItem();
        };
        Replication one;
        one.version = one.reference = championOf(snapshot).value();
        one.runs = {{11}, {12}};
        SuiteSpread suite;
        suite.difference = spreadOf({0.01, 0.03});
        one.suites = {suite};
        snapshot.replications = {one};
        snapshot.placebos.reseeded = {4, 3, 0, 0, 0, 0.7, 0.1};
        page.show(snapshot, {});
        QCOMPARE(cell("Placebos", 3).text(), QStringLiteral("0"));
        QVERIFY(cell("Replications", 1).toolTip().isEmpty());

        snapshot.placebos.reseeded.accepted = 1;
        snapshot.replications.front().failed = 1;
        snapshot.replications.front().nominal = 0.04;
        page.show(snapshot, {});
        QCOMPARE(cell("Placebos", 3).text(), QStringLiteral("1"));
        QCOMPARE(cell("Replications", 2).toolTip(), QStringLiteral("1 failed"));
        QCOMPARE(cell("Replications", 3).text(), QStringLiteral("+4.0"));
    }
    void theRewardModelIsShownBesideTheVersions()
    {
        Snapshot snapshot;
        RewardReport& newest = snapshot.reward.newest;
        newest = rewardReportOf({{0.9, true, "", 0.5}, {0.2, false, "carry", 0.5}, {0.3, false, "digit", 0.5}});
        snapshot.reward.work.resize(1);
        CriticCalibration calibration;
        auto* choice = calibration.findChild<QComboBox*>();
        calibration.show(snapshot, {});
        QCOMPARE(choice->count(), 0);                    // nothing was learnt yet
        snapshot.reward.model = snapshot.reward.work.front();
        calibration.show(snapshot, {});
        QCOMPARE(choice->count(), 1);
        QVERIFY(choice->itemText(0).startsWith(QLatin1String("reward model")));
        calibration.resize(600, 300);
        calibration.grab();
        CriticSignals signalPage;
        snapshot.reward.trust = trustIn(newest, {});
        signalPage.show(snapshot, {});
        const auto labels = signalPage.findChildren<QLabel*>();
        QVERIFY(std::any_of(labels.begin(), labels.end(), [](const QLabel* one) { return one->text().contains(QLatin1String("off. Only 3 answers")); }));
    }
    void anEmptyLabIsHarmless()
    {
        const PanelLab lab(PanelLab::Fill::Empty);
        const auto session = lab.session();
        CriticPanel panel;
        panel.setSession(session.get());
        panel.grab();
        panel.setSession(nullptr);
        panel.grab();
    }
};

QTEST_MAIN(TestCriticPanel)
#include "tst_critic_panel.moc"
