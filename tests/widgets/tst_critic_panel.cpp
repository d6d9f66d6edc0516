// SPDX-License-Identifier: GPL-3.0-or-later
// Champions over deployments and the list of verdicts.
#include <QComboBox>
#include <QLabel>
#include <QTableWidget>
#include <QTest>

#include "panel_lab.h"
#include "widgets/panels/critic_calibration.h"
#include "widgets/panels/critic_panel.h"
#include "widgets/panels/critic_signals.h"

using namespace ratchet;

class TestCriticPanel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void scoresFollowTheDeployments()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        const auto lines = championScores(*session->snapshot());
        QCOMPARE(lines.size(), 2U);
        QCOMPARE(lines[1].name, QStringLiteral("addition-3"));
        QCOMPARE(lines[1].curve.x, (std::vector<double>{1}));
        QCOMPARE(lines[1].curve.y, (std::vector<double>{0.44}));
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
