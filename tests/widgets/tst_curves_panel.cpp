// SPDX-License-Identifier: GPL-3.0-or-later
// The curves panel and its feed over a real lab folder.
#include <QComboBox>
#include <QSignalSpy>
#include <QTest>

#include "panel_lab.h"
#include "widgets/panels/curves_panel.h"

using namespace ratchet;

namespace {

const PlotLine* lineOf(const CurvesPanel& panel, std::int64_t trial)
{
    for (const auto& line : panel.plot().lines())
        if (line.key == QString::number(trial))
            return &line;
    return nullptr;
}

} // namespace

class TestCurvesPanel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void saysWhatWillAppear()
    {
        CurvesPanel panel;
        panel.grab();
        const PanelLab lab(PanelLab::Fill::Empty);
        const auto session = lab.session();
        panel.setSession(session.get());
        QVERIFY(panel.isSettled());
        panel.grab();
        QVERIFY(panel.plot().lines().empty());
    }
    void showsTheToothAgainstTheChampion()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        CurvesPanel panel;
        panel.resize(900, 500);
        panel.setSession(session.get());
        QTRY_VERIFY(panel.isSettled() && !panel.plot().lines().empty());
        QCOMPARE(panel.plot().lines().size(), 4U);
        const PlotLine* champion = lineOf(panel, 1);
        QVERIFY(champion);
        QCOMPARE(champion->slot, championSlot);
        QCOMPARE(champion->curve.size(), 2000U);
        QCOMPARE(lineOf(panel, 2)->curve.size(), 1200U);
        panel.grab();
    }
    void newPointsArriveWithoutMovingAZoomedView()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        CurvesPanel panel;
        panel.resize(900, 500);
        panel.setSession(session.get());
        QTRY_VERIFY(panel.isSettled() && lineOf(panel, 2) && lineOf(panel, 2)->curve.size() == 1200);
        const_cast<LinePlot&>(panel.plot()).zoomTo(100, 200);
        const auto before = panel.plot().xRange();
        auto store = lab.store();
        QVERIFY(store->addPoints({2}, "loss", {{1200, 9.0}, {1201, 9.0}}));
        QTRY_VERIFY_WITH_TIMEOUT(lineOf(panel, 2)->curve.size() == 1202, 8000);
        QCOMPARE(panel.plot().xRange(), before);
    }
    void coloursStayWithTheRun()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        CurvesPanel panel;
        panel.setSession(session.get());
        QTRY_VERIFY(panel.isSettled() && lineOf(panel, 3));
        const int slot = lineOf(panel, 3)->slot;
        session->selectProposal(PanelLab::waiting);
        QTRY_VERIFY(panel.isSettled() && lineOf(panel, 3));
        QCOMPARE(lineOf(panel, 3)->slot, slot);
    }
    void aTrialThatIsNotThereIsHarmless()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        CurvesPanel panel;
        panel.setSession(session.get());
        Selection selection;
        selection.trial = Id<TrialRecord>{999};
        session->select(selection);
        QTRY_VERIFY(panel.isSettled());
        panel.setStepCursor(5);
        panel.setStepCursor(std::nan(""));
        panel.setSession(nullptr);
        panel.grab();
    }
    void axesNeedTotals_data()
    {
        QTest::addColumn<int>("axis");
        QTest::addColumn<double>("expected");
        QTest::addRow("steps are steps") << int(CurveAxis::Step) << 1.0;
        QTest::addRow("tokens of a step") << int(CurveAxis::Tokens) << 200.0;
        QTest::addRow("compute of a step") << int(CurveAxis::Compute) << 1e9;
        QTest::addRow("seconds of a step") << int(CurveAxis::WallTime) << 0.02;
        QTest::addRow("percent of the budget of a step") << int(CurveAxis::Budget) << 0.25;
    }
    void axesNeedTotals()
    {
        QFETCH(int, axis);
        QFETCH(double, expected);
        TrialRecord trial;
        QCOMPARE(unitsPerStep(trial, CurveAxis(axis)), axis == int(CurveAxis::Step) ? 1.0 : 0.0);
        trial.steps = 100;
        trial.tokens = 20'000;
        trial.spent = {1e11};
        trial.budget = {4e11};
        trial.wall = std::chrono::seconds(2);
        QCOMPARE(unitsPerStep(trial, CurveAxis(axis)), expected);
    }
    void finerPointsReplaceCoarseOnes()
    {
        RunPoints coarse, fine;
        for (const std::int64_t step : {0, 16, 32, 48})
            coarse.append({step, 16, 1, 3, 2, 16});
        for (const std::int64_t step : {16, 20, 24, 28})
            fine.append({step, 1, 2, 2, 2, 1});
        QVERIFY(!coarse.isRaw());
        const RunPoints both = coarse.with(fine, 16, 31);
        QCOMPARE(both.step, (std::vector<double>{0, 16, 20, 24, 28, 32, 48}));
        QVERIFY(std::is_sorted(both.step.begin(), both.step.end()));
    }
};

QTEST_MAIN(TestCurvesPanel)
#include "tst_curves_panel.moc"
